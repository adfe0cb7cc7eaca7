"""The threshold of a score with the recall or precision asked for."""

from dataclasses import dataclass

import numpy as np

from recipes.metrics.classes.decision_scores import ratio
from recipes.metrics.classes.score_bins import bin_edges
from recipes.metrics.inputs import as_array, check_labels, check_lengths, check_probabilities, check_weights


@dataclass(frozen=True)
class Threshold:
    """A threshold and its scores: class 1 is predicted where its probability is at least `threshold`."""

    threshold: float
    precision: float
    recall: float
    f1: float
    specificity: float


def find_threshold(
    y_true, y_score, *, recall: float | None = None, precision: float | None = None, sample_weight=None
) -> Threshold:
    """The threshold with the recall or precision asked for.

    Choose it on validation rows, never on those that are reported.

    Args:
        y_true: 0 or 1, or truth values `(rows,)`.
        y_score: Probabilities of class 1 `(rows,)` or `(rows, 1)`.
        recall: Least recall; the threshold is the one with the greatest precision.
        precision: Least precision; the threshold is the one with the greatest recall. Default, with neither: the
            threshold with the greatest F1.
        sample_weight: Weight of each row `(rows,)`. Default: every row counts 1.

    Raises:
        ValueError: If the rows are wrong, or no threshold reaches the least value.

    >>> find_threshold([0, 0, 1, 1], np.array([0.1, 0.4, 0.35, 0.8]), recall=0.9).threshold
    0.35
    """
    truth, scores = check_labels(y_true, "y_true"), as_array(y_score, "y_score")
    check_lengths(truth, scores)
    if scores.size != len(scores) or scores.dtype.kind != "f":
        raise ValueError(f"`y_score` must be floats (rows,). Received: {scores.dtype} of shape {scores.shape}")
    scores = scores.reshape(-1)
    check_probabilities(scores)
    strangers = np.flatnonzero((truth != 0) & (truth != 1))
    if truth.dtype.kind in "US" or strangers.size:
        stranger = truth[strangers[0] if strangers.size else 0]
        raise ValueError(f"`y_true` must be 0 or 1. Received: {stranger.item()!r}")
    weights = check_weights(sample_weight, len(scores))
    order = np.argsort(-scores)
    weights = np.ones(len(scores)) if weights is None else weights[order]
    is_class = truth[order] == 1
    last = np.flatnonzero(np.r_[scores[order][1:] != scores[order][:-1], True])
    hits, wrong = np.cumsum(weights * is_class)[last], np.cumsum(weights * ~is_class)[last]
    return _choose(scores[order][last], hits, wrong, recall, precision)


def counts_by_score(probabilities, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts by score bin of the rows of a class and of the others, from `ProbabilityScores`.

    Raises:
        ValueError: If there are none.
    """
    if probabilities.positives is None:
        raise ValueError("a threshold needs the number of rows by score, which a report read from a file does not have")
    return probabilities.positives[number], probabilities.negatives[number]


def threshold_from_bins(
    positives: np.ndarray, negatives: np.ndarray, recall: float | None = None, precision: float | None = None
) -> Threshold:
    """The same as `find_threshold`, from counts by score bin `(bins,)`: the edges of the bins are tried."""
    lower = bin_edges(len(positives))[:-1].astype(np.float32)
    # The upper half of the bins does not contain its lower edges.
    half = len(lower) // 2 + 1
    lower[half:] = np.nextafter(lower[half:], np.float32(1))
    occurs = (positives + negatives > 0)[::-1]
    hits, wrong = (np.cumsum(counts[::-1], dtype=np.float64)[occurs] for counts in (positives, negatives))
    return _choose(lower[::-1][occurs], hits, wrong, recall, precision)


def _choose(thresholds, hits, wrong, recall: float | None, precision: float | None) -> Threshold:
    """The best of `thresholds`, from the highest to the lowest, with the weight of hits and wrong rows above each."""
    limits = {"recall": recall, "precision": precision}
    given = {name: value for name, value in limits.items() if value is not None}
    if len(given) > 1:
        raise ValueError(f"give `recall` or `precision`, not both. Received: {recall} and {precision}")
    if any(not 0 < value <= 1 for value in given.values()):
        raise ValueError(f"`{next(iter(given))}` must lie above 0 and up to 1. Received: {next(iter(given.values()))}")
    if hits[-1] == 0:
        raise ValueError("no threshold can be chosen: there are no rows of class 1")
    scores = {"recall": hits / hits[-1], "precision": ratio(hits, hits + wrong)}
    scores["f1"] = 2 * hits / (hits[-1] + hits + wrong)
    name, least = next(iter(given.items()), ("f1", 0))
    aim = scores[{"recall": "precision", "precision": "recall", "f1": "f1"}[name]]
    # A recall that rounds to 0.9 is at least 0.9.
    reached = scores[name] >= least - 1e-12
    if not reached.any():
        raise ValueError(f"no threshold gives a {name} of {least}: the most is {np.nanmax(scores[name]):.4f}")
    best = int(np.nanargmax(np.where(reached, aim, -1)))
    specificity = ratio(wrong[-1] - wrong[best], wrong[-1])
    values = (float(scores[name][best]) for name in ("precision", "recall", "f1"))
    return Threshold(float(thresholds[best]), *values, float(specificity))
