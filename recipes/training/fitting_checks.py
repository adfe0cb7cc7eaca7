"""Checks that a model and the rows that it is to be trained on fit each other, made before any training."""

from collections.abc import Sequence

import keras
import numpy as np

from callbacks.watching.reasons import reason
from recipes.data import Dataset
from recipes.metrics.inputs import as_array, sum_to_one

_LOGITS = "but recipes train on logits: leave its last softmax or sigmoid out; the saved model has it"


def check_fit(core: keras.Model, dataset: Dataset) -> int:
    """Refuse a model of the user's own that does not fit the data; the number of its outputs."""
    rows = dataset.preparation(dataset.train[0][:8])
    outputs = outputs_for(core, rows, f"prepared rows of shape {dataset.input_shape}")
    shape = tuple(outputs.shape)
    allowed = {len(dataset.class_names), dataset.num_outputs} if dataset.class_names else {1}
    if len(shape) != 2 or shape[1] not in allowed:
        wanted = " or ".join(f"(rows, {units})" for units in sorted(allowed))
        received = f"({', '.join(map(str, ['rows', *shape[1:]]))})"
        raise ValueError(f"the model must give outputs of shape {wanted} for {dataset.task}. Received: {received}")
    values = keras.ops.convert_to_numpy(outputs)
    if shape[1] > 1 and sum_to_one(as_array(values, "outputs")):
        raise ValueError(f"the model gives probabilities, {_LOGITS}")
    return shape[1]


def outputs_for(model: keras.Model, rows: np.ndarray, description: str):
    """The outputs of `model` for `rows`, one tensor; this builds a subclassed model, too."""
    try:
        outputs = model(keras.ops.convert_to_tensor(rows))
    except Exception as error:  # whatever the layers make of a wrong shape
        raise ValueError(f"the model does not take {description}: {reason(error)[:200]}") from error
    if not hasattr(outputs, "shape"):
        raise ValueError(f"the model must give one tensor of outputs. Received: {type(outputs).__name__}")
    return outputs


def checked_columns(columns: Sequence, names: Sequence[str]) -> tuple[np.ndarray, ...]:
    """Rows, targets and weights as arrays of numbers that are equally long, and not empty."""
    columns = tuple(as_array(column, name) for column, name in zip(columns, names, strict=False))
    for column, name in zip(columns, names, strict=False):
        if column.dtype.kind not in "buif":
            raise ValueError(f"`{name}` must hold numbers. Received: {column.dtype}")
    if any(not column.ndim or len(column) != len(columns[0]) or not len(column) for column in columns):
        shapes = " and ".join(str(column.shape) for column in columns)
        described = " and ".join(f"`{name}`" for name in names[: len(columns)])
        raise ValueError(f"{described} must have as many rows, at least one. Received: {shapes}")
    return columns
