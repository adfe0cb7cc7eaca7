"""Columns whose values float32 would merge, and the offset and unit, in float64, with which they stay different.

Seconds since 1970 are 1.7e9, where the spacing of float32 is 128: all rows of one minute would have the same value.
Such a column is shifted before it becomes float32. All other columns are unchanged, so that most models take rows as
they are.
"""

import numpy as np

from recipes.data.store import chunks_of

LARGEST = float(np.finfo(np.float32).max)
# Least number of bits of float32 that an offset must cost before merged values are a reason to shift a column.
_FEWEST_BITS_LOST = 3
# Share of merged values above which a column is shifted; a few fractions are merged by chance in any large column.
_SHARE_MERGED = {"whole numbers": 0.0, "fractions": 0.01}
# Largest rounding error of float32 as a share of the range, which is 1 / 4096 of a typical standard deviation.
_LARGEST_ERROR = 2.0**-14
# Powers of 2 of the ranges that need no unit: their squares are within float32.
_EXPONENTS = (-60, 60)
# Powers of 2 of the ranges for which float32 needs no unit: smaller ones come near its denormal numbers, which backends
# replace by 0; and differences within larger ones overflow.
_FLOAT32_EXPONENTS = (-100, 126)
# Number of values of a batch from which quantiles are computed.
_SAMPLE = 1000
# Number of rows of a batch.
_ROWS = 65_536

Rescaling = tuple[float, float]


def rescale(values: np.ndarray, rescaling: Rescaling) -> np.ndarray:
    """`(values - offset) / unit` in float64, without overflow; `rescaling` is offset and unit, a power of 2."""
    offset, unit = rescaling
    return np.asarray(values, np.float64) / unit - offset / unit


def restore(values: np.ndarray, rescaling: Rescaling) -> np.ndarray:
    """The values in float64 from which `rescale` computed `values`."""
    offset, unit = rescaling
    return np.asarray(values, np.float64) * unit + offset


def to_float32(x: np.ndarray, rescaled: dict[int, Rescaling]) -> np.ndarray:
    """`x` as float32, with some columns rescaled; values beyond float32 become infinite.

    Args:
        x: Rows `(rows, columns)`, or sequences `(rows, steps, features)`.
        rescaled: Offset and unit, by number of the column or feature.
    """
    with np.errstate(over="ignore", under="ignore"):
        rows = x.astype(np.float32, copy=bool(rescaled))
        for column, rescaling in rescaled.items():
            rows[..., column] = rescale(x[..., column], rescaling)
    return rows


class Precision:
    """Statistics, updated batch by batch, of how float32 rounds and merges the values of a column."""

    def __init__(self):
        self._least, self._most, self._error = np.inf, -np.inf, 0.0
        self._different, self._merged, self._kind = 0, 0, "whole numbers"
        self._medians, self._spreads = [], []

    def update(self, numbers: np.ndarray) -> None:
        """Add the next values `(rows,)`, float64; those that are not finite are ignored."""
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            return
        self._least, self._most = min(self._least, float(numbers.min())), max(self._most, float(numbers.max()))
        with np.errstate(over="ignore", under="ignore"):
            rounded = numbers.astype(np.float32)
        error = np.abs(rounded - numbers).max()
        if not error and not _needs_unit(self._most / 2 - self._least / 2):
            return
        self._error = max(self._error, float(error))
        if (numbers != np.round(numbers)).any():
            self._kind = "fractions"
        low, median, high = np.quantile(numbers[:: -(-len(numbers) // _SAMPLE)] / 4, (0.05, 0.5, 0.95), method="lower")
        self._medians.append(4 * float(median))
        self._spreads.append(float(high - low))  # a quarter of the spread, which itself may overflow
        if abs(median) / 2.0**_FEWEST_BITS_LOST >= high - low:
            self._count_merged(np.sort(numbers), 4 * median)

    def _count_merged(self, ordered: np.ndarray, median: float) -> None:
        """Count the values that float32 merges with the next one, unless the median is subtracted first."""
        with np.errstate(over="ignore", under="ignore"):
            rounded, shifted = ordered.astype(np.float32), (ordered - median).astype(np.float32)
        different = ordered[1:] != ordered[:-1]
        self._different += int(different.sum())
        self._merged += int((different & (rounded[1:] == rounded[:-1]) & (shifted[1:] != shifted[:-1])).sum())

    @property
    def rescaling(self) -> Rescaling | None:
        """Offset and unit of the column; `None` if float32 needs none.

        The offset is near the median, so that single values far away, such as 0 for a missing time, do not matter. It
        is a multiple of a power of 2 near the spread, so that further rows seldom change it and whole numbers stay
        whole.
        """
        half_range = self._most / 2 - self._least / 2
        if half_range <= 0:
            return None
        offset, unit = 0.0, 1.0
        # Most values are equal if it is 0.
        spread = 2 * float(np.median(self._spreads)) if self._spreads else 0.0
        merges = self._merged > _SHARE_MERGED[self._kind] * self._different
        if merges or self._error > _LARGEST_ERROR * 2 * half_range:
            offset = float(np.median(self._medians))
            if spread:
                exponent = int(np.frexp(spread)[1])
                step = 2.0 ** min(exponent, 1000)
                offset = float(np.round(offset / step) * step) + 0.0  # not -0.0
                unit = 1.0 if _EXPONENTS[0] <= exponent <= _EXPONENTS[1] else step
        if unit == 1.0 and _needs_unit(spread or half_range):
            unit = 2.0 ** min(int(np.frexp(spread or half_range)[1]), 1000)
        return None if (offset, unit) == (0.0, 1.0) else (offset, unit)


def _needs_unit(half_range):
    """Whether half a range, or each of several, is so small or so large that float32 does not serve without a unit."""
    exponent = np.frexp(half_range)[1]
    return (half_range > 0) & ((exponent < _FLOAT32_EXPONENTS[0]) | (exponent > _FLOAT32_EXPONENTS[1]))


def has_more_digits(dtype: np.dtype) -> bool:
    """Whether arrays of `dtype` may hold numbers that float32 cannot represent."""
    return dtype.kind in "uif" and dtype.itemsize > 2 and dtype != np.float32


def of_columns(x: np.ndarray) -> dict[int, Rescaling]:
    """Offset and unit of the columns of `x` `(rows, columns)` that float32 would merge, by their number."""
    if not has_more_digits(x.dtype) and x.dtype != np.float32:
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
    """Numbers of the columns of `x` with a large rounding error in float32, a large offset, or an extreme range."""
    error, least, most = np.zeros(x.shape[1]), np.full(x.shape[1], np.inf), np.full(x.shape[1], -np.inf)
    for rows in chunks_of(x):
        if x.dtype != np.float32:
            with np.errstate(all="ignore"):
                error = np.fmax(error, np.fmax.reduce(np.abs(rows.astype(np.float32) - rows), axis=0))
        least, most = np.fmin(least, np.fmin.reduce(rows, axis=0)), np.fmax(most, np.fmax.reduce(rows, axis=0))
    with np.errstate(invalid="ignore"):
        extreme = _needs_unit(most / 2 - least / 2)
    if not error.any():
        return np.flatnonzero(extreme).tolist()
    sample = x[:: -(-len(x) // _SAMPLE)].astype(np.float64) / 4
    sample = np.where(np.isfinite(sample), sample, np.where(np.isfinite(least), least / 4, 0.0))
    low, median, high = np.quantile(sample, (0.05, 0.5, 0.95), axis=0, method="lower")
    with np.errstate(all="ignore"):
        large = np.abs(median) / 2.0**_FEWEST_BITS_LOST >= high - low
        large |= error > _LARGEST_ERROR * 2 * (most / 2 - least / 2)
    return np.flatnonzero(((error > 0) & large) | extreme).tolist()
