"""What a layer is, in a few characters: its kind, its activation, and how its kernel was initialized."""

import keras

from custom_layers import ParametricActivation, RandomizedLeakyReLU
from recipes.initialization.kernels import MAXOUT
from recipes.models.layer_costs import cells

_ACTIVATIONS = {
    keras.layers.ReLU: "relu",
    keras.layers.LeakyReLU: "leaky_relu",
    keras.layers.PReLU: "prelu",
    keras.layers.ELU: "elu",
    keras.layers.Softmax: "softmax",
    RandomizedLeakyReLU: "rrelu",
}
# Attributes of Keras's layers that hold the initializer and the values of their largest kernel.
_KERNELS = (
    ("kernel_initializer", "kernel"),
    ("pointwise_initializer", "pointwise_kernel"),
    ("depthwise_initializer", "kernel"),
    ("embeddings_initializer", "embeddings"),
)


def kind_of(layer) -> str:
    """The class of a layer, shortened, with the class inside a wrapper and the rate of dropout."""
    name = type(layer).__name__.removesuffix("Layer").replace("Normalization", "Norm")
    name = name.replace("AveragePooling", "AvgPool").replace("MaxPooling", "MaxPool")  # aliases that Keras has, too
    inner = getattr(layer, "layer", None) or getattr(layer, "forward_layer", None)
    if isinstance(layer, keras.layers.Bidirectional | keras.layers.TimeDistributed):
        return f"{name}({type(inner).__name__})"
    if isinstance(layer, keras.layers.Dropout | keras.layers.AlphaDropout):
        return f"{name} {layer.rate:g}"
    return name


def is_activation(layer) -> bool:
    """Whether `layer` only applies an activation."""
    return isinstance(layer, (keras.layers.Activation, *_ACTIVATIONS))


def activation_of(layer) -> str | None:
    """Name of the activation of a layer, such as `"relu"` or `"maxout 2"`; `None` if it has none."""
    if isinstance(layer, MAXOUT):
        return f"maxout {layer.pieces}"
    for kind, name in _ACTIVATIONS.items():
        if isinstance(layer, kind):
            return name
    activation = getattr(_unwrapped(layer), "activation", None)
    name = None if activation is None else getattr(activation, "__name__", type(activation).__name__)
    return f"parametric_{name}" if isinstance(layer, ParametricActivation) else name


def kernel_of(layer) -> tuple[str | None, float | None]:
    """Class of the initializer of a layer's largest kernel, and variance of its values; `None` twice without one."""
    layer = _unwrapped(layer)
    if isinstance(layer, keras.layers.RNN):
        layer = cells(layer)[0]
    for initializer, kernel in _KERNELS:
        chosen, values = getattr(layer, initializer, None), getattr(layer, kernel, None)
        if chosen is not None and values is not None:
            return getattr(chosen, "__name__", type(chosen).__name__), _variance(values)
    return None, None


def _unwrapped(layer):
    """The layer inside a wrapper; of two directions the forward one."""
    if isinstance(layer, keras.layers.Bidirectional):
        layer = layer.forward_layer
    return layer.layer if isinstance(layer, keras.layers.TimeDistributed) else layer


def _variance(kernel) -> float:
    """Variance of the values of a kernel, or of all tables of an embedding."""
    tables = kernel if isinstance(kernel, list) else [kernel]
    values = keras.ops.concatenate([keras.ops.reshape(keras.ops.cast(table, "float32"), [-1]) for table in tables])
    return float(keras.ops.convert_to_numpy(values).astype("float64").var())
