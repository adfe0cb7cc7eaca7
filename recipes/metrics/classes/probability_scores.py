"""Scores of the probabilities of a classifier, beyond the decisions that follow from them."""

from dataclasses import dataclass

import numpy as np

from recipes.metrics import plain_values
from recipes.metrics.classes.calibration import Calibration
from recipes.metrics.classes.greatest_losses import LossRow
from recipes.metrics.classes.intervals import quantile
from recipes.metrics.classes.ranking import Ranking, rank_bins

_REPORTED_KS = (2, 3, 5)


@dataclass(frozen=True, eq=False, repr=False)
class ProbabilityScores:
    """Log loss, Brier score, ranking and calibration.

    Attributes:
        class_names: Names of the classes or labels.
        multi_label: Whether a row may have several labels.
        log_loss: Mean of -log(probability of the true class); of multi-label rows, over all labels.
        brier: Mean squared distance of the probabilities from the truth. Summed over the classes, 0 to 2; with two
            classes or multi-label rows it is the mean of one of them, 0 to 1.
        clipped_rows: Number of rows that gave their class a probability of 0, which log loss takes for the least
            above 0.
        top_k_accuracies: Share of the rows whose class is among the k with the highest probabilities, by k; empty for
            two classes and multi-label rows.
        ranking: ROC AUC and average precision by class.
        mean_ranking: Means of both over the classes that have one; with two classes, those of class 1.
        calibration: Calibration in 15 bins of equal width: of class 1 where there are two, otherwise of the class that
            was predicted; of multi-label rows, of all labels together.
        equal_mass_calibration: The same in 15 bins of nearly as many rows each. Its arrays are empty in a report that
            was read back.
        greatest_losses: Rows with the greatest losses, the greatest first.
        effective_rows: Number of rows of equal weight with intervals of the same width (Kish 1965).
        standard_errors: Standard errors of log loss and Brier score, by name; empty in a report that was read back.
        positives: Number of rows of each class in each bin of scores, `(classes, bins)`; `bin_edges` has the edges.
            `None` in a report that was read back.
        negatives: The same of the rows of other classes.
    """

    class_names: tuple[str, ...]
    multi_label: bool
    log_loss: float
    brier: float
    clipped_rows: int
    top_k_accuracies: dict[int, float]
    ranking: Ranking
    mean_ranking: dict[str, float]
    calibration: Calibration
    equal_mass_calibration: Calibration
    greatest_losses: tuple[LossRow, ...]
    effective_rows: float
    standard_errors: dict[str, float]
    positives: np.ndarray | None = None
    negatives: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        sums: dict[str, np.ndarray],
        losses: np.ndarray,
        class_names: tuple[str, ...],
        ranking: Ranking | None = None,
        multi_label: bool = False,
    ) -> "ProbabilityScores":
        """The scores of the rows behind `ScoreSums`.

        Args:
            sums: Sums by name, as `ScoreSums` has them.
            losses: Rows with the greatest losses, as `GreatestLosses` has them.
            class_names: Names of the classes or labels.
            ranking: Ranking from arrays. Default: that from the bins.
            multi_label: Whether a row may have several labels.
        """
        positives = sums["positives"].copy()
        negatives = sums["all"] - positives
        # Weights that cancel may leave a rounding error, which is no row.
        negatives[negatives < 1e-9 * sums["all"]] = 0
        weight, squared_weight = sums["weight"].tolist()
        if ranking is None:
            of_class = sums["squared_positives"]
            squares = np.stack([of_class, np.maximum(squared_weight - of_class, 0)])
            ranking = rank_bins(positives, negatives, squares)
        rows = weight**2 / squared_weight
        means, errors = {}, {}
        for name in ("loss", "brier"):
            mean, square = sums[name] / weight
            means[name], errors[name] = float(mean), float(np.sqrt(max(0.0, square - mean**2) / rows))
        return cls(
            class_names,
            multi_label,
            means["loss"],
            means["brier"],
            int(sums["clipped"]),
            {} if multi_label else _top_k_accuracies(sums["true_ranks"]),
            ranking,
            {name: _mean(getattr(ranking, name), multi_label) for name in ("roc_auc", "average_precision")},
            Calibration.of(sums["width_bins"], rows),
            Calibration.of_equal_mass(sums["fine_bins"], rows),
            tuple(_loss_row(values, class_names, multi_label) for values in losses.tolist()),
            rows,
            {"log_loss": errors["loss"], "brier": errors["brier"]},
            positives,
            negatives,
        )

    @classmethod
    def from_dict(
        cls, content: dict, class_names: tuple[str, ...], rows: float | None, multi_label: bool
    ) -> "ProbabilityScores | None":
        """The scores in the plain values of a report; `None` if it was made of labels alone.

        Args:
            content: Plain values of the whole report.
            class_names: Names of the classes or labels.
            rows: Number of rows; `None` if they are weighted.
            multi_label: Whether a row may have several labels.
        """
        if "log_loss" not in content:
            return None
        ranking = {}
        for name in ("roc_auc", "average_precision"):
            ranking[name] = np.array(plain_values.numbers([scores[name] for scores in content["classes"].values()]))
            ranking[f"{name}_bound"] = np.full(len(class_names), plain_values.number(content[f"{name}_bound"]))
        unknown = np.full(len(class_names), np.nan)
        calibration = Calibration.from_dict(content["calibration"], rows)
        return cls(
            class_names,
            multi_label,
            plain_values.number(content["log_loss"]),
            plain_values.number(content["brier"]),
            plain_values.number(content["clipped_rows"]),
            {int(k): value for k, value in plain_values.numbers(content.get("top_k", {})).items()},
            Ranking(**ranking, roc_auc_deviation=unknown),
            {name: plain_values.number(content[name]) for name in ("roc_auc", "average_precision")},
            calibration,
            Calibration.of_error(content["calibration"]["expected_error_equal_mass"], calibration.rows),
            tuple(LossRow(**row) for row in content["greatest_losses"]),
            calibration.rows,
            {},
        )

    @property
    def top_ks(self) -> tuple[int, ...]:
        """Each `k` whose top-k accuracy is reported."""
        return tuple(k for k in _REPORTED_KS if k < len(self.class_names) and k in self.top_k_accuracies)

    def top_k(self, k: int) -> float:
        """Share of the rows whose class is among the `k` with the highest probabilities; the first wins a tie."""
        if k not in self.top_k_accuracies:
            known = ", ".join(map(str, self.top_k_accuracies)) or "for single-label rows of three classes or more"
            raise ValueError(f"`k` is given {known}. Received: {k}")
        return self.top_k_accuracies[k]

    def mean(self, name: str) -> float:
        """Mean of `"roc_auc"` or `"average_precision"` over the classes that have one; with two classes, class 1's."""
        return self.mean_ranking[name]

    def mean_intervals(self, confidence: float) -> dict[str, tuple[float, float]]:
        """Intervals of log loss and Brier score, from the spread over the rows."""
        intervals = {}
        for name, error in self.standard_errors.items():
            mean, half = getattr(self, name), quantile(confidence) * error
            intervals[name] = max(0.0, mean - half), mean + half
        return intervals

    def to_dict(self) -> dict:
        """As plain values; NaN stays."""
        content = {"log_loss": self.log_loss, "brier": self.brier, "clipped_rows": self.clipped_rows}
        if self.top_ks:
            content["top_k"] = {str(k): self.top_k(k) for k in self.top_ks}
        for name in ("roc_auc", "average_precision"):
            content[name] = self.mean(name)
            content[f"{name}_bound"] = float(np.nan_to_num(getattr(self.ranking, f"{name}_bound")).max())
        curve = self.calibration
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


def by_class_name(
    columns: dict[str, np.ndarray], class_names: tuple[str, ...], probabilities: ProbabilityScores | None
) -> dict[str, dict[str, float]]:
    """Scores by class name, from arrays `(classes,)` by score; with those of the ranking, where there is one."""
    if probabilities is not None:
        ranking = probabilities.ranking
        columns = {**columns, "roc_auc": ranking.roc_auc, "average_precision": ranking.average_precision}
    lists = {score: values.tolist() for score, values in columns.items()}
    return {name: {score: values[number] for score, values in lists.items()} for number, name in enumerate(class_names)}


def _mean(values: np.ndarray, multi_label: bool) -> float:
    values = values[1:] if len(values) == 2 and not multi_label else values
    return float(np.mean(values[~np.isnan(values)])) if (~np.isnan(values)).any() else np.nan


def _top_k_accuracies(true_ranks: np.ndarray) -> dict[int, float]:
    if len(true_ranks) < 3:
        return {}
    return dict(enumerate((true_ranks.cumsum() / true_ranks.sum()).tolist(), start=1))


def _loss_row(values: list[float], class_names: tuple[str, ...], multi_label: bool) -> LossRow:
    loss, row, true, predicted, probability = values
    taken_for = bool(predicted) if multi_label else class_names[int(predicted)]
    return LossRow(int(row), loss, class_names[int(true)], taken_for, probability)
