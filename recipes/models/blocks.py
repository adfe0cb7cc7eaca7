"""What the builders share: checks of their arguments, how every hidden layer is made, and a bound on the size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from custom_layers import (
    CategoryEmbedding,
    Maxout,
    MaxoutConv2D,
    ParametricActivation,
    PReLU,
    RandomizedLeakyReLU,
    ScheduledDropout,
)
from recipes import initialization
from recipes.arguments.names import normalize, unknown
from recipes.arguments.numbers import (
    is_count,
    require_finite,
    require_fraction,
    require_not_negative,
    require_positive,
    require_whole,
)
from recipes.keras_internals.private import weights_undrawn

NORMALIZATIONS = {"batch": keras.layers.BatchNormalization, "layer": keras.layers.LayerNormalization}


def choose(kind: str, value, known) -> str:
    """`value` as one of the names `known`, with `_` for `-`.

    Raises:
        ValueError: If it is none of them; `kind` is what the message calls it, and the nearest name is suggested.
    """
    name = normalize(value).replace("-", "_")
    if not isinstance(value, str) or name not in known:
        raise unknown(kind, value, known)
    return name


def check(input_shape, num_outputs: int) -> tuple[int, ...]:
    """`input_shape` as a tuple, once it and `num_outputs` are known to be what every builder takes."""
    if not isinstance(input_shape, tuple | list) or not input_shape or not all(map(is_count, input_shape)):
        raise ValueError(f"`input_shape` must be the shape of one row, such as (30,). Received: {input_shape!r}")
    require_whole("num_outputs", num_outputs, least=1)
    return tuple(input_shape)


def check_flag(name: str, value) -> None:
    """Refuse a `value` that is neither `True` nor `False`: a text such as `"no"` would count as true."""
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` must be true or false. Received: {value!r}")


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """How every hidden layer is made.

    Its fields are arguments of every builder, which documents them.
    """

    activation: Any = "relu"
    negative_slope: float | None = None
    pieces: int = 2
    kernel_initializer: Any = None
    normalization: str | None = None
    dropout: float = 0.0
    input_dropout: float = 0.0
    noise: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    max_norm: float | None = None
    bias_start: float = 0.0
    scheduled_dropout: bool = False

    def __post_init__(self):
        if self.normalization not in (None, *NORMALIZATIONS):
            raise unknown("normalization", self.normalization, NORMALIZATIONS)
        for name in ("dropout", "input_dropout"):
            require_fraction(name, getattr(self, name))
        for name in ("noise", "l1", "l2"):
            require_not_negative(name, getattr(self, name))
        if self.max_norm is not None:
            require_positive("max_norm", self.max_norm)
        require_finite("bias_start", self.bias_start)
        check_flag("scheduled_dropout", self.scheduled_dropout)
        if self.scheduled_dropout and self.name == "selu":
            raise ValueError("`scheduled_dropout` lowers ordinary dropout, and selu takes AlphaDropout: leave it out")
        if self.negative_slope is not None and self.name not in ("leaky_relu", "prelu"):
            raise ValueError(
                f"`negative_slope` belongs to leaky_relu and prelu. Received: {self.negative_slope!r} with {self.name}"
            )
        self.initializer()  # refuses an unknown activation or initializer, and wrong slopes and pieces

    @property
    def name(self) -> str:
        """Name of the activation, as Keras spells it."""
        return normalize(getattr(self.activation, "__name__", self.activation) or "linear").replace("-", "_")

    @property
    def is_parametric(self) -> bool:
        """Whether the activation is one of those with a learned strength, such as `"parametric_selu"`."""
        return isinstance(self.activation, str) and self.name in initialization.PARAMETRIC

    def disturb(self, x):
        """`x` with noise and dropout on the inputs, where they are set."""
        if self.noise:
            x = keras.layers.GaussianNoise(self.noise, name="inputs_noise")(x)
        if self.input_dropout:
            x = keras.layers.Dropout(self.input_dropout, name="inputs_dropout")(x)
        return x

    def embed(self, x, embedded: tuple[int, ...]):
        """`x`, rows of numbers, with learned vectors in place of the codes in the last columns; else as `disturb`."""
        if not isinstance(embedded, tuple | list) or not all(map(is_count, embedded)):
            raise ValueError(f"`embedded` must be numbers of codes, at least 1 each. Received: {embedded!r}")
        if not embedded:
            return self.disturb(x)
        if len(x.shape) != 2:
            raise ValueError(f"`embedded` is for rows of numbers. Received: rows of shape {tuple(x.shape[1:])}")
        if self.input_dropout or self.noise:
            raise ValueError("`input_dropout` and `noise` would change codes of categories: not with `embedded`")
        return CategoryEmbedding(embedded, name="embedding")(x)

    def dense(self, x, units: int, name: str):
        """The output of a dense layer called `name`, with normalization and activation behind it."""
        return self.activated(self.affine_dense(x, units, name), name)

    def conv(self, x, filters: int, kernel_size: int, name: str, strides: int = 1, separable: bool = False):
        """The output of a convolution called `name`, padded, with normalization and activation behind it."""
        return self.activated(self.affine_conv(x, filters, kernel_size, name, strides, separable), name)

    def affine_dense(self, x, units: int, name: str):
        """The output of a dense layer called `name`; for Maxout behind its maximum."""
        arguments = {**self.weights(rank=0), "name": name}
        if self.name == "maxout":
            return Maxout(units, self.pieces, **arguments)(x)
        return keras.layers.Dense(units, **arguments)(x)

    def affine_conv(self, x, filters: int, kernel_size: int, name: str, strides: int = 1, separable: bool = False):
        """The output of a convolution called `name`, padded so that images keep their size; for Maxout its maximum.

        Where it is `separable`, every channel is first filtered by itself (layer `<name>_depthwise`), then all are
        mixed pixel by pixel.
        """
        if separable:
            # Keras would count all channels as the fan-in of each one, and make the signal small.
            start = keras.initializers.RandomNormal(stddev=1 / kernel_size)
            x = keras.layers.DepthwiseConv2D(
                kernel_size,
                strides,
                "same",
                use_bias=False,
                depthwise_initializer=start,
                depthwise_regularizer=self.penalty(),
                name=f"{name}_depthwise",
            )(x)
            kernel_size = strides = 1
        arguments = {"strides": strides, "padding": "same", **self.weights(rank=2), "name": name}
        if self.name == "maxout":
            return MaxoutConv2D(filters, kernel_size, self.pieces, **arguments)(x)
        return keras.layers.Conv2D(filters, kernel_size, **arguments)(x)

    def normalized(self, x, name: str):
        """`x`, normalized where a normalization is set."""
        return NORMALIZATIONS[self.normalization](name=f"{name}_norm")(x) if self.normalization else x

    def activated(self, x, name: str):
        """`x`, normalized where that is set, and activated; Maxout has its activation in the layer in front."""
        return self.activation_of(self.normalized(x, name), name)

    def activation_of(self, x, name: str):
        """`x`, activated; Maxout has its activation in the layer in front."""
        return x if self.name == "maxout" else self._activation(f"{name}_{self.name}")(x)

    def drop(self, x, name: str):
        """`x` with dropout that suits the activation: only `AlphaDropout` keeps the mean and variance of SELU."""
        if not self.dropout:
            return x
        if self.scheduled_dropout:
            return ScheduledDropout(self.dropout, name=f"{name}_dropout")(x)
        layer = keras.layers.AlphaDropout if self.name == "selu" else keras.layers.Dropout
        return layer(self.dropout, name=f"{name}_dropout")(x)

    def logits(self, x, num_outputs: int, name: str = "logits"):
        """The output of the linear layer at the end."""
        # float32, so that the loss is exact in mixed precision too.
        start = initialization.initializer_for("linear")
        arguments = {"kernel_initializer": start, "kernel_regularizer": self.penalty(), "dtype": "float32"}
        return keras.layers.Dense(num_outputs, **arguments, name=name)(x)

    def _activation(self, name: str) -> keras.layers.Layer:
        if self.name == "prelu":
            start = {} if self.negative_slope is None else {"alpha_initializer": self.negative_slope}
            return PReLU(**start, name=name)
        if self.name == "rrelu":
            return RandomizedLeakyReLU(name=name)
        if self.is_parametric:
            return ParametricActivation(initialization.PARAMETRIC[self.name], name=name)
        if self.name == "leaky_relu" and self.negative_slope is not None:
            return keras.layers.LeakyReLU(self.negative_slope, name=name)
        return keras.layers.Activation(self.function(), name=name)

    def function(self):
        """The activation in a form that Keras takes: its name, or the function itself."""
        return self.name if isinstance(self.activation, str) else self.activation

    def weights(self, rank: int) -> dict:
        """Keyword arguments for the weights of a layer whose kernel has a window of `rank` axes; 0 for a dense one."""
        arguments = {"kernel_initializer": self.initializer(), "kernel_regularizer": self.penalty()}
        if self.bias_start:
            arguments["bias_initializer"] = keras.initializers.Constant(self.bias_start)
        if self.max_norm is not None:
            arguments["kernel_constraint"] = self.constraint(rank)
        return arguments

    def constraint(self, rank: int = 0) -> keras.constraints.Constraint | None:
        """Bound on the norm of a unit's weights: of all axes of a kernel but the last, which is that of the units."""
        return None if self.max_norm is None else keras.constraints.MaxNorm(self.max_norm, axis=list(range(rank + 1)))

    def initializer(self) -> keras.initializers.Initializer:
        """Initializer of one layer's kernel, a new one at each call."""
        if self.kernel_initializer is None:
            return initialization.initializer_for(
                self.activation, negative_slope=self.negative_slope, pieces=self.pieces
            )
        chosen = initialization.get(self.kernel_initializer, self.name, negative_slope=self.negative_slope)
        # An initializer draws the same numbers each time: shared, it would make layers of one shape equal.
        config = chosen.get_config()
        return type(chosen).from_config({name: config[name] for name in config if name != "seed"})

    def penalty(self, share: float = 1.0) -> keras.regularizers.Regularizer | None:
        """Penalty on one layer's kernel, or that `share` of it; `None` if there is none.

        Raises:
            ValueError: For weights of another precision than float32, in which the loss is, since Keras adds up only
                what is of one precision.
        """
        if not self.l1 and not self.l2:
            return None
        policy = keras.config.dtype_policy()
        if policy.variable_dtype != "float32":
            raise ValueError(
                f"the penalties l1 and l2 need weights of float32, as with the dtype policies float32, mixed_float16 "
                f"and mixed_bfloat16. Received: {policy.name}"
            )
        return keras.regularizers.L1L2(l1=share * self.l1, l2=share * self.l2)


def shrink(widths: tuple[int, ...], most: int | None, build: Callable[[tuple[int, ...]], keras.Model]) -> keras.Model:
    """The model that `build` makes of `widths`, or of narrower ones in the same proportions, if it would be too large.

    Args:
        widths: Widths of all layers.
        most: Largest number of parameters that the model may have. `None` for any number.
        build: Function that returns the model of given widths.

    Raises:
        ValueError: If the narrowest model has more parameters.
    """
    if most is not None:
        require_whole("max_parameters", most, least=1)
    if most is None or _parameters(build, widths) <= most:
        return build(widths)
    # The largest width that fits, by bisection: more width means more parameters.
    fits, too_wide = 0, max(widths, default=1)

    def narrowed(largest):
        return tuple(max(1, round(width * largest / max(widths))) for width in widths)

    while too_wide - fits > 1:
        middle = (fits + too_wide) // 2
        if _parameters(build, narrowed(middle)) <= most:
            fits = middle
        else:
            too_wide = middle
    if not fits:
        raise ValueError(f"`max_parameters` is too few for these layers, however narrow. Received: {most}")
    return build(narrowed(fits))


def _parameters(build, widths) -> int:
    """Number of parameters of the model that `build` makes of `widths`; their values are never drawn."""
    with weights_undrawn():
        return build(widths).count_params()
