"""What users hand in as labels, scores and weights, checked once: whatever is wrong is told with its row."""

import numpy as np

from recipes.data.labels import encode_labels
from recipes.metrics.confusion import value_range

# Softmax in half precision misses a sum of 1 by up to a thousandth.
MOST_SUM_ERROR = 2e-3


def as_array(values, name: str) -> np.ndarray:
    """`values` of any framework as a NumPy array; bfloat16, which NumPy does not know, as float32."""
    if hasattr(values, "detach"):  # a torch tensor, perhaps with a gradient or on another device
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    try:
        values = np.asarray(values)
    except ValueError:
        raise ValueError(f"`{name}` must have rows of one length. Received: ragged {type(values).__name__}") from None
    return values.astype(np.float32) if values.dtype.name in ("bfloat16", "float16") else values


def check_labels(values, name: str) -> np.ndarray:
    """Labels `(rows,)` or `(rows, 1)` as whole numbers, truth values or text, `(rows,)`."""
    labels = as_array(values, name)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind == "O":
        missing = [row for row, label in enumerate(labels) if label is None or label != label]
        if missing:
            raise ValueError(f"`{name}` has {len(missing)} missing labels, the first at row {missing[0]}")
        labels = np.array(labels.tolist())
    if labels.dtype.kind == "f":
        missing = np.flatnonzero(np.isnan(labels))
        if missing.size:
            raise ValueError(f"`{name}` has {missing.size} missing labels, the first at row {missing[0]}")
        broken = np.flatnonzero(~np.isfinite(labels) | (labels != np.round(labels)))
        if broken.size:
            raise ValueError(f"`{name}` must hold labels. Received: {labels[broken[0]]} at row {broken[0]}")
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "buiUS":
        raise ValueError(f"`{name}` must hold whole numbers, truth values or text. Received: {labels.dtype}")
    return labels.view(np.uint8) if labels.dtype.kind == "b" and labels.flags.c_contiguous else labels


def check_lengths(y_true: np.ndarray, y_score: np.ndarray) -> None:
    """Refuse no rows at all, and two arrays of different lengths."""
    shapes = np.shape(y_true), np.shape(y_score)
    if not all(shapes) or shapes[0][0] != shapes[1][0] or 0 in (*shapes[0], *shapes[1]):
        raise ValueError(
            "`y_true` and `y_score` must have as many rows, at least one, and `y_true` one label for each. "
            f"Received: shapes {shapes[0]} and {shapes[1]}"
        )


def check_class_names(class_names) -> tuple[str, ...] | None:
    """The names as text; `None` where there are none."""
    if class_names is None:
        return None
    if isinstance(class_names, str):
        raise ValueError(f"`class_names` must be a list of names. Received: {class_names!r}")
    names = tuple(map(str, class_names))
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`class_names` must differ. Received: {', '.join(names) or 'none'}")
    return names


def names_of(num_classes: int | None, class_names) -> tuple[str, ...]:
    """Class names, given as such or as how many classes there are, which are then called by their numbers."""
    if (num_classes is None) == (class_names is None):
        raise ValueError(f"give either `num_classes` or `class_names`. Received: {num_classes}, {class_names}")
    if class_names is not None:
        return check_class_names(class_names)
    if isinstance(num_classes, bool) or not isinstance(num_classes, int | np.integer) or num_classes < 1:
        raise ValueError(f"`num_classes` must be a whole number from 1 on. Received: {num_classes!r}")
    return tuple(map(str, range(num_classes)))


def class_numbers(labels: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """Class numbers `(rows,)`: text by its name, numbers as they are."""
    if labels.dtype.kind in "US":
        return encode_labels(labels, class_names)[0]
    lowest, highest = value_range(labels)
    if lowest < 0 or highest >= len(class_names):
        outside = np.flatnonzero((labels < 0) | (labels >= len(class_names)))
        raise ValueError(
            f"labels must be class numbers from 0 to {len(class_names) - 1}. Received: {labels[outside[0]]} at row "
            f"{outside[0]}" + (f", and {outside.size - 1:,} more" if outside.size > 1 else "")
        )
    return labels


def check_weights(sample_weight, rows: int) -> np.ndarray | None:
    """Weights `(rows,)` as float64; `None` where there are none."""
    if sample_weight is None:
        return None
    weights = as_array(sample_weight, "sample_weight")
    if weights.shape != (rows,) or weights.dtype.kind not in "buif":
        raise ValueError(
            f"`sample_weight` must be numbers, one for each of {rows} rows. "
            f"Received: {weights.dtype} of shape {weights.shape}"
        )
    weights = weights.astype(np.float64)
    wrong = np.flatnonzero(~(weights >= 0) | np.isinf(weights))
    if wrong.size:
        raise ValueError(
            f"`sample_weight` must be finite and not negative. Received: {weights[wrong[0]]} at row {wrong[0]}"
        )
    return weights


def check_probabilities(scores: np.ndarray, sums_to_one: bool) -> None:
    """Refuse what is no probability.

    Args:
        scores: Floats `(rows,)` or `(rows, classes)`.
        sums_to_one: Whether the scores of a row must sum to 1, within 0.002.

    Raises:
        ValueError: For NaN, for values outside 0 to 1 (which are told from logits), and for other sums.
    """
    low, high = scores.min(), scores.max()
    if not (low >= 0 and high <= 1):  # NaN, too
        _refuse_values(scores, low, high)
    if not sums_to_one or scores.ndim == 1:
        return
    sums = scores @ np.ones(scores.shape[1], scores.dtype)
    np.abs(np.subtract(sums, 1, out=sums), out=sums)
    if sums.max() > MOST_SUM_ERROR:
        row = int(np.argmax(sums > MOST_SUM_ERROR))
        count = int((sums > MOST_SUM_ERROR).sum())
        raise ValueError(
            f"the scores of a row of `y_score` must sum to 1. Received: {scores[row].sum():.4g} at row {row}, and "
            f"{count:,} of {len(scores):,} rows in all; divide each row by its sum, or give labels as integers"
        )


def are_probabilities(scores: np.ndarray) -> bool:
    """Whether scores `(rows, classes)`, or of class 1 `(rows, 1)`, can be judged as probabilities."""
    try:
        check_probabilities(scores, sums_to_one=scores.shape[1] > 1)
    except ValueError:
        return False
    return True


def _refuse_values(scores: np.ndarray, low, high) -> None:
    rows = np.isnan(scores).reshape(len(scores), -1).any(axis=1)
    if rows.any():
        raise ValueError(f"`y_score` has NaN in {rows.sum()} rows, the first is row {rows.argmax()}")
    outside = ((scores < 0) | (scores > 1)).reshape(len(scores), -1)
    rows = outside.any(axis=1)
    row = int(rows.argmax())
    value = scores.reshape(len(scores), -1)[row, outside[row].argmax()]
    is_logits = low < 0 and rows.mean() > 0.5
    fix = "they look like logits: apply softmax or sigmoid first" if is_logits else "or labels as integers or text"
    raise ValueError(
        f"`y_score` must be probabilities from 0 to 1; {fix}. Received: {value:.4g} at row {row} (all: {low:.4g} to "
        f"{high:.4g}; {rows.sum():,} of {len(rows):,} rows are outside)"
    )
