"""Confusion matrices, from which all scores of decisions follow."""

import numpy as np

# So many pair codes fit the nearest cache of a core.
CHUNK = 32768


def confusion_matrix(
    actual: np.ndarray,
    predicted: np.ndarray,
    num_classes: int,
    sample_weight: np.ndarray | None = None,
    first_class: int = 0,
) -> np.ndarray:
    """Count (true, predicted) pairs of two `(rows,)` arrays of class numbers; a row of the result is a true class.

    Args:
        actual: True class numbers `(rows,)`, from `first_class` on; nothing is checked.
        predicted: Predicted class numbers `(rows,)`.
        num_classes: Number of classes.
        sample_weight: Weight of each row `(rows,)`. Default: every row counts 1.
        first_class: Number of the first class. Default: 0.

    Returns:
        Matrix `(classes, classes)`, int64; float64 where rows are weighted.

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), num_classes=2)
    array([[1, 0],
           [1, 1]])
    """
    counts = np.zeros(num_classes**2, np.int64 if sample_weight is None else np.float64)
    buffer = np.empty(min(CHUNK, len(actual)), np.intp)
    for start in range(0, len(actual), CHUNK):
        rows = slice(start, start + CHUNK)
        codes = buffer[: len(actual[rows])]
        np.multiply(actual[rows], num_classes, out=codes, dtype=np.intp, casting="unsafe")
        np.add(codes, predicted[rows], out=codes, casting="unsafe")
        if first_class:
            codes -= first_class * (num_classes + 1)
        # Unlike `bincount`, it costs nothing for cells that do not occur: 1,000 classes have a million cells.
        np.add.at(counts, codes, 1 if sample_weight is None else sample_weight[rows])
    return counts.reshape(num_classes, num_classes)


def value_range(values: np.ndarray) -> tuple[int, int]:
    """The least and the greatest of whole numbers `(rows,)`, read from memory once."""
    parts = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    lowest, highest = zip(*((part.min(), part.max()) for part in parts), strict=True)
    return int(min(lowest)), int(max(highest))
