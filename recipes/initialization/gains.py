"""The effect of an activation on the scale of a signal as one number: the textbook's gains, and second moments."""

import math
from collections.abc import Callable

from recipes.arguments.names import normalize, unknown
from recipes.arguments.numbers import require_finite

_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "leaky_relu": None,  # depends on the slope
    "selu": 3 / 4,
}
KERAS_SLOPE = 0.2  # default of `keras.activations.leaky_relu`


def gain(nonlinearity: str, *, negative_slope: float = KERAS_SLOPE) -> float:
    """The textbook's gain: the factor of the standard deviation of the kernel in front of `nonlinearity`.

    linear, conv1d, conv2d, conv3d and sigmoid 1; tanh 5/3; relu sqrt(2); leaky_relu sqrt(2 / (1 + negative_slope^2));
    selu 3/4. This is the table of PyTorch's `calculate_gain`, kept for comparison. It does not keep the signal's scale
    for every entry: `initializer_for` does not use it.

    Args:
        nonlinearity: Name of the nonlinearity in the table.
        negative_slope: Slope of leaky_relu below 0. Default: 0.2, as in Keras (PyTorch: 0.01).

    Raises:
        ValueError: For a name that is not in the table, or a slope that is not finite.

    >>> round(gain("leaky_relu", negative_slope=0.1), 4)
    1.4072
    """
    name = normalize(nonlinearity).replace("-", "_")
    if name not in _GAINS:
        raise unknown("nonlinearity", nonlinearity, _GAINS)
    if name == "leaky_relu":
        return math.sqrt(2 / (1 + check_slope(negative_slope) ** 2))
    return _GAINS[name]


def check_slope(negative_slope) -> float:
    """`negative_slope`, if it is a finite number."""
    require_finite("negative_slope", negative_slope)
    return float(negative_slope)


def second_moment(function: Callable) -> float:
    """E[f(z)^2] for standard normal z, of an element-wise `function` of tensors.

    A kernel with variance 1 / (fan_in E[f(z)^2]) behind such an activation gives the next one unit variance again.
    """
    import numpy as np
    from keras import ops

    z = np.linspace(-10, 10, 20_001)
    values = function(ops.convert_to_tensor(z, dtype="float32"))
    values = np.asarray(ops.convert_to_numpy(values), dtype=np.float64)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return float(np.sum(values**2 * density) * (z[1] - z[0]))
