"""Comparison of models on the same rows: scores, differences, and whether the differences are significant."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from recipes.arguments.text_table import table_lines, text_of
from recipes.metrics.comparison.paired import (
    Difference,
    accuracy_difference,
    holm,
    macro_f1_difference,
    mean_difference,
)

# Scores in the order of the report, with their titles and whether more is better. The first one decides.
_SCORES = {
    "classification": {"accuracy": ("accuracy", True), "macro_f1": ("macro F1", True)},
    "regression": {"mae": ("MAE", False), "mse": ("MSE", False)},
}


@dataclass(frozen=True)
class Pair:
    """Two models of a comparison.

    Attributes:
        first: Name of the first model.
        second: Name of the second model.
        differences: Differences, second minus first, by score: accuracy and macro_f1, or mae and mse.
        p_value: P-value of the first of these scores, adjusted for the number of pairs (Holm).
        only_first: Rows that only the first got right; `None` for a regression.
        only_second: Rows that only the second got right.
        better: Name of the better model if the difference is significant; otherwise `None`.
    """

    first: str
    second: str
    differences: dict[str, Difference]
    p_value: float
    only_first: int | None
    only_second: int | None
    better: str | None


@dataclass(frozen=True)
class Comparison:
    """Models on the same rows. Print it, or take `to_dict()`.

    A difference is significant if its interval does not contain 0, and its p-value, adjusted for the number of pairs,
    is below one minus the confidence level. It is one between these trained models: with another seed, the same recipe
    may train a better or worse one, which `cross_validate` shows.

    Attributes:
        names: Names of the models; the others are compared with the first.
        task: `"classification"` or `"regression"`.
        rows: Number of rows on which all of them were evaluated.
        source: Description of where the rows come from.
        confidence: Confidence level of each interval.
        pairs: Comparisons with the first model, one for each of the others.
    """

    names: tuple[str, ...]
    task: str
    rows: int
    source: str
    confidence: float
    pairs: tuple[Pair, ...]

    @property
    def better(self) -> str | None:
        """Name of the better of two models; `None` if their difference is not significant, and for more than two."""
        return self.pairs[0].better if len(self.pairs) == 1 else None

    @property
    def verdict(self) -> str:
        """Whether the differences are significant: one sentence for each model but the first."""
        return text_of(self._sentence(pair) for pair in self.pairs)

    def to_dict(self) -> dict:
        """Everything as plain values, ready for JSON."""
        return {**dataclasses.asdict(self), "better": self.better, "verdict": self.verdict}

    def __str__(self) -> str:
        parts = [*self.verdict.split("\n"), "", *(self._of_two() if len(self.pairs) == 1 else self._of_many())]
        return text_of([*parts, f"compared on {self.source}"])

    def _sentence(self, pair: Pair) -> str:
        name, (title, _) = next(iter(_SCORES[self.task].items()))
        difference = pair.differences[name]
        scores = {pair.first: difference.first, pair.second: difference.second}
        best = pair.better or max(scores, key=lambda model: self._merit(scores[model]))
        other = pair.second if best == pair.first else pair.first
        sign = self._merit(1.0 if best == pair.second else -1.0)  # so that better counts as more
        low, high = sorted((sign * difference.low, sign * difference.high))
        p_value = f"p {_p_value(pair.p_value, '= ')}{' by Holm' if len(self.pairs) > 1 else ''}"
        interval = f"{self._share} interval {self._number(low)} to {self._number(high)}"
        evidence = (
            f"on the same {self.rows:,} rows, a difference of {self._number(sign * difference.value)} "
            f"({interval}; {difference.method} {p_value})"
        )
        if pair.better:
            against = f"{self._number(scores[best])} against {self._number(scores[other])}"
            return f"{best} is better: {title} {against} {evidence}"
        scores = [f"{self._number(scores[model])} ({model})" for model in (best, other)]
        return f"no significant difference: {title} {' against '.join(scores)} {evidence}"

    @property
    def _share(self) -> str:
        return f"{100 * self.confidence:g} %"

    def _merit(self, score: float) -> float:
        return score if self.task == "classification" else -score

    def _number(self, value: float) -> str:
        # Plus 0, so that nothing is printed as -0.
        return f"{round(value, 4) + 0.0:.4f}" if self.task == "classification" else f"{value + 0.0:.5g}"

    def _cells(self, difference: Difference) -> list[str]:
        interval = f"{self._number(difference.low)} to {self._number(difference.high)}"
        return [self._number(difference.value), interval, _p_value(difference.p_value)]

    def _of_two(self) -> list[str]:
        (pair,) = self.pairs
        table = [["", pair.first, pair.second, "difference", f"{self._share} interval", "p", "by"]]
        for name, (title, _) in _SCORES[self.task].items():
            difference = pair.differences[name]
            scores = [self._number(score) for score in (difference.first, difference.second)]
            table.append([title, *scores, *self._cells(difference), difference.method])
        lines = table_lines(table)
        if pair.only_first is not None:
            lines.append(
                f"only {pair.first} is right on {pair.only_first:,} rows, only {pair.second} on {pair.only_second:,}"
            )
        return lines

    def _of_many(self) -> list[str]:
        name, (title, _) = next(iter(_SCORES[self.task].items()))
        others = {other: heading for other, (heading, _) in _SCORES[self.task].items() if other != name}
        differences = self.pairs[0].differences
        table = [["", title, *others.values(), "difference", f"{self._share} interval", "p", "p by Holm", ""]]
        table.append([self.names[0], *(self._number(score.first) for score in differences.values()), *[""] * 5])
        for pair in self.pairs:
            scores = [self._number(score.second) for score in pair.differences.values()]
            verdict = "not significant" if not pair.better else "better" if pair.better == pair.second else "worse"
            adjusted = _p_value(pair.p_value)
            table.append([pair.second, *scores, *self._cells(pair.differences[name]), adjusted, verdict])
        return [*table_lines(table), f"each against {self.names[0]}, by {title}"]


def compare_predictions(
    labels: np.ndarray,
    predicted: dict[str, np.ndarray],
    num_classes: int | None = None,
    *,
    source: str = "the predictions given",
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare the predictions of models for the same rows.

    Args:
        labels: Class numbers or targets, `(rows,)`.
        predicted: Predicted class numbers or values `(rows,)` of at least two models, by name.
        num_classes: Number of classes; `None` for a regression.
        source: Description of where the rows come from.
        confidence: Confidence level of the intervals and of the verdict, between 0 and 1.
        seed: Seed of the bootstrap.
    """
    (first_name, first), *others = predicted.items()
    differences = [_differences(labels, first, other, num_classes, confidence, seed) for _, other in others]
    task = "regression" if num_classes is None else "classification"
    score, (_, more_is_better) = next(iter(_SCORES[task].items()))
    p_values = holm([of_pair[score].p_value for of_pair in differences])
    pairs = []
    for (name, other), of_pair, p_value in zip(others, differences, p_values, strict=True):
        difference = of_pair[score]
        real = p_value < 1 - confidence and not difference.low <= 0 <= difference.high
        better = name if (difference.value > 0) == more_is_better else first_name
        only = (None, None) if num_classes is None else _only_one_right(labels, first, other)
        pairs.append(Pair(first_name, name, of_pair, p_value, *only, better if real else None))
    return Comparison(tuple(predicted), task, len(labels), source, confidence, tuple(pairs))


def _only_one_right(labels, first, second) -> tuple[int, int]:
    right, right_too = first == labels, second == labels
    return int((right & ~right_too).sum()), int((right_too & ~right).sum())


def _differences(labels, first, second, num_classes, confidence: float, seed: int) -> dict[str, Difference]:
    if num_classes is not None:
        both = int(((first == labels) & (second == labels)).sum())
        only = _only_one_right(labels, first, second)
        return {
            "accuracy": accuracy_difference(*only, both, len(labels), confidence),
            "macro_f1": macro_f1_difference(labels, first, second, num_classes, confidence, seed=seed),
        }
    errors = [np.abs(values.astype(np.float64) - labels) for values in (first, second)]
    return {
        "mae": mean_difference(*errors, confidence, seed=seed),
        "mse": mean_difference(*(error**2 for error in errors), confidence, seed=seed),
    }


def _p_value(value: float, equals: str = "") -> str:
    return "< 0.001" if value < 0.001 else f"{equals}{value:.2g}"
