"""Centre and spread of the columns of a table: mean and standard deviation, or median and quartiles."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recipes.data.preparation.preparation import LEAST_SCALE
from recipes.data.store import MOST_IN_MEMORY, chunks_of

# Number of rows from which quartiles are computed. The share of the rows below such a quartile is exact to 0.14 %
# (standard error).
MOST_ROWS_OF_QUANTILES = 100_000
FEWEST_ROWS_OF_QUANTILES = 1_000


@dataclass(frozen=True, eq=False)
class Columns:
    """Statistics of the columns of the training rows, `(columns,)` each.

    Attributes:
        center: Mean or median; 0 for a column without values.
        scale: Standard deviation or spread of the quartiles; 0 for a constant column.
        missing: Number of missing values.
        varies: Whether there are different values.
    """

    center: np.ndarray
    scale: np.ndarray
    missing: np.ndarray
    varies: np.ndarray


def columns_of(x: np.ndarray, scaling: str, with_derived: Callable[[np.ndarray], np.ndarray]) -> Columns:
    """Statistics of the columns of `x` and of those that are derived from them.

    Mean, deviation and range are computed from all rows, chunk by chunk and in float64, because rows may be many and
    offsets large. Quartiles are computed from all rows if there are at most `MOST_ROWS_OF_QUANTILES`, and otherwise
    from so many of them, drawn at random with a fixed seed; from fewer where these would take more memory than an array
    of rows may (`recipes.data.store.MOST_IN_MEMORY`).

    Args:
        x: Rows `(rows, columns)`, NaN where a number is missing.
        scaling: `"standard"` for mean and standard deviation; `"robust"` for the median and the difference of the upper
            and the lower quartile, or, where that is 0, half of the range (Holzmüller et al. 2024, arXiv:2407.04491).
        with_derived: Function from rows to these rows with the derived columns appended.
    """
    width = with_derived(x[:1]).shape[1]
    missing, total = np.zeros(width, np.int64), np.zeros(width)
    least, most = np.full(width, np.inf), np.full(width, -np.inf)
    for rows in map(with_derived, chunks_of(x)):
        gaps = np.isnan(rows)
        missing += gaps.sum(axis=0)
        total += np.where(gaps, 0.0, rows).sum(axis=0, dtype=np.float64)
        least = np.minimum(least, np.where(gaps, np.inf, rows).min(axis=0))
        most = np.maximum(most, np.where(gaps, -np.inf, rows).max(axis=0))
    # Not by the deviation: rounding may leave a tiny one to a constant column.
    varies = least < most
    count = np.maximum(1, len(x) - missing)
    center = total / count
    if scaling == "robust":
        center, scale = _quartiles(with_derived(_sample(x)), center, np.where(varies, most / 2 - least / 2, 0.0))
    else:
        squares = np.zeros(width)
        for rows in map(with_derived, chunks_of(x)):
            squares += np.square(np.where(np.isnan(rows), center, rows) - center).sum(axis=0)
        scale = np.sqrt(squares / count)
    return Columns(center, np.where(varies, scale, 0.0), missing, varies)


def _sample(x: np.ndarray) -> np.ndarray:
    """Rows of `x` `(sample, columns)`, drawn at random without replacement; all of them if there are not too many."""
    most = MOST_IN_MEMORY // max(1, x[:1].nbytes)
    most = max(FEWEST_ROWS_OF_QUANTILES, min(MOST_ROWS_OF_QUANTILES, most))
    if len(x) <= most:
        return np.asarray(x)
    # In their order on disk, where reading them at random would take longest.
    return np.asarray(x)[np.sort(np.random.default_rng(0).choice(len(x), most, replace=False, shuffle=False))]


def _quartiles(rows: np.ndarray, mean: np.ndarray, half_range: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and spread of each column; a column without values in the sample has its mean instead."""
    median, spread = mean.copy(), half_range.copy()
    for column in range(rows.shape[1]):  # one by one, because sorting copies
        values = rows[:, column]
        values = values[~np.isnan(values)].astype(np.float64)
        if len(values):
            low, median[column], high = np.quantile(values, (0.25, 0.5, 0.75))
            if high - low >= LEAST_SCALE:
                spread[column] = high - low
    return median, spread
