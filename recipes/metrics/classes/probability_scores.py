"""What the probabilities of a classifier were worth, beyond the decisions that follow from them."""

from functools import cached_property

import numpy as np

from recipes.metrics.classes.calibration import Calibration
from recipes.metrics.classes.greatest_losses import LossRow
from recipes.metrics.classes.intervals import quantile
from recipes.metrics.classes.ranking import Ranking, rank_bins


class ProbabilityScores:
    """Log loss, Brier score, ranking and calibration, from the sums of `ScoreSums`.

    Args:
        sums: By name, as `ScoreSums` holds them; they are not changed.
        losses: The rows with the greatest losses, as `GreatestLosses` holds them.
        class_names: Of the classes or labels.
        ranking: From arrays. Default: from the bins.
        multilabel: Whether the rows may have several labels.

    Attributes:
        positives: How many rows of each class were scored in each bin, `(classes, bins)`; `bin_edges` has the edges.
        negatives: The same of the rows of other classes.
        clipped_rows: How many rows gave their class a probability of 0, which log loss takes for the least above 0.
        ranking: ROC AUC and average precision by class.
    """

    def __init__(
        self,
        sums: dict[str, np.ndarray],
        losses: np.ndarray,
        class_names: tuple[str, ...],
        ranking: Ranking | None = None,
        multilabel: bool = False,
    ):
        self._sums = {name: values.copy() for name, values in sums.items()}
        self._losses, self._class_names, self._multilabel = losses.copy(), class_names, multilabel
        self.positives = self._sums["positives"]
        self.negatives = self._sums["all"] - self.positives
        # Weights that cancel may leave a rounding error, which is no row.
        self.negatives[self.negatives < 1e-9 * self._sums["all"]] = 0
        self.clipped_rows = int(self._sums["clipped"])
        if ranking is None:
            of_class = self._sums["squared_positives"]
            squares = np.stack([of_class, np.maximum(self._sums["weight"][1] - of_class, 0)])
            ranking = rank_bins(self.positives, self.negatives, squares)
        self.ranking = ranking

    @property
    def log_loss(self) -> float:
        """Mean of -log(probability of the true class); of multi-label rows, over all labels."""
        return float(self._sums["loss"][0] / self._sums["weight"][0])

    @property
    def brier(self) -> float:
        """Mean squared distance of the probabilities from the truth.

        Summed over the classes, 0 to 2; with two classes or several labels it is that of one of them, 0 to 1.
        """
        return float(self._sums["brier"][0] / self._sums["weight"][0])

    @cached_property
    def calibration(self) -> Calibration:
        """In 15 bins of equal width: of class 1 where there are two, otherwise of the class that was predicted.

        Of multi-label rows: of all labels together.
        """
        return Calibration.of(self._sums["width_bins"], self.effective_rows)

    @cached_property
    def equal_mass_calibration(self) -> Calibration:
        """The same in 15 bins of nearly as many rows each."""
        return Calibration.of_equal_mass(self._sums["fine_bins"], self.effective_rows)

    @cached_property
    def greatest_losses(self) -> tuple[LossRow, ...]:
        """The rows with the greatest losses, the greatest first."""
        rows = []
        for loss, row, true, predicted, probability in self._losses.tolist():
            taken_for = bool(predicted) if self._multilabel else self._class_names[int(predicted)]
            rows.append(LossRow(int(row), loss, self._class_names[int(true)], taken_for, probability))
        return tuple(rows)

    @property
    def top_ks(self) -> tuple[int, ...]:
        """Those `k` of `top_k` that reports tell."""
        return () if self._multilabel else tuple(k for k in (2, 3, 5) if k < len(self._class_names))

    def top_k(self, k: int) -> float:
        """Share of the rows whose class is among the `k` with the highest probabilities; the first wins a tie."""
        ranks = self._sums["true_ranks"]
        if self._multilabel or len(ranks) < 3 or not 1 <= k <= len(ranks):
            allowed = f"from 1 to {len(ranks)}" if len(ranks) > 2 and not self._multilabel else "for three classes on"
            raise ValueError(f"`k` is given {allowed}. Received: {k}")
        return float(ranks[:k].sum() / ranks.sum())

    @property
    def effective_rows(self) -> float:
        """How many rows of equal weight would be as sure (Kish 1965)."""
        weight, squares = self._sums["weight"]
        return float(weight**2 / squares)

    def mean_intervals(self, confidence: float) -> dict[str, tuple[float, float]]:
        """Intervals of log loss and Brier score, by the spread of the single rows."""
        intervals = {}
        for name in ("loss", "brier"):
            mean, square = self._sums[name] / self._sums["weight"][0]
            half = quantile(confidence) * np.sqrt(max(0.0, square - mean**2) / self.effective_rows)
            intervals["log_loss" if name == "loss" else name] = float(max(0.0, mean - half)), float(mean + half)
        return intervals

    def to_dict(self) -> dict:
        """As plain values; NaN stays."""
        ranking, curve = self.ranking, self.calibration
        content = {"log_loss": self.log_loss, "brier": self.brier, "clipped_rows": self.clipped_rows}
        if self.top_ks:
            content["top_k"] = {str(k): self.top_k(k) for k in self.top_ks}
        for name in ("roc_auc", "average_precision"):
            content[name] = self.mean(name)
            content[f"{name}_bound"] = float(np.nan_to_num(getattr(ranking, f"{name}_bound")).max())
        content["calibration"] = {
            "expected_error": curve.expected_error,
            "expected_error_equal_mass": self.equal_mass_calibration.expected_error,
            "greatest_error": curve.greatest_error,
            "chance_error": curve.chance_error,
            "confidence": curve.confidence.tolist(),
            "outcome": curve.outcome.tolist(),
            "weight": curve.weight.tolist(),
        }
        content["greatest_losses"] = [vars(row) for row in self.greatest_losses]
        return content

    def mean(self, name: str) -> float:
        """Mean of `"roc_auc"` or `"average_precision"` over the classes that have one; with two classes, class 1's."""
        values = getattr(self.ranking, name)
        values = values[1:] if len(values) == 2 and not self._multilabel else values
        return float(np.mean(values[~np.isnan(values)])) if (~np.isnan(values)).any() else np.nan


def by_class_name(
    columns: dict[str, np.ndarray], class_names: tuple[str, ...], probabilities: ProbabilityScores | None
) -> dict[str, dict[str, float]]:
    """Scores by class name, from arrays `(classes,)` by score; with those of the ranking, where there is one."""
    if probabilities is not None:
        ranking = probabilities.ranking
        columns = {**columns, "roc_auc": ranking.roc_auc, "average_precision": ranking.average_precision}
    lists = {score: values.tolist() for score, values in columns.items()}
    return {name: {score: values[number] for score, values in lists.items()} for number, name in enumerate(class_names)}
