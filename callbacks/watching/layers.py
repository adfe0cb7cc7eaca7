"""Which layers of a model are watched, by what names, and whose each weight is."""

import keras

# Packages whose layers are taken as one each, whatever they are made of: a layer inside a recurrent one runs in a loop
# of the backend, from which nothing can be taken out, and the map inside a Maxout is no layer to its user.
_WHOLE = ("keras", "custom_layers")


def watched_layers(model) -> dict[str, keras.Layer]:
    """The layers of `model` that have weights of their own or are an activation, by name, in the order of the model.

    A layer inside another one or inside a model is called by both: `"body/conv_1"`. One that is used several times is
    there once.
    """
    found: dict[str, keras.Layer] = {}
    seen: set[int] = set()

    def visit(layer, path):
        if id(layer) in seen:
            return
        seen.add(id(layer))
        if _own(layer, layer.weights) or is_activation(layer):
            path = path or layer.name
            copies = sum(name == path or name.startswith(f"{path}#") for name in found)
            found[f"{path}#{copies + 1}" if copies else path] = layer
        for child in _parts(layer):
            visit(child, f"{path}/{child.name}" if layer is not model else child.name)

    visit(model, "")
    return found


def trained_weights(layer) -> list[keras.Variable]:
    """The trainable weights of `layer` itself, without those of the layers in it that are watched themselves."""
    return _own(layer, layer.trainable_weights)


def is_activation(layer) -> bool:
    """Whether `layer` is an activation and nothing else: Activation, Softmax, ReLU, PReLU, SiLU and their like."""
    name = type(layer).__name__
    return name in ("Activation", "Softmax") or name.endswith("LU")


def _own(layer, weights) -> list[keras.Variable]:
    inside = {id(weight) for part in _parts(layer) for weight in part.weights}
    return [weight for weight in weights if id(weight) not in inside]


def _parts(layer) -> list[keras.Layer]:
    is_container = isinstance(layer, keras.Model | keras.layers.Bidirectional)
    if type(layer).__module__.split(".")[0] in _WHOLE and not is_container:
        return []
    return list(layer._flatten_layers(include_self=False, recursive=False))
