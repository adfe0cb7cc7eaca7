"""Reports on classifiers: decisions, probabilities and rankings."""
