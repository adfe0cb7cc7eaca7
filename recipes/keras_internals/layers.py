"""Facts about layers of Keras: their families, the class whose computation they have, and the graph of a model."""

from collections.abc import Iterable

import keras

DENSE = (keras.layers.Dense, keras.layers.EinsumDense)
CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)


def known_class(layer: object, classes: Iterable[type]) -> type | None:
    """The first class of `layer` that is one of `classes`; `None` if there is none, or a subclass computes otherwise.

    >>> class Doubled(keras.layers.Dense):
    ...     def call(self, inputs):
    ...         return 2 * super().call(inputs)
    >>> known_class(keras.layers.Dense(3), DENSE).__name__, known_class(Doubled(3), DENSE)
    ('Dense', None)
    """
    kind = next((kind for kind in type(layer).__mro__ if kind in classes), None)
    return kind if kind is not None and type(layer).call is kind.call else None


def graph_of(model: object) -> keras.Function | None:
    """The graph of a Sequential or functional model; `None` for whatever has none."""
    if isinstance(model, keras.Sequential):
        # A Sequential of layers that cannot be drawn as a graph is built without one, and then has no inputs.
        return keras.Function(model.inputs, model.outputs) if getattr(model, "inputs", None) else None
    return model if isinstance(model, keras.Function) else None
