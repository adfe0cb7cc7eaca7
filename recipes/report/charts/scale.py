"""Scales of charts: from values to places, linear or logarithmic."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MOST_POINTS = 400


@dataclass(frozen=True)
class Scale:
    """A scale from values to places.

    Attributes:
        low: Value at `start`.
        high: Value at `end`.
        start: Place of `low`.
        end: Place of `high`.
        logarithmic: Whether equal ratios have equal distances; values of 0 and below have no place then.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value; NaN where it has none."""
        value, low, high = map(self._linear, (value, self.low, self.high))
        if not math.isfinite(value):
            return math.nan
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def clipped(self, value: float) -> float:
        """The place of a value, or that of the nearer end for one outside."""
        return self(min(max(value, self.low), self.high))

    def _linear(self, value: float) -> float:
        if not self.logarithmic:
            return value
        return math.log10(value) if value > 0 else math.nan


def finite(values: Iterable[float], positive: bool = False) -> list[float]:
    """Those of the values that are finite and, where asked for, above 0."""
    return [value for value in values if math.isfinite(value) and (value > 0 or not positive)]


def thinned(values: Sequence, most: int = _MOST_POINTS) -> list:
    """At most about `most` of the values at equal distances, the last among them."""
    step = -(-len(values) // most) if values else 1
    kept = list(values[::step])
    return kept if not values or (len(values) - 1) % step == 0 else [*kept, values[-1]]
