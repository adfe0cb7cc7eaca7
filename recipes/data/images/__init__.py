"""Images in files and folders, and as arrays."""
