"""Whether a confidence of 80 % is right in 80 of 100 rows (Guo et al. 2017, arXiv:1706.04599)."""

from dataclasses import dataclass

import numpy as np

from recipes.metrics.classes.decision_scores import ratio
from recipes.metrics.plain_values import number, numbers

BINS = 15
_INNER_EDGES = np.linspace(0, 1, BINS + 1)[1:-1]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Confidence and share of right answers, bin by bin; arrays `(bins,)`, the weight of an empty bin is 0.

    Attributes:
        confidence: Mean confidence.
        outcome: Share of the rows in which it came true.
        weight: Share of all rows.
        rows: Number of rows; of weighted ones, the effective number.
        expected_error: Mean distance of confidence and outcome, weighted by rows: the expected calibration error, ECE.
        greatest_error: Greatest such distance: the maximum calibration error, MCE.
        chance_error: Expected error that as many rows would show by chance, were the confidences right.
    """

    confidence: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray
    rows: float
    expected_error: float
    greatest_error: float
    chance_error: float

    @classmethod
    def of(cls, sums: np.ndarray, rows: float) -> "Calibration":
        """The calibration of sums by bin `(3, bins)`: weights, weighted confidences, weighted outcomes."""
        total, confidence, outcome = sums
        confidence, outcome, weight = ratio(confidence, total), ratio(outcome, total), ratio(total, total.sum())
        distance = np.abs(confidence - outcome)
        return cls(
            confidence,
            outcome,
            weight,
            rows,
            float(np.nansum(weight * distance)),
            float(distance[~np.isnan(distance)].max(initial=0)),
            _chance_error(confidence, weight, rows),
        )

    @classmethod
    def from_dict(cls, content: dict, rows: float | None) -> "Calibration":
        """The calibration in the plain values of a report; `rows`: their number, `None` if they are weighted."""
        arrays = (np.array(numbers(content[name]), np.float64) for name in ("confidence", "outcome", "weight"))
        confidence, outcome, weight = arrays
        if not confidence.shape == outcome.shape == weight.shape == (BINS,):
            raise ValueError
        errors = [number(content[name]) for name in ("expected_error", "greatest_error", "chance_error")]
        if rows is None:
            # The error by chance falls with the root of the effective number of rows.
            rows = float(ratio(_chance_error(confidence, weight, 1.0), errors[-1]) ** 2)
        return cls(confidence, outcome, weight, rows, *errors)

    @classmethod
    def of_error(cls, expected_error: float, rows: float) -> "Calibration":
        """A calibration without bins, of which no more than the error is known."""
        nothing = np.zeros(0)
        return cls(nothing, nothing, nothing, rows, number(expected_error), np.nan, np.nan)

    @classmethod
    def of_equal_mass(cls, sums: np.ndarray, rows: float, bins: int = BINS) -> "Calibration":
        """The calibration in bins with nearly as many rows each, joined from the fine bins of `sums` `(3, many)`."""
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


def _chance_error(confidence: np.ndarray, weight: np.ndarray, rows: float) -> float:
    spread = np.sqrt(confidence * (1 - confidence) * ratio(2 / np.pi, weight * rows))
    return float(np.nansum(weight * spread))
