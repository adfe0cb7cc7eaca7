"""Which layers can fall silent or saturate: known from the activation that gives their output."""

import functools

import keras

# Those that go to 0 on a whole side, where their gradient is 0, too.
_SILENT = {
    "relu", "relu6", "gelu", "silu", "swish", "hard_silu", "hard_swish", "mish", "softplus", "squareplus",
    "sparse_plus", "exponential", "threshold", "hard_shrink", "soft_shrink",
}  # fmt: skip
_TANH = (-0.97, 0.97)
_SIGMOID = (0.02, 0.98)
_FLAT = {
    "tanh": _TANH,
    "hard_tanh": _TANH,
    "softsign": _TANH,
    "sigmoid": _SIGMOID,
    "hard_sigmoid": _SIGMOID,
    "sparse_sigmoid": _SIGMOID,
}


def can_be_silent(layer) -> bool:
    """Whether a unit of `layer` can give 0 for every row: not where its activation is linear, leaky or has two ends."""
    return _activation(layer) in _SILENT


def flat_ends(layer) -> tuple[float, float] | None:
    """Outputs of `layer` below the first or above the second number are saturated; `None` if it has no flat ends."""
    return _FLAT.get(_activation(layer))


def _activation(layer) -> str | None:
    """Name of the function whose values `layer` gives."""
    if isinstance(layer, keras.layers.RNN):
        # Gated cells have an activation, too, but multiply its values.
        return _name(layer.cell.activation) if isinstance(layer.cell, keras.layers.SimpleRNNCell) else None
    if isinstance(layer, keras.layers.Wrapper):
        return _activation(layer.layer)
    if isinstance(layer, keras.layers.ReLU):
        return None if layer.negative_slope else "relu"
    return _name(getattr(layer, "activation", None))


def _name(activation) -> str | None:
    if isinstance(activation, keras.Layer):
        return _activation(activation)
    if isinstance(activation, functools.partial):
        return None if activation.keywords.get("negative_slope") else _name(activation.func)
    return activation if isinstance(activation, str) else getattr(activation, "__name__", None)
