"""Facts of rows that cannot be seen: what the compiled loss and the outputs of the model say about them."""

import math

import numpy as np

from recipes.doctor.seen import DataFacts, InputFacts, ModelFacts, Reference, TargetFacts

_SINGLE = ("binary", "hinge")


def assumed_data(model: ModelFacts, *, is_validated: bool) -> DataFacts:
    """The rows that suit `model`, of which nothing else is known; no rule on rows has anything to say about them.

    Args:
        model: Compiled model.
        is_validated: Whether there are validation rows.
    """
    nothing = np.zeros(0)
    inputs = InputFacts(
        shape=(), kind="other", mean=nothing, std=nothing, low=nothing, high=nothing, constant=nothing.astype(bool),
        is_normalized_inside=True,
    )  # fmt: skip
    return DataFacts(
        rows=1,
        validation_rows=int(is_validated),
        inputs=inputs,
        targets=assumed_targets(model),
    )


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
