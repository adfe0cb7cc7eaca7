"""How good outputs are, as one number between programs of any kind: accuracy of classes, R2 of numbers."""

import numpy as np

from recipes.doctor.facts.targets import class_numbers

LEAST_R2 = -1.0  # below it, one is as bad as the other


def score(outputs: np.ndarray, y: np.ndarray, form: str, takes_logits: bool = False) -> float:
    """Accuracy for classes, elementwise for multi-label targets; mean R2 of the columns for numbers, at least -1.

    Args:
        outputs: Outputs of the model, `(rows, ...)`.
        y: Targets, `(rows, ...)`.
        form: Form of the targets, as in `TargetFacts`.
        takes_logits: Whether the outputs are logits, so that 0 is the threshold of two classes.

    Returns:
        The score; NaN where outputs are not finite, or do not have the shape that the targets need.
    """
    outputs, y = np.asarray(outputs, "float64"), np.asarray(y)
    if not np.isfinite(outputs).all():
        return np.nan
    if form == "numbers":
        return r2(outputs, y)
    predicted, true = _classes(outputs, y, form, takes_logits)
    return float(np.mean(predicted == true)) if predicted.shape == true.shape else np.nan


def balanced_accuracy(outputs: np.ndarray, y: np.ndarray, form: str, takes_logits: bool = False) -> float:
    """The mean recall of the classes that occur; NaN for numbers, multi-label targets and outputs that are not finite.

    Args:
        outputs: As in `score`, and so are the others.
    """
    outputs, y = np.asarray(outputs, "float64"), np.asarray(y)
    if form in ("numbers", "multi_label") or not np.isfinite(outputs).all():
        return np.nan
    predicted, true = _classes(outputs, y, form, takes_logits)
    if predicted.shape != true.shape:
        return np.nan
    return float(np.mean([np.mean(predicted[true == label] == label) for label in np.unique(true)]))


def r2(outputs: np.ndarray, y: np.ndarray) -> float:
    """Mean R2 of up to 8 columns, of more together; at least -1. A column that never changes does not count."""
    y = np.asarray(y, "float64").reshape(len(y), -1)
    outputs = np.asarray(outputs, "float64").reshape(len(outputs), -1)
    if outputs.shape != y.shape:
        if outputs.shape[1] != 1 and y.shape[1] != 1:
            return np.nan
        outputs = np.broadcast_to(outputs.mean(axis=1, keepdims=True), y.shape)
    if y.shape[1] > 8:
        y, outputs = y.reshape(-1, 1), outputs.reshape(-1, 1)
    total = np.square(y - y.mean(axis=0)).sum(axis=0)
    if not total.any():
        return np.nan
    with np.errstate(over="ignore"):
        rest = np.square(y - outputs).sum(axis=0)[total > 0] / total[total > 0]
    return float(max(LEAST_R2, np.mean(1 - rest)))


def sampling_error(value: float, rows: int) -> float:
    """Standard error of an accuracy near `value` on so many rows."""
    value = min(max(value, 1 / (rows + 2)), 1 - 1 / (rows + 2))
    return float(np.sqrt(value * (1 - value) / rows))


def _classes(outputs, y, form, takes_logits):
    threshold = 0.0 if takes_logits else 0.5
    if form == "multi_label":
        return outputs.reshape(len(outputs), -1) > threshold, y.reshape(len(y), -1) > 0.5
    outputs = outputs.reshape(len(outputs), -1)
    single = outputs.shape[1] == 1
    predicted = (outputs[:, 0] > threshold).astype(int) if single else outputs.argmax(axis=1)
    if form == "binary":  # 0 and 1, or the -1 and 1 of a hinge loss
        return predicted, (y.reshape(len(y), -1)[:, 0] > 0.5).astype(int)
    return predicted, class_numbers(y.reshape(len(y), -1), form)
