"""Cross-validation: a recipe is trained once for each fold and evaluated on the rows of that fold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from scipy import special

from recipes.arguments.numbers import require_between
from recipes.arguments.text_table import table_lines, text_of
from recipes.data import Dataset, check_seed, load_folds
from recipes.disk.output import unbreakable_output
from recipes.evaluation.blocks import Block, predicted_values
from recipes.evaluation.counting import report_on
from recipes.evaluation.finishing import prediction_batch
from recipes.metrics import ClassificationReport, RegressionReport, decide
from recipes.models.outputs import Outputs
from recipes.settings import Recipe
from recipes.training.prepared import Training
from recipes.training.request import Request

_CLASSES = {"accuracy": lambda report: report.accuracy, "macro_f1": lambda report: report.macro["f1"]}
_NUMBERS = {name: lambda report, name=name: getattr(report, name) for name in ("mae", "rmse", "r2")}
_TITLES = {"accuracy": "accuracy", "macro_f1": "macro F1", "mae": "MAE", "rmse": "RMSE", "r2": "R2"}
# Lowest and highest possible scores, beyond which an interval says nothing.
_RANGES = {
    "accuracy": (0.0, 1.0),
    "macro_f1": (0.0, 1.0),
    "mae": (0.0, np.inf),
    "rmse": (0.0, np.inf),
    "r2": (-np.inf, 1.0),
}


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Scores of a recipe on rows that it was not trained on, fold by fold. Print it, or take `to_dict()`.

    The interval of a mean is the corrected resampled t of Nadeau & Bengio (2003, Machine Learning 52): it multiplies
    the variance of the scores by `1 / folds + tested rows / other rows` instead of by `1 / folds`, because trainings
    that share most of their rows are not independent. It was made for random splits, such as those of the UCI sets. Of
    folds that test each row once, no unbiased estimate of the variance exists (Bengio & Grandvalet 2004, Journal of
    Machine Learning Research 5): for them it is a cautious approximation. It is about trainings on as many rows as a
    fold has.

    Attributes:
        recipe: Recipe that was trained.
        data_name: Name of the data.
        how_split: Description of the split.
        class_names: Class names in the order of the class numbers; `None` for a regression.
        reports: Reports on the tested rows, one for each fold.
        report: Report on the predictions of all folds together, each made by a model that has not seen its row.
        label: Class numbers or targets, `(predictions,)`, fold by fold.
        predicted: Predicted class numbers or values, `(predictions,)`.
        probability: Probabilities of class 1 `(predictions,)`, or of each class `(predictions, classes)`; `None` for a
            regression.
        fold: Number of the fold that made each prediction, from 0, `(predictions,)`.
        row: Number of the row in the data that each prediction is for, from 0, `(predictions,)`.
        epochs: Numbers of epochs trained, one for each fold.
        other_rows: Numbers of rows used for training or validation, one for each fold.
        confidence: Confidence level of the intervals, such as 0.95.
    """

    recipe: Recipe
    data_name: str
    how_split: str
    class_names: tuple[str, ...] | None
    reports: tuple[ClassificationReport | RegressionReport, ...]
    report: ClassificationReport | RegressionReport
    label: np.ndarray
    predicted: np.ndarray
    probability: np.ndarray | None
    fold: np.ndarray
    row: np.ndarray
    epochs: tuple[int, ...]
    other_rows: tuple[int, ...]
    confidence: float

    @property
    def scores(self) -> dict[str, np.ndarray]:
        """By name, one number for each fold: accuracy and macro_f1, or mae, rmse and r2."""
        of_report = _NUMBERS if self.class_names is None else _CLASSES
        return {name: np.array([score(report) for report in self.reports]) for name, score in of_report.items()}

    @property
    def mean(self) -> dict[str, float]:
        """Mean of each score over the folds, by name."""
        return {name: float(values.mean()) for name, values in self.scores.items()}

    @property
    def std(self) -> dict[str, float]:
        """Standard deviation of the scores over the folds (with folds - 1)."""
        return {name: float(values.std(ddof=1)) for name, values in self.scores.items()}

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Confidence interval of each mean score, by name."""
        share = len(self.row) / sum(self.other_rows)
        return {
            name: tuple(np.clip(bounds, *_RANGES[name]).tolist())
            for name, values in self.scores.items()
            for bounds in [corrected_interval(values, share, self.confidence)]
        }

    @property
    def tested_again(self) -> int:
        """Number of predictions for rows that an earlier fold has tested, too; only published folds repeat rows."""
        return len(self.row) - len(np.unique(self.row))

    def to_dict(self) -> dict:
        """Everything but the predictions as plain values, ready for JSON."""
        folds = [
            {
                "rows": report.rows,
                "epochs": epochs,
                **{name: float(values[number]) for name, values in self.scores.items()},
            }
            for number, (report, epochs) in enumerate(zip(self.reports, self.epochs, strict=True))
        ]
        return {
            "recipe": self.recipe.name,
            "data": self.data_name,
            "how_split": self.how_split,
            "folds": folds,
            "mean": self.mean,
            "std": self.std,
            "confidence": self.confidence,
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "report": self.report.to_dict(),
        }

    def __str__(self) -> str:
        rows = [("fold", "rows", "epochs", *(_TITLES[name] for name in self.scores))]
        for number, (report, epochs) in enumerate(zip(self.reports, self.epochs, strict=True)):
            scores = (values[number] for values in self.scores.values())
            rows.append((str(number), f"{report.rows:,}", f"{epochs:,}", *map(self._cell, scores)))
        lows, highs = zip(*self.intervals.values(), strict=True)
        for name, values in (
            ("mean", self.mean.values()),
            ("standard deviation", self.std.values()),
            (f"{100 * self.confidence:g} % interval, from", lows),
            ("to", highs),
        ):
            rows.append((name, "", "", *map(self._cell, values)))
        lines = table_lines(rows)
        lines.insert(1 + len(self.reports), "")
        lines += [
            "",
            "The interval is that of Nadeau & Bengio (2003), wider than if the folds did not share training rows; no "
            "interval of folds is exact.",
        ]
        if self.tested_again:
            lines.append(f"{self.tested_again:,} of the predictions are of rows that an earlier fold has tested, too.")
        scores = ", ".join(
            f"{_TITLES[name]} {self._cell(score(self.report))}"
            for name, score in (_NUMBERS if self.class_names is None else _CLASSES).items()
        )
        lines.append(f"all {len(self.row):,} predictions together: {scores}")
        return text_of([f"{self.recipe.name} on {self.data_name}, split {self.how_split}", "", *lines])

    def _cell(self, value: float) -> str:
        return f"{value:.4f}" if self.class_names else f"{value:.5g}"


@unbreakable_output()
def cross_validate(
    recipe: str | Path | Recipe,
    data=None,
    folds: int = 10,
    seed: int = 0,
    *,
    target: str | None = None,
    data_dir: str | Path | None = None,
    model: Callable[[Dataset], keras.Model] | None = None,
    epochs: int | None = None,
    confidence: float = 0.95,
    verbose: bool = True,
) -> CrossValidation:
    """Train by a recipe once for each fold, and evaluate each time on the rows of the fold. No run folder is written.

    Args:
        recipe: Name of a recipe, path of a YAML file, or a `Recipe`.
        data: Data in any form that `load_dataset` takes, except a `Dataset`. Default: the recipe's own data. A test
            part that the data come with is not used.
        folds: Number of folds, at least 2. The sets `uci:NAME` always have the four they were published with.
        seed: Seed of the folds; fold 0 trains with this seed, fold 1 with the next one, and so on.
        target: Column of a table that is to be predicted.
        data_dir: Folder with local copies of named datasets.
        model: Function of the fold's `Dataset` that returns a new model giving logits, instead of the recipe's.
        epochs: Largest number of epochs, instead of the recipe's.
        confidence: Confidence level of the intervals, between 0 and 1.
        verbose: Whether to print a line for each fold.

    Raises:
        ValueError: For arguments and data that do not fit, before training; and if training diverges.
        OSError: If the data are not there.
    """
    require_between("confidence", confidence, 0, 1)
    if model is not None and (isinstance(model, keras.Model) or not callable(model)):
        raise ValueError(
            f"`model` must be a function of the dataset that returns a new model for each fold. Received: {model!r:.80}"
        )
    seed = check_seed(seed)
    request = Request(recipe, data, target, data_dir, epochs, has_model=model is not None)
    recipe = request.changed_recipe()
    reports, collected, trained_epochs, other_rows = [], [], [], []
    for number, (dataset, rows) in enumerate(
        load_folds(recipe.data.name if data is None else data, folds, seed, recipe.data)
    ):
        if verbose and not number:
            print(dataset.describe())
        outputs, history = _train_and_predict(Training.of(recipe, dataset, model, (seed + number) % 2**32))
        reports.append(report_on([Block(dataset.test[1], outputs)], dataset.class_names))
        collected.append((dataset.test[1], outputs, np.full(len(rows), number), rows))
        trained_epochs.append(len(history["loss"]))
        other_rows.append(len(dataset.train[1]) + len(dataset.validation[1]))
        if verbose:
            of_report = _CLASSES if dataset.class_names else _NUMBERS
            scores = ", ".join(f"{_TITLES[name]} {score(reports[-1]):.4g}" for name, score in of_report.items())
            print(f"fold {number}: {trained_epochs[-1]} epochs, {scores}", flush=True)
    labels, outputs, fold, row = (np.concatenate(pieces) for pieces in zip(*collected, strict=True))
    values = outputs[:, 0] if outputs.shape[1] == 1 else outputs
    return CrossValidation(
        recipe,
        dataset.name,
        dataset.how_split.rpartition(", fold")[0],
        dataset.class_names,
        tuple(reports),
        report_on([Block(labels, outputs)], dataset.class_names),
        labels,
        decide(outputs) if dataset.class_names else values,
        values if dataset.class_names else None,
        fold,
        row,
        tuple(trained_epochs),
        tuple(other_rows),
        confidence,
    )


def _train_and_predict(training: Training) -> tuple[np.ndarray, dict]:
    """Outputs for the test part of a model that is trained on the others, `(rows, outputs)`; and its history."""
    watched = training.fit()
    if watched.divergence is not None:
        raise ValueError(watched.divergence)
    serving = training.serving(watched.temperature)
    x, batch_size = training.dataset.test[0], prediction_batch(training.recipe)
    values = predicted_values(serving, Outputs.of(serving), x, batch_size)
    return np.concatenate(list(values)), watched.history


def corrected_interval(scores: np.ndarray, share: float, confidence: float = 0.95) -> tuple[float, float]:
    """The corrected resampled t interval of a mean (Nadeau & Bengio 2003, Machine Learning 52, equation 9).

    Args:
        scores: Scores, one for each split, `(splits,)`; at least 2.
        share: Number of tested rows for each other row, such as 1 / 9 for ten folds.
        confidence: Confidence level of the interval, between 0 and 1.

    >>> low, high = corrected_interval(np.array([0.8, 0.9]), share=0.5)
    >>> round(low, 3), round(high, 3)
    (-0.048, 1.748)
    """
    count = len(scores)
    quantile = special.stdtrit(count - 1, (1 + confidence) / 2)
    reach = quantile * np.sqrt((1 / count + share) * scores.var(ddof=1))
    return float(scores.mean() - reach), float(scores.mean() + reach)
