"""Whether a confidence of 80 % is right in 80 of 100 rows (Guo et al. 2017, arXiv:1706.04599)."""

from dataclasses import dataclass

import numpy as np

from recipes.metrics.classes.decision_scores import ratio

BINS = 15
_INNER_EDGES = np.linspace(0, 1, BINS + 1)[1:-1]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Confidence and share of right answers, bin by bin; arrays `(bins,)`, the weight of an empty bin is 0.

    Attributes:
        confidence: Mean confidence.
        outcome: Share of the rows in which it came true.
        weight: Share of all rows.
        rows: How many rows there were; where they are weighted, the effective number.
    """

    confidence: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray
    rows: float

    @property
    def expected_error(self) -> float:
        """Mean distance of confidence and outcome, weighted by rows: the expected calibration error, ECE."""
        return float(np.nansum(self.weight * np.abs(self.confidence - self.outcome)))

    @property
    def greatest_error(self) -> float:
        """The greatest such distance: the maximum calibration error, MCE."""
        distance = np.abs(self.confidence - self.outcome)
        return float(distance[~np.isnan(distance)].max(initial=0))

    @property
    def chance_error(self) -> float:
        """The `expected_error` that as many rows would show by chance, were the confidences right."""
        spread = np.sqrt(self.confidence * (1 - self.confidence) * ratio(2 / np.pi, self.weight * self.rows))
        return float(np.nansum(self.weight * spread))

    @classmethod
    def of(cls, sums: np.ndarray, rows: float) -> "Calibration":
        """From sums by bin `(3, bins)`: weights, weighted confidences, weighted outcomes."""
        weight, confidence, outcome = sums
        return cls(ratio(confidence, weight), ratio(outcome, weight), ratio(weight, weight.sum()), rows)

    @classmethod
    def of_equal_mass(cls, sums: np.ndarray, rows: float, bins: int = BINS) -> "Calibration":
        """Of bins with nearly as many rows each, made of the fine bins of `sums` `(3, many)`."""
        weight = sums[0]
        # A fine bin goes where its middle lies: one that holds half of all rows is not cut.
        middle = (weight.cumsum() - weight / 2) / weight.sum()
        place = np.minimum((middle * bins).astype(np.intp), bins - 1)
        return cls.of(np.stack([np.bincount(place, row, bins) for row in sums]), rows)


def sums_by_width(confidence: np.ndarray, outcome: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Sums `(3, 15)` for `Calibration.of`: bins of equal width, each with its upper edge, as in scikit-learn."""
    return sums_by_bin(np.searchsorted(_INNER_EDGES, confidence), BINS, confidence, outcome, weights)


def sums_by_bin(
    numbers: np.ndarray, bins: int, confidence: np.ndarray, outcome: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    """Sums `(3, bins)`: weights, weighted confidences, weighted outcomes."""
    if weights is not None:
        confidence, outcome = confidence * weights, outcome * weights
    return np.stack([np.bincount(numbers, values, bins) for values in (weights, confidence, outcome)])
