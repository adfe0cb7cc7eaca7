"""Confidence intervals for proportions, and for any score of a confusion matrix."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from recipes.arguments.numbers import require_between
from recipes.metrics.classes.decision_scores import Margins

REPLICATES = 1000
FEWEST_REPLICATES = 200
# Cells times replicates: beyond that, a thousand replicates of a thousand classes would take minutes.
MOST_DRAWS = 20_000_000


def quantile(confidence: float) -> float:
    """Number of standard deviations to each side that contain a share of `confidence` of a normal distribution."""
    require_between("confidence", confidence, 0, 1)
    return NormalDist().inv_cdf(0.5 + float(confidence) / 2)


def wilson(share, rows, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a proportion (Wilson 1927), which keeps its coverage near 0 and 1 and for few rows.

    Args:
        share: Proportion of the rows, of any shape.
        rows: Number of rows; of weighted rows, the effective number.
        confidence: Confidence level, between 0 and 1.

    Returns:
        Lower and upper bounds; NaN where there are no rows.

    >>> low, high = wilson(1.0, 10)
    >>> round(float(low), 4), float(high)
    (0.7225, 1.0)
    """
    share, rows = np.broadcast_arrays(np.asarray(share, float), np.asarray(rows, float))
    rows = np.where(rows > 0, rows, np.nan)
    z = quantile(confidence)
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    # Exactly 0 and 1 are bounds of their own intervals, whatever the rounding.
    low, high = np.maximum(np.minimum(centre - half, share), 0), np.minimum(np.maximum(centre + half, share), 1)
    return low, high


def wilson_of_f1(score, rows, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the F1 of a class, which is 2 J / (1 + J) with the proportion J = hits / (hits + errors).

    J is a proportion of `rows`, those of the class or predicted as it: so the interval of J, mapped, is one of F1.
    Unlike resampling it has a width where no errors occurred.
    """
    share = np.asarray(score, float) / (2 - np.asarray(score, float))
    low, high = wilson(share, rows, confidence)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def bootstrap(
    matrix: np.ndarray,
    scores: dict[str, Callable[[Margins], np.ndarray]],
    confidence: float = 0.95,
    rows: int | None = None,
    replicates: int | None = None,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Intervals of scores by resampling: as many rows are drawn repeatedly from the cells of the matrix.

    The percentiles of the draws are corrected by the bias of their mean: with a few rows for each class, draws miss
    some classes, and their F1 lies to one side of that of the matrix itself.

    Args:
        matrix: Counts or weights `(classes, classes)`.
        scores: Functions of `Margins`, by name.
        confidence: Confidence level, between 0 and 1.
        rows: Number of rows in each draw; of weighted rows, the effective number. Default: the number counted.
        replicates: Number of draws. Default: 1,000; beyond 20,000 cells that occur, fewer, but at least 200.
        seed: Seed of the draws.

    Returns:
        Lower and upper bounds, by name; NaN where all draws give the same score.
    """
    require_between("confidence", confidence, 0, 1)
    actual, predicted = np.nonzero(matrix)
    if len(actual) < 2 or (actual == predicted).all():  # draws of right rows only would promise too much
        return dict.fromkeys(scores, (np.nan, np.nan))
    cells = matrix[actual, predicted] / matrix.sum()
    rows = int(matrix.sum()) if rows is None else max(1, rows)
    if replicates is None:
        replicates = int(np.clip(MOST_DRAWS // len(cells), FEWEST_REPLICATES, REPLICATES))
    generator, at_once = np.random.default_rng(seed), max(1, 1_000_000 // (len(cells) + 3 * len(matrix)))
    drawn = {name: [] for name in scores}
    for start in range(0, replicates, at_once):
        counts = generator.multinomial(rows, cells, size=min(at_once, replicates - start))
        margins = _margins(counts, actual, predicted, len(matrix))
        for name, score in scores.items():
            drawn[name].append(score(margins))
    tail = (1 - confidence) / 2
    intervals = {}
    for name, parts in drawn.items():
        values = np.concatenate(parts)
        values = values[~np.isnan(values)]
        intervals[name] = np.nan, np.nan
        if values.size and values.min() < values.max():
            ends = np.quantile(values, [tail, 1 - tail]) - (values.mean() - float(scores[name](Margins.of(matrix))))
            intervals[name] = tuple(np.clip(ends, min(0.0, values.min()), 1).tolist())
    return intervals


def _margins(counts: np.ndarray, actual: np.ndarray, predicted: np.ndarray, num_classes: int) -> Margins:
    """Margins of matrices that are given by their cells `(replicates, cells)`."""
    hits, support, taken = np.zeros((3, len(counts), num_classes))
    right = actual == predicted
    hits[:, actual[right]] = counts[:, right]
    # Cells come sorted by their true class; by the predicted one, they are sorted here.
    starts = np.flatnonzero(np.r_[True, np.diff(actual) > 0])
    support[:, actual[starts]] = np.add.reduceat(counts, starts, axis=1)
    order = np.argsort(predicted, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(predicted[order]) > 0])
    taken[:, predicted[order][starts]] = np.add.reduceat(counts[:, order], starts, axis=1)
    return Margins(hits, support, taken, support.sum(axis=1))


def by_class(bounds: dict[str, tuple[np.ndarray, np.ndarray]], names) -> dict[str, dict[str, tuple[float, float]]]:
    """Intervals by class name and score.

    Args:
        bounds: Lower and upper bounds by score, each `(classes,)`.
        names: Class names in the order of the bounds.

    >>> by_class({"recall": (np.array([0.1, 0.2]), np.array([0.3, 0.4]))}, ["cat", "dog"])
    {'cat': {'recall': (0.1, 0.3)}, 'dog': {'recall': (0.2, 0.4)}}
    """
    # As lists first: to take single numbers out of arrays is slow where there are many classes.
    lists = {score: np.transpose(pair).tolist() for score, pair in bounds.items()}
    return {name: {score: tuple(pairs[number]) for score, pairs in lists.items()} for number, name in enumerate(names)}
