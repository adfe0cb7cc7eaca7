"""The test rows with the greatest losses, as a person can look at them."""

import numpy as np

from recipes.data.preparation import ImagePreparation, Preparation, TablePreparation
from recipes.evaluation.analysis.table_columns import used_columns, value_text
from recipes.metrics import ClassificationReport, RegressionReport
from recipes.plots.greatest_losses import as_images, value_range

MOST = 12
MOST_COLUMNS = 50
# Largest side of a thumbnail in pixels.
_LARGEST_SIDE = 96


def examples_of(
    report: ClassificationReport | RegressionReport, x: np.ndarray, preparation: Preparation, suspect: np.ndarray | None
) -> list[dict]:
    """The rows with the greatest losses, the greatest first, at most 12.

    Args:
        report: Report on the test rows; of a classifier, with probabilities.
        x: Raw test rows.
        preparation: Preparation of the rows.
        suspect: Mask of those of `rows_of(report)` whose label is suspect; `None` for a regression.

    Returns:
        `row` (counted from 0), `label`, `predicted`, `probability` (that of the label; `None` for a regression), `loss`
        (log loss; absolute error of a regression), `is_suspect`, and `values`, the texts of the first 50 columns that
        take part by their names; `None` for images and sequences.
    """
    columns = used_columns(preparation)[:MOST_COLUMNS] if isinstance(preparation, TablePreparation) else None
    found = []
    for number, facts in enumerate(_facts(report)):
        values = None
        if columns is not None:
            row, names = np.asarray(x[facts["row"]]), preparation.feature_names
            values = {names[column]: value_text(preparation, column, row[column]) for column in columns}
        found.append({**facts, "is_suspect": bool(suspect is not None and suspect[number]), "values": values})
    return found


def rows_of(report: ClassificationReport | RegressionReport) -> list[int]:
    """Numbers of the rows of `examples_of`."""
    return [facts["row"] for facts in _facts(report)]


def thumbnails(x: np.ndarray, rows: list[int], preparation: Preparation) -> np.ndarray | None:
    """Images of rows, uint8 `(rows, height, width)` or `(rows, height, width, channels)`; `None` for other data.

    Args:
        x: Raw rows.
        rows: Numbers of the rows.
        preparation: Preparation of the rows.
    """
    if not isinstance(preparation, ImagePreparation) or not rows:
        return None
    images = as_images(x, rows)
    if images[0].ndim == 3 and images[0].shape[2] not in (3, 4):  # with two channels, or many
        return None
    low, high = value_range(images)
    return np.stack([np.rint(255 * (_reduced(image) - low) / (high - low)).astype(np.uint8) for image in images])


def _reduced(image: np.ndarray) -> np.ndarray:
    """An image with sides of at most 96 pixels, each the mean of a square."""
    step = -(-max(image.shape[:2]) // _LARGEST_SIDE)
    if step == 1:
        return image
    height, width = (max(1, side // step) for side in image.shape[:2])
    rows, columns = (min(step, side) for side in image.shape[:2])
    pieces = image[: height * rows, : width * columns].reshape(height, rows, width, columns, *image.shape[2:])
    return pieces.mean(axis=(1, 3))


def _facts(report: ClassificationReport | RegressionReport) -> list[dict]:
    if isinstance(report, RegressionReport):
        return [
            {
                "row": row["row"],
                "label": row["target"],
                "predicted": row["predicted"],
                "probability": None,
                "loss": abs(row["error"]),
            }
            for row in report.worst[:MOST]
        ]
    return [
        {
            "row": row.row,
            "label": row.true,
            "predicted": row.predicted,
            "probability": row.probability,
            "loss": row.loss,
        }
        for row in report.probabilities.greatest_losses[:MOST]
    ]
