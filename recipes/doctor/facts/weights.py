"""What the weights of one layer look like, beside what they were drawn from and what they ought to be drawn from."""

import math
import random
from dataclasses import dataclass

import keras
import numpy as np

from recipes.initialization import initializer_for
from recipes.initialization.kernels import has_kernels, kernels
from recipes.initialization.rules import array

_CONSTANT = {"Zeros": 0.0, "Ones": 1.0}
_OFF = 0.15  # of the standard deviation that the initializer asks for
_FEW = 64  # weights of a kernel, below which its spread says little


@dataclass(frozen=True)
class KernelFacts:
    """The kernel of a layer.

    Attributes:
        matrix: The kernel `(fan_in, units)`.
        shape: Shape of the variable that holds it.
        bias: The bias `(units,)`; `None` without one.
    """

    matrix: np.ndarray
    shape: tuple[int, ...]
    bias: np.ndarray | None

    @property
    def fan_in(self) -> int:
        return self.matrix.shape[0]

    @property
    def identical_units(self) -> bool:
        """Whether there are several units, all with the same weights."""
        if self.matrix.shape[1] < 2:
            return False
        same_bias = self.bias is None or bool((self.bias == self.bias[:1]).all())
        return same_bias and bool((self.matrix == self.matrix[:, :1]).all())


def plain_layer(layer: keras.Layer) -> keras.Layer:
    """The layer that does the work: that inside a wrapper such as TimeDistributed, and the cell of a recurrent one."""
    while isinstance(layer, keras.layers.Wrapper) and hasattr(layer, "layer"):
        layer = layer.layer
    return layer.cell if isinstance(layer, keras.layers.RNN) else layer


def kernel_of(layer: keras.Layer) -> KernelFacts | None:
    """The kernel of a dense, convolutional or recurrent layer, the last one if it has several; `None` without one."""
    layer = plain_layer(layer)
    if not layer.built:
        return None
    if has_kernels(layer):
        kernel = kernels(layer)[-1]
        return KernelFacts(kernel.read(), tuple(kernel.variable.shape), _bias(getattr(layer, "affine", layer)))
    kernel = getattr(layer, "kernel", None)
    if not isinstance(kernel, keras.Variable) or len(kernel.shape) != 2:
        return None
    return KernelFacts(array(kernel.value), tuple(kernel.shape), _bias(layer))


def _bias(layer) -> np.ndarray | None:
    bias = getattr(layer, "bias", None)
    return None if bias is None else array(bias.value).reshape(-1)


def rule_std(activation, shape: tuple[int, ...]) -> float | None:
    """Standard deviation for which a kernel in front of `activation` keeps the scale of the signal; `None` if unknown.

    Args:
        activation: Activation behind the kernel: name, function or layer.
        shape: Shape of the kernel's variable.
    """
    # Keras draws the seed of every new initializer from Python's `random`, which must go on as if nobody had asked.
    state = random.getstate()
    try:
        return _std_of(initializer_for(activation), shape)
    except (ValueError, TypeError):
        return None
    finally:
        random.setstate(state)


def is_untouched(layer: keras.Layer) -> bool | None:
    """Whether the weights of `layer` look as its initializers made them; `None` where that cannot be told.

    Training moves a bias away from its constant at the first step, so a bias at its constant shows an untouched layer.
    A kernel alone does not: after a short training, its spread is still about that of its initializer.
    """
    layer = plain_layer(layer)
    told = [_is_as_drawn(layer, name) for name in _weight_names(layer)]
    if False in told:
        return False
    constants = [name for name in _weight_names(layer) if _constant(_initializer(layer, name)) is not None]
    return True if constants and None not in told else None


def _weight_names(layer) -> list[str]:
    names = [name.removesuffix("_initializer") for name in vars(layer) if name.endswith("_initializer")]
    return [name for name in names if isinstance(getattr(layer, name, None), keras.Variable)]


def _initializer(layer, name: str):
    return getattr(layer, f"{name}_initializer", None)


def _is_as_drawn(layer, name: str) -> bool | None:
    initializer, values = _initializer(layer, name), array(getattr(layer, name).value)
    constant = _constant(initializer)
    if constant is not None:
        # The forget gate of an LSTM starts at 1, whatever the initializer.
        return bool((values == constant).all()) or (
            name == "bias" and bool(getattr(layer, "unit_forget_bias", False)) and set(np.unique(values)) <= {0.0, 1.0}
        )
    expected = _std_of(initializer, values.shape)
    if expected is None:
        return None
    noise = 3 / math.sqrt(2 * values.size)
    if abs(values.std() / expected - 1) > _OFF + noise and values.size >= _FEW:
        return False
    largest = 6 * expected if values.size >= _FEW else 8 * expected
    return bool(np.abs(values).max() <= largest and abs(values.mean()) <= 5 * expected / math.sqrt(values.size))


def _constant(initializer) -> float | None:
    kind = type(initializer).__name__
    value = getattr(initializer, "value", None) if kind == "Constant" else _CONSTANT.get(kind)
    return float(np.float32(value)) if isinstance(value, int | float) else None


def _std_of(initializer, shape: tuple[int, ...]) -> float | None:
    """Standard deviation of the weights that `initializer` draws for `shape`; `None` where it is not known."""
    if isinstance(initializer, keras.initializers.VarianceScaling):
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out}.get(initializer.mode, (fan_in + fan_out) / 2)
        return math.sqrt(initializer.scale / max(fan, 1.0))
    if isinstance(initializer, keras.initializers.RandomNormal):
        return abs(initializer.stddev) if initializer.mean == 0 and initializer.stddev else None
    if isinstance(initializer, keras.initializers.TruncatedNormal):
        return 0.87962566103423978 * initializer.stddev if initializer.mean == 0 and initializer.stddev else None
    if isinstance(initializer, keras.initializers.RandomUniform):
        low, high = initializer.minval, initializer.maxval
        return (high - low) / math.sqrt(12) if low == -high and high > 0 else None
    if isinstance(initializer, keras.initializers.Orthogonal) and len(shape) >= 2:
        return abs(initializer.gain) / math.sqrt(max(math.prod(shape[:-1]), shape[-1]))
    return None


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Fan-in and fan-out as Keras's initializers count them, by the shape of the variable alone."""
    if len(shape) < 2:
        return (math.prod(shape),) * 2
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]
