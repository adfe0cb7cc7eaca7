"""The report on a classifier, from plain arrays of any framework."""

import numpy as np

from recipes.arguments.labels import encode_labels, is_one_hot, label_name
from recipes.arguments.numbers import require_between
from recipes.metrics.classes.confusion import confusion_matrix, value_range
from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.multi_label_counts import MultiLabelCounts
from recipes.metrics.classes.ranking import rank_arrays
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.metrics.classes.single_label_counts import ClassificationCounts
from recipes.metrics.inputs import (
    as_array,
    check_class_names,
    check_labels,
    check_lengths,
    check_weights,
    class_probabilities,
    column_names,
    in_order,
    is_multi_label,
)

# Whole numbers that span no more than this are counted as they are; those that do not occur are left out afterwards.
_WIDEST_SPAN = 1024


def classification_report(
    y_true,
    y_score,
    class_names=None,
    sample_weight=None,
    confidence: float = 0.95,
    *,
    multi_label: bool | None = None,
) -> ClassificationReport | MultiLabelReport:
    """Evaluate the predictions of a classifier.

    Rows are compared by their position: the index of a pandas Series or frame is not used.

    Args:
        y_true: True labels `(rows,)`: class numbers, truth values or text. Or 0, 1 or truth values `(rows, labels)`:
            multi-label rows, or one class for each row in one-hot form.
        y_score: One of

            - labels `(rows,)`: integers, truth values or text;
            - floats `(rows,)` or `(rows, 1)`: the probability of class 1, which is predicted above 0.5;
            - floats `(rows, classes)`: the probability of each class; the highest is predicted. Named columns of a
              frame are matched with the classes by their names, in whatever order;
            - for multi-label rows, 0, 1, truth values or probabilities `(rows, labels)`.
        class_names: Names of the classes, in the order of the class numbers. Default: the names of the columns of a
            frame; otherwise the labels that occur, sorted; for scores, the numbers of their columns.
        sample_weight: Weight of each row `(rows,)`. Default: every row counts 1.
        confidence: Confidence level of the intervals, between 0 and 1.
        multi_label: Whether `y_true` `(rows, labels)` is multi-label. Default: it is, unless every row has a single 1
            and the scores exclude each other: each row of `y_score` sums to 1, or is one label.

    Returns:
        A `ClassificationReport`; for multi-label rows, a `MultiLabelReport`. ROC AUC and average precision are
        exact.

    Raises:
        ValueError: If the two do not fit each other, or hold NaN, unknown classes or scores that are no probabilities.
    """
    require_between("confidence", confidence, 0, 1)
    if multi_label not in (None, True, False):
        raise ValueError(f"`multi_label` must be True, False or None. Received: {multi_label!r}")
    truth, scores = as_array(y_true, "y_true"), as_array(y_score, "y_score")
    check_lengths(truth, scores)
    class_names = check_class_names(class_names)
    truth, scores, class_names = _by_names(y_true, y_score, truth, scores, class_names)
    if truth.ndim == 2 and (truth.shape[1] > 1 or multi_label):
        if is_multi_label(truth, scores) if multi_label is None else multi_label:
            return _of_multi_label_rows(truth, scores, class_names, sample_weight, confidence)
        truth, class_names = _unwrapped(truth, scores, class_names)
    elif multi_label:
        raise ValueError(f"`y_true` must have the shape (rows, labels) for multi_label=True. Received: {truth.shape}")
    labels = check_labels(truth, "y_true")
    has_scores = scores.dtype.kind == "f"
    if not has_scores and scores.ndim == 2 and scores.shape[1] > 1 and is_one_hot(scores):
        scores = scores.argmax(axis=1)
    if labels.ndim != 1 or scores.ndim > 2 or (not has_scores and scores.ndim == 2 and scores.shape[1] > 1):
        raise ValueError(
            "`y_score` must be labels (rows,) or floats (rows, classes), and `y_true` one label for each row or 0 and "
            f"1 (rows, labels). Received: {scores.dtype} of shape {scores.shape}, and shape {truth.shape}"
        )
    if not has_scores:
        return _of_labels(truth, labels, scores, class_names, sample_weight, confidence)
    num_classes = 2 if scores.ndim == 1 else max(2, scores.shape[1])
    if class_names is None:
        # Text labels are numbered as they sort; numbers name their own column.
        class_names = tuple(map(str, np.unique(labels) if labels.dtype.kind in "US" else range(num_classes)))
    counts = ClassificationCounts(class_names=class_names)
    if scores.shape[-1] == num_classes:
        scores = class_probabilities(scores)
    counts.update(labels, scores, sample_weight)
    numbers = labels if labels.dtype.kind not in "US" else encode_labels(labels, class_names)[0]
    return report_with_exact_ranking(counts, numbers, scores, sample_weight, confidence)


def decide(scores: np.ndarray) -> np.ndarray:
    """The predicted class numbers `(rows,)`: the highest score of each row; a single score above 0.5 means class 1.

    Raises:
        ValueError: For the wrong shape, NaN, or a single score that is no probability.
    """
    if scores.ndim not in (1, 2) or 0 in scores.shape:
        raise ValueError(f"`y_score` must have the shape (rows,) or (rows, classes). Received: {scores.shape}")
    missing = np.isnan(scores).reshape(len(scores), -1).any(axis=1)
    if missing.any():
        raise ValueError(f"`y_score` has NaN in {missing.sum()} rows, the first is row {missing.argmax()}")
    if scores.ndim == 2 and scores.shape[1] > 1:
        return scores.argmax(axis=1)
    scores = scores.reshape(-1)
    outside = (scores < 0) | (scores > 1)
    if outside.any():
        raise ValueError(
            f"`y_score` must be probabilities from 0 to 1, or labels as integers or text. "
            f"Received: {scores[outside.argmax()]} at row {outside.argmax()}"
        )
    return (scores > 0.5).astype(np.int64)


def _by_names(y_true, y_score, truth: np.ndarray, scores: np.ndarray, class_names: tuple[str, ...] | None):
    """`truth`, `scores` and class names, with the named columns of frames in the order of the classes."""
    columns = column_names(y_true) or column_names(y_score)
    if columns and class_names is None:
        class_names = check_class_names([label_name(column) for column in columns])
        if truth.ndim == 1 and {label_name(label) for label in np.unique(truth)} <= set(class_names):
            truth = encode_labels(truth, class_names)[0]  # classes such as 3 and 7 are no numbers of columns
    if class_names is not None:
        truth = in_order(y_true, truth, class_names, "y_true")
        scores = in_order(y_score, scores, class_names, "y_score")
    return truth, scores, class_names


def _unwrapped(truth: np.ndarray, scores: np.ndarray, class_names: tuple[str, ...] | None):
    """Class numbers of one-hot rows, or their names where `scores` are names; and the class names, if known."""
    if not is_one_hot(truth):
        raise ValueError("`y_true` must have a single 1 in each row for multi_label=False, the others being 0")
    by_name = scores.dtype.kind in "US"
    if class_names is None and not by_name:
        class_names = tuple(map(str, range(truth.shape[1])))
    numbers = truth.argmax(axis=1)
    return (np.array(class_names)[numbers] if by_name and class_names is not None else numbers), class_names


def _of_multi_label_rows(truth, scores, class_names, sample_weight, confidence: float) -> MultiLabelReport:
    counts = MultiLabelCounts(None if class_names else truth.shape[1], class_names)
    counts.update(truth, scores, sample_weight)
    return report_with_exact_ranking(counts, truth, scores, sample_weight, confidence)


def report_with_exact_ranking(
    counts: ClassificationCounts | MultiLabelCounts,
    truth: np.ndarray,
    scores: np.ndarray,
    sample_weight=None,
    confidence: float = 0.95,
) -> ClassificationReport | MultiLabelReport:
    """The report of `counts`, with ROC AUC and average precision from the scores themselves.

    Args:
        counts: Counts of the same rows.
        truth: Class numbers `(rows,)`, or 0 and 1 `(rows, labels)`.
        scores: Scores `(rows, classes)`, or of class 1 `(rows,)` or `(rows, 1)`; labels are left out.
        sample_weight: Weight of each row `(rows,)`, or `None`.
        confidence: Confidence level of the intervals, between 0 and 1.
    """
    if counts.scores is None:
        return counts.result(confidence)
    scores = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores
    weights = check_weights(sample_weight, len(truth))
    binned = counts.result(confidence).probabilities.ranking
    return counts.result(confidence, ranking=rank_arrays(truth, scores, weights, binned))


def _of_labels(truth, labels, scores, class_names, sample_weight, confidence: float) -> ClassificationReport:
    predicted = check_labels(scores, "y_score")
    if (labels.dtype.kind in "US") != (predicted.dtype.kind in "US"):
        first, second = (values.reshape(-1)[0].item() for values in (truth, scores))
        raise ValueError(f"labels and predictions must be of one kind. Received: {first!r} and {second!r}")
    if class_names is not None:
        return ClassificationCounts(class_names=class_names).update(labels, predicted, sample_weight).result(confidence)
    weights = check_weights(sample_weight, len(labels))
    kinds = {truth.dtype.kind, scores.dtype.kind}
    if kinds == {"b"}:
        values, names = np.arange(2), ("False", "True")
    elif kinds & set("US"):
        values, names = None, None
    else:
        (first, last), (lowest, highest) = value_range(labels), value_range(predicted)
        first, last = min(first, lowest), max(last, highest)
        values = np.arange(first, last + 1) if last - first < _WIDEST_SPAN else None
        names = None if values is None else tuple(map(str, values))
    if values is None:
        both, names = encode_labels(np.concatenate([labels, predicted]))
        labels, predicted = np.split(both, 2)
        values = np.arange(len(names))
    matrix = confusion_matrix(labels, predicted, len(values), weights, int(values[0]))
    squares = None if weights is None else confusion_matrix(labels, predicted, len(values), weights**2, int(values[0]))
    counted = matrix if weights is None else confusion_matrix(labels, predicted, len(values), None, int(values[0]))
    occurs = (counted.sum(axis=0) + counted.sum(axis=1)) > 0
    names = tuple(name for name, there in zip(names, occurs, strict=True) if there)
    grid = np.ix_(occurs, occurs)
    squares = None if squares is None else squares[grid]
    return ClassificationReport(matrix[grid], names, confidence, len(labels), squares)
