"""Names of the files in a run folder, which those that write and those that read them share."""

from recipes.disk.manifest import MANIFEST as MANIFEST

MODEL = "model.keras"  # as in recipes.models.saved, which loads Keras
RECIPE = "recipe.yaml"
VERSIONS = "versions.json"
HISTORY = "history.csv"
RECORD = "record.npz"
RECORD_TABLE = "record.csv"
ROWS = "rows.npz"
REPORT = "report.json"
REPORT_TEXT = "report.txt"
PREDICTIONS = "predictions.npz"
# Thumbnails of the test rows of greatest loss; what else is known of them is in the report.
EXAMPLES = "examples.npz"
PAGE = "report.html"
# Folder of the checkpoints of a training that goes on, or was stopped; hidden, as users may have one of that name.
CHECKPOINTS = ".checkpoints"
PICTURES = (
    "learning_curves.png",
    "record.png",
    "report.png",
    "predictions.png",
    "confusion_matrix.png",
    "greatest_losses.png",
)
MODEL_CARD = "MODEL_CARD.md"
# Where the time of the training went, for a viewer of traces.
TRACE = "trace.json"
DIAGNOSIS = "diagnosis.json"
DIAGNOSIS_PICTURE = "diagnosis.png"
# What `train` and `diagnose` write about a run.
DIAGNOSES = (DIAGNOSIS, DIAGNOSIS_PICTURE)
# What `evaluate` makes where it is missing; `versions.json` says what is.
RESULTS = (VERSIONS, REPORT, REPORT_TEXT, PREDICTIONS, EXAMPLES, *PICTURES, PAGE, MODEL_CARD)
# Whatever a run writes into its folder.
ALL = (
    MANIFEST,
    MODEL,
    RECIPE,
    HISTORY,
    RECORD,
    RECORD_TABLE,
    ROWS,
    CHECKPOINTS,
    TRACE,
    *DIAGNOSES,
    *RESULTS,
)
