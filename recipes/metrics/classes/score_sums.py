"""Sums over the scores of rows, so that 150 rows in memory and 10^9 rows in batches are evaluated by the same code."""

import numpy as np

from recipes.metrics.classes import calibration
from recipes.metrics.classes.greatest_losses import GreatestLosses
from recipes.metrics.classes.score_bins import BINS, bin_numbers, check_bins

# So many scores, with what is computed from them, fit the caches of a core.
CHUNK = 65536


class ScoreSums:
    """Sums over the probabilities of single-label or multi-label rows.

    Args:
        num_classes: Number of classes or labels.
        bins: Number of bins for the scores of each class.
        greatest_losses: Number of rows with the greatest losses that are kept.

    Attributes:
        rows: Number of rows so far.
        sums: Arrays that simply add up, by name.
        losses: Rows with the greatest losses.
    """

    def __init__(self, num_classes: int, bins: int = BINS, greatest_losses: int = 20):
        self.rows = 0
        self.bins = check_bins(bins)
        self.losses = GreatestLosses(greatest_losses)
        self.sums = {
            "weight": np.zeros(2),  # sums of the weights and of their squares
            "squared_positives": np.zeros(num_classes),  # sums of the squared weights of the rows of each class
            "loss": np.zeros(2),  # sums of the losses and of their squares
            "brier": np.zeros(2),
            "clipped": np.zeros((), np.int64),  # rows whose class was given a probability of 0
            "true_ranks": np.zeros(num_classes, np.int64),
            "positives": np.zeros((num_classes, bins), np.int64),
            "all": np.zeros((num_classes, bins), np.int64),
            "width_bins": np.zeros((3, calibration.BINS)),
            "fine_bins": np.zeros((3, bins)),
        }

    def merge(self, other: "ScoreSums") -> None:
        """Add the rows of `other`, as if they had come after those of this one."""
        self.sums = {name: values + other.sums[name] for name, values in self.sums.items()}
        self.losses.merge(other.losses.rows, self.rows)
        self.rows += other.rows

    def add_classes(self, numbers: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Add single-label rows, and return the predicted class numbers `(rows,)`.

        Args:
            numbers: True class numbers `(rows,)`.
            scores: Probabilities `(rows, classes)`, or of class 1 `(rows,)`; checked before.
            weights: Weight of each row `(rows,)`, or `None`.
        """
        self._weigh(weights)
        num_classes = len(self.sums["all"])
        predicted = np.empty(len(scores), np.min_scalar_type(num_classes))
        step = max(64, CHUNK // num_classes)
        for start in range(0, len(scores), step):
            rows = slice(start, start + step)
            weight = None if weights is None else weights[rows]
            predicted[rows] = self._add_chunk_of_classes(numbers[rows].astype(np.intp), scores[rows], weight)
        return predicted

    def add_labels(self, truth: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> None:
        """Add multi-label rows: truth values and probabilities, both `(rows, labels)` and checked before."""
        self._weigh(weights)
        step = max(64, CHUNK // truth.shape[1])
        for start in range(0, len(scores), step):
            rows = slice(start, start + step)
            weight = None if weights is None else weights[rows]
            self._add_chunk_of_labels(truth[rows] != 0, scores[rows], weight)

    def _add_chunk_of_classes(self, numbers: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        num_classes = len(self.sums["all"])
        binned = bin_numbers(scores, self.bins)
        if scores.ndim == 1:
            # The complement of a bin is its mirror image: 1 - p itself would merge small probabilities.
            binned = np.stack([self.bins - 1 - binned, binned], axis=1)
            scores = np.stack([1 - scores, scores], axis=1)
        every = np.arange(len(scores))
        predicted = scores.argmax(axis=1)
        given = scores[every, numbers]
        self._add_bins(binned, every, numbers, weights)
        squares = np.einsum("ij,ij->i", scores, scores, dtype=np.float64)
        brier = squares - 2 * given.astype(np.float64) + 1
        if num_classes == 2:
            confidence, outcome, fine = scores[:, 1], numbers, binned[:, 1]
            brier /= 2
        else:
            confidence, outcome = scores[every, predicted], predicted == numbers
            fine = binned[every, predicted]
            self._add_ranks(scores, given, numbers, weights)
        self._add_calibration(confidence, outcome, fine, weights)
        self._add_losses(given, brier, weights, numbers, predicted)
        return predicted

    def _add_chunk_of_labels(self, truth: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> None:
        binned = bin_numbers(scores, self.bins)
        rows, labels = np.nonzero(truth)
        self._add_bins(binned, rows, labels, weights)
        each = None if weights is None else np.repeat(weights, truth.shape[1])
        self._add_calibration(scores.ravel(), truth.ravel(), binned.ravel(), each)
        given = np.where(truth, scores, 1 - scores)
        least = np.finfo(scores.dtype).eps
        losses = -np.log(np.maximum(given, least).astype(np.float64))
        brier = np.square(given.astype(np.float64) - 1).mean(axis=1)
        worst = losses.argmax(axis=1)
        every = np.arange(len(truth))
        self.sums["clipped"] += int((given < least).any(axis=1).sum())
        self._add_means(losses.mean(axis=1), brier, weights, worst, ~truth[every, worst], scores[every, worst])

    def _weigh(self, weights: np.ndarray | None) -> None:
        if weights is not None:
            for name in ("true_ranks", "positives", "all"):
                self.sums[name] = self.sums[name].astype(np.float64, copy=False)

    def _add_bins(self, binned: np.ndarray, rows: np.ndarray, classes: np.ndarray, weights: np.ndarray | None) -> None:
        """Count the scores of all classes, and those `[rows, classes]` that belong to the class of the row."""
        num_classes = binned.shape[1]
        codes = np.add(binned, np.arange(num_classes, dtype=np.intp) * self.bins)
        each = 1 if weights is None else np.repeat(weights, num_classes)
        np.add.at(self.sums["all"].reshape(-1), codes.reshape(-1), each)
        of_true = 1 if weights is None else weights[rows]
        np.add.at(self.sums["positives"].reshape(-1), codes[rows, classes], of_true)
        np.add.at(self.sums["squared_positives"], classes, 1 if weights is None else of_true**2)

    def _add_ranks(
        self, scores: np.ndarray, given: np.ndarray, numbers: np.ndarray, weights: np.ndarray | None
    ) -> None:
        """Count the rows by the number of classes scored above the true one; among equals, the first class is first."""
        # By columns, the comparisons run over whole rows of memory.
        columns = np.ascontiguousarray(scores.T)
        above = (columns > given).sum(axis=0, dtype=np.uint16)
        tied = np.flatnonzero((columns == given).sum(axis=0, dtype=np.uint16) > 1)
        if tied.size:
            equal = scores[tied] == given[tied, None]
            above[tied] += (equal & (np.arange(scores.shape[1]) < numbers[tied, None])).sum(axis=1, dtype=np.uint16)
        np.add.at(self.sums["true_ranks"], above, 1 if weights is None else weights)

    def _add_calibration(
        self, confidence: np.ndarray, outcome: np.ndarray, fine: np.ndarray, weights: np.ndarray | None
    ) -> None:
        confidence = confidence.astype(np.float64)
        self.sums["width_bins"] += calibration.sums_by_width(confidence, outcome, weights)
        self.sums["fine_bins"] += calibration.sums_by_bin(fine, self.bins, confidence, outcome, weights)

    def _add_losses(self, given: np.ndarray, brier: np.ndarray, weights: np.ndarray | None, *columns) -> None:
        # As in scikit-learn, a probability of 0 counts as the least that its type tells from 0 beside 1.
        least = np.finfo(given.dtype).eps
        self.sums["clipped"] += int((given < least).sum())
        losses = -np.log(np.maximum(given, least).astype(np.float64))
        self._add_means(losses, brier, weights, *columns, given)

    def _add_means(self, losses: np.ndarray, brier: np.ndarray, weights: np.ndarray | None, *columns) -> None:
        for name, values in (("loss", losses), ("brier", brier)):
            weighted = values if weights is None else values * weights
            self.sums[name] += weighted.sum(), weighted @ values
        self.sums["weight"] += len(losses) if weights is None else (weights.sum(), weights @ weights)
        self.losses.update(losses, self.rows, *columns)
        self.rows += len(losses)
