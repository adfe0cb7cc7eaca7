"""Checks that a loss suits the outputs of a model: a wrong pair trains without an error, and badly."""

import keras

from recipes.losses.crossentropy import SparseCategoricalCrossentropy
from recipes.losses.focal import FocalCrossentropy
from recipes.losses.hinges import CrammerSingerHinge, WestonWatkinsHinge

TASKS = ("classification", "regression")

_OF_NUMBERS = (
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
    keras.losses.MeanAbsolutePercentageError,
    keras.losses.MeanSquaredLogarithmicError,
    keras.losses.Huber,
    keras.losses.LogCosh,
)
_HINGES_OF_TWO = (keras.losses.Hinge, keras.losses.SquaredHinge)
_HINGES_OF_SEVERAL = (keras.losses.CategoricalHinge, CrammerSingerHinge, WestonWatkinsHinge)
_HINGES = (*_HINGES_OF_TWO, *_HINGES_OF_SEVERAL)
_ONE_OUTPUT = (keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy, *_HINGES_OF_TWO)
_SEVERAL_OUTPUTS = (
    keras.losses.SparseCategoricalCrossentropy,
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    SparseCategoricalCrossentropy,
    *_HINGES_OF_SEVERAL,
)
_OF_CLASSES = (FocalCrossentropy, *_ONE_OUTPUT, *_SEVERAL_OUTPUTS)

_PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid", "sparsemax")


def check_pair(
    loss: keras.losses.Loss,
    task: str | None = None,
    num_outputs: int | None = None,
    last_activation: str | None = None,
) -> None:
    """Refuse a loss that does not suit the outputs it is given.

    Args:
        loss: Loss of `recipes.losses` or of Keras. For any other loss, only its attribute `from_logits` is checked.
        task: Task: `"classification"` (of classes 0, 1, ...) or `"regression"`. `None` where it is not known.
        num_outputs: Units of the last layer. `None` where they are not known.
        last_activation: Name of the activation at the very end of the model; `"linear"` if there is none. `None` where
            it is not known.

    Raises:
        ValueError: If the pair is wrong; the message says what to use instead.
    """
    if task is not None and task not in TASKS:
        raise ValueError(f"`task` must be {' or '.join(TASKS)}. Received: {task!r}")
    if task == "classification" and isinstance(loss, _OF_NUMBERS):
        raise ValueError(f"{loss.name} is a loss of numbers, and the task is classification: use cross_entropy")
    if task == "regression" and isinstance(loss, _OF_CLASSES):
        raise ValueError(
            f"{loss.name} is a loss of classes, and the task is regression: use mean_squared_error, "
            f"mean_absolute_error or huber"
        )
    of_numbers = task == "regression" or isinstance(loss, _OF_NUMBERS)
    _check_outputs(loss, num_outputs)
    _check_activation(loss, of_numbers, num_outputs, last_activation)


def _check_outputs(loss, num_outputs) -> None:
    kind = "hinge" if isinstance(loss, _HINGES) else "cross_entropy"
    if num_outputs == 1 and isinstance(loss, _SEVERAL_OUTPUTS):
        raise ValueError(f"{loss.name} needs one output for each class, and the model has one in all: use {kind}")
    if num_outputs is not None and num_outputs > 1 and isinstance(loss, _ONE_OUTPUT):
        kind = "weston_watkins_hinge or crammer_singer_hinge" if kind == "hinge" else kind
        raise ValueError(f"{loss.name} needs a single output, and the model has {num_outputs}: use {kind}")


def _check_activation(loss, of_numbers: bool, num_outputs, last) -> None:
    gives_probabilities = last in _PROBABILITIES
    if of_numbers and gives_probabilities:
        raise ValueError(f"the model ends in {last}, which cannot reach scaled targets: leave that activation out")
    takes_logits = getattr(loss, "from_logits", None)
    if gives_probabilities and takes_logits:
        fix = "" if isinstance(loss, FocalCrossentropy) else ", or give the loss from_logits=False"
        if num_outputs == 1 and last == "softmax":
            fix = "; softmax on one unit is 1 for every row"
        raise ValueError(f"the model ends in {last}, but {loss.name} takes logits: leave that activation out{fix}")
    if gives_probabilities and isinstance(loss, _HINGES):
        raise ValueError(f"the model ends in {last}, but {loss.name} takes any scores: leave that activation out")
    if num_outputs == 1 and last == "softmax":
        raise ValueError("the model ends in softmax on one unit, which is 1 for every row: use sigmoid or two units")
    if last == "sigmoid" and num_outputs is not None and num_outputs > 1 and isinstance(loss, _SEVERAL_OUTPUTS):
        raise ValueError(f"the model ends in sigmoid, but the classes of {loss.name} exclude each other: use softmax")
    if takes_logits is False and not gives_probabilities and _is_activation(last):
        activation = "softmax" if isinstance(loss, _SEVERAL_OUTPUTS) else "sigmoid"
        raise ValueError(
            f"the model ends in {last}, but {loss.name} with from_logits=False takes probabilities: "
            f"end in {activation}, or give the loss from_logits=True and leave the activation out"
        )


def _is_activation(name) -> bool:
    """Whether Keras has an activation of that name: the outputs of any other last layer may be probabilities."""
    return bool(name) and callable(getattr(keras.activations, str(name), None))
