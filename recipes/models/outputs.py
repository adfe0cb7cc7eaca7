"""What the numbers mean that a model gives: read off its last layer and its loss."""

import keras

PROBABILITIES = ("softmax", "sigmoid")


def last_activation(model: keras.Model) -> str:
    """Name of the activation at the very end of `model`, inside nested models too; `""` if there is none to be seen."""
    layers = getattr(model, "layers", None) or [None]
    last = layers[-1]
    if isinstance(last, keras.Model):
        return last_activation(last)
    activation = getattr(last, "activation", None)
    if activation is not None:
        return getattr(activation, "__name__", "")
    # `keras.layers.Softmax`, and `keras.ops.softmax` in a functional model, are layers without that attribute.
    return type(last).__name__.lower()


def gives_probabilities(model: keras.Model) -> bool:
    """Whether `model` ends in softmax or sigmoid."""
    return last_activation(model) in PROBABILITIES


def loss_name(model: keras.Model) -> str:
    """The loss that `model` was compiled with, in lower case without separators; `""` if it was not."""
    loss = getattr(model, "loss", None)
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return "" if loss is None else name.lower().replace("_", "")


def gives_logits(model: keras.Model) -> bool:
    """Whether the compiled loss of `model` takes logits and its last layer leaves them as they are."""
    return not gives_probabilities(model) and bool(getattr(getattr(model, "loss", None), "from_logits", False))


def gives_several_labels(model: keras.Model) -> bool:
    """Whether each output of `model`, where there are several, is a label of its own: sigmoid, or binary cross-entropy.

    A single output is then the one of two classes.
    """
    return last_activation(model) == "sigmoid" or loss_name(model).startswith(("binarycrossentropy", "binaryfocal"))


def task(model: keras.Model) -> str | None:
    """`"classification"` or `"regression"`; `None` if neither the last layer nor the loss tells."""
    name = loss_name(model)
    if gives_probabilities(model) or "crossentropy" in name or "hinge" in name:
        return "classification"
    of_numbers = ("meansquared", "meanabsolute", "mse", "mae", "mape", "msle", "huber", "logcosh", "poisson")
    return "regression" if name.startswith(of_numbers) else None
