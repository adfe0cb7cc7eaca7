"""A mask of the true class, from integer or one-hot labels."""

import keras
from keras import ops

# Largest whole numbers up to which all are exact in that dtype: larger labels would be rounded to other classes.
_EXACT = {"float16": 2048, "bfloat16": 256}


def true_class(y_true, y_pred):
    """Boolean tensor of the shape of `y_pred`, true at the true class.

    Args:
        y_true: Integers, `(batch, ...)` or `(batch, ..., 1)`, or one-hot, `(batch, ..., classes)`. Any dtype.
        y_pred: Tensor of scores, `(batch, ..., classes)`, of two classes or more.

    Raises:
        ValueError: For shapes that do not fit, and for more classes than the dtype of `y_true` can represent.
    """
    y_true = ops.convert_to_tensor(y_true)
    classes = y_pred.shape[-1]
    if classes == 1:
        raise ValueError(f"a loss of several classes needs a score for each. Received: scores {_words(y_pred)}")
    labels = y_true
    if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, axis=-1)
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if "float" not in dtype:
        labels = ops.cast(labels, "int32")
    if fit(labels.shape, y_pred.shape):
        return ops.equal(labels, 1)
    if not fit(labels.shape, y_pred.shape[:-1]):
        raise ValueError(
            f"labels must be integers, of the shape of the scores without the classes, or one-hot, of the shape of "
            f"the scores. Received: labels {_words(y_true)}, scores {_words(y_pred)}"
        )
    if classes and classes > _EXACT.get(dtype, classes):
        raise ValueError(f"{dtype} cannot hold labels of {classes} classes: give the loss dtype='float32'")
    return ops.equal(ops.expand_dims(labels, -1), ops.arange(ops.shape(y_pred)[-1], dtype=labels.dtype))


def at_true_class(values, is_true):
    """The entry of `values`, `(batch, ..., classes)`, at the true class: `(batch, ...)`."""
    return ops.sum(ops.where(is_true, values, 0.0), axis=-1)


def refuse_unclear(losses, is_true):
    """`losses`, but NaN where not exactly one class is the true one: an unknown label, or a row that is not one-hot.

    A compiled step cannot raise an error for it, and a loss that is not finite is noticed.
    """
    count = ops.sum(ops.cast(is_true, "int32"), axis=-1)
    return ops.where(ops.equal(count, 1), losses, float("nan"))


def fit(shape, other) -> bool:
    """Whether two shapes are the same, as far as they are known."""
    return len(shape) == len(other) and all(a is None or b is None or a == b for a, b in zip(shape, other, strict=True))


def _words(tensor) -> str:
    return str(tuple(tensor.shape))
