"""How good a recipe is, rather than one model: trained once for each fold, judged on rows it has not seen."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from scipy import special

from recipes import models
from recipes.data import Dataset, check_seed, load_folds
from recipes.evaluation.blocks import Block, predicted_values
from recipes.evaluation.counting import report_on
from recipes.evaluation.finishing import prediction_batch
from recipes.metrics import ClassificationReport, RegressionReport, decide
from recipes.models.outputs import Outputs
from recipes.settings import Recipe
from recipes.training.recipe_to_run import changed, check_augmentation, network, train_core

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
    """What a recipe gets on rows it was not trained on, fold by fold. Print it, or take `to_dict()`.

    The interval of a mean is the corrected resampled t of Nadeau & Bengio (2003, Machine Learning 52): it multiplies
    the variance of the scores by `1 / folds + tested rows / other rows` instead of by `1 / folds`, because trainings
    that share most of their rows are not independent. It was made for random splits, such as those of the UCI sets. Of
    folds that test each row once, no unbiased estimate of the variance exists (Bengio & Grandvalet 2004, Journal of
    Machine Learning Research 5): for them it is a cautious approximation. It is about trainings on as many rows as a
    fold has.

    Attributes:
        recipe: What was trained.
        data_name: Of the data.
        how_split: In words.
        class_names: In the order of the class numbers; `None` for a regression.
        reports: On the tested rows of each fold.
        report: On the predictions of all folds together, each made by a model that has not seen its row.
        label: Class numbers or targets, `(predictions,)`, fold by fold.
        predicted: Class numbers or values, `(predictions,)`.
        probability: Of class 1 `(predictions,)`, or of each `(predictions, classes)`; `None` for a regression.
        fold: By which fold each prediction was made, from 0, `(predictions,)`.
        row: Of which row of the data, from 0, `(predictions,)`.
        epochs: Trained in each fold.
        other_rows: Of each fold: rows that trained or validated.
        confidence: Of the intervals.
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
        """Of the scores over the folds."""
        return {name: float(values.mean()) for name, values in self.scores.items()}

    @property
    def std(self) -> dict[str, float]:
        """Standard deviation of the scores over the folds (with folds - 1)."""
        return {name: float(values.std(ddof=1)) for name, values in self.scores.items()}

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Of the mean scores, as the class says."""
        share = len(self.row) / sum(self.other_rows)
        return {
            name: tuple(np.clip(ends, *_RANGES[name]).tolist())
            for name, values in self.scores.items()
            for ends in [corrected_interval(values, share, self.confidence)]
        }

    @property
    def tested_again(self) -> int:
        """How many predictions are of rows that an earlier fold has tested, too; only published folds do so."""
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
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "report": self.report.to_dict(),
        }

    def __str__(self) -> str:
        lines = [f"{'fold':<20}{'rows':>8}{'epochs':>8}" + "".join(f"{_TITLES[name]:>12}" for name in self.scores)]
        for number, (report, epochs) in enumerate(zip(self.reports, self.epochs, strict=True)):
            of_fold = (values[number] for values in self.scores.values())
            lines.append(f"{number:<20}{report.rows:>8,}{epochs:>8,}{self._cells(of_fold)}")
        ends = list(self.intervals.values())
        lines += [
            "",
            f"{'mean':<36}{self._cells(self.mean.values())}",
            f"{'standard deviation':<36}{self._cells(self.std.values())}",
            f"{f'{100 * self.confidence:g} % interval, from':<36}{self._cells(low for low, _ in ends)}",
            f"{'to':<36}{self._cells(high for _, high in ends)}",
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
        return "\n".join([f"{self.recipe.name} on {self.data_name}, split {self.how_split}", "", *lines])

    def _cell(self, value: float) -> str:
        return f"{value:.4f}" if self.class_names else f"{value:.5g}"

    def _cells(self, values) -> str:
        return "".join(f"{self._cell(value):>12}" for value in values)


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
    """Train by a recipe once for each fold, and judge each time on the rows of the fold. No run folder is written.

    Args:
        recipe: A name, a `Recipe`, or the path of a YAML file.
        data: What `load_dataset` takes, but for a `Dataset`. Default: the recipe's own data. A test part that the data
            come with takes no part.
        folds: How many, at least 2. The sets `uci:NAME` have the four they were published with, whatever this says.
        seed: Of the folds; fold 0 trains with this seed, fold 1 with the next one, and so on.
        target: The column of a table that is to be predicted.
        data_dir: The folder with local copies of named datasets.
        model: Instead of the recipe's: a function of the fold's `Dataset` that returns a new model giving logits.
        epochs: At most so many, instead of the recipe's number.
        confidence: Of the intervals.
        verbose: Whether to print a line for each fold.

    Raises:
        ValueError: For whatever does not fit, before training; and if training diverges.
        OSError: If the data are not there.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"`confidence` must be between 0 and 1. Received: {confidence!r}")
    if model is not None and (isinstance(model, keras.Model) or not callable(model)):
        raise ValueError(
            f"`model` must be a function of the dataset that returns a new model for each fold. Received: {model!r:.80}"
        )
    seed = check_seed(seed)
    recipe = changed(recipe, target, data_dir, epochs, model, data)
    reports, collected, trained_epochs, other_rows = [], [], [], []
    for number, (dataset, rows) in enumerate(
        load_folds(recipe.data.name if data is None else data, folds, seed, recipe.data)
    ):
        if verbose and not number:
            print(dataset.describe())
        outputs, history = _train_and_predict(recipe, dataset, model, (seed + number) % 2**32)
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


def _train_and_predict(recipe: Recipe, dataset: Dataset, model, seed: int) -> tuple[np.ndarray, dict]:
    """Outputs for the test part of a model that was trained on the others, `(rows, outputs)`; and its history."""
    check_augmentation(recipe, dataset)
    keras.utils.set_random_seed(seed)
    core, outputs = network(recipe, dataset, model)
    serving = models.serving_model(core, dataset)
    history, *_ = train_core(core, outputs, recipe, dataset, (), seed, fast_dev_run=False, verbose=False)
    values = predicted_values(serving, Outputs.of(serving), dataset.test[0], prediction_batch(recipe))
    return np.concatenate(list(values)), history


def corrected_interval(scores: np.ndarray, share: float, confidence: float = 0.95) -> tuple[float, float]:
    """The corrected resampled t interval of a mean (Nadeau & Bengio 2003, Machine Learning 52, equation 9).

    Args:
        scores: Of each split, `(splits,)`, at least 2.
        share: Tested rows for each other row, such as 1 / 9 for ten folds.
        confidence: Of the interval.

    >>> low, high = corrected_interval(np.array([0.8, 0.9]), share=0.5)
    >>> round(low, 3), round(high, 3)
    (-0.048, 1.748)
    """
    count = len(scores)
    quantile = special.stdtrit(count - 1, (1 + confidence) / 2)
    reach = quantile * np.sqrt((1 / count + share) * scores.var(ddof=1))
    return float(scores.mean() - reach), float(scores.mean() + reach)
