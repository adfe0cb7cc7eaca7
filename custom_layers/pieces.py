"""What the Maxout layers share: an affine layer of Keras's with several maps for each unit, and their maximum."""

import functools
import math
import numbers

import keras
from keras import ops


class LargestPiece(keras.layers.Layer):
    """Base of the Maxout layers: of the maps that `affine` gives, the largest, unit by unit.

    Args:
        affine: A Keras layer with `size * pieces` maps: those of piece 0 for all units, then those of piece 1, ...
        size: Units or filters.
        pieces: Maps for each unit.
        **kwargs: Keyword arguments of `keras.layers.Layer`.
    """

    # Of the affine layer; they are ours, too, under the same names.
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
        """All maps in one: its last axis has the units of piece 0, then those of piece 1, and so on."""
        return self.affine.kernel

    @property
    def bias(self):
        """One for each map, or `None`."""
        return self.affine.bias

    @property
    def kernel_initializer(self):
        """Of the kernel, as a Keras initializer."""
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
    """Refuse what is not a whole number of at least `least`."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` must be a whole number of at least {least}. Received: {name}={value!r}")


def check_pieces(pieces) -> None:
    """Refuse numbers of pieces that make no maximum."""
    check_count(pieces, "pieces", 2)


def start(kernel_initializer, pieces: int):
    """The initializer of the affine layer: the one given, or that which keeps the second moment of the signal."""
    if kernel_initializer is not None:
        return kernel_initializer
    return keras.initializers.VarianceScaling(1 / largest_second_moment(pieces), "fan_in", "truncated_normal")


def largest_piece(maps, pieces: int, axis: int):
    """The maximum over pieces of `maps`, `(batch, ..., pieces * units)`: `(batch, ..., units)`.

    The pieces lie in blocks along `axis`, so that a maximum reads contiguous memory. Where pieces are equal, their
    shares of the gradient sum to 1; what is not a number stays so.
    """
    if keras.backend.backend() != "jax" and axis == -1:
        # One reduction, the cheapest where operations run one by one. All rows in one axis: tf2onnx loses the batch of
        # more (a Reshape after the one that ends a matrix product).
        shape, units = ops.shape(maps), maps.shape[-1] // pieces
        largest = ops.max(ops.reshape(maps, (-1, pieces, units)), axis=1)
        return ops.reshape(largest, (*shape[:-1], units))
    # For XLA: a selection, half against half. Its gradient is a selection, too; those of a reduction and of the maximum
    # of two take longer (benchmarks/maxout_speed.py).
    if pieces == 1:
        return maps
    size, half = maps.shape[axis] // pieces, pieces // 2
    left, right, *odd = ops.split(maps, [half * size, 2 * half * size] if pieces % 2 else 2, axis=axis)
    return functools.reduce(_larger, odd, largest_piece(_larger(left, right), half, axis))


def _larger(left, right):
    return ops.where(ops.logical_or(left >= right, ops.isnan(left)), left, right)


@functools.cache
def largest_second_moment(pieces: int) -> float:
    """E[max(z_1, ..., z_pieces)^2] of independent standard normal numbers, by the trapezoid rule.

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
