"""What the Maxout layers share: a Keras layer with several affine maps per unit, and the maximum of these maps."""

import functools
import math
import numbers

import keras
from keras import ops


class LargestPiece(keras.layers.Layer):
    """Base of the Maxout layers: the largest of the affine maps of each unit.

    Args:
        affine: Keras layer with `size * pieces` maps: those of piece 0 for all units, then those of piece 1, and so on.
        size: Number of units or filters.
        pieces: Number of maps per unit.
        **kwargs: Keyword arguments of `keras.layers.Layer`.
    """

    # Arguments that are passed to the affine layer under the same names, and read from its configuration.
    ARGUMENTS = (
        "use_bias",
        "kernel_initializer",
        "bias_initializer",
        "kernel_regularizer",
        "bias_regularizer",
        "kernel_constraint",
        "bias_constraint",
    )

    def __init__(self, affine, size, pieces, **kwargs):
        super().__init__(**kwargs)
        self.affine = affine
        self.pieces = pieces
        self._size = size
        self._axis = 1 if getattr(affine, "data_format", None) == "channels_first" else -1

    def build(self, input_shape):
        self.affine.build(input_shape)
        self.input_spec = self.affine.input_spec

    @property
    def kernel(self):
        """Kernel of all maps; its last axis has the units of piece 0, then those of piece 1, and so on."""
        return self.affine.kernel

    @property
    def bias(self):
        """Bias of all maps, in the same order, or `None`."""
        return self.affine.bias

    @property
    def kernel_initializer(self):
        """Initializer of the kernel, as a Keras object."""
        return self.affine.kernel_initializer

    def call(self, inputs):
        return largest_piece(self.affine(inputs), self.pieces, self._axis)

    def compute_output_shape(self, input_shape):
        shape = list(self.affine.compute_output_shape(input_shape))
        shape[self._axis] = self._size
        return tuple(shape)

    def get_config(self):
        affine = self.affine.get_config()
        own = {name: affine[name] for name in self.ARGUMENTS}
        return {**super().get_config(), "pieces": self.pieces, **own}


def check_count(value, name: str, least: int) -> None:
    """Refuse a `value` that is not a whole number of at least `least`."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` must be a whole number of at least {least}. Received: {name}={value!r}")


def check_pieces(pieces) -> None:
    """Refuse anything but a whole number of at least 2, since the maximum of one map is the map."""
    check_count(pieces, "pieces", 2)


def start(kernel_initializer, pieces: int):
    """The initializer of the affine layer. The default is the one that preserves the second moment of the signal."""
    if kernel_initializer is not None:
        return kernel_initializer
    return keras.initializers.VarianceScaling(1 / largest_second_moment(pieces), "fan_in", "truncated_normal")


def largest_piece(maps, pieces: int, axis: int):
    """The maximum over pieces of `maps`, `(batch, ..., pieces * units)`: `(batch, ..., units)`.

    The pieces are blocks along `axis`, so that the maximum reads contiguous memory. Where pieces are equal, the shares
    of the gradient that they get sum to 1. NaN is passed on.
    """
    if keras.backend.backend() != "jax" and axis == -1:
        # One reduction, which is cheapest where operations run one by one. All rows are in one axis, because tf2onnx
        # loses the batch axis if there are more (a Reshape follows the one that ends a matrix product).
        shape, units = ops.shape(maps), maps.shape[-1] // pieces
        largest = ops.max(ops.reshape(maps, (-1, pieces, units)), axis=1)
        return ops.reshape(largest, (*shape[:-1], units))
    # With XLA: a selection, half of the pieces against the other half. Its gradient is a selection as well, which takes
    # less time than those of a reduction and of `maximum` (benchmarks/maxout_speed.py).
    if pieces == 1:
        return maps
    size, half = maps.shape[axis] // pieces, pieces // 2
    left, right, *odd = ops.split(maps, [half * size, 2 * half * size] if pieces % 2 else 2, axis=axis)
    return functools.reduce(_larger, odd, largest_piece(_larger(left, right), half, axis))


def _larger(left, right):
    return ops.where(ops.logical_or(left >= right, ops.isnan(left)), left, right)


@functools.cache
def largest_second_moment(pieces: int) -> float:
    """E[max(z_1, ..., z_pieces)^2] for independent standard normal z, by the trapezoid rule.

    >>> [round(largest_second_moment(pieces), 3) for pieces in (1, 2, 3, 5)]
    [1.0, 1.0, 1.276, 1.8]
    """
    step = 0.01
    total = 0.0
    for point in range(-1000, 1001):
        z = point * step
        below = 0.5 * math.erfc(-z / math.sqrt(2))
        total += z * z * pieces * below ** (pieces - 1) * math.exp(-z * z / 2)
    return total * step / math.sqrt(2 * math.pi)
