"""Evaluation of a single-label classifier batch by batch: counts that add up, in whatever process they were made."""

from typing import Self

import numpy as np

from recipes.metrics.classes.confusion import confusion_matrix
from recipes.metrics.classes.ranking import Ranking
from recipes.metrics.classes.score_bins import BINS
from recipes.metrics.classes.scored_counts import ScoredCounts
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


class ClassificationCounts(ScoredCounts):
    """Counts the predictions of a single-label classifier from any number of batches.

    Memory does not grow with the batches: `classes**2` counts and, where there are scores, `2 * classes * bins`.

    >>> counts = ClassificationCounts(class_names=["cat", "dog"])
    >>> counts.update([0, 1], [0, 1]).update([1, 1], [0, 1]).result().accuracy
    0.75

    Args:
        num_classes: Number of classes, which are then named by their numbers.
        class_names: Names of the classes in the order of the class numbers, instead of `num_classes`.
        bins: Number of bins for the scores of each class, a power of two from 64 to 65536. More make ROC AUC and
            average precision more exact.
        greatest_losses: Number of rows with the greatest losses that are kept. Default: 20.

    Attributes:
        class_names: Names of the classes in the order of the class numbers.
        matrix: Confusion matrix `(classes, classes)`; a row is a true class. int64, float64 once rows are weighted.
        squares: The same with squared weights; `None` as long as no row is weighted.
        rows: Number of rows so far.
        scores: `ScoreSums`; `None` as long as there were labels only.
    """

    def __init__(self, num_classes=None, class_names=None, *, bins: int = BINS, greatest_losses: int = 20):
        super().__init__(names_of(num_classes, class_names), bins, greatest_losses)
        self.matrix = np.zeros((len(self.class_names),) * 2, np.int64)
        self.squares = None

    def update(self, y_true, y_score, sample_weight=None) -> Self:
        """Add a batch, and return self.

        Args:
            y_true: True labels `(rows,)`: class numbers, truth values or class names.
            y_score: Predicted labels likewise; or floats, the probability of class 1 `(rows,)` or of each class
                `(rows, classes)`. All batches have the one or the other.
            sample_weight: Weight of each row `(rows,)`. Default: every row counts 1.

        Raises:
            ValueError: If the batch is wrong; nothing of it is added.
        """
        labels, scores = check_labels(y_true, "y_true"), as_array(y_score, "y_score")
        check_lengths(labels, scores)
        weights = check_weights(sample_weight, len(labels))
        numbers = class_numbers(labels, self.class_names)
        if self._check_kind(scores):
            scores = self._checked_scores(in_order(y_score, scores, self.class_names, "y_score"))
            predicted = self._sums_over_scores().add_classes(numbers, scores, weights)
        else:
            if scores.ndim == 2 and scores.shape[1] > 1:
                raise ValueError(f"`y_score` must be labels (rows,) or floats. Received: {scores.dtype} {scores.shape}")
            predicted = class_numbers(check_labels(scores, "y_score"), self.class_names)
        self._count(numbers, predicted, weights)
        return self

    def result(self, confidence: float = 0.95, *, ranking: Ranking | None = None) -> ClassificationReport:
        """The report on all rows so far.

        Args:
            confidence: Confidence level of the intervals, between 0 and 1.
            ranking: Ranking from the scores themselves. Default: that from the bins.

        Raises:
            ValueError: If there are no rows, or all have a weight of 0.
        """
        scores = self._probabilities(ranking, multi_label=False)
        return ClassificationReport(
            self.matrix.copy(), self.class_names, confidence, self.rows, self.squares, probabilities=scores
        )

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
            self.squares = self._squares()
        if self.squares is not None:
            squared = None if weights is None else weights**2
            self.squares = self.squares + confusion_matrix(numbers, predicted, len(self.class_names), squared)
        self.matrix = self.matrix + confusion_matrix(numbers, predicted, len(self.class_names), weights)
        self.rows += len(numbers)

    def _squares(self) -> np.ndarray:
        """Squared weights; of rows that were not weighted, their counts."""
        return self.matrix.astype(np.float64) if self.squares is None else self.squares

    def _merge(self, other: Self) -> None:
        super()._merge(other)
        if self.squares is not None or other.squares is not None:
            self.squares = self._squares() + other._squares()
        self.matrix = self.matrix + other.matrix
        self.rows += other.rows

    def _state(self) -> tuple[dict, dict[str, np.ndarray]]:
        meta, arrays = super()._state()
        arrays["matrix"] = self.matrix
        return meta, arrays if self.squares is None else {**arrays, "squares": self.squares}

    @classmethod
    def _from_state(cls, meta: dict, arrays: dict[str, np.ndarray]) -> Self:
        counts = super()._from_state(meta, arrays)
        counts.matrix, counts.squares = arrays["matrix"], arrays.get("squares")
        return counts
