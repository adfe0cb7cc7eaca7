"""Quantiles of any number of values in bounded memory, exact for few different values."""

import numpy as np

MOST_BINS = 65_536
_LOWEST = np.int64(np.iinfo(np.int64).min)
_HIGHEST = np.int64(np.iinfo(np.int64).max)
_MANTISSA_BITS = 52


class QuantileSketch:
    """Weighted counts of values, in bins that are joined in pairs whenever they become too many.

    A bin contains the values whose float64 agrees in all but its last bits; at first in all bits, so that the sketch is
    exact. Joining neighbours drops one more bit, so that the error bound is relative, as in DDSketch (Masson et al.
    2019, arXiv:1908.10693) with the joining of UDDSketch (Epicoco et al. 2020, arXiv:2004.08604). The final bins depend
    on the values alone, not on their order or on their distribution over sketches before merging.

    Args:
        most_bins: Number of bins above which bins are joined. Default: 65,536, with three numbers of 8 bytes each.

    Attributes:
        dropped_bits: Number of last bits in which the values of a bin may differ; 0 while the sketch is exact.
        unit: Whether every weight was 1.
    """

    def __init__(self, most_bins: int = MOST_BINS):
        self.most_bins = most_bins
        self.dropped_bits, self.unit = 0, True
        self._keys, self._weights, self._sums = np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
        self._waiting, self._rows_waiting = [], 0

    @property
    def relative_error(self) -> float:
        """Bound of the relative error of a quantile; 0 while the sketch is exact."""
        self._fold()
        return 2.0 ** (self.dropped_bits - _MANTISSA_BITS) if self.dropped_bits else 0.0

    def update(self, values: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Add finite `values` `(rows,)`, with `weights` `(rows,)` above 0. Default: each value counts 1."""
        if weights is None:
            weights = np.ones(len(values))
        elif not (weights == 1).all():
            self.unit = False
        self._waiting.append((np.array(values, np.float64), np.array(weights, np.float64)))
        self._rows_waiting += len(values)
        if self._rows_waiting >= self.most_bins:
            self._fold()

    def merge(self, other: "QuantileSketch") -> None:
        """Add the values of `other`."""
        self._fold()
        other._fold()
        bits = max(self.dropped_bits, other.dropped_bits)
        keys = [sketch._keys >> (bits - sketch.dropped_bits) for sketch in (self, other)]
        self.dropped_bits, self.unit = bits, self.unit and other.unit
        self._join(
            np.concatenate(keys),
            np.concatenate([self._weights, other._weights]),
            np.concatenate([self._sums, other._sums]),
        )

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Values in ascending order, and their weights: all different values, or the mean of each bin."""
        self._fold()
        return (self._sums / self._weights if self.dropped_bits else _values(self._keys)), self._weights

    def quantiles(self, shares) -> np.ndarray:
        """The quantiles at `shares`, each from 0 to 1; see `quantiles_of`."""
        return quantiles_of(*self.points(), shares, self.unit)

    def state(self) -> dict[str, np.ndarray]:
        """Everything as arrays, for `from_state`."""
        self._fold()
        numbers = np.array([self.most_bins, self.dropped_bits, self.unit], np.int64)
        return {"numbers": numbers, "keys": self._keys, "weights": self._weights, "sums": self._sums}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> "QuantileSketch":
        """The sketch that gave `state`."""
        most_bins, dropped_bits, unit = map(int, state["numbers"])
        sketch = cls(most_bins)
        sketch.dropped_bits, sketch.unit = dropped_bits, bool(unit)
        sketch._keys, sketch._weights, sketch._sums = state["keys"], state["weights"], state["sums"]
        return sketch

    def _fold(self) -> None:
        if not self._waiting:
            return
        values, weights = (np.concatenate(pieces) for pieces in zip(*self._waiting, strict=True))
        self._waiting, self._rows_waiting = [], 0
        self._join(
            np.concatenate([self._keys, _keys(values) >> self.dropped_bits]),
            np.concatenate([self._weights, weights]),
            np.concatenate([self._sums, values * weights]),
        )

    def _join(self, keys, weights, sums) -> None:
        if not len(keys):
            return
        order = np.argsort(keys, kind="stable")
        keys, weights, sums = keys[order], weights[order], sums[order]
        while True:
            starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
            if len(starts) <= self.most_bins:
                break
            keys = keys >> 1
            self.dropped_bits += 1
        self._keys = keys[starts]
        self._weights, self._sums = np.add.reduceat(weights, starts), np.add.reduceat(sums, starts)


def quantiles_of(values: np.ndarray, weights: np.ndarray, shares, unit: bool) -> np.ndarray:
    """Quantiles of ascending `values` `(n,)` with `weights` `(n,)`.

    Where every row counted 1 (`unit`), they are interpolated between neighbours, as by `numpy.quantile`; otherwise they
    are the averaged inverse of the distribution, as scikit-learn's weighted medians (types 7 and 2 of Hyndman & Fan
    1996).
    """
    shares, until = np.atleast_1d(np.asarray(shares, np.float64)), np.cumsum(weights)
    if unit:
        place = shares * (until[-1] - 1)
        low = np.floor(place)
        first, second = (np.searchsorted(until, np.minimum(row, until[-1] - 1), side="right") for row in (low, low + 1))
        return values[first] + (place - low) * (values[second] - values[first])
    reached, slack = shares * until[-1], 1e-14 * until[-1]
    first = np.searchsorted(until, reached - slack)
    second = np.minimum(np.searchsorted(until, reached + slack, side="right"), len(values) - 1)
    return (values[first] + values[second]) / 2


def _keys(values: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of `values`: their bits, which are mirrored for numbers below 0."""
    bits = (values + 0.0).view(np.int64)  # 0.0 and -0.0 are one number
    return np.where(bits >= 0, bits, -(bits & _HIGHEST))


def _values(keys: np.ndarray) -> np.ndarray:
    return np.where(keys >= 0, keys, -keys | _LOWEST).view(np.float64)
