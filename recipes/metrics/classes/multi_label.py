"""The report on a multi-label classifier."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recipes.metrics.classes import decision_scores, report_text
from recipes.metrics.classes.decision_scores import BY_CLASS, Margins, ratio
from recipes.metrics.classes.intervals import by_class, quantile, wilson, wilson_of_f1
from recipes.metrics.classes.probability_scores import ProbabilityScores, by_class_name
from recipes.metrics.classes.stored_values import read_matrix, read_scores
from recipes.metrics.classes.thresholds import Threshold, counts_by_score, threshold_from_bins
from recipes.metrics.plain_values import number, plain, reading


@dataclass(frozen=True, eq=False)
class MultiLabelReport:
    """Scores of a multi-label classifier, with intervals. Print it, or take `to_dict()`.

    A ratio whose denominator is 0 is named in `undefined`. Precision, recall and F1 of such a label are 0 in `classes`
    and in the means, as in scikit-learn; other scores are NaN.

    Attributes:
        sums: Counts or weights, as `MultiLabelCounts` has them.
        class_names: Names of the labels, in the order of their columns.
        confidence: Confidence level of the intervals.
        rows: Number of rows.
        is_weighted: Whether rows are weighted. Intervals are then those of the effective number of rows, (sum of
            weights)^2 / (sum of squared weights).
        probabilities: Scores of the probabilities; `None` if there were labels only.
    """

    sums: dict[str, np.ndarray]
    class_names: tuple[str, ...]
    confidence: float
    rows: int
    is_weighted: bool = False
    probabilities: ProbabilityScores | None = None

    def __post_init__(self):
        if not self.sums["rows"][0] > 0:
            raise ValueError("there is nothing to report: no rows, or none with a weight above 0")

    @property
    def confusion_matrix(self) -> np.ndarray:
        """Matrix of each label `(labels, 2, 2)`: row 0 is the true answer no, column 0 the predicted answer no."""
        return self.sums["matrices"]

    @property
    def accuracy(self) -> float:
        """Share of the rows whose labels are all predicted correctly."""
        return self.overall["accuracy"]

    @cached_property
    def overall(self) -> dict[str, float]:
        """Accuracy (all labels correct), Hamming loss (share of wrong labels) and mean F1 scores, by name."""
        rows, moments = self.sums["rows"], self.sums["moments"]
        means = {f"{mean}_f1": getattr(self, mean)["f1"] for mean in ("macro", "micro", "weighted")}
        wrong = moments[1] / rows[0] / len(self.class_names)
        return {"accuracy": float(rows[1] / rows[0]), "hamming_loss": float(wrong), **means}

    @cached_property
    def classes(self) -> dict[str, dict[str, float]]:
        """Precision, recall, f1, accuracy, specificity, Matthews correlation, support and more, by label."""
        columns = {name: values for name, values in self._scores.items() if name != "matthews_correlation"}
        for name in ("precision", "recall", "f1"):
            columns[name] = np.nan_to_num(columns[name])
        columns["matthews_correlation"] = self._scores["matthews_correlation"]
        columns["support"] = self.sums["matrices"][:, 1].sum(axis=1)
        return by_class_name(columns, self.class_names, self.probabilities)

    @cached_property
    def macro(self) -> dict[str, float]:
        """Mean precision, recall and f1 over the labels, each counting alike."""
        return self._mean(np.ones(len(self.class_names)))

    @cached_property
    def micro(self) -> dict[str, float]:
        """Precision, recall and f1 over all decisions together."""
        (_, wrong), (missed, hits) = self.sums["matrices"].sum(axis=0).astype(np.float64)
        values = ratio([hits, hits, 2 * hits], [hits + wrong, hits + missed, 2 * hits + wrong + missed])
        return dict(zip(("precision", "recall", "f1"), np.nan_to_num(values).tolist(), strict=True))

    @cached_property
    def weighted(self) -> dict[str, float]:
        """Mean precision, recall and f1 over the labels, each weighted by its rows; 0 where no row has a label."""
        support = self._margins(self.sums["matrices"]).support
        return self._mean(support) if support.any() else dict.fromkeys(("precision", "recall", "f1"), 0.0)

    @cached_property
    def baseline(self) -> dict[str, float]:
        """Scores of the more frequent answer for each label; log loss and Brier score are those of the label's share.

        The accuracy is known only if every label is absent in at least half of the rows.
        """
        rows, there = self.sums["rows"], self._margins(self.sums["matrices"]).support
        share = there / rows[0]
        f1 = np.where(share > 0.5, 2 * share / (1 + share), 0)
        hits = there[share > 0.5].sum()
        taken = (share > 0.5).sum() * rows[0]
        baseline = {
            "accuracy": float(rows[2] / rows[0]) if (share <= 0.5).all() else np.nan,
            "hamming_loss": float(np.minimum(share, 1 - share).mean()),
            "macro_f1": float(f1.mean()),
            "micro_f1": float(np.nan_to_num(ratio(2 * hits, taken + there.sum()))),
            "weighted_f1": float(np.nan_to_num(ratio((f1 * there).sum(), there.sum()))),
        }
        if self.probabilities is not None:
            inner = share[(share > 0) & (share < 1)]
            entropy = -(inner * np.log(inner) + (1 - inner) * np.log(1 - inner)).sum()
            baseline["log_loss"] = float(entropy / len(share))
            baseline["brier"] = float((share * (1 - share)).mean())
            baseline["roc_auc"] = 0.5
            baseline["average_precision"] = float(decision_scores.mean_of_defined(np.where(share > 0, share, np.nan)))
        return baseline

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Intervals by name: Wilson's of the accuracy; others by the spread of the rows.

        Macro and weighted F1 have none: the counts do not show how the labels of a row are correlated.
        """
        rows, squares = self.sums["rows"], self.sums["squared_rows"]
        effective = rows[0] ** 2 / squares[0]
        low, high = wilson(self.accuracy, effective, self.confidence)
        bounds = {"accuracy": (float(low), float(high))}
        hits, errors, of_hits, of_both, of_errors, squared_errors = self.sums["moments"].tolist()
        # Both are functions of the rows' hits h and errors e: their variance is that of the linear part, row by row.
        z, labels, total = quantile(self.confidence), len(self.class_names), float(rows[0])
        mean = errors / total
        variance = of_errors - 2 * mean * squared_errors + mean**2 * float(squares[0])
        half = z * np.sqrt(max(0.0, variance)) / total / labels
        if errors:  # without any, there is no spread to see
            bounds["hamming_loss"] = float(max(0, mean / labels - half)), float(min(1, mean / labels + half))
            # F1 = 2 H / (2 H + E), so a row moves it by 2 (E h - H e) / (2 H + E)^2.
            variance = errors**2 * of_hits - 2 * errors * hits * of_both + hits**2 * of_errors
            half = z * 2 * np.sqrt(max(0.0, variance)) / (2 * hits + errors) ** 2
            f1 = self.micro["f1"]
            bounds["micro_f1"] = float(max(0, f1 - half)), float(min(1, f1 + half))
        return bounds if self.probabilities is None else bounds | self.probabilities.mean_intervals(self.confidence)

    @cached_property
    def class_intervals(self) -> dict[str, dict[str, tuple[float, float]]]:
        """Intervals of each score but average precision and Matthews correlation, by label."""
        margins, squares = (self._margins(self.sums[name]) for name in ("matrices", "squared_matrices"))
        parts = {
            "precision": [part.predicted for part in (margins, squares)],
            "recall": [part.support for part in (margins, squares)],
            "accuracy": [part.total for part in (margins, squares)],
            "specificity": [part.total - part.support for part in (margins, squares)],
            "f1": [part.support + part.predicted - part.hits for part in (margins, squares)],
        }
        rows = {name: ratio(weights**2, squared) for name, (weights, squared) in parts.items()}
        bounds = {name: wilson(self._scores[name], rows[name], self.confidence) for name in rows if name != "f1"}
        bounds["f1"] = wilson_of_f1(self._scores["f1"], rows["f1"], self.confidence)
        if self.probabilities is not None:
            bounds["roc_auc"] = self.probabilities.ranking.roc_auc_interval(self.confidence)
        return by_class(bounds, self.class_names)

    @cached_property
    def undefined_classes(self) -> dict[str, tuple[str, ...]]:
        """Names of labels, by the scores that are undefined for them and the reason."""
        margins, ranked = self._margins(self.sums["matrices"]), self.probabilities is not None
        return decision_scores.undefined_classes(margins, self.class_names, ranked)

    @cached_property
    def undefined(self) -> tuple[str, ...]:
        """Undefined scores and the reason, such as "precision of class 'beach': never predicted"."""
        return decision_scores.undefined_notes(self.undefined_classes)

    def threshold(self, label: str, *, recall: float | None = None, precision: float | None = None) -> Threshold:
        """The threshold for the probability of a label with the recall or precision asked for; the edge of a bin.

        Args:
            label: Name of the label.
            recall: Least recall; the threshold is the one with the greatest precision.
            precision: Least precision; the threshold is the one with the greatest recall. Default, with neither: the
                threshold with the greatest F1.

        Raises:
            ValueError: If there are no probabilities or no such label, or no threshold reaches the least value.
        """
        if self.probabilities is None:
            raise ValueError("a threshold needs probabilities")
        if label not in self.class_names:
            raise ValueError(f"there is no label {label!r}. Known: {', '.join(self.class_names[:20])}")
        number = self.class_names.index(label)
        return threshold_from_bins(*counts_by_score(self.probabilities, number), recall, precision)

    def to_dict(self) -> dict:
        """Everything as plain values, ready for JSON; undefined scores are `None`."""
        content = {
            "accuracy": self.accuracy,
            "classes": {
                name: {**scores, "intervals": self.class_intervals[name]} for name, scores in self.classes.items()
            },
            "macro": self.macro,
            "micro": self.micro,
            "weighted": self.weighted,
            "confusion_matrix": self.confusion_matrix.tolist(),
            "rows": self.rows,
            "hamming_loss": self.overall["hamming_loss"],
            "confidence": self.confidence,
            "intervals": self.intervals,
            "baseline": self.baseline,
            "undefined": list(self.undefined),
        }
        return plain(content if self.probabilities is None else content | self.probabilities.to_dict())

    @classmethod
    def from_dict(cls, content: dict) -> "MultiLabelReport":
        """The report that `to_dict` made `content` of.

        Counts by score are not stored, so that there are no curves and thresholds.

        Raises:
            ValueError: If `content` is no such report, or is damaged.
        """
        with reading("report on labels"):
            matrices, class_names = read_matrix(content, dimensions=3), tuple(content["classes"])
            is_weighted, rows = matrices.dtype.kind == "f", number(content["rows"])
            scores = ProbabilityScores.from_dict(content, class_names, None if is_weighted else rows, multi_label=True)
            # How the labels of a row go together is not stored: scores that follow from it are taken over.
            sums = {"matrices": matrices, "rows": np.array([matrices[0].sum()])}
            report = cls(sums, class_names, number(content["confidence"]), rows, is_weighted, scores)
            stored = read_scores(content)
            overall = {name: number(content[name]) for name in ("accuracy", "hamming_loss")}
            stored["overall"] = overall | {f"{mean}_f1": stored[mean]["f1"] for mean in ("macro", "micro", "weighted")}
            if not {"intervals", "class_intervals", "baseline"} <= set(stored):
                raise ValueError
            vars(report).update(stored)
            str(report)  # whatever is printed must be there
        return report

    def __str__(self) -> str:
        return report_text.of_labels(self)

    @staticmethod
    def _margins(matrices: np.ndarray) -> Margins:
        """Margins of each label; the total is that of all rows."""
        (right_no, wrong), (missed, hits) = np.moveaxis(matrices.astype(np.float64), 0, -1)
        return Margins(hits, hits + missed, hits + wrong, right_no + wrong + missed + hits)

    @cached_property
    def _scores(self) -> dict[str, np.ndarray]:
        hits, there, taken, total = vars(self._margins(self.sums["matrices"])).values()
        # Each label is a matrix of its own, of the rows with and without it.
        pairs = Margins(*(np.stack(pair, axis=-1) for pair in (
            (total - there - taken + hits, hits), (total - there, there), (total - taken, taken)
        )), total)  # fmt: skip
        columns = {name: score(pairs)[:, 1] for name, score in BY_CLASS.items()}
        return {**columns, "matthews_correlation": decision_scores.matthews_correlation(pairs)}

    def _mean(self, weights: np.ndarray) -> dict[str, float]:
        names = ("precision", "recall", "f1")
        return {name: float(np.average(np.nan_to_num(self._scores[name]), weights=weights)) for name in names}
