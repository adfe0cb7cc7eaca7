"""Which layers of a model are watched, under which names, and which weights belong to each."""

import keras

from callbacks.watching.keras_private import layers_inside

# Packages whose layers are watched as a whole, even if they are made of layers: a layer inside a recurrent one runs in
# a loop of the backend, from which no tensor can be taken out, and the affine map inside a Maxout is no layer to its
# user.
_WHOLE = ("keras", "custom_layers")


def watched_layers(model) -> dict[str, keras.Layer]:
    """The layers of `model` that have weights of their own or are an activation, by name, in the order of the model.

    The name of a layer inside another layer or model starts with that of the outer one: `"body/conv_1"`. A layer that
    is used several times is listed once.
    """
    found: dict[str, keras.Layer] = {}
    seen: set[int] = set()

    def visit(layer, path):
        if id(layer) in seen:
            return
        seen.add(id(layer))
        if _own(layer, layer.weights) or is_activation(layer):
            path = path or layer.name
            # Different layers of a subclassed model may have the same name.
            copies = sum(name == path or name.startswith(f"{path}#") for name in found)
            found[f"{path}#{copies + 1}" if copies else path] = layer
        for child in _parts(layer):
            visit(child, f"{path}/{child.name}" if layer is not model else child.name)

    visit(model, "")
    return found


def trained_weights(layer) -> list[keras.Variable]:
    """The trainable weights of `layer` itself, without those of the layers inside it that are watched themselves."""
    return _own(layer, layer.trainable_weights)


def is_activation(layer) -> bool:
    """Whether `layer` is an activation and nothing else: Activation, Softmax, ReLU, PReLU, SiLU and so on."""
    name = type(layer).__name__
    return name in ("Activation", "ParametricActivation", "Softmax") or name.endswith("LU")


def _own(layer, weights) -> list[keras.Variable]:
    inside = {id(weight) for part in _parts(layer) for weight in part.weights}
    return [weight for weight in weights if id(weight) not in inside]


def _parts(layer) -> list[keras.Layer]:
    is_container = isinstance(layer, keras.Model | keras.layers.Bidirectional)
    if type(layer).__module__.split(".")[0] in _WHOLE and not is_container:
        return []
    return layers_inside(layer)
