"""ROC AUC and average precision: exact from arrays, within a known bound from bins."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from recipes.metrics.classes.decision_scores import ratio
from recipes.metrics.classes.intervals import quantile

# Number of columns that are taken out of a score matrix at once: a cache line of floats.
_BLOCK = 16
_THREADS = 4


@dataclass(frozen=True, eq=False)
class Ranking:
    """Ranking scores by class, arrays `(classes,)`; NaN for a class without rows, or with all of them.

    Attributes:
        roc_auc: Probability that a row of the class has a higher score than one of another class; ties count half.
        average_precision: Mean over the rows of the class of the precision at the score of the row.
        roc_auc_bound: Bound of the error of `roc_auc`; 0 if it was computed from the scores themselves.
        average_precision_bound: Bound of the error of `average_precision`.
        roc_auc_deviation: Standard error of `roc_auc` (DeLong et al. 1988), from the bins; of weighted rows, with the
            effective numbers of rows.
    """

    roc_auc: np.ndarray
    average_precision: np.ndarray
    roc_auc_bound: np.ndarray
    average_precision_bound: np.ndarray
    roc_auc_deviation: np.ndarray

    def roc_auc_interval(self, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Both bounds, by the logit so that they stay between 0 and 1; NaN where no pair of rows is misranked."""
        odds = ratio(self.roc_auc, 1 - self.roc_auc)
        with np.errstate(divide="ignore"):
            centre = np.log(odds)
        half = quantile(confidence) * ratio(self.roc_auc_deviation, self.roc_auc * (1 - self.roc_auc))
        return 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))


def rank_bins(positives: np.ndarray, negatives: np.ndarray, squares: np.ndarray | None = None) -> Ranking:
    """The ranking from counts by score bin, `(classes, bins)` each, of the rows of a class and of the others.

    Rows in one bin could be in any order; a mixed one is assumed. The error of the area is at most half the pairs that
    share a bin, that of the average precision is bounded by the best and the worst order of each bin.

    Args:
        positives: Number of rows of the class, or the sum of their weights.
        negatives: Number or weight of the other rows.
        squares: Sums of the squared weights of both, `(2, classes)`. Default: every row counts 1.
    """
    positives, negatives = positives.astype(np.float64), negatives.astype(np.float64)
    total, others = positives.sum(axis=1), negatives.sum(axis=1)
    squares = np.stack([total, others]) if squares is None else squares
    # Numbers of rows of equal weight with the same variance (Kish 1965).
    rows, other_rows = ratio(np.square([total, others]), squares)
    below = negatives.cumsum(axis=1) - negatives
    auc = ratio(ratio((positives * (below + negatives / 2)).sum(axis=1), total), others)
    auc_bound = ratio(ratio((positives * negatives).sum(axis=1) / 2, total), others)

    # Sums of weights that cancel may leave a rounding error below 0.
    hits_above = np.maximum(total[:, None] - positives.cumsum(axis=1), 0)
    wrong_above = np.maximum(others[:, None] - below - negatives, 0)
    best = _precision(hits_above + positives, wrong_above) * positives
    wrong = wrong_above + negatives
    # The sum of (T + i) / (T + i + F) over the rows i of the bin, bounded from below by the integral.
    worst = positives - wrong * np.log1p(np.nan_to_num(ratio(positives, hits_above + wrong)))
    own = np.nan_to_num(ratio(squares[0], total))[:, None]  # mean weight of a row, which counts for its own precision
    halfway = hits_above + (positives + own) / 2
    mixed = _precision(halfway, wrong_above + negatives / 2) * positives
    best, worst, mixed = (ratio(part.sum(axis=1), total) for part in (best, worst, mixed))
    mixed = np.clip(mixed, worst, best)

    spread_of_hits = (positives * (ratio(below + negatives / 2, others[:, None]) - auc[:, None]) ** 2).sum(axis=1)
    placed = ratio(hits_above + positives / 2, total[:, None])
    spread_of_others = (negatives * (placed - auc[:, None]) ** 2).sum(axis=1)
    variance = _variance(spread_of_hits, total, rows) + _variance(spread_of_others, others, other_rows)
    return Ranking(auc, mixed, auc_bound, np.maximum(best - mixed, mixed - worst), np.sqrt(variance))


def _variance(squares: np.ndarray, weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Variance of a mean, from weighted squared deviations and the effective number of rows; NaN for a single row."""
    return ratio(ratio(squares, weight), np.where(rows > 1 + 1e-9, rows - 1, 0))


def rank_arrays(truth: np.ndarray, scores: np.ndarray, sample_weight: np.ndarray | None, binned: Ranking) -> Ranking:
    """The ranking from arrays, exactly.

    Args:
        truth: Class numbers `(rows,)`, or truth values `(rows, labels)`.
        scores: Scores `(rows, classes)`; `(rows,)` where class 1 alone has a score.
        sample_weight: Weight of each row `(rows,)`, or `None`.
        binned: Ranking from the bins, which the standard error is taken from.
    """
    single = scores.ndim == 1
    num_classes = 2 if single else scores.shape[1]
    values = []
    # NumPy sorts without Python's lock, and sorting is nearly all of the work.
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        for start in range(0, num_classes, _BLOCK):
            # 1 - p would merge small probabilities, -p keeps their order.
            block = np.stack([-scores, scores]) if single else scores[:, start : start + _BLOCK].T.copy()
            numbers = range(start, start + len(block))
            of_class = (truth[:, number] != 0 if truth.ndim == 2 else truth == number for number in numbers)
            values += pool.map(_rank, block, of_class, [sample_weight] * len(block))
    auc, average_precision = np.transpose(values)
    exact = np.zeros(num_classes)
    return Ranking(auc, average_precision, exact, exact, binned.roc_auc_deviation)


def _precision(hits: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    return np.nan_to_num(ratio(hits, hits + wrong))


def _rank(scores: np.ndarray, is_class: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
    """Area under the ROC curve, and average precision, of one class."""
    hits, others = scores[is_class], scores[~is_class]
    if weights is None:
        hits, others = np.sort(hits), np.sort(others)
        hits_until, others_until = (np.arange(len(part) + 1, dtype=np.float64) for part in (hits, others))
    else:
        hits, hits_until = _sorted_with_sums(hits, weights[is_class])
        others, others_until = _sorted_with_sums(others, weights[~is_class])
    total, rest = hits_until[-1], others_until[-1]
    if total == 0:
        return np.nan, np.nan
    # Each distinct score of the class is a threshold; the others' own scores change neither sum.
    first = np.flatnonzero(np.r_[True, hits[1:] != hits[:-1]])
    thresholds, before = hits[first], hits_until[first]
    weight = np.diff(np.r_[before, total])
    below = others_until[np.searchsorted(others, thresholds, "left")]
    up_to = others_until[np.searchsorted(others, thresholds, "right")]
    found = total - before
    precision = ratio(found, found + rest - below)
    average_precision = float(np.nansum(weight * precision) / total)
    return float((weight @ (below + up_to)) / 2 / total / rest) if rest else np.nan, average_precision


def _sorted_with_sums(scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(scores)
    return scores[order], np.r_[0.0, np.cumsum(weights[order])]
