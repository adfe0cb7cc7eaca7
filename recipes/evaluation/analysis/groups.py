"""The score of each value of each column of categories, so that a group that is served badly is seen."""

import numpy as np

from recipes.data.preparation import TablePreparation
from recipes.evaluation.analysis.table_columns import category_text
from recipes.metrics import wilson
from recipes.metrics.classes.intervals import quantile

FEWEST_ROWS = 10
MOST_GROUPS = 50
_CONFIDENCE = 0.95


def group_scores(
    x: np.ndarray, targets: np.ndarray, predicted: np.ndarray, preparation: TablePreparation, task: str
) -> list[dict]:
    """Score of each category with at least 10 rows, the worst first, at most 50.

    Args:
        x: Raw rows `(rows, columns)`.
        targets: Class numbers or numbers, `(rows,)`.
        predicted: Predicted classes or numbers, `(rows,)`.
        preparation: Preparation of the rows, which knows the categories.
        task: `"classification"` or `"regression"`.

    Returns:
        `column`, `value`, `rows`, `score` (accuracy; mean absolute error of a regression) and its 95 % `interval`.
    """
    is_regression = task == "regression"
    if is_regression:
        of_row = np.abs(predicted.astype(np.float64) - targets)
    else:
        of_row = (predicted == targets).astype(np.float64)
    found = []
    for column, name in enumerate(preparation.feature_names):
        categories = preparation.vocabularies.get(name)
        if not categories:
            continue
        codes = np.asarray(x[:, column]).astype(np.intp)
        rows = np.bincount(codes, minlength=len(categories) + 1)
        sums, squares = (np.bincount(codes, of_row**power, len(rows)) for power in (1, 2))
        for code in np.flatnonzero(rows >= FEWEST_ROWS).tolist():
            count, score = int(rows[code]), sums[code] / rows[code]
            low, high = _of_mean(score, squares[code], count) if is_regression else wilson(score, count, _CONFIDENCE)
            found.append(
                {
                    "column": name,
                    "value": category_text(categories, code),
                    "rows": count,
                    "score": float(score),
                    "interval": [float(low), float(high)],
                }
            )
    found.sort(key=lambda group: -group["score"] if is_regression else group["score"])
    return found[:MOST_GROUPS]


def _of_mean(mean: float, squares: float, rows: int) -> tuple[float, float]:
    """Interval of a mean of numbers of at least 0, from their sum of squares."""
    variance = max(0.0, squares / rows - mean**2) * rows / (rows - 1)
    reach = quantile(_CONFIDENCE) * np.sqrt(variance / rows)
    return max(0.0, mean - reach), mean + reach
