"""What the builders share: checks at the call, and the steps behind each layer of weights."""

import numbers

import keras

from recipes.initialization import initializer_for
from recipes.lookup import normalize, unknown

NORMALIZATIONS = {"batch": keras.layers.BatchNormalization, "layer": keras.layers.LayerNormalization}


def _is_count(value) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= 1


def check(input_shape, widths, num_outputs: int, normalization: str | None, dropout: float) -> None:
    """Refuse arguments that no builder takes, before anything is built."""
    if not isinstance(input_shape, tuple | list) or not input_shape or not all(map(_is_count, input_shape)):
        raise ValueError(f"`input_shape` must be the shape of one row, such as (30,). Received: {input_shape!r}")
    if not isinstance(widths, tuple | list) or not all(map(_is_count, widths)):
        raise ValueError(f"`widths` must be whole numbers of at least 1. Received: {widths!r}")
    if not _is_count(num_outputs):
        raise ValueError(f"`num_outputs` must be a whole number of at least 1. Received: {num_outputs!r}")
    if normalization not in (None, *NORMALIZATIONS):
        raise unknown("normalization", normalization, NORMALIZATIONS)
    if not 0 <= dropout < 1:
        raise ValueError(f"`dropout` must be at least 0 and less than 1. Received: {dropout}")


def kernel(activation, kernel_initializer=None, l1: float = 0.0, l2: float = 0.0) -> dict:
    """Keyword arguments for the kernel of a layer in front of `activation`."""
    chosen = initializer_for(activation) if kernel_initializer is None else _initializer(kernel_initializer)
    penalty = keras.regularizers.L1L2(l1=l1, l2=l2) if l1 or l2 else None
    return {"kernel_initializer": chosen, "kernel_regularizer": penalty}


def _initializer(kernel_initializer):
    if isinstance(kernel_initializer, keras.initializers.Initializer):
        # An initializer draws the same numbers each time: shared, it would make layers of one shape equal.
        config = kernel_initializer.get_config()
        return type(kernel_initializer).from_config({name: config[name] for name in config if name != "seed"})
    try:
        return keras.initializers.get(kernel_initializer)
    except ValueError:
        functions = {"get", "serialize", "deserialize"}
        known = [name for name in dir(keras.initializers) if name[0].islower() and name not in functions]
        raise unknown("kernel initializer", kernel_initializer, known) from None


def activate(x, activation, normalization: str | None, name: str):
    """Normalization, where there is one, then the activation, behind the layer called `name`."""
    if normalization:
        x = NORMALIZATIONS[normalization](name=f"{name}_norm")(x)
    if isinstance(activation, str):
        activation = normalize(activation).replace("-", "_")  # as Keras spells it
    return keras.layers.Activation(activation, name=f"{name}_{getattr(activation, '__name__', activation)}")(x)


def drop(x, rate: float, activation, name: str):
    """Dropout of a kind that suits `activation`: SELU keeps its mean and variance only under `AlphaDropout`."""
    if not rate:
        return x
    is_selu = normalize(getattr(activation, "__name__", activation)) == "selu"
    layer = keras.layers.AlphaDropout if is_selu else keras.layers.Dropout
    return layer(rate, name=f"{name}_dropout")(x)
