"""The kernels of a layer as matrices `(fan_in, units)`: how they are drawn, and how many of their inputs exist."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from custom_layers import Maxout, MaxoutConv1D, MaxoutConv2D
from recipes.initialization.moments import Signal
from recipes.keras_internals.layers import CONVOLUTIONS, DENSE, DEPTHWISE, SEPARABLE, TRANSPOSED, known_class

MAXOUT = (Maxout, MaxoutConv1D, MaxoutConv2D)
KERNEL_LAYERS = (*MAXOUT, *DENSE, *CONVOLUTIONS, *TRANSPOSED, *DEPTHWISE, *SEPARABLE)

# Standard deviation of a standard normal distribution that is truncated at two standard deviations.
_CUT = 0.87962566103423978


@dataclass(frozen=True)
class KernelStart:
    """How a kernel was drawn, and the pre-activations behind it.

    Attributes:
        layer: Name of the layer.
        kernel_variance: Variance of the kernel's weights.
        mean: Mean of the pre-activations, over units and rows.
        variance: Variance of the pre-activations, over units and rows.
        spread: Standard deviation of the pre-activations over rows, unit by unit, as a fraction of the root of
            `variance`. Near 0, the layer gives nearly the same for every row, whatever its variance.
    """

    layer: str
    kernel_variance: float
    mean: float
    variance: float
    spread: float

    @classmethod
    def of(cls, layer: str, kernel_variance: float, signal: Signal) -> "KernelStart":
        """The record of a kernel whose pre-activations are `signal`."""
        return cls(layer, *map(float, (kernel_variance, signal.mean, signal.variance, signal.spread)))


@dataclass(frozen=True)
class Kernel:
    """One kernel of a layer.

    Attributes:
        variable: Weight that holds the kernel.
        inputs: Axes of `variable` that are summed over; the others are those of the units.
        blocks: Number of groups of consecutive units that have different inputs.
    """

    variable: keras.Variable
    inputs: tuple[int, ...]
    blocks: int = 1

    @property
    def _order(self) -> tuple[int, ...]:
        return (*self.inputs, *(axis for axis in range(len(self.variable.shape)) if axis not in self.inputs))

    @property
    def fan_in(self) -> int:
        return math.prod(self.variable.shape[axis] for axis in self.inputs)

    def read(self) -> np.ndarray:
        """The kernel as a float64 matrix `(fan_in, units)`."""
        values = keras.ops.convert_to_numpy(keras.ops.cast(self.variable.value, "float32")).astype("float64")
        return np.transpose(values, self._order).reshape(self.fan_in, -1)

    def write(self, matrix: np.ndarray) -> None:
        """Set the kernel to the matrix `(fan_in, units)`."""
        shape = [self.variable.shape[axis] for axis in self._order]
        assign(self.variable, np.transpose(matrix.reshape(shape), np.argsort(self._order)))

    def normal(self, variance: float, rng: np.random.Generator) -> np.ndarray:
        """A matrix drawn from the normal distribution of this variance, truncated at two standard deviations."""
        matrix = rng.standard_normal((self.fan_in, math.prod(self.variable.shape) // self.fan_in))
        while (outside := np.abs(matrix) > 2).any():
            matrix[outside] = rng.standard_normal(outside.sum())
        return matrix * (math.sqrt(variance) / _CUT)

    def orthonormal(self, rng: np.random.Generator) -> np.ndarray:
        """A matrix whose columns are orthonormal, or its rows where it is wider than high, block by block."""
        units = math.prod(self.variable.shape) // self.fan_in // self.blocks
        blocks = []
        for _ in range(self.blocks):
            drawn = rng.standard_normal((max(self.fan_in, units), min(self.fan_in, units)))
            # The backend's decomposition: that of NumPy is tens of times slower where processes compete for the cores.
            q, r = map(keras.ops.convert_to_numpy, keras.ops.qr(keras.ops.convert_to_tensor(drawn, "float32")))
            # Without the signs, the matrix would not be uniform over all orthonormal ones.
            q = q.astype("float64") * np.sign(np.diag(r))
            blocks.append(q if self.fan_in >= units else q.T)
        return np.concatenate(blocks, axis=1)


def assign(variable: keras.Variable, values: np.ndarray) -> None:
    """Set a weight of a layer, which may be in the middle of its call."""
    # On PyTorch, what is assigned inside a layer of mixed precision goes to the copy that is cast for its call, and is
    # lost. A layer without autocast leaves that scope.
    outside = keras.layers.Lambda(variable.assign, autocast=False, name="assign")
    outside(keras.ops.convert_to_tensor(values, "float32"))


def has_kernels(layer: object) -> bool:
    """Whether the kernels of `layer` can be drawn: one of the `KERNEL_LAYERS`, neither quantized nor with LoRA."""
    plain = known_class(layer, KERNEL_LAYERS) is not None
    return plain and layer.quantization_mode is None and not getattr(layer, "lora_enabled", False)


def kernels(layer: keras.layers.Layer) -> tuple[Kernel, ...]:
    """The kernels of one of the `KERNEL_LAYERS`, in the order in which the signal meets them."""
    if isinstance(layer, MAXOUT):
        return kernels(layer.affine)
    if isinstance(layer, keras.layers.EinsumDense):
        operands, output = layer.equation.replace(" ", "").split("->")
        incoming, weights = operands.split(",")
        return (Kernel(layer.kernel, tuple(i for i, a in enumerate(weights) if a in incoming and a not in output)),)
    if isinstance(layer, SEPARABLE):
        depthwise, pointwise = layer.depthwise_kernel, layer.pointwise_kernel
        window = tuple(range(len(depthwise.shape) - 2))
        return Kernel(depthwise, window, depthwise.shape[-2]), Kernel(pointwise, tuple(range(len(pointwise.shape) - 1)))
    rank = len(layer.kernel.shape)
    if isinstance(layer, DEPTHWISE):
        return (Kernel(layer.kernel, tuple(range(rank - 2)), layer.kernel.shape[-2]),)
    if isinstance(layer, TRANSPOSED):  # their kernels hold the output channels before the input channels
        return (Kernel(layer.kernel, (*range(rank - 2), rank - 1)),)
    return (Kernel(layer.kernel, tuple(range(rank - 1)), getattr(layer, "groups", 1)),)


def hits(layer: keras.layers.Layer, incoming: Sequence, outgoing: Sequence) -> float:
    """Inputs that a unit of the output sums, on average over positions, as a fraction of those in its kernel.

    It is less than 1 where windows reach over the border: with 3x3 windows on 8x8 positions and `"same"` padding, a
    kernel drawn without it loses 16 % of the variance of the signal in each layer. In a transposed convolution, it is
    divided by the stride. An unknown number of positions (`None`) is taken for infinite.

    Args:
        layer: Any layer; for one without a window, the fraction is 1.
        incoming: Shape of the input, with the batch.
        outgoing: Shape of the output, with the batch.
    """
    layer = layer.affine if isinstance(layer, MAXOUT) else layer
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if window is None:
        return 1.0
    rank = len(window)
    strides, dilation = (_each(getattr(layer, name, 1), rank) for name in ("strides", "dilation_rate"))
    first = slice(2, 2 + rank) if getattr(layer, "data_format", None) == "channels_first" else slice(1, 1 + rank)
    fraction = 1.0
    for size, result, width, stride, step in zip(
        incoming[first], outgoing[first], window, strides, dilation, strict=True
    ):
        if isinstance(layer, TRANSPOSED):
            known = size is not None and result is not None
            # A transposed convolution connects the same pairs of positions as the convolution from its output to its
            # input.
            ratio = size / result if known else 1 / stride
            fraction *= ratio * (_inside(result, size, width, stride, step, layer.padding) if known else 1)
        elif size is not None and result is not None:
            fraction *= _inside(size, result, width, stride, step, layer.padding)
    return fraction


def _each(value, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _inside(size: int, result: int, width: int, stride: int, step: int, padding: str) -> float:
    """The fraction of all pairs (position of the output, place in the window) inside an axis of length `size`."""
    extent = (width - 1) * step + 1
    before = {"causal": extent - 1, "same": max((result - 1) * stride + extent - size, 0) // 2}.get(padding, 0)
    places = np.arange(result)[:, None] * stride - before + np.arange(width) * step
    return float(np.mean((places >= 0) & (places < size)))
