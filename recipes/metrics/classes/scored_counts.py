"""What the counts of classes and of labels have in common: their names, and sums over scores where there are any."""

from typing import Self

import numpy as np

from recipes.arguments.numbers import require_whole
from recipes.metrics.accumulator import Accumulator
from recipes.metrics.classes.probability_scores import ProbabilityScores
from recipes.metrics.classes.score_bins import check_bins
from recipes.metrics.classes.score_sums import ScoreSums


class ScoredCounts(Accumulator):
    """Base of `ClassificationCounts` and `MultiLabelCounts`; see there for arguments and attributes."""

    def __init__(self, class_names: tuple[str, ...], bins: int, greatest_losses: int):
        require_whole("greatest_losses", greatest_losses)
        self.class_names = class_names
        self.bins = check_bins(bins)
        self.greatest_losses = greatest_losses
        self.scores = None
        self.rows = 0

    def _check_kind(self, y_score: np.ndarray) -> bool:
        """Whether a batch has scores rather than labels; all batches must have the same."""
        has_scores = y_score.dtype.kind == "f"
        if self.rows and has_scores != (self.scores is not None):
            before = "labels" if self.scores is None else "scores"
            raise ValueError(f"all batches must have scores, or all labels. Received: {y_score.dtype} after {before}")
        return has_scores

    def _sums_over_scores(self) -> ScoreSums:
        if self.scores is None:
            self.scores = ScoreSums(len(self.class_names), self.bins, self.greatest_losses)
        return self.scores

    def _probabilities(self, ranking, multi_label: bool) -> ProbabilityScores | None:
        """The scores of the probabilities; with `ranking` instead of that from the bins, where it is given."""
        if self.rows == 0:
            raise ValueError("there are no rows to report: call `update` first")
        if self.scores is None or not self.scores.sums["weight"][0] > 0:
            return None
        return ProbabilityScores.of(
            self.scores.sums, self.scores.losses.rows, self.class_names, ranking, multi_label=multi_label
        )

    def _merge(self, other: Self) -> None:
        if self.class_names != other.class_names:
            names = [", ".join(counts.class_names[:20]) for counts in (self, other)]
            raise ValueError(f"counts can be merged if their classes agree. Received: {names[0]} and {names[1]}")
        if self.rows and other.rows and (self.scores is None) != (other.scores is None):
            raise ValueError("counts can be merged if both had scores, or both labels")
        if other.scores is not None:
            if self.bins != other.bins:
                raise ValueError(f"counts can be merged if their bins agree. Received: {self.bins} and {other.bins}")
            self._sums_over_scores().merge(other.scores)

    def _state(self) -> tuple[dict, dict[str, np.ndarray]]:
        meta = {name: getattr(self, name) for name in ("class_names", "rows", "bins", "greatest_losses")}
        if self.scores is None:
            return meta, {}
        arrays = {f"sum_{name}": values for name, values in self.scores.sums.items()}
        arrays["greatest_losses"] = self.scores.losses.rows
        return {**meta, "scored_rows": self.scores.rows}, arrays

    @classmethod
    def _from_state(cls, meta: dict, arrays: dict[str, np.ndarray]) -> Self:
        counts = cls(class_names=meta["class_names"], bins=meta["bins"], greatest_losses=meta["greatest_losses"])
        counts.rows = meta["rows"]
        if "scored_rows" in meta:
            scores = counts._sums_over_scores()
            scores.losses.rows, scores.rows = arrays.pop("greatest_losses"), meta["scored_rows"]
            if "sum_squared_positives" not in arrays:  # of an older file: as if the weights were alike in all classes
                weight, squares = arrays["sum_weight"]
                arrays["sum_squared_positives"] = arrays["sum_positives"].sum(axis=1) * squares / (weight or 1)
            scores.sums = {name: arrays.pop(f"sum_{name}") for name in scores.sums}
        return counts
