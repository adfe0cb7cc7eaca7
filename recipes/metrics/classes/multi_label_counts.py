"""Evaluation of a multi-label classifier batch by batch."""

from typing import Self

import numpy as np

from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.ranking import Ranking
from recipes.metrics.classes.score_bins import BINS
from recipes.metrics.classes.score_sums import CHUNK
from recipes.metrics.classes.scored_counts import ScoredCounts
from recipes.metrics.inputs import as_array, check_lengths, check_probabilities, check_weights, in_order, names_of


class MultiLabelCounts(ScoredCounts):
    """Counts the predictions of a multi-label classifier from any number of batches.

    Memory does not grow with the batches.

    >>> counts = MultiLabelCounts(class_names=["beach", "sunset"])
    >>> counts.update([[1, 0], [1, 1]], [[1, 0], [0, 1]]).result().accuracy
    0.5

    Args:
        num_labels: Number of labels, which are then named by their numbers.
        class_names: Names of the labels in the order of their columns, instead of `num_labels`.
        bins: Number of bins for the scores of each label, a power of two from 64 to 65536. More make ROC AUC and
            average precision more exact.
        greatest_losses: Number of rows with the greatest losses that are kept. Default: 20.

    Attributes:
        class_names: Names of the labels in the order of their columns.
        sums: Arrays that simply add up, by name: int64, float64 once rows are weighted.
        rows: Number of rows so far.
        weighted: Whether rows are weighted.
        scores: `ScoreSums`; `None` as long as there were labels only.
    """

    def __init__(self, num_labels=None, class_names=None, *, bins: int = BINS, greatest_losses: int = 20):
        super().__init__(names_of(num_labels, class_names, "num_labels"), bins, greatest_losses)
        self.weighted = False
        labels = len(self.class_names)
        self.sums = {
            "matrices": np.zeros((labels, 2, 2), np.int64),
            "rows": np.zeros(3, np.int64),  # all, those with all labels right, those without any label
            "moments": np.zeros(6),  # of the hits and errors of a row: sums of h, e; squared weights: h h, h e, e e, e
        }
        self.sums |= {f"squared_{name}": np.zeros_like(self.sums[name]) for name in ("matrices", "rows")}

    def update(self, y_true, y_score, sample_weight=None) -> Self:
        """Add a batch, and return self.

        Args:
            y_true: 0, 1 or truth values `(rows, labels)`.
            y_score: The same; or floats, the probability of each label, which is predicted above 0.5. All batches
                have the one or the other.
            sample_weight: Weight of each row `(rows,)`. Default: every row counts 1.

        Raises:
            ValueError: If the batch is wrong; nothing of it is added.
        """
        truth, scores = as_array(y_true, "y_true"), as_array(y_score, "y_score")
        check_lengths(truth, scores)
        labels = len(self.class_names)
        if truth.shape != (len(truth), labels) or scores.shape != truth.shape:
            raise ValueError(
                f"`y_true` and `y_score` must have the shape (rows, {labels}), a column for each label. "
                f"Received: {truth.shape} and {scores.shape}"
            )
        truth = in_order(y_true, truth, self.class_names, "y_true")
        scores = in_order(y_score, scores, self.class_names, "y_score")
        weights = check_weights(sample_weight, len(truth))
        _check_truth_values(truth, "y_true")
        if self._check_kind(scores):
            check_probabilities(scores)
            self._sums_over_scores().add_labels(truth, scores, weights)
        else:
            _check_truth_values(scores, "y_score")
        if weights is not None and not self.weighted:
            self.weighted = True
            self.sums = {name: values.astype(np.float64) for name, values in self.sums.items()}
        step = max(64, CHUNK // labels)
        for start in range(0, len(truth), step):
            rows = slice(start, start + step)
            self._count(truth[rows] != 0, scores[rows] > 0.5, None if weights is None else weights[rows])
        self.rows += len(truth)
        return self

    def result(self, confidence: float = 0.95, *, ranking: Ranking | None = None) -> MultiLabelReport:
        """The report on all rows so far.

        Args:
            confidence: Confidence level of the intervals, between 0 and 1.
            ranking: Ranking from the scores themselves. Default: that from the bins.

        Raises:
            ValueError: If there are no rows, or all have a weight of 0.
        """
        scores = self._probabilities(ranking, multi_label=True)
        sums = {name: values.copy() for name, values in self.sums.items()}
        return MultiLabelReport(sums, self.class_names, confidence, self.rows, self.weighted, scores)

    def _merge(self, other: Self) -> None:
        super()._merge(other)
        self.sums = {name: values + other.sums[name] for name, values in self.sums.items()}
        self.weighted |= other.weighted
        self.rows += other.rows

    def _state(self) -> tuple[dict, dict[str, np.ndarray]]:
        meta, arrays = super()._state()
        return {**meta, "weighted": self.weighted}, arrays | self.sums

    @classmethod
    def _from_state(cls, meta: dict, arrays: dict[str, np.ndarray]) -> Self:
        counts = super()._from_state(meta, arrays)
        counts.weighted, counts.sums = meta["weighted"], {name: arrays[name] for name in counts.sums}
        return counts

    def _count(self, truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None) -> None:
        hits, errors = (truth & predicted).sum(axis=1), (truth ^ predicted).sum(axis=1)
        right, without = errors == 0, ~truth.any(axis=1)
        for prefix, weight in (("", weights), ("squared_", None if weights is None else weights**2)):
            total = len(truth) if weight is None else weight.sum()
            # Rows with the label, rows taken for it, and both, by label.
            parts = (truth, predicted, truth & predicted)
            there, taken, both = (part.sum(axis=0) if weight is None else weight @ part for part in parts)
            cells = [[total - there - taken + both, taken - both], [there - both, both]]
            self.sums[f"{prefix}matrices"] += np.moveaxis(np.array(cells), -1, 0)
            shares = [part.sum() if weight is None else weight @ part for part in (right, without)]
            self.sums[f"{prefix}rows"] += np.array([total, *shares])
        weight, square = (np.ones(len(truth)),) * 2 if weights is None else (weights, weights**2)
        squared = [square @ part for part in (hits**2, hits * errors, errors**2, errors)]
        self.sums["moments"] += np.array([weight @ hits, weight @ errors, *squared])


def _check_truth_values(values: np.ndarray, name: str) -> None:
    if values.dtype.kind not in "buif":
        raise ValueError(f"`{name}` of multi-label rows must hold 0, 1 or truth values. Received: {values.dtype}")
    strangers = np.argwhere((values != 0) & (values != 1))
    if len(strangers):
        row, column = strangers[0]
        raise ValueError(
            f"`{name}` of multi-label rows must be 0 or 1. Received: {values[row, column]} at row {row}, column "
            f"{column}"
        )
