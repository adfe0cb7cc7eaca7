"""The body of a transfer model: where it comes from, and a frozen copy of it without its head."""

import os
from pathlib import Path

import keras

from custom_layers import InferenceModel
from recipes.arguments.names import unknown
from recipes.keras_internals.private import all_layers
from recipes.models import applications
from recipes.models.saved import find, load_model
from recipes.models.serving import core_of

# Name of the layer that is the body.
BODY = "body"


def is_application(body: str) -> bool:
    """Whether `body` is the name of a network of `keras.applications`, rather than of a run folder or file."""
    return body in applications.NETWORKS and not Path(body).exists()


def check_body(body: str | None, weights: str | None = None) -> None:
    """Refuse settings of a body that does not exist, before any work.

    Args:
        body: Name or path of the body, as `model.body` in settings.
        weights: File of weights of a network of `keras.applications`, as `model.weights` in settings.

    Raises:
        ValueError: If no body is named, or weights are given for a body that is not a network of `keras.applications`.
        FileNotFoundError: If there is no such body, or there are no weights for it.
    """
    if body is None:
        raise ValueError(
            "model.body must name a run folder, a .keras file or a network of keras.applications, for the builder "
            "transfer. Received: None"
        )
    if is_application(body):
        applications.weights_file(body, weights)
    else:
        find(body)
        if weights is not None:
            raise ValueError(f"model.weights is for networks of keras.applications. Received: {weights!r} with {body}")


def body_of(model: keras.Model) -> keras.Model:
    """The body of a model that `transfer` built.

    Raises:
        ValueError: If `transfer` did not build it.
    """
    layers = getattr(model, "layers", [])
    body = next((layer for layer in layers if layer.name == BODY and isinstance(layer, InferenceModel)), None)
    if body is None:
        raise ValueError(f"only a model of `recipes.transfer` has a body to fine-tune. Received: {model!r}")
    return body


def new_body(model: keras.Model | str | os.PathLike, layer: str | None) -> InferenceModel:
    """A frozen copy of a trained model up to its `layer`.

    Args:
        model: A model, or the place of a saved one, as in `transfer`.
        layer: Name of the last layer of the body. `None` for the one in front of the head.

    Raises:
        ValueError: If the model has no graph with one input and one output, no such layer, or no weights up to it.
        FileNotFoundError: If there is no such run folder or file.
    """
    model = _trained(model)
    names = [own.name for own in model.layers if not isinstance(own, keras.layers.InputLayer)]
    if layer is not None and layer not in names:
        raise unknown(f"layer of {model.name}:", layer, names)
    copy = _copy(model)
    end = _features(copy) if layer is None else copy.get_layer(layer).output
    if not hasattr(end, "shape") or not 2 <= len(end.shape) <= 5 or end.shape[-1] is None:
        raise ValueError(f"`layer` must give rows or maps of features. Received: {layer or model.name}, giving {end}")
    body = InferenceModel(copy.inputs[0], end, name=BODY)
    if not body.weights:
        raise ValueError(f"{model.name} has no weights up to its layer {layer}: there is nothing to transfer")
    body.trainable = False
    return body


def _trained(model) -> keras.Model:
    """The network whose body is taken: of what `recipes.train` has saved, the network inside."""
    if isinstance(model, str | os.PathLike):
        model = load_model(find(model))
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a Keras model, a run folder or a .keras file. Received: {model!r}")
    model = core_of(model)
    inputs, outputs = (getattr(model, side, None) for side in ("inputs", "outputs"))
    if not inputs or not outputs:
        raise ValueError(
            f"a body can be taken of functional and Sequential models that are built, and {model.name} "
            f"({type(model).__name__}) is none: give the functional model that is in it"
        )
    if len(inputs) > 1 or len(outputs) > 1:
        raise ValueError(
            f"a head needs a body with one input and one output. Received: {model.name} with {len(inputs)} and "
            f"{len(outputs)}; keras.Model(inputs, outputs) of some of them has less"
        )
    return model


def _copy(model: keras.Model) -> keras.Model:
    """A copy of `model` that shares no weight with it."""
    networks = [inner for inner in all_layers(model) if isinstance(inner, keras.Model)]
    compiled = [network.compiled for network in networks]
    try:
        # A compiled model would be compiled again, with an optimizer and its slots.
        for network in networks:
            network.compiled = False
        copy = keras.models.clone_model(model, clone_function=_clone, recursive=True)
        copy.set_weights(model.get_weights())
    except Exception as error:  # whatever the user's own layers raise
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{model.name} cannot be copied, as its layers must have `get_config`: {reason}") from error
    finally:
        for network, state in zip(networks, compiled, strict=True):
            network.compiled = state
    return copy


def _clone(layer):
    return type(layer).from_config(layer.get_config())


def _features(model: keras.Model):
    """The tensor in front of the head of `model`; its output, if it has no head.

    The search goes from the output backwards, and ends at a layer with weights, at a model inside and at a branch.
    """
    operations = getattr(model, "operations", model.layers)
    tensor = model.outputs[0]
    while True:
        maker = next(operation for operation in operations if operation.output is tensor)
        if _is_head(maker):
            return maker.input
        if getattr(maker, "weights", None) or isinstance(maker, keras.layers.InputLayer | keras.Model):
            return model.outputs[0]
        tensor = maker.input
        if not hasattr(tensor, "shape"):  # of several branches
            return model.outputs[0]


def _is_head(operation) -> bool:
    """Whether it is a dense layer, or the same as one: a 1 x 1 convolution of an image that was averaged to a pixel."""
    if isinstance(operation, keras.layers.Conv2D):
        return operation.kernel_size == (1, 1) and tuple(operation.input.shape[1:3]) == (1, 1)
    return isinstance(operation, keras.layers.Dense)
