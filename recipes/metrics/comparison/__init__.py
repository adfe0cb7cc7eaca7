"""Models that were evaluated on the same rows."""
