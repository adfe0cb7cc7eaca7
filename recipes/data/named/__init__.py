"""Data sets that are known by a name."""
