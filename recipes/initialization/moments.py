"""How the distribution of a signal changes in a layer: the arithmetic behind `recipes.initialize`.

A signal is described by its mean, its variance over units and rows together, and the *shared* part of that variance:
the variance between the means of units, which is the same in every row. It is needed twice. An average over positions
reduces only the rest, so that pooling is calculated right; and only by the rest can a network distinguish its inputs: a
signal whose variance is all shared has collapsed, whatever that variance is.

Between kernels a signal is assumed to be normal, which a sum over many inputs nearly is. Behind an activation it is
represented by its values on a fixed grid of two normal variables, one for the unit and one for the row, so that the
next step (a second activation, max pooling) gets its real distribution.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

# Standard normal quadrature by the trapezoidal rule: an error of 1e-4 for an activation with a kink, 0 for smooth ones.
NODES = np.linspace(-7.0, 7.0, 301)
WEIGHTS = np.exp(-(NODES**2) / 2)
WEIGHTS /= WEIGHTS.sum()
_FINE = np.linspace(-8.0, 8.0, 4001)
_FINE_CDF = np.array([math.erfc(-x / math.sqrt(2)) / 2 for x in _FINE])
_TINY = 1e-30


@dataclass(frozen=True)
class Signal:
    """Moments of a signal; `values` are its values on the grid (unit, row), `None` where it is assumed to be normal."""

    mean: float
    variance: float
    shared: float = 0.0
    values: np.ndarray | None = field(default=None, repr=False, compare=False)

    @classmethod
    def on_grid(cls, values: np.ndarray) -> "Signal":
        """The signal with these values at (`NODES`, `NODES`)."""
        units = values @ WEIGHTS
        mean = WEIGHTS @ units
        return cls(mean, WEIGHTS @ ((values - mean) ** 2 @ WEIGHTS), WEIGHTS @ (units - mean) ** 2, values)

    @classmethod
    def from_raw(cls, mean: float, square: float, product: float) -> "Signal":
        """The normal signal with E[x], E[x^2], and E[x x'] of one unit in two rows."""
        variance = max(square - mean**2, 0.0)
        return cls(mean, variance, min(max(product - mean**2, 0.0), variance))

    @property
    def raw(self) -> np.ndarray:
        """E[x], E[x^2] and E[x x'], in which sums, mixtures and products are simple."""
        return np.array([self.mean, self.mean**2 + self.variance, self.mean**2 + self.shared])

    @property
    def spread(self) -> float:
        """Standard deviation over rows, relative to that over rows and units; 0 if all rows give the same."""
        return math.sqrt(max(self.variance - self.shared, 0.0) / self.variance) if self.variance > 0 else 0.0

    def grid(self) -> np.ndarray:
        """The values at (`NODES`, `NODES`)."""
        if self.values is not None:
            return self.values
        rows = math.sqrt(max(self.variance - self.shared, 0.0)) * NODES
        return self.mean + math.sqrt(self.shared) * NODES[:, None] + rows


def elementwise(signal: Signal, function: Callable[[np.ndarray], np.ndarray]) -> Signal:
    """Through any function of one number.

    Raises:
        ValueError: Where `function` looks at more than one number at a time, as softmax does.
    """
    values = signal.grid()
    probe = values[::60, ::60]
    apart = np.asarray(function(probe.reshape(-1)))
    if apart.shape != (probe.size,) or not np.allclose(function(probe).reshape(-1), apart, 1e-4, 1e-6, equal_nan=True):
        raise ValueError("not elementwise")
    return Signal.on_grid(np.asarray(function(values), "float64"))


def along_axis(signal: Signal, function: Callable[[np.ndarray], np.ndarray], size: int) -> Signal:
    """Through a function of rows of `size` units, such as softmax: 2**16 draws, always the same ones."""
    draws = max(2**16 // size, 16)
    noise = np.random.default_rng(0).standard_normal((3, draws, size))
    rows = math.sqrt(max(signal.variance - signal.shared, 0.0)) * noise[1:]
    first, second = (function(signal.mean + math.sqrt(signal.shared) * noise[0] + row) for row in rows)
    return Signal.from_raw(first.mean(), np.mean(first**2), np.mean(first * second))


def kernel(signal: Signal, matrix: np.ndarray, bias: np.ndarray | None = None, hits: float = 1.0) -> Signal:
    """Through a kernel, `(fan_in, units)`, of whose inputs the fraction `hits` exists (the rest is padding).

    For inputs that are independent of each other: per unit, the mean is the sum of its weights times that of the
    input, and each kind of variance is the sum of the squared weights times that of the input.
    """
    sums, squares = matrix.sum(axis=0), hits * np.mean(np.sum(matrix**2, axis=0))
    # A window at the border loses random weights: the mean of the sums shrinks by `hits`, deviations by its root.
    constant = signal.mean * (hits * sums.mean() + math.sqrt(hits) * (sums - sums.mean()))
    apart = 0.0
    if bias is not None and bias.size == constant.size:
        constant = constant + bias.reshape(-1)
    elif bias is not None:
        constant, apart = constant + bias.mean(), bias.var()
    shared = constant.var() + apart + squares * signal.shared
    return Signal(constant.mean(), shared + squares * (signal.variance - signal.shared), shared)


def affine(signal: Signal, scale, shift) -> Signal:
    """Times `scale` plus `shift`, which are numbers, or arrays of one number a unit."""
    scale, shift = np.broadcast_arrays(np.ravel(np.asarray(scale, "float64")), np.ravel(np.asarray(shift, "float64")))
    if np.ptp(scale) == 0 and np.ptp(shift) == 0:
        return Signal.on_grid(scale[0] * signal.grid() + shift[0])
    mean, square, product = signal.raw
    cross, offset = 2 * mean * np.mean(scale * shift), np.mean(shift**2)
    power = np.mean(scale**2)
    return Signal.from_raw(
        scale.mean() * mean + shift.mean(), power * square + cross + offset, power * product + cross + offset
    )


def standardized(signal: Signal, epsilon: float) -> Signal:
    """Mean 0 and variance 1 over the units of each row, as layer normalization gives."""
    return affine(
        signal,
        1 / math.sqrt(signal.variance + epsilon + _TINY),
        -signal.mean / math.sqrt(signal.variance + epsilon + _TINY),
    )


def standardized_by_unit(signal: Signal, epsilon: float) -> Signal:
    """Mean 0 and variance 1 over the rows of each unit, as batch normalization gives: no shared variance is left."""
    values = signal.grid()
    centred = values - (values @ WEIGHTS)[:, None]
    return Signal.on_grid(centred / np.sqrt((centred**2 @ WEIGHTS)[:, None] + epsilon + _TINY))


def noisy(signal: Signal, multiplied: float = 0.0, added: float = 0.0) -> Signal:
    """Times noise of mean 1 and variance `multiplied`, plus noise of mean 0 and variance `added`, new in every row.

    Dropout at `rate`, with what is kept divided by 1 - rate, multiplies by a variance of rate / (1 - rate).
    """
    mean, square, product = signal.raw
    return Signal.from_raw(mean, (1 + multiplied) * square + added, product)


def alpha_dropped(signal: Signal, rate: float) -> Signal:
    """Through alpha dropout (arXiv:1706.02515): dropped to SELU's least value, then a fixed affine map."""
    least = -1.7580993408473766
    scale = ((1 - rate) * (1 + rate * least**2)) ** -0.5
    mean, square, product = signal.raw
    dropped = Signal.from_raw(
        (1 - rate) * mean + rate * least,
        (1 - rate) * square + rate * least**2,
        (1 - rate) ** 2 * product + 2 * rate * (1 - rate) * least * mean + (rate * least) ** 2,
    )
    return affine(dropped, scale, -scale * least * rate)


def averaged(signal: Signal, window: float) -> Signal:
    """The mean of `window` positions, independent but for what they share."""
    values = signal.grid()
    units = (values @ WEIGHTS)[:, None]
    return Signal.on_grid(units + (values - units) / math.sqrt(window))


def pooled_maximum(signal: Signal, window: float) -> Signal:
    """The largest of `window` positions, independent but for what they share.

    The quantile of the largest at probability p is that of one position at p^(1 / window).
    """
    if window <= 1:
        return signal
    normal = NormalDist()
    logs = [math.log(normal.cdf(x)) if x < 0 else math.log1p(-normal.cdf(-x)) for x in NODES]
    at = np.array([-normal.inv_cdf(-math.expm1(log / window)) for log in logs])
    return Signal.on_grid(np.stack([np.interp(at, NODES, _ascending(row)) for row in signal.grid()]))


def _ascending(row: np.ndarray) -> np.ndarray:
    """The same distribution as an ascending function of `NODES`."""
    if np.all(row[1:] >= row[:-1]):
        return row
    order = np.argsort(row)
    weights = WEIGHTS[order]
    position = np.interp(np.cumsum(weights) - weights / 2, _FINE_CDF, _FINE)
    return np.interp(NODES, position, row[order])


def largest(signals: Sequence[Signal]) -> Signal:
    """The largest of independent signals, each taken to be normal; a signal may be there several times.

    From the joint distribution of one unit in two rows: the probability that neither exceeds (x, y) is the product of
    those of the signals, and each of those is an average over the shared part.
    """
    deviations = [math.sqrt(signal.variance) + 1e-12 for signal in signals]
    low = min(signal.mean - 7 * deviation for signal, deviation in zip(signals, deviations, strict=True))
    high = max(signal.mean + 7 * deviation for signal, deviation in zip(signals, deviations, strict=True))
    x = np.linspace(low, high, 601)
    joint, one = 1.0, 1.0
    for signal in set(signals):
        count = list(signals).count(signal)
        rows = math.sqrt(max(signal.variance - signal.shared, 0.0)) + 1e-12
        below = np.interp((x - signal.mean - math.sqrt(signal.shared) * NODES[:, None]) / rows, _FINE, _FINE_CDF)
        joint = joint * ((below * WEIGHTS[:, None]).T @ below) ** count
        one = one * (WEIGHTS @ below) ** count
    middle, density = (x[1:] + x[:-1]) / 2, np.diff(one)
    product = middle @ np.diff(np.diff(joint, axis=0), axis=1) @ middle
    return Signal.from_raw(middle @ density, middle**2 @ density, product)


def mixture(signals: Sequence[Signal], weights: Sequence[float]) -> Signal:
    """Units of several kinds in one tensor, in proportion to `weights`."""
    return Signal.from_raw(*np.average([signal.raw for signal in signals], axis=0, weights=weights))


def total(signals: Sequence[Signal], factors: Sequence[float]) -> Signal:
    """The sum of independent signals, each times its factor."""
    factors = np.asarray(factors, "float64")
    mean, variance, shared = np.array([[signal.mean, signal.variance, signal.shared] for signal in signals]).T
    return Signal(factors @ mean, factors**2 @ variance, factors**2 @ shared)


def product(signals: Sequence[Signal]) -> Signal:
    """The product of independent signals."""
    return Signal.from_raw(*np.prod([signal.raw for signal in signals], axis=0))


def leaky(signal: Signal, mean_slope: float, slope_variance: float, redrawn: bool) -> Signal:
    """Behind a rectifier whose slope below 0 varies: `redrawn` in every row (RReLU), or fixed for each unit (PReLU).

    Moments are quadratic in the slope, so that its mean and variance suffice.
    """
    middle = elementwise(signal, lambda x: np.where(x >= 0, x, mean_slope * x))
    if slope_variance == 0:
        return middle
    below = elementwise(signal, lambda x: np.minimum(x, 0))
    mean, square, both = middle.raw
    _, below_square, below_both = below.raw
    both = both if redrawn else both + slope_variance * below_both
    return Signal.from_raw(mean, square + slope_variance * below_square, both)
