"""Tests and intervals of the difference between two models on the same rows, from plain arrays."""

from dataclasses import dataclass

import numpy as np
from scipy import special

RESAMPLES = 10_000
# More rows than this are put into so many groups at random, which are resampled as rows would be: the sums of groups of
# independent rows are independent, too, and the work does not grow with the rows.
_MOST_GROUPS = 10_000
# Resampled counts in memory at once, and drawn in all (but at least so many resamples).
_MOST_CELLS = 2_000_000
_MOST_DRAWN, _FEWEST_RESAMPLES = 50_000_000, 1_000


@dataclass(frozen=True)
class Difference:
    """A score of two models on the same rows.

    Attributes:
        first: Score of the first model.
        second: Score of the second model.
        value: Second score minus first.
        low: Lower bound of the interval of `value`.
        high: Upper bound.
        p_value: Probability of a difference of at least this size if there were none.
        method: Name of the method behind the p-value and the interval.
    """

    first: float
    second: float
    value: float
    low: float
    high: float
    p_value: float
    method: str


def mcnemar(only_first: int, only_second: int) -> float:
    """The mid-p value of McNemar's test, from the rows that only one of two models got right.

    It is the exact binomial test, except that the observed split counts half, for any number of rows: the exact test
    rejects too seldom, and those by chi-squared too often or, corrected, too seldom (Fagerland, Lydersen & Laake 2013,
    BMC Medical Research Methodology 13:91).

    >>> mcnemar(8, 8)  # doctest: +ELLIPSIS
    0.90...
    >>> round(mcnemar(1, 9), 4)
    0.0117
    """
    rows, fewer = only_first + only_second, min(only_first, only_second)
    if not rows:
        return 1.0
    until = float(special.bdtr(fewer, rows, 0.5))
    here = until - (float(special.bdtr(fewer - 1, rows, 0.5)) if fewer else 0.0)
    if only_first == only_second:
        return 1.0 - here / 2
    return min(1.0, 2 * until - here)


def accuracy_difference(only_first: int, only_second: int, right_of_both: int, rows: int, confidence: float = 0.95):
    """The `Difference` in accuracy, from the rows that both, or only one of two models got right.

    The p-value is that of `mcnemar`, the interval that of Bonett & Price (2012, Journal of Educational and Behavioral
    Statistics 37(4)), which keeps its confidence level for few rows and where the models hardly differ.
    """
    first, second = (right_of_both + only_first) / rows, (right_of_both + only_second) / rows
    losses, gains = (only_first + 1) / (rows + 2), (only_second + 1) / (rows + 2)
    reach = special.ndtri((1 + confidence) / 2) * np.sqrt((losses + gains - (gains - losses) ** 2) / (rows + 2))
    low, high = max(-1.0, gains - losses - reach), min(1.0, gains - losses + reach)
    p_value = mcnemar(only_first, only_second)
    value = (only_second - only_first) / rows
    return Difference(first, second, value, float(low), float(high), p_value, "McNemar")


def macro_f1_difference(
    labels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    num_classes: int,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """The `Difference` in macro F1, by a paired bootstrap.

    Rows that agree in label and both predictions are interchangeable, so that only the counts of such kinds are drawn:
    the result is that of resampling rows, the cost that of resampling kinds.

    Args:
        labels: True class numbers, `(rows,)`.
        first: Predictions of the first model, `(rows,)`.
        second: Predictions of the second model, `(rows,)`.
        num_classes: Number of classes. One that neither occurs nor is predicted has an F1 of 0, as in the
            reports.
        confidence: Confidence level of the interval, which is that of the percentiles.
        resamples: Number of resamples. It is reduced, to no less than 1,000, from 5,000 kinds on.
        seed: Seed of the resamples.
    """
    kinds, counts = np.unique(np.stack([labels, first, second]), axis=1, return_counts=True)
    resamples = min(resamples, max(_FEWEST_RESAMPLES, _MOST_DRAWN // len(counts)))
    generator = np.random.default_rng(seed)
    at_once = max(1, _MOST_CELLS // len(counts))
    differences = []
    for start in range(0, resamples, at_once):
        drawn = generator.multinomial(len(labels), counts / counts.sum(), size=min(at_once, resamples - start))
        differences.append(_macro_f1(kinds[0], kinds[2], drawn, num_classes))
        differences[-1] -= _macro_f1(kinds[0], kinds[1], drawn, num_classes)
    scores = [float(_macro_f1(kinds[0], kind, counts[None], num_classes)[0]) for kind in kinds[1:]]
    return _by_bootstrap(*scores, np.concatenate(differences), confidence)


def mean_difference(
    first: np.ndarray,
    second: np.ndarray,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """The `Difference` between two means over the same rows, such as of absolute errors, by a paired bootstrap.

    Where there are only some dozens of rows, intervals of percentiles are a little too narrow.

    Args:
        first: Value of the first model for each row, `(rows,)`.
        second: Value of the second model for each row, `(rows,)`.
        confidence: Confidence level of the interval, which is that of the percentiles.
        resamples: Number of resamples of the rows; from 10,000 rows on, of as many groups of rows.
        seed: Seed of the resamples.
    """
    generator = np.random.default_rng(seed)
    differences = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    rows = len(differences)
    sums, sizes = differences, np.ones(rows)
    if rows > _MOST_GROUPS:
        group = generator.permutation(np.arange(rows) % _MOST_GROUPS)
        sums, sizes = np.bincount(group, weights=differences), np.bincount(group).astype(np.float64)
    # About the mean, so that rounding cannot tilt a difference of nothing.
    middle = float(differences.mean())
    sums = sums - middle * sizes
    at_once = max(1, _MOST_CELLS // len(sums))
    means = []
    for start in range(0, resamples, at_once):
        drawn = generator.integers(len(sums), size=(min(at_once, resamples - start), len(sums)))
        means.append(middle + sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    return _by_bootstrap(float(np.mean(first)), float(np.mean(second)), np.concatenate(means), confidence, middle)


def holm(p_values) -> list[float]:
    """P-values adjusted for their number (Holm 1979, Scandinavian Journal of Statistics 6(2)).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, np.float64)
    order = np.argsort(p_values, kind="stable")
    raised = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return adjusted.tolist()


def _by_bootstrap(first: float, second: float, drawn: np.ndarray, confidence: float, value=None) -> Difference:
    """Interval of the percentiles, and its p-value: twice the share of the draws on the other side of 0."""
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    # Both counts are increased by 1, so that no p-value is 0 (Davison & Hinkley 1997, section 4.2.5).
    beyond = 1 + min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    p_value = min(1.0, 2 * beyond / (len(drawn) + 1))
    value = second - first if value is None else value
    return Difference(first, second, float(value), float(low), float(high), p_value, "paired bootstrap")


def _macro_f1(labels: np.ndarray, predicted: np.ndarray, counts: np.ndarray, num_classes: int) -> np.ndarray:
    """Macro F1 of each resample `(resamples,)`; kinds of rows `(kinds,)` occur `counts` `(resamples, kinds)` times."""
    by_class = np.zeros((3, len(counts), num_classes))
    for total, classes, chosen in zip(
        by_class, (labels, predicted, labels), (..., ..., labels == predicted), strict=True
    ):
        chosen_classes, chosen_counts = classes[chosen], counts[:, chosen]
        order = np.argsort(chosen_classes, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(chosen_classes[order]) != 0]) if len(order) else []
        if len(order):
            total[:, chosen_classes[order][starts]] = np.add.reduceat(chosen_counts[:, order], starts, axis=1)
    support, predictions, hits = by_class
    f1 = np.divide(2 * hits, support + predictions, out=np.zeros_like(hits), where=support + predictions > 0)
    return f1.mean(axis=1)
