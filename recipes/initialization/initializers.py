"""Initializers for one layer: chosen by the activation behind it, or by name."""

import keras

from custom_layers import Maxout, MaxoutConv1D, MaxoutConv2D, RandomizedLeakyReLU
from custom_layers.pieces import check_pieces, largest_second_moment
from recipes.arguments.names import normalize, unknown
from recipes.initialization.gains import KERAS_SLOPE, check_slope, gain, second_moment

# Glorot & Bengio 2010: functions that are nearly linear around 0.
_GLOROT = ("linear", "tanh", "sigmoid", "softmax", "log_softmax", "hard_sigmoid", "hard_tanh", "softsign")
# He et al. 2015: linear on either side of 0, with this slope below 0; `None` where it depends on the arguments.
_HE = {"relu": 0.0, "relu6": 0.0, "leaky_relu": KERAS_SLOPE, "prelu": 0.25, "rrelu": None}
# Klambauer et al. 2017, after LeCun 1998.
_LECUN = ("selu",)
# E[f(z)^2] for standard normal z, by numerical integration. He's 1/2 for ReLU is of the same kind.
SECOND_MOMENTS = {
    "elu": 0.644945,
    "celu": 0.644945,
    "gelu": 0.425221,
    "silu": 0.355776,
    "swish": 0.355776,
    "mish": 0.452342,
    "softplus": 0.921246,
}
# Element-wise functions `f` of Keras, of which `x + alpha (f(x) - x)` begins as the function itself: alpha is 1.
_FUNCTIONS = ("tanh", "sigmoid", "hard_sigmoid", "hard_tanh", "softsign", "relu", "relu6", *_LECUN, *SECOND_MOMENTS)
PARAMETRIC = {f"parametric_{name}": name for name in _FUNCTIONS}
_KNOWN = (*_GLOROT, *_HE, *_LECUN, *SECOND_MOMENTS, "maxout", *PARAMETRIC)

# The variance of `gain_*` is gain^2 / fan: scale and mode of Keras's VarianceScaling for a gain of 1.
_FANS = {
    "gain_fan_in": (1.0, "fan_in"),
    "gain_fan_out": (1.0, "fan_out"),
    "gain_fan_sum": (0.5, "fan_avg"),
    "gain_fan_avg": (1.0, "fan_avg"),
}
_NAIVE = {
    "normal_0.01": ("RandomNormal", {"stddev": 0.01}),
    "normal_0.1": ("RandomNormal", {"stddev": 0.1}),
    "normal_1": ("RandomNormal", {"stddev": 1.0}),
    "uniform_positive": ("RandomUniform", {"minval": 0.0, "maxval": 1.0}),
    "uniform_centered": ("RandomUniform", {"minval": -0.5, "maxval": 0.5}),
}


def initializer_for(
    activation,
    distribution: str = "normal",
    *,
    negative_slope: float | None = None,
    pieces: int = 2,
) -> keras.initializers.Initializer:
    """The Keras initializer with the right variance for the layer in front of `activation`.

    | activation | variance | source |
    |---|---|---|
    | linear, tanh, sigmoid, softmax | 1 / fan_avg | Glorot & Bengio 2010 |
    | relu, relu6, leaky_relu, prelu, rrelu | 2 / ((1 + slope^2) fan_in) | He et al. 2015 |
    | selu | 1 / fan_in | LeCun 1998; Klambauer et al. 2017 |
    | elu, gelu, silu, softplus, mish | 1.551, 2.352, 2.811, 1.085, 2.211 / fan_in | 1 / (fan_in E[f(z)^2]) |
    | maxout of 2, 3, 4, 5 pieces | 1, 0.784, 0.644, 0.556 / fan_in | 1 / (fan_in E[max^2]) |

    E is over standard normal z, or over as many of them as there are pieces. fan_in is the number of values that one
    unit sums, fan_avg the mean of that and the number of units. parametric_selu and its like begin as their functions.

    Args:
        activation: A name; a function of `keras.activations`; an activation layer or Maxout layer, whose own slope or
            pieces count; or any other element-wise function of tensors, whose second moment is computed. `None` is
            linear.
        distribution: Distribution of the weights: `"normal"` (truncated at two standard deviations, as in Keras) or
            `"uniform"`.
        negative_slope: Slope below 0 of leaky_relu, prelu or rrelu. Default: 0.2 (as in Keras), 0.25 (the initial slope
            of PReLU), and for rrelu the root of the mean square of the random slope.
        pieces: Number of pieces of maxout.

    Returns:
        A new `keras.initializers.Initializer`.

    Raises:
        ValueError: For an unknown activation or distribution, a slope that is not finite or belongs to another
            activation, or less than 2 pieces.
    """
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"`distribution` must be normal or uniform. Received: {distribution!r}")
    check_pieces(pieces)
    name, slope, pieces = _described(activation, negative_slope, pieces)
    if name in _GLOROT:
        return _scaled(1.0, "fan_avg", distribution)
    if name in _LECUN:
        return _scaled(1.0, "fan_in", distribution)
    if slope is not None:
        return _scaled(2 / (1 + slope**2), "fan_in", distribution)
    if name == "maxout":
        return _scaled(1 / largest_second_moment(pieces), "fan_in", distribution)
    moment = SECOND_MOMENTS[name] if name in SECOND_MOMENTS else second_moment(activation)
    return _scaled(1 / moment, "fan_in", distribution)


def _described(activation, negative_slope, pieces: int) -> tuple[str | None, float | None, int]:
    """Name (`None` for a function of the user's own), slope below 0 (`None` without one), and number of pieces."""
    layers = {
        keras.layers.ReLU: lambda layer: ("relu", layer.negative_slope),
        keras.layers.LeakyReLU: lambda layer: ("leaky_relu", layer.negative_slope),
        keras.layers.PReLU: lambda layer: ("prelu", _start_of(layer)),
        RandomizedLeakyReLU: lambda layer: ("rrelu", layer.slope_mean_square**0.5),
    }
    if isinstance(activation, keras.layers.Activation):
        activation = activation.activation
    if isinstance(activation, Maxout | MaxoutConv1D | MaxoutConv2D):
        return "maxout", None, activation.pieces
    for kind, describe in layers.items():
        if isinstance(activation, kind):
            return *describe(activation), pieces
    if isinstance(activation, keras.layers.Layer):
        activation = type(activation).__name__  # ELU, Softmax
    name = getattr(activation, "__name__", activation) or "linear"
    name = normalize(name).replace("-", "_")
    if name not in _KNOWN:
        if callable(activation):
            return None, None, pieces
        raise unknown("activation", name, sorted(_KNOWN))
    name = PARAMETRIC.get(name, name)
    if negative_slope is not None:
        if name not in ("leaky_relu", "prelu", "rrelu"):
            raise ValueError(
                f"`negative_slope` belongs to leaky_relu, prelu and rrelu. Received: {negative_slope!r} with {name}"
            )
        return name, check_slope(negative_slope), pieces
    if name == "rrelu":
        return name, RandomizedLeakyReLU().slope_mean_square ** 0.5, pieces
    return name, _HE.get(name), pieces


def _start_of(layer: keras.layers.PReLU) -> float:
    """The root of the mean square of the initial slopes of a PReLU layer."""
    slopes = keras.ops.convert_to_numpy(layer.alpha_initializer((1000,)))
    return float((slopes**2).mean() ** 0.5)


def _scaled(scale: float, mode: str, distribution: str) -> keras.initializers.Initializer:
    """Keras's own class where it has one for these numbers, so that a saved configuration shows its usual name."""
    kind = "Normal" if distribution == "normal" else "Uniform"
    families = {(1.0, "fan_avg"): "Glorot", (2.0, "fan_in"): "He", (1.0, "fan_in"): "Lecun"}
    if (scale, mode) in families:
        return getattr(keras.initializers, families[scale, mode] + kind)()
    distribution = "truncated_normal" if distribution == "normal" else "uniform"
    return keras.initializers.VarianceScaling(scale, mode, distribution)


def get(
    name, activation="linear", distribution: str = "normal", *, negative_slope=None
) -> keras.initializers.Initializer:
    """An initializer by name: ours for comparison, or any of Keras's.

    | name | weights |
    |---|---|
    | zeros | 0, so that all units stay equal |
    | normal_0.01, normal_0.1, normal_1 | normal with that standard deviation, independent of the fan-in |
    | uniform_positive, uniform_centered | uniform in (0, 1) and in (-0.5, 0.5) |
    | gain_fan_in, gain_fan_out | variance gain^2 / fan_in, gain^2 / fan_out |
    | gain_fan_sum, gain_fan_avg | variance gain^2 / (fan_in + fan_out), twice that |

    Args:
        name: Name of the initializer. An initializer is returned as it is.
        activation: Activation behind the layer, whose `gain` the four `gain_*` use.
        distribution: Distribution of the four `gain_*`: `"normal"` (truncated) or `"uniform"`.
        negative_slope: Slope of leaky_relu below 0, for its gain. Default: that of Keras, 0.2.

    Raises:
        ValueError: For an unknown name or distribution, or a nonlinearity without a gain.
    """
    if isinstance(name, keras.initializers.Initializer):
        return name
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"`distribution` must be normal or uniform. Received: {distribution!r}")
    key = normalize(name).replace("-", "_")
    if key in _FANS:
        scale, mode = _FANS[key]
        slope = {} if negative_slope is None else {"negative_slope": negative_slope}
        factor = gain(getattr(activation, "__name__", activation) or "linear", **slope) ** 2
        return keras.initializers.VarianceScaling(
            scale * factor, mode, "truncated_normal" if distribution == "normal" else "uniform"
        )
    if key in _NAIVE:
        kind, arguments = _NAIVE[key]
        return getattr(keras.initializers, kind)(**arguments)
    try:
        return keras.initializers.get(key if isinstance(name, str) else name)
    except ValueError:
        functions = {"get", "serialize", "deserialize"}
        own = [known for known in dir(keras.initializers) if known[0].islower() and known not in functions]
        raise unknown("kernel initializer", name, [*_FANS, *_NAIVE, *own]) from None
