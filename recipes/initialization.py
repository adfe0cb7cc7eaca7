"""The right start for each layer: initial weights whose variance suits the activation behind them."""

from recipes.lookup import normalize, unknown

# The variance that keeps the signal's scale through a layer, by the activation behind it. Sources: Glorot & Bengio
# 2010 (1 / fan_avg), He et al. 2015 (2 / fan_in), Klambauer et al. 2017 on LeCun 1998 (1 / fan_in).
_FAMILIES = {
    "glorot": ("linear", "tanh", "sigmoid", "softmax", "hard-sigmoid", "softsign"),
    "he": ("relu", "relu6", "leaky-relu", "elu", "gelu", "silu", "swish", "softplus", "mish", "celu"),
    "lecun": ("selu",),
}


def initializer_for(activation, distribution: str = "normal"):
    """The Keras initializer with the right variance for the layer in front of `activation`.

    Args:
        activation: Name of an activation, or a function of `keras.activations`; `None` is linear.
        distribution: `"normal"` (truncated at two standard deviations, as in Keras) or `"uniform"`.

    Returns:
        A new `keras.initializers.Initializer`: Glorot for linear, tanh, sigmoid and softmax; He for ReLU and its
        variants; LeCun for SELU.

    Raises:
        ValueError: For an unknown activation or distribution.
    """
    import keras

    if distribution not in ("normal", "uniform"):
        raise ValueError(f"`distribution` must be normal or uniform. Received: {distribution!r}")
    name = getattr(activation, "__name__", activation) or "linear"
    for family, activations in _FAMILIES.items():
        if normalize(str(name)) in activations:
            return keras.initializers.get(f"{family}_{distribution}")
    raise unknown("activation", name, sorted(name.replace("-", "_") for names in _FAMILIES.values() for name in names))
