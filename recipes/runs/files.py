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
# Folder of the checkpoints of a training that goes on, or was stopped.
CHECKPOINTS = "checkpoints"
# Results, which `evaluate` makes anew where they are missing.
PICTURES = (
    "learning_curves.png",
    "record.png",
    "report.png",
    "predictions.png",
    "confusion_matrix.png",
    "greatest_losses.png",
)
# Whatever a run writes into its folder.
ALL = (
    MODEL,
    RECIPE,
    VERSIONS,
    HISTORY,
    RECORD,
    RECORD_TABLE,
    ROWS,
    REPORT,
    REPORT_TEXT,
    PREDICTIONS,
    CHECKPOINTS,
    *PICTURES,
)
