"""The report on a single-label classifier."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recipes.metrics.classes import decision_scores, report_text
from recipes.metrics.classes.decision_scores import BY_CLASS, Margins
from recipes.metrics.classes.intervals import bootstrap, by_class, wilson, wilson_of_f1
from recipes.metrics.classes.probability_scores import ProbabilityScores, by_class_name
from recipes.metrics.classes.stored_values import read_matrix, read_scores
from recipes.metrics.classes.thresholds import Threshold, counts_by_score, threshold_from_bins
from recipes.metrics.plain_values import number, plain, reading

# Overall scores of decisions, by name; the bootstrap gives all but the accuracy an interval.
OVERALL = {
    "accuracy": decision_scores.accuracy,
    "balanced_accuracy": decision_scores.balanced_accuracy,
    "macro_f1": lambda margins: np.nan_to_num(decision_scores.f1(margins)).mean(axis=-1),
    "weighted_f1": lambda margins: decision_scores.ratio(
        (np.nan_to_num(decision_scores.f1(margins)) * margins.support).sum(axis=-1), margins.total
    ),
    "matthews_correlation": decision_scores.matthews_correlation,
    "cohen_kappa": decision_scores.cohen_kappa,
}
MOST_CONFUSED = 10


@dataclass(frozen=True)
class Confusion:
    """A class that was predicted as another: number (or weight) of the rows, and their share of the true class."""

    true: str
    predicted: str
    rows: float
    share: float


@dataclass(frozen=True, eq=False)
class ClassificationReport:
    """Scores of a single-label classifier, with intervals. Print it, or take `to_dict()`.

    A ratio whose denominator is 0, such as the precision of a class that was never predicted, is named in `undefined`.
    Precision, recall and F1 of such a class are 0 in `classes` and in the means, as in scikit-learn; others are NaN.

    Attributes:
        confusion_matrix: Row counts, int64 `(classes, classes)`, or weights, float64; entry `[i, j]`: rows of class i,
            predicted as class j.
        class_names: Names of the classes in the order of the matrix.
        confidence: Confidence level of the intervals.
        num_rows: Number of rows, needed if they are weighted.
        squared_weights: The same matrix of squared weights. Intervals of weighted rows are those of the effective
            number of rows, (sum of weights)^2 / (sum of squared weights).
        probabilities: Scores of the probabilities; `None` if there were labels only.
    """

    confusion_matrix: np.ndarray
    class_names: tuple[str, ...]
    confidence: float = 0.95
    num_rows: int | None = None
    squared_weights: np.ndarray | None = None
    probabilities: ProbabilityScores | None = None

    def __post_init__(self):
        if not self.confusion_matrix.sum() > 0:
            raise ValueError("there is nothing to report: no rows, or none with a weight above 0")

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.confusion_matrix.sum()) if self.num_rows is None else self.num_rows

    @property
    def is_weighted(self) -> bool:
        """Whether rows are weighted."""
        return self.confusion_matrix.dtype.kind == "f"

    @property
    def accuracy(self) -> float:
        """Share of the rows whose class was predicted correctly."""
        return self.overall["accuracy"]

    @cached_property
    def overall(self) -> dict[str, float]:
        """Accuracy, balanced accuracy, macro and weighted F1, Matthews correlation, Cohen's kappa, by name."""
        return {name: float(score(self._margins)) for name, score in OVERALL.items()}

    @cached_property
    def classes(self) -> dict[str, dict[str, float]]:
        """Precision, recall, f1, accuracy (this class against the rest), support (its rows) and more, by class name."""
        columns = {name: score(self._margins) for name, score in BY_CLASS.items()}
        for name in ("precision", "recall", "f1"):
            columns[name] = np.nan_to_num(columns[name])
        columns["support"] = self.confusion_matrix.sum(axis=1)
        return by_class_name(columns, self.class_names, self.probabilities)

    @cached_property
    def macro(self) -> dict[str, float]:
        """Mean precision, recall and f1 over the classes, each counting alike."""
        return self._mean(np.ones(len(self.class_names)))

    @cached_property
    def micro(self) -> dict[str, float]:
        """Precision, recall and f1 over all decisions together; for single-label rows all three are the accuracy."""
        return dict.fromkeys(("precision", "recall", "f1"), self.accuracy)

    @cached_property
    def weighted(self) -> dict[str, float]:
        """Mean precision, recall and f1 over the classes, each weighted by its rows."""
        return self._mean(self._margins.support)

    @property
    def majority(self) -> str:
        """The class with the most rows."""
        return self.class_names[int(self._margins.support.argmax())]

    @cached_property
    def baseline(self) -> dict[str, float]:
        """Scores of the majority class for every row; those of probabilities are of the class shares for every row."""
        support = self._margins.support
        taken = np.zeros_like(support)
        taken[support.argmax()] = support.sum()
        margins = Margins(np.minimum(support, taken), support, taken, support.sum())
        scores = {name: float(score(margins)) for name, score in OVERALL.items()}
        if self.probabilities is not None:
            shares = np.sort(support[support > 0] / support.sum())[::-1]
            scores["log_loss"] = float(-(shares * np.log(shares)).sum())
            scores["brier"] = float(1 - (shares**2).sum()) / (2 if len(support) == 2 else 1)
            scores["roc_auc"] = 0.5
            scores["average_precision"] = float(support[1] / support.sum() if len(support) == 2 else shares.mean())
            scores |= {f"top_{k}": float(shares[:k].sum()) for k in self.probabilities.top_ks}
        return scores

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Intervals of the overall scores, by name: Wilson's of the accuracy, of log loss and Brier by their spread.

        The others are resampled from the confusion matrix; they are NaN where no error was made, which leaves nothing
        to resample.
        """
        rows = self._effective(np.ones_like(self.confusion_matrix, dtype=bool))
        low, high = wilson(self.accuracy, rows, self.confidence)
        resampled = {name: score for name, score in OVERALL.items() if name != "accuracy"}
        f1 = decision_scores.f1
        # A rare class that a draw happens to miss is left out, while one that never occurred counts 0 as in the score.
        occurring = float(np.mean(~np.isnan(f1(self._margins))))
        resampled["macro_f1"] = lambda margins: occurring * decision_scores.mean_of_defined(f1(margins))
        bounds = {"accuracy": (float(low), float(high))}
        bounds |= bootstrap(self.confusion_matrix, resampled, self.confidence, round(float(rows)))
        return bounds if self.probabilities is None else bounds | self.probabilities.mean_intervals(self.confidence)

    @cached_property
    def class_intervals(self) -> dict[str, dict[str, tuple[float, float]]]:
        """Intervals of each score but average precision, by class name: Wilson's; of ROC AUC, DeLong's (1988)."""
        margins, squares = self._margins, Margins.of(self._squares)
        rows = {
            "precision": _effective(margins.predicted, squares.predicted),
            "recall": _effective(margins.support, squares.support),
            "accuracy": _effective(margins.total, squares.total),
            "specificity": _effective(margins.total - margins.support, squares.total - squares.support),
        }
        bounds = {name: wilson(BY_CLASS[name](margins), count, self.confidence) for name, count in rows.items()}
        either = (part.support + part.predicted - part.hits for part in (margins, squares))
        bounds["f1"] = wilson_of_f1(decision_scores.f1(margins), _effective(*either), self.confidence)
        if self.probabilities is not None:
            bounds["roc_auc"] = self.probabilities.ranking.roc_auc_interval(self.confidence)
        return by_class(bounds, self.class_names)

    @cached_property
    def undefined_classes(self) -> dict[str, tuple[str, ...]]:
        """Class names, by the scores that are undefined for them and the reason."""
        return decision_scores.undefined_classes(self._margins, self.class_names, self.probabilities is not None)

    @cached_property
    def undefined(self) -> tuple[str, ...]:
        """Undefined scores and the reason, such as "precision of class 'cat': never predicted"."""
        notes = list(decision_scores.undefined_notes(self.undefined_classes))
        if np.isnan(self.overall["matthews_correlation"]):
            notes.append("Matthews correlation: a single class in the truth, or in the predictions")
        if np.isnan(self.overall["cohen_kappa"]):
            notes.append("Cohen's kappa: a single class in both")
        if np.isnan(self.intervals["macro_f1"][0]):
            notes.append("intervals of all but the accuracy: no mixture of right and wrong rows to resample")
        return tuple(notes)

    @cached_property
    def most_confused(self) -> tuple[Confusion, ...]:
        """The pairs of classes with the most errors, at most 10, the most first."""
        wrong = self.confusion_matrix.copy()
        np.fill_diagonal(wrong, 0)
        flat, count = wrong.reshape(-1), min(MOST_CONFUSED, int((wrong > 0).sum()))
        if count == 0:
            return ()
        least = np.partition(flat, -count)[-count]
        cells = np.flatnonzero(flat >= least)
        cells = cells[np.argsort(-flat[cells], kind="stable")][:count]
        support = self.confusion_matrix.sum(axis=1)
        pairs = zip(*np.unravel_index(cells, wrong.shape), strict=True)
        return tuple(
            Confusion(self.class_names[i], self.class_names[j], wrong[i, j].item(), float(wrong[i, j] / support[i]))
            for i, j in pairs
        )

    def threshold(self, *, recall: float | None = None, precision: float | None = None) -> Threshold:
        """The threshold for the probability of class 1 of two, with the recall or precision asked for; a bin's edge.

        Args:
            recall: Least recall; the threshold is the one with the greatest precision.
            precision: Least precision; the threshold is the one with the greatest recall. Default, with neither: the
                threshold with the greatest F1.

        Raises:
            ValueError: If there are no probabilities or not two classes, or no threshold reaches the least value.
        """
        if self.probabilities is None or len(self.class_names) != 2:
            raise ValueError("a threshold needs probabilities of two classes")
        return threshold_from_bins(*counts_by_score(self.probabilities, 1), recall, precision)

    def to_dict(self) -> dict:
        """Everything as plain values, ready for JSON; undefined scores are `None`."""
        classes = {name: {**scores, "intervals": self.class_intervals[name]} for name, scores in self.classes.items()}
        content = {
            "accuracy": self.accuracy,
            "classes": classes,
            "macro": self.macro,
            "micro": self.micro,
            "weighted": self.weighted,
            "confusion_matrix": self.confusion_matrix.tolist(),
            "rows": self.rows,
            **{name: self.overall[name] for name in ("balanced_accuracy", "matthews_correlation", "cohen_kappa")},
            "confidence": self.confidence,
            "intervals": self.intervals,
            "baseline": {"class": self.majority, **self.baseline},
            "most_confused": [vars(pair) for pair in self.most_confused],
            "undefined": list(self.undefined),
        }
        if self.probabilities is not None:
            content |= self.probabilities.to_dict()
        return plain(content)

    @classmethod
    def from_dict(cls, content: dict) -> "ClassificationReport":
        """The report that `to_dict` made `content` of.

        Scores that `content` lacks, as files of older versions do, are computed from the confusion matrix. Counts by
        score are not stored, so that there are no curves and thresholds.

        Raises:
            ValueError: If `content` is no such report, or is damaged.
        """
        with reading("report on classes"):
            matrix, class_names = read_matrix(content, dimensions=2), tuple(content["classes"])
            num_rows = number(content["rows"]) if "rows" in content else None
            rows = None if matrix.dtype.kind == "f" else int(matrix.sum())
            scores = ProbabilityScores.from_dict(content, class_names, rows, multi_label=False)
            confidence = number(content.get("confidence", 0.95))
            report = cls(matrix, class_names, confidence, num_rows, probabilities=scores)
            stored = read_scores(content)
            known = {name: number(content[name]) for name in OVERALL if name in content}
            stored["overall"] = report.overall | known
            if "most_confused" in content:
                stored["most_confused"] = tuple(Confusion(**pair) for pair in content["most_confused"])
            # Stored scores take the place of those that the cached properties would compute: of weighted rows and of
            # probabilities the matrix does not hold enough.
            vars(report).update(stored)
            str(report)  # whatever is printed must be there
        return report

    def __str__(self) -> str:
        return report_text.of_classes(self)

    @cached_property
    def _margins(self) -> Margins:
        return Margins.of(self.confusion_matrix)

    @property
    def _squares(self) -> np.ndarray:
        return self.confusion_matrix if self.squared_weights is None else self.squared_weights

    def _effective(self, cells: np.ndarray) -> float:
        return float(_effective(self.confusion_matrix[cells].sum(), self._squares[cells].sum()))

    def _mean(self, weights: np.ndarray) -> dict[str, float]:
        scores = {name: np.nan_to_num(BY_CLASS[name](self._margins)) for name in ("precision", "recall", "f1")}
        return {name: float(np.average(values, weights=weights)) for name, values in scores.items()}


def _effective(weights, squares) -> np.ndarray:
    """Number of rows of equal weight with intervals of the same width (Kish 1965)."""
    return decision_scores.ratio(np.square(weights, dtype=float), squares)
