"""Columns whose values float32 would merge, and the offset and unit, in float64, that keep them apart.

Seconds since 1970 are 1.7e9, where neighbours in float32 are 128 apart: rows of one minute would all have one value.
Such a column is shifted before it becomes float32. All other columns are left alone, so that most models take rows as
they are.
"""

import numpy as np

from recipes.data.store import chunks_of

LARGEST = float(np.finfo(np.float32).max)
# Float32 loses so many bits to the offset, at least, where a column is shifted because values are merged.
_FEWEST_BITS_LOST = 3
# Of the different values; of fractions, a few are merged by chance in any column of many rows.
_SHARE_MERGED = {"whole numbers": 0.0, "fractions": 0.01}
# Rounding to float32 moves no value by more than this share of the range, 1 / 4096 of a typical standard deviation.
_LARGEST_ERROR = 2.0**-14
# Ranges within these powers of 2 need no unit: their squares are within float32.
_EXPONENTS = (-60, 60)
_SAMPLE = 1000
_ROWS = 65_536

Rescaling = tuple[float, float]


def rescale(values: np.ndarray, rescaling: Rescaling) -> np.ndarray:
    """`(values - offset) / unit` in float64, without overflow, for a unit that is a power of 2."""
    offset, unit = rescaling
    return np.asarray(values, np.float64) / unit - offset / unit


def restore(values: np.ndarray, rescaling: Rescaling) -> np.ndarray:
    """The values that `rescale` was given, in float64."""
    offset, unit = rescaling
    return np.asarray(values, np.float64) * unit + offset


def to_float32(x: np.ndarray, rescaled: dict[int, Rescaling]) -> np.ndarray:
    """`x` as float32, with the offset and unit of some of its columns; what is beyond float32 becomes infinite.

    Args:
        x: Rows `(rows, columns)`, or `(rows, steps, features)`.
        rescaled: Offset and unit, by number of the column or feature.
    """
    with np.errstate(over="ignore", under="ignore"):
        rows = x.astype(np.float32, copy=bool(rescaled))
        for column, rescaling in rescaled.items():
            rows[..., column] = rescale(x[..., column], rescaling)
    return rows


class Precision:
    """What float32 does to the values of a column, learnt block by block; a block leaves two numbers behind."""

    def __init__(self):
        self._least, self._most, self._error = np.inf, -np.inf, 0.0
        self._different, self._merged, self._kind = 0, 0, "whole numbers"
        self._medians, self._spreads = [], []

    def update(self, numbers: np.ndarray) -> None:
        """Look at the next values `(rows,)`, float64; those that are not finite are passed over."""
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            return
        self._least, self._most = min(self._least, float(numbers.min())), max(self._most, float(numbers.max()))
        with np.errstate(over="ignore", under="ignore"):
            rounded = numbers.astype(np.float32)
        error = np.abs(rounded - numbers).max()
        if not error:
            return
        self._error = max(self._error, float(error))
        if (numbers != np.round(numbers)).any():
            self._kind = "fractions"
        low, median, high = np.quantile(numbers[:: -(-len(numbers) // _SAMPLE)] / 4, (0.05, 0.5, 0.95), method="lower")
        self._medians.append(4 * float(median))
        self._spreads.append(float(high - low))  # a quarter, lest it overflow
        if abs(median) / 2.0**_FEWEST_BITS_LOST >= high - low:
            self._count_merged(np.sort(numbers), 4 * median)

    def _count_merged(self, ordered: np.ndarray, median: float) -> None:
        """Count values that float32 merges with the next one, but not once the median is subtracted."""
        with np.errstate(over="ignore", under="ignore"):
            rounded, shifted = ordered.astype(np.float32), (ordered - median).astype(np.float32)
        different = ordered[1:] != ordered[:-1]
        self._different += int(different.sum())
        self._merged += int((different & (rounded[1:] == rounded[:-1]) & (shifted[1:] != shifted[:-1])).sum())

    @property
    def rescaling(self) -> Rescaling | None:
        """Offset and unit of the column; `None` where float32 does well without.

        The offset is near the median, so that values far away, such as 0 for a missing time, cost nothing. It is a
        multiple of a power of 2 near the spread, so that further rows seldom change it, and whole numbers stay whole.
        """
        half_range = self._most / 2 - self._least / 2
        merges = self._merged > _SHARE_MERGED[self._kind] * self._different
        if half_range <= 0 or not (merges or self._error > _LARGEST_ERROR * 2 * half_range):
            return None
        offset, unit = float(np.median(self._medians)), 1.0
        spread = 2 * float(np.median(self._spreads))
        if spread:  # most values are equal where there is none
            exponent = int(np.frexp(spread)[1])
            step = 2.0 ** min(exponent, 1000)
            offset = float(np.round(offset / step) * step) + 0.0  # not -0.0
            unit = 1.0 if _EXPONENTS[0] <= exponent <= _EXPONENTS[1] else step
        return None if (offset, unit) == (0.0, 1.0) else (offset, unit)


def has_more_digits(dtype: np.dtype) -> bool:
    """Whether arrays of numbers of `dtype` may hold what float32 does not."""
    return dtype.kind in "uif" and dtype.itemsize > 2 and dtype != np.float32


def of_columns(x: np.ndarray) -> dict[int, Rescaling]:
    """Offset and unit of the columns of `x` `(rows, columns)` that float32 would merge, by their number."""
    if not has_more_digits(x.dtype):
        return {}
    found = {}
    for column in _candidates(x):
        precision = Precision()
        for start in range(0, len(x), _ROWS):
            precision.update(x[start : start + _ROWS, column].astype(np.float64))
        if precision.rescaling is not None:
            found[column] = precision.rescaling
    return found


def _candidates(x: np.ndarray) -> list[int]:
    """Columns of `x` that float32 rounds by much, or that have a large offset."""
    error, least, most = np.zeros(x.shape[1]), np.full(x.shape[1], np.inf), np.full(x.shape[1], -np.inf)
    for rows in chunks_of(x):
        with np.errstate(all="ignore"):
            error = np.fmax(error, np.fmax.reduce(np.abs(rows.astype(np.float32) - rows), axis=0))
        least, most = np.fmin(least, np.fmin.reduce(rows, axis=0)), np.fmax(most, np.fmax.reduce(rows, axis=0))
    sample = x[:: -(-len(x) // _SAMPLE)].astype(np.float64) / 4
    sample = np.where(np.isfinite(sample), sample, np.where(np.isfinite(least), least / 4, 0.0))
    low, median, high = np.quantile(sample, (0.05, 0.5, 0.95), axis=0, method="lower")
    with np.errstate(all="ignore"):
        large = np.abs(median) / 2.0**_FEWEST_BITS_LOST >= high - low
        large |= error > _LARGEST_ERROR * 2 * (most / 2 - least / 2)
    return np.flatnonzero((error > 0) & large).tolist()
