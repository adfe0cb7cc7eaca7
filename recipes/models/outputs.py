"""What the outputs of a model mean: shown by its compiled loss, by its output layer, and by the values themselves.

The layers of a subclassed model are attributes, in the order in which `__init__` sets them, which does not show
which of them computes the outputs. So the output layer is looked for in Sequential and functional models alone.
"""

import functools
from dataclasses import dataclass

import keras
import numpy as np

import custom_layers
from recipes.arguments.labels import is_one_hot
from recipes.metrics.inputs import sum_to_one

_PROBABILITIES = ("softmax", "sigmoid")
# Layers that pass their input on unchanged when a model predicts, or average logits of members.
_PASSING = (
    keras.layers.Dropout,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.ActivityRegularization,
    keras.layers.Identity,
    custom_layers.MemberAverage,
)
_PREPARATIONS = (custom_layers.TablePreparation, custom_layers.ImagePreparation, custom_layers.SequencePreparation)
# Names of losses, or their beginnings or parts, in lower case without separators.
_BINARY = ("binarycrossentropy", "binaryfocal", "bce")
_EXCLUSIVE_CLASSES = ("sparsecategorical", "categorical", "focalcrossentropy", "crammersinger", "westonwatkins")
_CLASSIFICATION = ("crossentropy", "hinge", "bce", "focal", "kldivergence")
_REGRESSION = ("meansquared", "meanabsolute", "mse", "mae", "mape", "msle", "huber", "logcosh", "poisson")
_MARGINS = ("hinge", "squaredhinge")


@dataclass(frozen=True, eq=False)
class Outputs:
    """Facts about what a model takes and gives, read off the model once and passed on.

    Attributes:
        name: Name of the model, for messages.
        task: `"classification"` or `"regression"`; `None` where neither the loss nor the output layer shows it (see
            `task_of`).
        units: Number of outputs per row; `None` where it is not known, as for a subclassed model.
        activation: Name of the activation of the output layer in lower case, also inside nested models and in front of
            dropout: `"linear"` for a layer without one, the name of the layer where it is the activation, such as
            `"softmax"`; `None` where the output layer is not known, as in a subclassed model and behind a branch.
        form: `"probabilities"` where the output layer is a softmax or sigmoid, otherwise `"logits"` where the loss
            takes logits; `None` where neither is the case (see `are_logits`).
        independent: Whether each output is trained by binary cross-entropy, independently of the others.
        margins: Whether the loss is a hinge loss of two classes, whose single output stands for class 1 above 0.
        multi_label: `False` where classes exclude each other by the loss, or there is a single output; `True` for
            independent outputs and sigmoids; `None` where neither is known (see `is_multi_label`).
        row_shape: Shape of a row of the input, with `None` for an axis of any length; `None` where it is not known.
        one_to_one: Whether the model has one input and one output tensor.
        preparation: Layer that takes raw rows of a table, images or sequences; `None` for a model without one.
    """

    name: str
    task: str | None
    units: int | None
    activation: str | None
    form: str | None
    independent: bool
    margins: bool
    multi_label: bool | None
    row_shape: tuple[int | None, ...] | None
    one_to_one: bool
    preparation: keras.layers.Layer | None

    @classmethod
    def of(cls, model: keras.Model) -> "Outputs":
        """Facts about `model`, compiled or not, built or not."""
        activation, units = _output_activation(model), _units(model)
        loss, takes_logits = compiled_loss(model)
        probabilities = activation in _PROBABILITIES
        independent = loss.startswith(_BINARY)
        if takes_logits or probabilities or any(part in loss for part in _CLASSIFICATION):
            task = "classification"
        else:
            task = "regression" if loss.startswith(_REGRESSION) else None
        if units == 1 or loss.startswith(_EXCLUSIVE_CLASSES):
            multi_label = False
        else:
            multi_label = True if independent or activation == "sigmoid" else None
        layers = getattr(model, "layers", [])
        return cls(
            name=model.name,
            task=task,
            units=units,
            activation=activation,
            form="probabilities" if probabilities else "logits" if takes_logits else None,
            independent=independent,
            margins=loss in _MARGINS and not probabilities,
            multi_label=multi_label,
            row_shape=_row_shape(model),
            one_to_one=all(len(getattr(model, tensors, None) or [None]) == 1 for tensors in ("inputs", "outputs")),
            preparation=next((layer for layer in layers if isinstance(layer, _PREPARATIONS)), None),
        )

    def task_of(self, values: np.ndarray) -> str | None:
        """The task, known also by outputs `values` `(rows, units)` that sum to 1: those of a classifier."""
        return "classification" if values.shape[1] > 1 and sum_to_one(values) else self.task

    def are_logits(self, values: np.ndarray) -> bool:
        """Whether outputs `values` `(rows, units)` are logits: by the loss, unless they sum to 1."""
        return self.form == "logits" and (values.shape[1] == 1 or not sum_to_one(values))

    def to_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities of `logits` `(rows, units)`: by sigmoid for single or independent outputs, else by softmax."""
        activation = keras.ops.sigmoid if self.independent or logits.shape[1] == 1 else keras.ops.softmax
        return keras.ops.convert_to_numpy(activation(logits))

    def is_multi_label(self, targets: np.ndarray, values: np.ndarray) -> bool:
        """Whether targets `(rows, labels)` are multi-label, rather than single-label classes in one-hot form.

        Args:
            targets: Targets of some rows.
            values: Outputs of these rows, `(rows, units)`, as probabilities where the model has them. One-hot targets
                with outputs that sum to 1 are single-label, whatever the loss.
        """
        if self.multi_label is False or targets.ndim != 2 or targets.shape[1] == 1 or values.shape[1] == 1:
            return False
        if self.multi_label is None:
            labels = targets.dtype.kind in "buif" and bool(((targets == 0) | (targets == 1)).all())
            if not labels or values.min() < 0 or values.max() > 1:
                return False
        return not (is_one_hot(targets) and sum_to_one(values))


def compiled_loss(model: keras.Model) -> tuple[str, bool]:
    """Name of the loss that `model` is compiled with, in lower case without separators, and whether it takes logits.

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


def _output_activation(model: keras.Model) -> str | None:
    for operation in reversed(_chain(model)):
        if isinstance(operation, keras.Model):
            return _output_activation(operation)
        activation = getattr(operation, "activation", None)
        name = type(operation).__name__ if activation is None else getattr(activation, "__name__", None)
        name = (name or type(activation).__name__).lower()
        linear = isinstance(operation, keras.layers.Activation) and name == "linear"
        if not linear and not isinstance(operation, _PASSING):
            return name
    return None


def _chain(model) -> list:
    """The last layers and operations of a graph, each of which takes the output of the one before; `[]` without one."""
    owner = next((kind for kind in type(model).__mro__ if "call" in vars(kind)), object)
    if owner.__module__.partition(".")[0] not in ("keras", "custom_layers"):
        return []  # no graph shows what a `call` of the user's own computes
    if isinstance(model, keras.Sequential):
        return list(model.layers)
    operations = list(getattr(model, "operations", ()))
    chain = operations[-1:]  # the outputs of a graph are those of its last operation
    for operation in reversed(operations[:-1]):
        if not _follows(operation, chain[0]):
            break
        chain.insert(0, operation)
    return chain


def _follows(first, second) -> bool:
    try:
        return second.input is first.output
    except (AttributeError, ValueError, RuntimeError):  # such as a layer that is used twice
        return False


def _units(model) -> int | None:
    try:
        units = model.output_shape[-1]
    except (AttributeError, ValueError, RuntimeError, TypeError, IndexError, KeyError):
        return None  # subclassed models and those with several outputs have no single shape
    return units if isinstance(units, int) else None


def _row_shape(model) -> tuple[int | None, ...] | None:
    shape = getattr(model, "input_shape", None)
    return shape[1:] if isinstance(shape, tuple) and not any(isinstance(part, tuple) for part in shape) else None
