"""Labels that the model disagrees with confidently, by confident learning (Northcutt, Jiang & Chuang 2021, JAIR 70)."""

import numpy as np

from recipes.data.store import chunks

RULE = (
    "A label is suspect where another class is the most probable of those whose probability is at least their mean "
    "probability on the rows labelled as that class."
)


def class_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Mean probability of each class on the rows with its label, `(classes,)`; infinite for a class without rows.

    Args:
        labels: Given class numbers `(rows,)`.
        probabilities: Probabilities `(rows, classes)`, or of class 1 `(rows, 1)`, of rows that were not trained on.
    """
    num_classes = max(2, probabilities.shape[1])
    sums, counts = np.zeros(num_classes), np.bincount(labels, minlength=num_classes)
    for rows in chunks(len(labels), 8 * num_classes):
        own = _of_each_class(probabilities[rows])[np.arange(len(labels[rows])), labels[rows]]
        sums += np.bincount(labels[rows], own, num_classes)
    return np.where(counts > 0, sums / np.maximum(1, counts), np.inf)


def suspects(labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Mask of the rows `(rows,)` whose label is suspect by `RULE`.

    Args:
        labels: Given class numbers `(rows,)`.
        probabilities: Probabilities `(rows, classes)`, or of class 1 `(rows, 1)`.
        thresholds: Values of `class_thresholds`.

    >>> thresholds = np.array([0.9, 0.7])
    >>> suspects(np.array([0, 0, 1]), np.array([[0.95], [0.6], [0.8]]), thresholds).tolist()
    [True, False, False]
    """
    found = np.zeros(len(labels), bool)
    for rows in chunks(len(labels), 8 * len(thresholds)):
        of_class = _of_each_class(probabilities[rows])
        # The comparison allows for rounding: a class whose rows all have one probability reaches its own mean.
        confident = np.where(of_class >= thresholds - 1e-9, of_class, -1.0)
        likely = confident.argmax(axis=1)
        found[rows] = (confident.max(axis=1) >= 0) & (likely != labels[rows])
    return found


def _of_each_class(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities of all classes, `(rows, classes)`, float64."""
    probabilities = np.asarray(probabilities, np.float64)
    return np.hstack([1 - probabilities, probabilities]) if probabilities.shape[1] == 1 else probabilities
