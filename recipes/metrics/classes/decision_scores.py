"""Scores of decisions, from the diagonal and the sums of one confusion matrix, or of many resampled ones."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Margins:
    """Diagonal and sums of a confusion matrix, as float64. Leading axes are resampled matrices.

    Attributes:
        hits: Weight of the rows of each class that were predicted as this class, `(..., classes)`.
        support: Weight of the rows of each class.
        predicted: Weight of the rows that were predicted as each class.
        total: Weight of all rows, `(...)`.
    """

    hits: np.ndarray
    support: np.ndarray
    predicted: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray) -> "Margins":
        """The margins of one confusion matrix `(classes, classes)`."""
        hits = np.diag(matrix).astype(np.float64)
        support, predicted = matrix.sum(axis=1, dtype=np.float64), matrix.sum(axis=0, dtype=np.float64)
        return cls(hits, support, predicted, support.sum())


def accuracy(margins: Margins) -> np.ndarray:
    """Share of the rows whose class was found."""
    return ratio(margins.hits.sum(axis=-1), margins.total)


def precision(margins: Margins) -> np.ndarray:
    """Of the rows predicted as a class, the share that is of it. NaN where it was never predicted."""
    return ratio(margins.hits, margins.predicted)


def recall(margins: Margins) -> np.ndarray:
    """Of the rows of a class, the share that was found. NaN where it has no rows."""
    return ratio(margins.hits, margins.support)


def specificity(margins: Margins) -> np.ndarray:
    """Of the rows of other classes, the share that was not predicted as this one. NaN where there are none."""
    others = margins.total[..., None] - margins.support
    return ratio(others - (margins.predicted - margins.hits), others)


def f1(margins: Margins) -> np.ndarray:
    """Harmonic mean of precision and recall. NaN for a class without rows that was never predicted."""
    return ratio(2 * margins.hits, margins.support + margins.predicted)


def class_accuracy(margins: Margins) -> np.ndarray:
    """Share of all rows that were rightly predicted to be of a class or not."""
    wrong = margins.support + margins.predicted - 2 * margins.hits
    return 1 - ratio(wrong, margins.total[..., None])


def balanced_accuracy(margins: Margins) -> np.ndarray:
    """Mean recall of the classes that have rows."""
    return mean_of_defined(recall(margins))


def matthews_correlation(margins: Margins) -> np.ndarray:
    """Correlation of truth and prediction, -1 to 1 (Gorodkin 2004). NaN where either has a single class."""
    support, predicted, agreement = _shares(margins)
    covariance = agreement - (support * predicted).sum(axis=-1)
    spread = (1 - (support**2).sum(axis=-1)) * (1 - (predicted**2).sum(axis=-1))
    # One class leaves a spread of rounding errors, not of exactly 0.
    spread = np.where(((margins.support > 0).sum(-1) < 2) | ((margins.predicted > 0).sum(-1) < 2), 0, spread)
    return ratio(covariance, np.sqrt(spread))


def cohen_kappa(margins: Margins) -> np.ndarray:
    """Agreement beyond chance, 1 at best (Cohen 1960). NaN where truth and prediction are one and the same class."""
    support, predicted, agreement = _shares(margins)
    chance = (support * predicted).sum(axis=-1)
    alone = (np.maximum(margins.support, margins.predicted) > 0).sum(axis=-1) < 2
    return ratio(agreement - chance, np.where(alone, 0, 1 - chance))


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the values that are not NaN."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=-1), defined.sum(axis=-1))


def ratio(numerator, denominator) -> np.ndarray:
    """`numerator / denominator`; NaN where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    out = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=denominator != 0)


def _shares(margins: Margins) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    total = np.where(margins.total == 0, np.nan, margins.total)
    return margins.support / total[..., None], margins.predicted / total[..., None], margins.hits.sum(axis=-1) / total


BY_CLASS = {
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "accuracy": class_accuracy,
    "specificity": specificity,
}


def undefined_classes(margins: Margins, names: tuple[str, ...], ranked: bool) -> dict[str, tuple[str, ...]]:
    """Class names by the scores that are undefined for them, and why; `ranked`: whether ROC AUC is among the scores."""
    no_rows, all_rows, never = margins.support == 0, margins.support == margins.total, margins.predicted == 0
    cases = {
        "precision: never predicted": never,
        f"recall{', ROC AUC, average precision' if ranked else ''}: no rows": no_rows,
        "F1: no rows and never predicted": never & no_rows,
        f"specificity{', ROC AUC' if ranked else ''}: all rows are of it": all_rows,
    }
    named = {case: tuple(names[number] for number in np.flatnonzero(which)) for case, which in cases.items()}
    return {case: classes for case, classes in named.items() if classes}


def undefined_notes(cases: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """One line for each class and reason, such as "precision of class 'cat': never predicted"."""
    notes = []
    for case, names in cases.items():
        scores, reason = case.split(": ")
        notes += [f"{scores} of class {name!r}: {reason}" for name in names]
    return tuple(notes)
