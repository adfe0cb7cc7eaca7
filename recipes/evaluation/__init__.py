"""A trained model and rows in any form: reports, predictions, comparisons."""
