"""Small checks and conversions of what users hand in, for any room."""
