"""Members of one network: how rows are handed to them, their outputs, and what their average must suit."""

import keras

from custom_layers import MemberAverage, MemberDense, MemberModel, MemberScale, RandomSigns
from recipes import initialization
from recipes.arguments.numbers import require_whole
from recipes.models import blocks


def check_members(members: int | None, averaging: str | None) -> None:
    """Refuse a number of members below 2, and `averaging` without members."""
    if members is None:
        if averaging is not None:
            raise ValueError(f"`averaging` is for `members`. Received: {averaging!r} without any")
        return
    require_whole("members", members, least=2)


def for_members(x, members: int | None, embedded: bool):
    """Rows `(batch, members, columns)` with random scales of each member; `x` itself without members.

    Args:
        x: Rows `(batch, columns)`.
        members: Number of members.
        embedded: Whether numbers have learned vectors, whose elements TabM scales by normal numbers rather than signs.
    """
    if members is None:
        return x
    scales = keras.initializers.RandomNormal(stddev=1.0) if embedded else RandomSigns()
    return MemberScale(members, scales, name="members")(x)


def finished(inputs, x, num_outputs: int, hidden: blocks.Hidden, members: int | None, averaging: str | None, name: str):
    """The model from `inputs` to the logits of the last hidden layer `x`: of one linear layer, or of one per member."""
    if members is None:
        return keras.Model(inputs, hidden.logits(x, num_outputs), name=name)
    start, penalty = initialization.initializer_for("linear"), hidden.penalty(share=1 / members)
    # float32, as the last layer of any builder.
    options = {"kernel_initializer": start, "kernel_regularizer": penalty, "dtype": "float32", "name": "logits"}
    logits = MemberDense(num_outputs, members, **options)(x)
    averaging = averaging or ("sigmoid" if num_outputs == 1 else "softmax")
    return MemberModel(inputs, MemberAverage(averaging, dtype="float32", name="average")(logits), name=name)


def check_averaging(model: keras.Model, task: str) -> None:
    """Refuse members whose numbers are averaged as if they were logits, or logits as if they were numbers."""
    for layer in model.layers if isinstance(model, MemberModel) else ():
        if isinstance(layer, MemberAverage) and (layer.averaging == "linear") != (task == "regression"):
            fitting = "linear" if task == "regression" else "softmax or sigmoid"
            raise ValueError(f"`averaging` of members must be {fitting} for {task}. Received: {layer.averaging!r}")
