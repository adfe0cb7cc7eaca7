"""What the outputs of a model mean: by its compiled loss, by their values, and by its output layer where that is known.

The layers of a subclassed model are attributes, in the order in which `__init__` sets them: they do not say which of
them gives the outputs. So only a Sequential or functional model is asked for its output layer.
"""

import functools

import keras
import numpy as np

from recipes.arguments.labels import is_one_hot
from recipes.metrics.inputs import sum_to_one

PROBABILITIES = ("softmax", "sigmoid")
# Layers that pass on what they are given when a model predicts.
_PASSING = (
    keras.layers.Dropout,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.ActivityRegularization,
    keras.layers.Identity,
)
_OF_BINARY = ("binarycrossentropy", "binaryfocal", "bce")
_OF_EXCLUSIVE_CLASSES = ("sparsecategorical", "categorical", "focalcrossentropy", "crammersinger", "westonwatkins")
_OF_NUMBERS = ("meansquared", "meanabsolute", "mse", "mae", "mape", "msle", "huber", "logcosh", "poisson")


def output_activation(model: keras.Model) -> str | None:
    """Name of the activation of the output layer, in lower case; inside nested models, and behind dropout, too.

    `"linear"` for a layer without one, the name of the layer where it is the activation, such as `"softmax"`; `None`
    where the output layer is not known: in a subclassed model, and behind a branch.
    """
    for operation in reversed(_operations(model)):
        if isinstance(operation, keras.Model):
            return output_activation(operation)
        activation = getattr(operation, "activation", None)
        name = type(operation).__name__ if activation is None else getattr(activation, "__name__", None)
        name = (name or type(activation).__name__).lower()
        if not (
            isinstance(operation, _PASSING) or (isinstance(operation, keras.layers.Activation) and name == "linear")
        ):
            return name
    return None


def _operations(model) -> list:
    """Layers and operations of a graph, as far as each takes what the one before gives; `[]` if there is no graph."""
    owner = next((kind for kind in type(model).__mro__ if "call" in vars(kind)), object)
    if owner.__module__.partition(".")[0] not in ("keras", "custom_layers"):
        return []  # with a `call` of its own, what it computes is in no graph
    if isinstance(model, keras.Sequential):
        return list(model.layers)
    operations = list(getattr(model, "operations", ()))
    chain = operations[-1:]  # of a graph, the last one gives the outputs
    for operation in reversed(operations[:-1]):
        if not _follows(operation, chain[0]):
            break
        chain.insert(0, operation)
    return chain


def _follows(first, second) -> bool:
    try:
        return second.input is first.output
    except (AttributeError, ValueError, RuntimeError):  # of a layer that is used twice, say
        return False


def last_activation(model: keras.Model) -> str:
    """The same for messages and pairs of loss and activation: `""` where the output layer is not known."""
    return output_activation(model) or ""


def compiled_loss(model: keras.Model) -> tuple[str, bool]:
    """The loss that `model` was compiled with, in lower case without separators, and whether it takes logits.

    `""` and `False` where the model is not compiled, or has several losses.
    """
    loss, options = getattr(model, "loss", None), {}
    while isinstance(loss, dict | list | tuple) and len(loss) == 1:  # of a model with one output
        loss = next(iter(loss.values() if isinstance(loss, dict) else loss))
    while isinstance(loss, functools.partial):
        loss, options = loss.func, {**loss.keywords, **options}
    if loss is None or isinstance(loss, dict | list | tuple):
        return "", False
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    takes_logits = options.get("from_logits", getattr(loss, "from_logits", False))
    return name.lower().replace("_", ""), bool(takes_logits)


def gives_logits(model: keras.Model, outputs: np.ndarray) -> bool:
    """Whether `outputs` `(rows, outputs)` of `model` are logits, as its loss says, and are not seen to be otherwise."""
    _, takes_logits = compiled_loss(model)
    if not takes_logits or output_activation(model) in PROBABILITIES:
        return False
    return outputs.shape[1] == 1 or not sum_to_one(outputs)


def are_independent(model: keras.Model) -> bool:
    """Whether each output is trained as a label of its own, by binary cross-entropy."""
    return compiled_loss(model)[0].startswith(_OF_BINARY)


def gives_margins(model: keras.Model) -> bool:
    """Whether the loss of `model` is a hinge of two classes: a single output above 0 then stands for class 1."""
    return compiled_loss(model)[0] in ("hinge", "squaredhinge") and output_activation(model) not in PROBABILITIES


def gives_several_labels(model: keras.Model, targets: np.ndarray, outputs: np.ndarray) -> bool:
    """Whether targets `(rows, labels)` are several labels a row, rather than one class a row in one-hot form.

    Args:
        model: Its loss decides: that of classes which exclude each other means one class a row.
        targets: Of some rows.
        outputs: Their outputs, `(rows, outputs)`, probabilities where they may be such. One-hot targets with outputs
            that sum to 1 are one class a row, whatever the loss.
    """
    exclusive = compiled_loss(model)[0].startswith(_OF_EXCLUSIVE_CLASSES)
    if targets.ndim != 2 or targets.shape[1] == 1 or outputs.shape[1] == 1 or exclusive:
        return False
    if are_independent(model) or output_activation(model) == "sigmoid":
        return not (is_one_hot(targets) and sum_to_one(outputs))
    labels = targets.dtype.kind in "buif" and bool(((targets == 0) | (targets == 1)).all())
    if not labels or outputs.min() < 0 or outputs.max() > 1:
        return False
    return not (is_one_hot(targets) and sum_to_one(outputs))


def task(model: keras.Model, outputs: np.ndarray | None = None) -> str | None:
    """`"classification"` or `"regression"`; `None` if neither the loss, the output layer nor the values say.

    Args:
        model: Compiled or not.
        outputs: Of some rows, `(rows, outputs)`, where there are any.
    """
    name, takes_logits = compiled_loss(model)
    known = takes_logits or any(part in name for part in ("crossentropy", "hinge", "bce", "focal", "kldivergence"))
    shares = outputs is not None and outputs.shape[1] > 1 and sum_to_one(outputs)
    if known or shares or output_activation(model) in PROBABILITIES:
        return "classification"
    return "regression" if name.startswith(_OF_NUMBERS) else None
