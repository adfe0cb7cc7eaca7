"""A classifier judged batch by batch: counts that add up, in whatever process they were made."""

from pathlib import Path

import numpy as np

from recipes.metrics.classes import counts_file
from recipes.metrics.classes.confusion import confusion_matrix
from recipes.metrics.classes.probability_scores import ProbabilityScores
from recipes.metrics.classes.score_bins import BINS, check_bins
from recipes.metrics.classes.score_sums import ScoreSums
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.metrics.inputs import (
    as_array,
    check_labels,
    check_lengths,
    check_weights,
    class_numbers,
    class_probabilities,
    in_order,
    names_of,
)


class ClassificationCounts:
    """Judges a classifier of one class a row from any number of batches, in memory that does not grow with them.

    Its memory holds `classes**2` counts and, where there are scores, `2 * classes * bins`.

    >>> counts = ClassificationCounts(class_names=["cat", "dog"])
    >>> for y_true, y_predicted in [([0, 1], [0, 1]), ([1, 1], [0, 1])]:
    ...     counts.update(y_true, y_predicted)
    >>> counts.result().accuracy
    0.75

    Args:
        num_classes: How many there are; they are called by their numbers.
        class_names: In the order of the class numbers, instead.
        bins: For the scores of each class, a power of two: more make ROC AUC and average precision more exact.
        greatest_losses: How many of the rows with the greatest losses are kept.

    Attributes:
        class_names: In the order of the class numbers.
        matrix: Confusion matrix `(classes, classes)`; a row is a true class. int64, float64 once rows are weighted.
        squares: The same with squared weights; `None` as long as no row is weighted.
        rows: How many rows were judged.
        scores: `ScoreSums`; `None` as long as there were labels only.
    """

    def __init__(self, num_classes=None, class_names=None, *, bins: int = BINS, greatest_losses: int = 20):
        self.class_names = names_of(num_classes, class_names)
        self.bins = check_bins(bins)
        self.greatest_losses = greatest_losses
        self.matrix = np.zeros((len(self.class_names),) * 2, np.int64)
        self.squares = self.scores = None
        self.rows = 0

    def update(self, y_true, y_score, sample_weight=None) -> None:
        """Judge a batch.

        Args:
            y_true: True labels `(rows,)`: class numbers, truth values or class names.
            y_score: Labels likewise; or floats, the probability of class 1 `(rows,)` or of each class
                `(rows, classes)`. All batches have the one or the other.
            sample_weight: Of each row `(rows,)`. Default: every row counts 1.

        Raises:
            ValueError: If the batch is wrong; nothing of it was counted.
        """
        labels, scores = check_labels(y_true, "y_true"), as_array(y_score, "y_score")
        check_lengths(labels, scores)
        weights = check_weights(sample_weight, len(labels))
        numbers = class_numbers(labels, self.class_names)
        has_scores = scores.dtype.kind == "f"
        if self.rows and has_scores != (self.scores is not None):
            before = "labels" if self.scores is None else "scores"
            raise ValueError(f"all batches must have scores, or all labels. Received: {scores.dtype} after {before}")
        if has_scores:
            scores = self._checked_scores(in_order(y_score, scores, self.class_names, "y_score"))
            if self.scores is None:
                self.scores = ScoreSums(len(self.class_names), self.bins, self.greatest_losses)
            predicted = self.scores.add_classes(numbers, scores, weights)
        else:
            if scores.ndim == 2 and scores.shape[1] > 1:
                raise ValueError(f"`y_score` must be labels (rows,) or floats. Received: {scores.dtype} {scores.shape}")
            predicted = class_numbers(check_labels(scores, "y_score"), self.class_names)
        self._count(numbers, predicted, weights)

    def merge(self, other: "ClassificationCounts") -> "ClassificationCounts":
        """Add what `other` saw, as if its rows had come after ours; returns self."""
        if not isinstance(other, type(self)):
            raise ValueError(f"counts are merged with their like. Received: {type(other).__name__}")
        if self.class_names != other.class_names:
            raise ValueError(
                f"counts can be merged if their classes agree. Received: {', '.join(self.class_names[:20])} and "
                f"{', '.join(other.class_names[:20])}"
            )
        self.scores = counts_file.merged(self, other)
        if self.squares is not None or other.squares is not None:
            self.squares = _squares(self) + _squares(other)
        self.matrix = self.matrix + other.matrix
        self.rows += other.rows
        return self

    def result(self, confidence: float = 0.95) -> ClassificationReport:
        """The report on all rows so far.

        Raises:
            ValueError: If there were none, or all have a weight of 0.
        """
        return self.report(confidence, None)

    def report(self, confidence: float, ranking) -> ClassificationReport:
        """The same with a `Ranking` from arrays, instead of that from the bins."""
        if self.rows == 0:
            raise ValueError("there are no rows to report: call `update` first")
        scores = None
        if self.scores is not None and self.scores.sums["weight"][0] > 0:
            scores = ProbabilityScores.of(self.scores.sums, self.scores.losses.rows, self.class_names, ranking)
        return ClassificationReport(
            self.matrix.copy(), self.class_names, confidence, self.rows, self.squares, probabilities=scores
        )

    def save(self, path: str | Path) -> None:
        """Write everything into one NPZ file, whole or not at all."""
        meta = {name: getattr(self, name) for name in ("class_names", "rows", "bins", "greatest_losses")}
        arrays = {"matrix": self.matrix}
        if self.squares is not None:
            arrays["squares"] = self.squares
        counts_file.write(path, type(self).__name__, meta, arrays, self.scores)

    @classmethod
    def load(cls, path: str | Path) -> "ClassificationCounts":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError, ValueError: If there is no such file, or it holds something else.
        """
        meta, arrays, scores = counts_file.read(path, cls.__name__)
        counts = cls(class_names=meta["class_names"], bins=meta["bins"], greatest_losses=meta["greatest_losses"])
        counts.rows, counts.scores = meta["rows"], scores
        counts.matrix, counts.squares = arrays["matrix"], arrays.get("squares")
        return counts

    def _checked_scores(self, scores: np.ndarray) -> np.ndarray:
        if scores.ndim == 2 and scores.shape[1] == 1:
            scores = scores[:, 0]
        if scores.ndim not in (1, 2):
            raise ValueError(f"`y_score` must have the shape (rows,) or (rows, classes). Received: {scores.shape}")
        num_scores = 2 if scores.ndim == 1 else scores.shape[1]
        if num_scores != len(self.class_names):
            raise ValueError(
                f"`y_score` has {num_scores} classes. Received: {len(self.class_names)} class names or labels"
            )
        return class_probabilities(scores)

    def _count(self, numbers: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None) -> None:
        if weights is not None and self.squares is None:
            self.squares = _squares(self)
        if self.squares is not None:
            squared = None if weights is None else weights**2
            self.squares = self.squares + confusion_matrix(numbers, predicted, len(self.class_names), squared)
        self.matrix = self.matrix + confusion_matrix(numbers, predicted, len(self.class_names), weights)
        self.rows += len(numbers)


def _squares(counts: ClassificationCounts) -> np.ndarray:
    """Squared weights; of rows that were not weighted, their counts."""
    return counts.matrix.astype(np.float64) if counts.squares is None else counts.squares
