"""The rule by which each kind of Keras layer or operation changes a signal: one table, from the class to its rule.

A rule takes (layer, signals, shapes of the inputs, shape of the output) and gives the signal behind the layer in
training: with dropout, and with the statistics of the batch. It gives `None` where it does not apply.
"""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np

from custom_layers import (
    CategoryEmbedding,
    FeatureScale,
    MemberDense,
    MemberScale,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    PReLU,
    RandomizedLeakyReLU,
    ScheduledDropout,
)
from recipes.initialization import moments
from recipes.initialization.kernels import hits
from recipes.initialization.moments import Signal
from recipes.keras_internals.layers import known_class

layers = keras.layers


def array(value) -> np.ndarray:
    """A tensor or variable as float64."""
    return keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")).astype("float64")


def activation(signal: Signal, function: Callable, size: int | None = None) -> Signal:
    """The signal behind an activation of Keras; `size` is the length of the last axis, over which softmax sums."""
    if function is None or function is keras.activations.linear:
        return signal

    def in_keras(values):
        return array(function(keras.ops.convert_to_tensor(values, "float32")))

    try:
        return moments.elementwise(signal, in_keras)
    except ValueError:
        return moments.along_axis(signal, in_keras, size or 64)


def _same(layer, signals, shapes, output):
    return signals[0]


def _activation(layer, signals, shapes, output):
    return activation(signals[0], layer.activation, shapes[0][-1])


def _parametric(layer, signals, shapes, output):
    alpha = float(array(layer.alpha).mean())
    return activation(signals[0], lambda x: x + alpha * (layer.activation(x) - x))


def _feature_scale(layer, signals, shapes, output):
    return _scaled(signals[0], layer.scale, getattr(layer, "bias", None))


def _stateless(layer, signals, shapes, output):
    return activation(signals[0], layer.call)


def _softmax(layer, signals, shapes, output):
    axes = [layer.axis] if isinstance(layer.axis, int) else layer.axis
    sizes = [shapes[0][axis] for axis in axes]
    return None if None in sizes else activation(signals[0], keras.ops.softmax, math.prod(sizes))


def _prelu(layer, signals, shapes, output):
    slopes = array(layer.alpha)
    return moments.leaky(signals[0], slopes.mean(), slopes.var(), redrawn=False)


def _randomized(layer, signals, shapes, output):
    mean = (layer.lower + layer.upper) / 2
    if (
        layer.uniform == "divisor" and layer.lower < layer.upper
    ):  # the mean of 1 / d for d between 1 / upper and 1 / lower
        mean = math.log(layer.upper / layer.lower) / (1 / layer.lower - 1 / layer.upper)
    return moments.leaky(signals[0], mean, max(layer.slope_mean_square - mean**2, 0.0), redrawn=True)


def _dropout(layer, signals, shapes, output):
    return moments.noisy(signals[0], multiplied=layer.rate / (1 - layer.rate)) if layer.rate else signals[0]


def _noise(layer, signals, shapes, output):
    return moments.noisy(signals[0], added=layer.stddev**2)


def _alpha_dropout(layer, signals, shapes, output):
    return moments.alpha_dropped(signals[0], layer.rate) if layer.rate else signals[0]


def _scaled(signal, scale, shift):
    scale = 1.0 if scale is None else array(scale)
    shift = 0.0 if shift is None else array(shift)
    return moments.affine(signal, scale, shift)


def _batch(layer, signals, shapes, output):
    signal = signals[0]
    mean, variance = array(layer.moving_mean), array(layer.moving_variance)
    if not layer.trainable and not mean.any() and (variance == 1).all():
        # Frozen before it has seen any rows, it divides by sqrt(1 + epsilon).
        normal = moments.affine(signal, (1 + layer.epsilon) ** -0.5, 0.0)
    else:
        normal = moments.standardized_by_unit(signal, layer.epsilon)
    return _scaled(normal, layer.gamma, layer.beta)


def _layer(layer, signals, shapes, output):
    return _scaled(moments.standardized(signals[0], layer.epsilon), layer.gamma, layer.beta)


def _group(layer, signals, shapes, output):
    alone = layer.groups == shapes[0][layer.axis]  # one unit in each group: instance normalization
    standardize = moments.standardized_by_unit if alone else moments.standardized
    return _scaled(standardize(signals[0], layer.epsilon), layer.gamma, layer.beta)


def _rms(layer, signals, shapes, output):
    root = math.sqrt(signals[0].raw[1] + layer.epsilon)
    return _scaled(moments.affine(signals[0], 1 / root, 0.0), layer.scale, None)


def _unit(layer, signals, shapes, output):
    axes = [layer.axis] if isinstance(layer.axis, int) else layer.axis
    sizes = [shapes[0][axis] for axis in axes]
    square = signals[0].raw[1]
    return None if None in sizes or not square else moments.affine(signals[0], (square * math.prod(sizes)) ** -0.5, 0.0)


def _normalization(layer, signals, shapes, output):
    mean, deviation = array(layer.mean), np.maximum(np.sqrt(array(layer.variance)), keras.backend.epsilon())
    if layer.invert:
        return moments.affine(signals[0], deviation, mean)
    return moments.affine(signals[0], 1 / deviation, -mean / deviation)


def _rescaling(layer, signals, shapes, output):
    return moments.affine(signals[0], layer.scale, layer.offset)


def _pooling(rule):
    def pool(layer, signals, shapes, output):
        # Average pooling of Keras, too, leaves positions outside of the border out of a window.
        return rule(signals[0], max(math.prod(layer.pool_size) * hits(layer, shapes[0], output), 1.0))

    return pool


def _positions(layer, shape):
    return shape[2:] if layer.data_format == "channels_first" else shape[1:-1]


def _global_pooling(rule):
    def pool(layer, signals, shapes, output):
        sizes = _positions(layer, shapes[0])
        return None if None in sizes else rule(signals[0], math.prod(sizes))

    return pool


def _zero_padding(layer, signals, shapes, output):
    sizes = _positions(layer, shapes[0]), _positions(layer, output)
    if None in (*sizes[0], *sizes[1]):
        return signals[0]
    inside = math.prod(sizes[0]) / math.prod(sizes[1])
    return moments.mixture([signals[0], Signal(0.0, 0.0)], [inside, 1 - inside])


def _zero_padding_1d(layer, signals, shapes, output):
    if None in (shapes[0][1], output[1]):
        return signals[0]
    inside = shapes[0][1] / output[1]
    return moments.mixture([signals[0], Signal(0.0, 0.0)], [inside, 1 - inside])


def _up_sampling(layer, signals, shapes, output):
    return signals[0] if getattr(layer, "interpolation", "nearest") == "nearest" else None


def _embedding(layer, signals, shapes, output):
    table = array(layer.embeddings)
    return Signal(table.mean(), table.var(), table.mean(axis=0).var())


def _merging(apart: Callable, together: Callable):
    """A rule: `apart` for independent signals, `together` on the values where all are one and the same tensor."""

    def merge(layer, signals, shapes, output):
        if all(signal is signals[0] for signal in signals):
            return Signal.on_grid(together([signals[0].grid()] * len(signals)))
        return apart(signals)

    return merge


def _negative(signal):
    return Signal(-signal.mean, signal.variance, signal.shared)


def _concatenate(layer, signals, shapes, output):
    sizes = [shape[layer.axis] for shape in shapes]
    return moments.mixture(signals, [1] * len(signals) if None in sizes else sizes)


add = _merging(lambda signals: moments.total(signals, [1] * len(signals)), sum)
average = _merging(
    lambda signals: moments.total(signals, [1 / len(signals)] * len(signals)), lambda values: np.mean(values, axis=0)
)
subtract = _merging(lambda signals: moments.total(signals, [1, -1]), lambda values: values[0] - values[1])
multiply = _merging(moments.product, lambda values: np.prod(values, axis=0))
maximum = _merging(moments.largest, lambda values: values[0])
minimum = _merging(
    lambda signals: _negative(moments.largest([_negative(signal) for signal in signals])), lambda values: values[0]
)

_average_pool, _max_pool = _pooling(moments.averaged), _pooling(moments.pooled_maximum)
_global_average, _global_max = _global_pooling(moments.averaged), _global_pooling(moments.pooled_maximum)

# Kernel layers are not in it: they are drawn, too (see `variance.py`).
RULES: dict[type, Callable[[object, Sequence[Signal], Sequence, Sequence], Signal | None]] = {
    **dict.fromkeys((layers.Identity, layers.Flatten, layers.Reshape, layers.Permute, layers.RepeatVector), _same),
    **dict.fromkeys((layers.Masking, layers.ActivityRegularization), _same),
    **dict.fromkeys((layers.Cropping1D, layers.Cropping2D, layers.Cropping3D), _same),
    **dict.fromkeys((layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D), _up_sampling),
    **dict.fromkeys((layers.ZeroPadding2D, layers.ZeroPadding3D), _zero_padding),
    layers.ZeroPadding1D: _zero_padding_1d,
    layers.Activation: _activation,
    ParametricActivation: _parametric,
    **dict.fromkeys((FeatureScale, MemberScale), _feature_scale),
    **dict.fromkeys((layers.ReLU, layers.LeakyReLU, layers.ELU), _stateless),
    layers.Softmax: _softmax,
    **dict.fromkeys((layers.PReLU, PReLU), _prelu),
    RandomizedLeakyReLU: _randomized,
    **dict.fromkeys((layers.Dropout, layers.GaussianDropout, ScheduledDropout), _dropout),
    **dict.fromkeys((layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D), _dropout),
    layers.GaussianNoise: _noise,
    layers.AlphaDropout: _alpha_dropout,
    layers.BatchNormalization: _batch,
    layers.LayerNormalization: _layer,
    layers.GroupNormalization: _group,
    layers.RMSNormalization: _rms,
    layers.UnitNormalization: _unit,
    layers.Normalization: _normalization,
    layers.Rescaling: _rescaling,
    **dict.fromkeys((layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D), _average_pool),
    **dict.fromkeys((layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D), _max_pool),
    layers.GlobalAveragePooling1D: _global_average,
    layers.GlobalAveragePooling2D: _global_average,
    layers.GlobalAveragePooling3D: _global_average,
    layers.GlobalMaxPooling1D: _global_max,
    layers.GlobalMaxPooling2D: _global_max,
    layers.GlobalMaxPooling3D: _global_max,
    layers.Embedding: _embedding,
    layers.Add: add,
    layers.Average: average,
    layers.Subtract: subtract,
    layers.Multiply: multiply,
    layers.Maximum: maximum,
    layers.Minimum: minimum,
    layers.Concatenate: _concatenate,
}

# Layers whose initial weights suit what they compute, so that they are left alone without a word.
SELF_INITIALIZED = (CategoryEmbedding, PeriodicEmbedding, PiecewiseLinearEmbedding, MemberDense)

# Operations such as `x + y` or `keras.ops.relu(x)` are no layers and have no public classes: they are known by name.
OPERATIONS = {
    **{"Add": add, "Subtract": subtract, "Multiply": multiply, "Maximum": maximum, "Minimum": minimum},
    **dict.fromkeys(("Reshape", "Transpose", "Squeeze", "ExpandDims", "Swapaxes", "Moveaxis", "Ravel", "Flip"), _same),
    "Concatenate": _concatenate,
}


def rule_for(operation: object) -> Callable | None:
    """The rule of a layer or an operation, `None` for an unknown one."""
    if isinstance(operation, layers.Layer):
        return RULES.get(known_class(operation, RULES))
    return OPERATIONS.get(type(operation).__name__)
