"""Reports on regressions."""
