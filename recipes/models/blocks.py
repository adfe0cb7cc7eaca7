"""What the builders share: checks at the call, and how every hidden layer is made."""

import math
import numbers
from dataclasses import dataclass
from typing import Any

import keras

from custom_layers import Maxout, MaxoutConv2D, PReLU, RandomizedLeakyReLU
from recipes import initialization
from recipes.lookup import normalize, unknown

NORMALIZATIONS = {"batch": keras.layers.BatchNormalization, "layer": keras.layers.LayerNormalization}


def _is_count(value) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= 1


def check(input_shape, widths, num_outputs: int) -> None:
    """Refuse shapes and sizes that no builder takes, before anything is built."""
    if not isinstance(input_shape, tuple | list) or not input_shape or not all(map(_is_count, input_shape)):
        raise ValueError(f"`input_shape` must be the shape of one row, such as (30,). Received: {input_shape!r}")
    if not isinstance(widths, tuple | list) or not all(map(_is_count, widths)):
        raise ValueError(f"`widths` must be whole numbers of at least 1. Received: {widths!r}")
    if not _is_count(num_outputs):
        raise ValueError(f"`num_outputs` must be a whole number of at least 1. Received: {num_outputs!r}")


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """How every hidden layer is made: weights, normalization, activation and dropout, as the builders describe them."""

    activation: Any
    negative_slope: float | None
    pieces: int
    kernel_initializer: Any
    normalization: str | None
    dropout: float
    input_dropout: float
    noise: float
    l1: float
    l2: float
    max_norm: float | None
    bias_start: float

    def __post_init__(self):
        if self.normalization not in (None, *NORMALIZATIONS):
            raise unknown("normalization", self.normalization, NORMALIZATIONS)
        for name in ("dropout", "input_dropout"):
            if not isinstance(getattr(self, name), numbers.Real) or not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 0 and less than 1. Received: {getattr(self, name)}")
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"`noise` must be at least 0 and finite. Received: {self.noise}")
        if self.max_norm is not None and not 0 < self.max_norm < math.inf:
            raise ValueError(f"`max_norm` must be more than 0 and finite. Received: {self.max_norm}")
        if self.negative_slope is not None and self._name not in ("leaky_relu", "prelu"):
            raise ValueError(
                f"`negative_slope` belongs to leaky_relu and prelu. Received: {self.negative_slope!r} with {self._name}"
            )
        self._start()  # refuses an unknown activation or initializer, and wrong slopes and pieces

    @property
    def _name(self) -> str:
        """Of the activation, as Keras spells it."""
        return normalize(getattr(self.activation, "__name__", self.activation) or "linear").replace("-", "_")

    def disturb(self, x):
        """Noise on the inputs, and dropout of some."""
        if self.noise:
            x = keras.layers.GaussianNoise(self.noise, name="inputs_noise")(x)
        if self.input_dropout:
            x = keras.layers.Dropout(self.input_dropout, name="inputs_dropout")(x)
        return x

    def dense(self, x, units: int, name: str):
        """A dense layer called `name`, with what belongs behind it."""
        arguments = {**self._weights(rank=0), "name": name}
        if self._name == "maxout":
            return self._behind(Maxout(units, self.pieces, **arguments)(x), name)
        return self._behind(keras.layers.Dense(units, **arguments)(x), name)

    def conv(self, x, filters: int, kernel_size: int, name: str):
        """A convolution called `name` over padded images, with what belongs behind it."""
        arguments = {"padding": "same", **self._weights(rank=2), "name": name}
        if self._name == "maxout":
            return self._behind(MaxoutConv2D(filters, kernel_size, self.pieces, **arguments)(x), name)
        return self._behind(keras.layers.Conv2D(filters, kernel_size, **arguments)(x), name)

    def drop(self, x, name: str):
        """Dropout that suits the activation: SELU keeps its mean and variance only under `AlphaDropout`."""
        if not self.dropout:
            return x
        layer = keras.layers.AlphaDropout if self._name == "selu" else keras.layers.Dropout
        return layer(self.dropout, name=f"{name}_dropout")(x)

    def logits(self, x, num_outputs: int):
        """The linear layer at the end."""
        # float32, so that the loss is exact in mixed precision too.
        start = initialization.initializer_for("linear")
        arguments = {"kernel_initializer": start, "kernel_regularizer": self._penalty(), "dtype": "float32"}
        return keras.layers.Dense(num_outputs, **arguments, name="logits")(x)

    def _behind(self, x, name: str):
        """Normalization, where there is one, and the activation; Maxout's is in its layer, in front of both."""
        if self.normalization:
            x = NORMALIZATIONS[self.normalization](name=f"{name}_norm")(x)
        if self._name == "maxout":
            return x
        return self._activation(f"{name}_{self._name}")(x)

    def _activation(self, name: str) -> keras.layers.Layer:
        if self._name == "prelu":
            start = {} if self.negative_slope is None else {"alpha_initializer": self.negative_slope}
            return PReLU(**start, name=name)
        if self._name == "rrelu":
            return RandomizedLeakyReLU(name=name)
        if self._name == "leaky_relu" and self.negative_slope is not None:
            return keras.layers.LeakyReLU(self.negative_slope, name=name)
        activation = self._name if isinstance(self.activation, str) else self.activation
        return keras.layers.Activation(activation, name=name)

    def _weights(self, rank: int) -> dict:
        """Keyword arguments for the weights of a layer with a window of `rank` axes."""
        arguments = {"kernel_initializer": self._start(), "kernel_regularizer": self._penalty()}
        if self.bias_start:
            arguments["bias_initializer"] = keras.initializers.Constant(self.bias_start)
        if self.max_norm is not None:
            # Over all that one unit sums: the last axis of a kernel is that of the units.
            arguments["kernel_constraint"] = keras.constraints.MaxNorm(self.max_norm, axis=list(range(rank + 1)))
        return arguments

    def _start(self) -> keras.initializers.Initializer:
        if self.kernel_initializer is None:
            return initialization.initializer_for(
                self.activation, negative_slope=self.negative_slope, pieces=self.pieces
            )
        chosen = initialization.get(self.kernel_initializer, self._name, negative_slope=self.negative_slope)
        # An initializer draws the same numbers each time: shared, it would make layers of one shape equal.
        config = chosen.get_config()
        return type(chosen).from_config({name: config[name] for name in config if name != "seed"})

    def _penalty(self) -> keras.regularizers.Regularizer | None:
        return keras.regularizers.L1L2(l1=self.l1, l2=self.l2) if self.l1 or self.l2 else None
