"""What a classifier got right and wrong: everything follows from one confusion matrix."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recipes.data.arrays import encode_labels

# A printed matrix of more classes than this does not fit a terminal.
MOST_PRINTED_CLASSES = 15


@dataclass(frozen=True, eq=False)
class ClassificationReport:
    """Scores of a classifier. Print it, or take `to_dict()`.

    A ratio whose denominator is 0, such as the precision of a class that was never predicted, is 0, as in
    scikit-learn.

    Attributes:
        confusion_matrix: Row counts, int64 `(classes, classes)`; entry `[i, j]`: of class i, taken for class j.
        class_names: In the order of the matrix.
    """

    confusion_matrix: np.ndarray
    class_names: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many rows were judged."""
        return int(self.confusion_matrix.sum())

    @property
    def accuracy(self) -> float:
        """Share of the rows whose class was found."""
        return float(np.trace(self.confusion_matrix) / self.rows)

    @cached_property
    def classes(self) -> dict[str, dict[str, float]]:
        """By class name: precision, recall, f1, accuracy (this class against the rest) and support (its rows)."""
        return {
            name: {score: (int if score == "support" else float)(values[number]) for score, values in self._by_class}
            for number, name in enumerate(self.class_names)
        }

    @property
    def macro(self) -> dict[str, float]:
        """Mean precision, recall and f1 over the classes, each counting alike."""
        return self._mean(np.ones(len(self.class_names)))

    @property
    def micro(self) -> dict[str, float]:
        """Precision, recall and f1 over all decisions together; with one class a row, all three are the accuracy."""
        return dict.fromkeys(("precision", "recall", "f1"), self.accuracy)

    @property
    def weighted(self) -> dict[str, float]:
        """Mean precision, recall and f1 over the classes, each weighted by its rows."""
        return self._mean(self.confusion_matrix.sum(axis=1))

    @cached_property
    def _by_class(self) -> list[tuple[str, np.ndarray]]:
        hits = np.diag(self.confusion_matrix)
        support, predicted = self.confusion_matrix.sum(axis=1), self.confusion_matrix.sum(axis=0)
        wrong = support + predicted - 2 * hits
        return [
            ("precision", _ratio(hits, predicted)),
            ("recall", _ratio(hits, support)),
            ("f1", _ratio(2 * hits, support + predicted)),
            ("accuracy", 1 - wrong / self.rows),
            ("support", support),
        ]

    def _mean(self, weights: np.ndarray) -> dict[str, float]:
        scores = dict(self._by_class)
        return {name: float(np.average(scores[name], weights=weights)) for name in ("precision", "recall", "f1")}

    def to_dict(self) -> dict:
        """Everything as plain numbers, ready for JSON."""
        return {
            "accuracy": self.accuracy,
            "classes": self.classes,
            "macro": self.macro,
            "micro": self.micro,
            "weighted": self.weighted,
            "confusion_matrix": self.confusion_matrix.tolist(),
            "rows": self.rows,
        }

    def __str__(self) -> str:
        scores = ("precision", "recall", "f1", "accuracy", "support")
        means = {"macro": self.macro, "micro": self.micro, "weighted": self.weighted}
        table = [("", *scores)]
        for name, values in (*self.classes.items(), *means.items()):
            cells = (values.get(score, "") for score in scores)
            table.append((name, *(f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in cells)))
        table.insert(1 + len(self.class_names), ("",) * len(table[0]))
        lines = [*_aligned(table), "", f"accuracy {self.accuracy:.4f} on {self.rows:,} rows"]
        if len(self.class_names) <= MOST_PRINTED_CLASSES:
            counts = self.confusion_matrix.tolist()
            matrix = [("", *self.class_names)]
            matrix += [(name, *map(str, row)) for name, row in zip(self.class_names, counts, strict=True)]
            lines += ["", "confusion matrix (a row: the true class; a column: the predicted one)", *_aligned(matrix)]
        return "\n".join(lines)


def classification_report(y_true, y_score, class_names=None) -> ClassificationReport:
    """Judge the predictions of a classifier.

    Args:
        y_true: True labels `(rows,)`: class numbers, truth values or text.
        y_score: One of

            - labels `(rows,)`: integers, truth values or text;
            - floats `(rows,)` or `(rows, 1)`: the probability of class 1, which is predicted above 0.5;
            - floats `(rows, classes)`: a score for each class; the highest is predicted.
        class_names: In the order of the class numbers. Default: the labels that occur, sorted; for scores, the
            numbers of their columns.

    Raises:
        ValueError: If the two do not fit each other, or hold NaN or unknown classes.
    """
    labels, scores = np.asarray(y_true), np.asarray(y_score)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or scores.ndim == 0 or len(labels) == 0 or len(labels) != len(scores):
        raise ValueError(
            "`y_true` and `y_score` must have as many rows, at least one, and `y_true` one label for each. "
            f"Received: shapes {labels.shape} and {scores.shape}"
        )
    labels = _labels(labels, "y_true")
    if class_names is not None:
        class_names = tuple(map(str, class_names))
        if len(set(class_names)) < len(class_names):
            raise ValueError(f"`class_names` must differ. Received: {', '.join(class_names)}")
    if scores.dtype.kind == "f":
        predicted = decide(scores)
        num_classes = 2 if scores.ndim == 1 else max(2, scores.shape[1])
        if class_names is None:
            # Text labels are numbered as they sort; numbers name their own column.
            class_names = tuple(map(str, np.unique(labels) if labels.dtype.kind in "US" else range(num_classes)))
        if len(class_names) != num_classes:
            raise ValueError(f"`y_score` has {num_classes} classes. Received: {len(class_names)} class names or labels")
        actual = _numbers(labels, class_names)
    else:
        if scores.ndim != 1:
            raise ValueError(f"`y_score` must be labels (rows,) or floats. Received: {scores.dtype} of {scores.shape}")
        scores = _labels(scores, "y_score")
        if (labels.dtype.kind in "US") != (scores.dtype.kind in "US"):
            raise ValueError(f"labels and predictions must be of one kind. Received: {labels[0]!r} and {scores[0]!r}")
        if class_names is None:
            both, class_names = encode_labels(np.concatenate([labels, scores]))
            actual, predicted = np.split(both, 2)
        else:
            actual, predicted = _numbers(labels, class_names), _numbers(scores, class_names)
    return ClassificationReport(confusion_matrix(actual, predicted, len(class_names)), class_names)


def _labels(labels: np.ndarray, name: str) -> np.ndarray:
    """Labels as whole numbers, truth values or text."""
    if labels.dtype.kind == "O":
        missing = [row for row, label in enumerate(labels) if label is None or label != label]
        if missing:
            raise ValueError(f"`{name}` has {len(missing)} missing labels, the first at row {missing[0]}")
        labels = np.array(labels.tolist())
    if labels.dtype.kind == "f":
        broken = np.flatnonzero(~np.isfinite(labels) | (labels != np.round(labels)))
        if broken.size:
            raise ValueError(f"`{name}` must hold labels. Received: {labels[broken[0]]} at row {broken[0]}")
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "buiUS":
        raise ValueError(f"`{name}` must hold whole numbers, truth values or text. Received: {labels.dtype}")
    return labels


def _numbers(labels: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """Class numbers: text by its name, numbers as they are."""
    if labels.dtype.kind in "US":
        return encode_labels(labels, class_names)[0]
    numbers = labels.astype(np.int64)
    outside = np.flatnonzero((numbers < 0) | (numbers >= len(class_names)))
    if outside.size:
        raise ValueError(
            f"labels must be class numbers from 0 to {len(class_names) - 1}. "
            f"Received: {numbers[outside[0]]} at row {outside[0]}"
        )
    return numbers


def confusion_matrix(actual: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count (true, predicted) pairs of two `(rows,)` arrays of class numbers; a row of the result is a true class.

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), num_classes=2)
    array([[1, 0],
           [1, 1]])
    """
    pairs = np.bincount(actual * num_classes + predicted, minlength=num_classes**2)
    return pairs.reshape(num_classes, num_classes)


def decide(scores: np.ndarray) -> np.ndarray:
    """The predicted class numbers `(rows,)`: the highest score of each row; of a single one, class 1 above 0.5.

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


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator != 0)


def _aligned(table: list[tuple[str, ...]]) -> list[str]:
    """Lines of a table of text: first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *rest in table:
        cells = [first.ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines
