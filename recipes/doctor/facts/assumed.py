"""Facts of rows that cannot be seen: what the compiled loss and the outputs of the model say about them."""

import math

import keras
import numpy as np

from recipes.doctor.seen import DataFacts, InputFacts, ModelFacts, Reference, TargetFacts

_SINGLE = ("binary", "hinge")
# Length that is assumed of an axis of any length, such as the steps of a sequence.
_ANY_LENGTH = 8
_ROWS = 1000


def assumed_data(model: ModelFacts, *, is_validated: bool, rows: int = _ROWS) -> DataFacts:
    """The rows that suit `model`, of which nothing else is known; no rule on rows has anything to say about them.

    Args:
        model: Compiled model.
        is_validated: Whether there are validation rows; as many of them as training rows are assumed.
        rows: Number of training rows. Default: 1,000, where it is not known.
    """
    inputs, targets = assumed_inputs((), "other"), assumed_targets(model)
    return DataFacts(rows=rows, validation_rows=rows if is_validated else 0, inputs=inputs, targets=targets)


def assumed_inputs(shape: tuple[int, ...], kind: str) -> InputFacts:
    """Inputs of a shape and kind, of whose values nothing is known and so nothing is said."""
    nothing = np.zeros(0)
    return InputFacts(
        shape=shape, kind=kind, mean=nothing, std=nothing, low=nothing, high=nothing, constant=nothing.astype(bool),
        is_normalized_inside=True,
    )  # fmt: skip


def row_shape(model: keras.Model) -> tuple[int, ...]:
    """Shape of a row that a built model with one input takes."""
    return tuple(_ANY_LENGTH if size is None else size for size in model.input_shape[1:])


def any_row(model: keras.Model) -> np.ndarray:
    """One row of zeros, as the model takes it.

    Raises:
        ValueError: If the shape of its inputs is not known, or it takes several inputs.
    """
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or not all(isinstance(size, int | None) for size in shape):
        raise ValueError(
            "TrainingDoctor needs `x` and `y` for a model whose shape of inputs is not known, or that takes several "
            f"inputs. Received: {model.name!r}"
        )
    return np.zeros((1, *row_shape(model)), np.float32)


def assumed_targets(model: ModelFacts) -> TargetFacts:
    """Targets of the form that the loss takes, one for each output."""
    units, loss = model.units, model.loss
    if "sparse" in loss:
        form, shape, classes = "labels", (), units
    elif "categorical" in loss:
        form, shape, classes = "one_hot", (units,), units
    elif any(part in loss for part in _SINGLE):
        form, shape, classes = ("binary", (), 2) if units == 1 else ("multi_label", (units,), units)
    else:
        form, shape, classes = "numbers", (units,), 0
    is_number = form == "numbers"
    return TargetFacts(
        form=form,
        shape=shape,
        classes=classes,
        distinct=max(2, classes),
        counts=np.zeros(0 if form in ("numbers", "multi_label") else classes, np.int64),
        low=math.nan if is_number else 0.0,
        high=math.nan if is_number else float(max(1, classes - 1) if form == "labels" else 1),
        mean=0.0,
        std=1.0,
        is_whole=not is_number,
    )


def assumed_reference(targets: TargetFacts) -> Reference:
    """What a constant prediction reaches, if all classes have as many rows."""
    if targets.form == "multi_label":
        return Reference(chance=0.5)
    return Reference(chance=1 / targets.classes if targets.classes else 0.0)


def chance_of(targets: TargetFacts) -> float:
    """Score of the best constant prediction."""
    if targets.form == "multi_label":
        return max(targets.mean, 1 - targets.mean)
    total = targets.counts.sum()
    return float(targets.counts.max() / total) if total else assumed_reference(targets).chance
