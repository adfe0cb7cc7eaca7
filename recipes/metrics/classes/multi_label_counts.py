"""A classifier of several labels a row, judged batch by batch."""

from pathlib import Path

import numpy as np

from recipes.metrics.classes import counts_file
from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.probability_scores import ProbabilityScores
from recipes.metrics.classes.score_bins import BINS, check_bins
from recipes.metrics.classes.score_sums import CHUNK, ScoreSums
from recipes.metrics.inputs import as_array, check_lengths, check_probabilities, check_weights, in_order, names_of


class MultiLabelCounts:
    """Judges a classifier of several labels a row from any number of batches, in memory that does not grow with them.

    >>> counts = MultiLabelCounts(class_names=["beach", "sunset"])
    >>> counts.update([[1, 0], [1, 1]], [[1, 0], [0, 1]])
    >>> counts.result().accuracy
    0.5

    Args:
        num_labels: How many there are; they are called by their numbers.
        class_names: In the order of the columns, instead.
        bins: For the scores of each label, a power of two: more make ROC AUC and average precision more exact.
        greatest_losses: How many of the rows with the greatest losses are kept.

    Attributes:
        class_names: In the order of the columns.
        sums: By name, arrays that simply add up: int64, float64 once rows are weighted.
        rows: How many rows were judged.
        scores: `ScoreSums`; `None` as long as there were labels only.
    """

    def __init__(self, num_labels=None, class_names=None, *, bins: int = BINS, greatest_losses: int = 20):
        self.class_names = names_of(num_labels, class_names)
        self.bins = check_bins(bins)
        self.greatest_losses = greatest_losses
        self.scores = None
        self.rows = 0
        self.weighted = False
        labels = len(self.class_names)
        self.sums = {
            "matrices": np.zeros((labels, 2, 2), np.int64),
            "rows": np.zeros(3, np.int64),  # all, those with all labels right, those without any label
            "moments": np.zeros(6),  # of the hits and errors of a row: sums of h, e; squared weights: h h, h e, e e, e
        }
        self.sums |= {f"squared_{name}": np.zeros_like(self.sums[name]) for name in ("matrices", "rows")}

    def update(self, y_true, y_score, sample_weight=None) -> None:
        """Judge a batch.

        Args:
            y_true: 0, 1 or truth values `(rows, labels)`.
            y_score: The same; or floats, the probability of each label, which is predicted above 0.5. All batches
                have the one or the other.
            sample_weight: Of each row `(rows,)`. Default: every row counts 1.

        Raises:
            ValueError: If the batch is wrong; nothing of it was counted.
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
        has_scores = scores.dtype.kind == "f"
        if self.rows and has_scores != (self.scores is not None):
            before = "labels" if self.scores is None else "scores"
            raise ValueError(f"all batches must have scores, or all labels. Received: {scores.dtype} after {before}")
        if has_scores:
            check_probabilities(scores)
            if self.scores is None:
                self.scores = ScoreSums(labels, self.bins, self.greatest_losses)
            self.scores.add_labels(truth, scores, weights)
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

    def merge(self, other: "MultiLabelCounts") -> "MultiLabelCounts":
        """Add what `other` saw, as if its rows had come after ours; returns self."""
        if not isinstance(other, type(self)):
            raise ValueError(f"counts are merged with their like. Received: {type(other).__name__}")
        if self.class_names != other.class_names:
            raise ValueError(
                f"counts can be merged if their labels agree. Received: {', '.join(self.class_names[:20])} and "
                f"{', '.join(other.class_names[:20])}"
            )
        self.scores = counts_file.merged(self, other)
        self.sums = {name: values + other.sums[name] for name, values in self.sums.items()}
        self.weighted |= other.weighted
        self.rows += other.rows
        return self

    def result(self, confidence: float = 0.95) -> MultiLabelReport:
        """The report on all rows so far.

        Raises:
            ValueError: If there were none, or all have a weight of 0.
        """
        return self.report(confidence, None)

    def report(self, confidence: float, ranking) -> MultiLabelReport:
        """The same with a `Ranking` from arrays, instead of that from the bins."""
        if self.rows == 0:
            raise ValueError("there are no rows to report: call `update` first")
        scores = None
        if self.scores is not None and self.scores.sums["weight"][0] > 0:
            scores = ProbabilityScores.of(self.scores.sums, self.scores.losses.rows, self.class_names, ranking, True)
        sums = {name: values.copy() for name, values in self.sums.items()}
        return MultiLabelReport(sums, self.class_names, confidence, self.rows, self.weighted, scores)

    def save(self, path: str | Path) -> None:
        """Write everything into one NPZ file, whole or not at all."""
        names = ("class_names", "rows", "bins", "greatest_losses", "weighted")
        meta = {name: getattr(self, name) for name in names}
        counts_file.write(path, type(self).__name__, meta, self.sums, self.scores)

    @classmethod
    def load(cls, path: str | Path) -> "MultiLabelCounts":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError, ValueError: If there is no such file, or it holds something else.
        """
        meta, arrays, scores = counts_file.read(path, cls.__name__)
        counts = cls(class_names=meta["class_names"], bins=meta["bins"], greatest_losses=meta["greatest_losses"])
        counts.rows, counts.weighted, counts.scores, counts.sums = meta["rows"], meta["weighted"], scores, arrays
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
        raise ValueError(f"`{name}` of several labels a row must hold 0, 1 or truth values. Received: {values.dtype}")
    strangers = np.argwhere((values != 0) & (values != 1))
    if len(strangers):
        row, column = strangers[0]
        raise ValueError(
            f"`{name}` of several labels a row must be 0 or 1. Received: {values[row, column]} at row {row}, column "
            f"{column}"
        )
