"""Names of the files in a run folder, which those that write and those that read them share."""

from recipes.models.saved import MODEL as MODEL

RECIPE = "recipe.yaml"
VERSIONS = "versions.json"
HISTORY = "history.csv"
RECORD = "record.npz"
RECORD_TABLE = "record.csv"
ROWS = "rows.npz"
REPORT = "report.json"
REPORT_TEXT = "report.txt"
PREDICTIONS = "predictions.npz"
