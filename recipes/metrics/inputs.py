"""Checks of the labels, scores and weights that users give: an error names the first wrong row."""

import numpy as np

from recipes.arguments.labels import encode_labels, is_missing, is_one_hot, label_name
from recipes.arguments.names import shorten
from recipes.arguments.numbers import require_whole
from recipes.metrics.classes.confusion import value_range

# Softmax misses a sum of 1 by up to a thousandth in float16.
MOST_SUM_ERROR = 2e-3
_UNSEEN_SUM_ERROR = 1e-5
# Trailing bits of a float32 that are 0 where the value came from a shorter float, and the spacing of those near 1.
_SHORT_FLOATS = ((0xFFFF, 2.0**-7), (0x1FFF, 2.0**-10))  # bfloat16 and float16


def as_array(values, name: str) -> np.ndarray:
    """`values` of any framework as a NumPy array; bfloat16, which NumPy lacks, and float16 become float32.

    Raises:
        ValueError: For ragged rows, for missing or masked values, and for text among numbers.
    """
    if hasattr(values, "detach"):  # a torch tensor, perhaps with a gradient or on another device
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    if np.ma.is_masked(values):
        row = int(np.ma.getmaskarray(values).reshape(len(values), -1).any(axis=1).argmax())
        raise ValueError(f"`{name}` has masked values, the first at row {row}")
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"`{name}` must have rows of one length. Received: ragged {type(values).__name__}") from None
    if array.dtype.kind == "T" or (array.dtype.kind in "US" and isinstance(values, list | tuple)):
        array = np.asarray(values, dtype=object)  # in lists, NumPy makes text of numbers and of NaN beside text
    if array.dtype.kind == "O":
        array = _of_objects(array, name)
    return array.astype(np.float32) if array.dtype.name in ("bfloat16", "float16") else array


def _of_objects(array: np.ndarray, name: str) -> np.ndarray:
    """An array of one kind from Python objects, such as text and numbers of pandas and of lists."""
    if array.ndim and array.size:
        values = array.reshape(-1).tolist()
        rows = sorted({place // (array.size // len(array)) for place, value in enumerate(values) if is_missing(value)})
        if rows:
            raise ValueError(f"`{name}` has missing values in {len(rows)} rows, the first at row {rows[0]}")
        texts = [isinstance(value, str | bytes) for value in values]
        if any(texts) and not all(texts):
            place = texts.index(not texts[0])
            raise ValueError(f"`{name}` must be of one kind. Received: {values[0]!r} and {values[place]!r}")
    try:
        return np.array(array.tolist())
    except ValueError:
        raise ValueError(f"`{name}` must have rows of one length. Received: ragged rows") from None


def column_names(values) -> list | None:
    """Names of the columns of a frame (pandas, Polars, Arrow); `None` for other values and for numbered columns."""
    names = getattr(values, "column_names", None)  # of Arrow, whose `columns` are the columns themselves
    names = getattr(values, "columns", None) if names is None else names
    if names is None or callable(names):
        return None
    names = list(names)
    numbered = (range(len(names)), map(str, range(len(names))), (f"column_{number}" for number in range(len(names))))
    return None if len(names) < 2 or any(names == list(numbers) for numbers in numbered) else names


def in_order(values, array: np.ndarray, class_names: tuple[str, ...], name: str) -> np.ndarray:
    """`array`, which was made of `values`, with the named columns of a frame in the order of `class_names`.

    Raises:
        ValueError: If the names of the columns are not those of the classes, each once.
    """
    names = column_names(values)
    if names is None or array.ndim != 2:
        return array
    names = [label_name(column) for column in names]
    if sorted(names) != sorted(class_names):
        raise ValueError(
            f"the columns of `{name}` must have the names of the classes {shorten(class_names, 20)}. "
            f"Received: {shorten(names, 20)}; give columns in the order of the classes as an array"
        )
    return array[:, [names.index(class_name) for class_name in class_names]]


def is_multi_label(truth: np.ndarray, scores: np.ndarray) -> bool:
    """Whether targets `(rows, labels)` are multi-label, rather than one class for each row in one-hot form.

    They are one-hot where every row has a single 1 and the scores exclude each other: each row sums to 1, or has one
    value.
    """
    exclusive = scores.ndim == 1 or scores.shape[1] == 1 or (scores.shape == truth.shape and sum_to_one(scores))
    return not (exclusive and is_one_hot(truth))


def sum_to_one(scores: np.ndarray) -> bool:
    """Whether no score is negative and each row of scores `(rows, classes)` sums to 1, but for rounding."""
    if scores.dtype.kind not in "buif" or not (scores.min() >= 0 and scores.max() <= 1):
        return False
    return float(np.abs(scores.sum(axis=1) - 1.0).max()) <= _most_sum_error(scores)


def _most_sum_error(scores: np.ndarray) -> float:
    """Largest distance of the sum of a row from 1 that rounding explains, by the precision of the computation.

    The precision is detected from the values, so that half-precision scores are recognized in float32, too.
    """
    bits = scores[:1024].astype(np.float32)
    if scores.dtype.kind == "f" and np.array_equal(bits, scores[:1024]):
        for unused, spacing in _SHORT_FLOATS:
            if not (bits.view(np.uint32) & unused).any():
                # TensorFlow's softmax of 1,000 classes misses by 1.5 (bfloat16) and 2.2 times (float16) the spacing;
                # and the least number of float16 is 6e-8.
                return max(MOST_SUM_ERROR, 4 * spacing + scores.shape[1] * 3e-8)
    return MOST_SUM_ERROR


def check_labels(values, name: str) -> np.ndarray:
    """Labels `(rows,)` or `(rows, 1)` as whole numbers, truth values or text, `(rows,)`."""
    labels = as_array(values, name)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
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
    """Refuse empty arrays, and two arrays of different lengths."""
    shapes = np.shape(y_true), np.shape(y_score)
    if not all(shapes) or shapes[0][0] != shapes[1][0] or 0 in (*shapes[0], *shapes[1]):
        raise ValueError(
            "`y_true` and `y_score` must have as many rows, at least one, and `y_true` one label for each. "
            f"Received: shapes {shapes[0]} and {shapes[1]}"
        )


def check_class_names(class_names) -> tuple[str, ...] | None:
    """The names as text; `None` if there are none."""
    if class_names is None:
        return None
    if isinstance(class_names, str):
        raise ValueError(f"`class_names` must be a list of names. Received: {class_names!r}")
    names = tuple(map(str, class_names))
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`class_names` must differ. Received: {', '.join(names) or 'none'}")
    return names


def names_of(num_classes: int | None, class_names, name: str = "num_classes") -> tuple[str, ...]:
    """Class names; where their number is given instead, which errors call `name`, the numbers are the names."""
    if (num_classes is None) == (class_names is None):
        raise ValueError(f"give either `{name}` or `class_names`. Received: {num_classes}, {class_names}")
    if class_names is not None:
        return check_class_names(class_names)
    require_whole(name, num_classes, least=1)
    return tuple(map(str, range(num_classes)))


def class_numbers(labels: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """Class numbers `(rows,)`: text is looked up by name, numbers stay."""
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
    """Weights `(rows,)` as float64; `None` if there are none."""
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


def check_probabilities(scores: np.ndarray) -> None:
    """Refuse scores that are no probabilities.

    Raises:
        ValueError: For NaN, and for values outside 0 to 1 (with a hint if they look like logits).
    """
    low, high = scores.min(), scores.max()
    if not (low >= 0 and high <= 1):  # NaN, too
        _refuse_values(scores, low, high)


def class_probabilities(scores: np.ndarray) -> np.ndarray:
    """Probabilities of classes that exclude each other; rows whose sum is not exactly 1 are divided by it.

    Args:
        scores: Probabilities `(rows, classes)`, or of class 1 `(rows,)` or `(rows, 1)`.

    Raises:
        ValueError: For NaN, for values outside 0 to 1, and for rows that do not sum to 1: within 0.002, or within the
            precision of bfloat16 and float16 where the values come from those.
    """
    check_probabilities(scores)
    if scores.ndim == 1 or scores.shape[1] == 1:
        return scores
    sums = scores @ np.ones(scores.shape[1], scores.dtype)
    errors = np.abs(sums - 1)
    greatest = errors.max()
    if greatest <= _UNSEEN_SUM_ERROR:
        return scores
    most = MOST_SUM_ERROR if greatest <= MOST_SUM_ERROR else _most_sum_error(scores)
    if greatest > most:
        row, count = int(np.argmax(errors > most)), int((errors > most).sum())
        raise ValueError(
            f"the scores of a row of `y_score` must sum to 1. Received: {scores[row].sum():.4g} at row {row}, and "
            f"{count:,} of {len(scores):,} rows in all; divide each row by its sum, or give labels as integers"
        )
    # In float64, then back: the type decides which probability stands for 0 in the log loss.
    return (scores / scores.sum(axis=1, keepdims=True, dtype=np.float64)).astype(scores.dtype)


def are_probabilities(scores: np.ndarray) -> bool:
    """Whether scores `(rows, classes)`, or of class 1 `(rows, 1)`, are valid probabilities."""
    try:
        class_probabilities(scores)
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
