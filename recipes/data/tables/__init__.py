"""Tables in files and frames: reading them, detecting their schema, and encoding them as matrices."""
