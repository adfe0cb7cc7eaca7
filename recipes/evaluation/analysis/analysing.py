"""The analysis of a run: each part of it made of the model, its data and what it predicted for the test rows."""

import functools
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np

from recipes.data import Dataset
from recipes.data.class_weights import class_weights
from recipes.data.preparation import TablePreparation
from recipes.evaluation.analysis import baselines as simple_models
from recipes.evaluation.analysis import calibrating, examples, importance, label_errors, part_errors
from recipes.evaluation.analysis.data_facts import facts_of
from recipes.evaluation.analysis.groups import FEWEST_ROWS, group_scores
from recipes.evaluation.analysis.latency import cost_of_prediction
from recipes.evaluation.analysis.sampling import sample, sampled_rows
from recipes.evaluation.analysis.table_columns import used_columns
from recipes.metrics import ClassificationReport, RegressionReport
from recipes.metrics.plain_values import plain
from recipes.models.outputs import Outputs
from recipes.settings import Recipe

# Largest number of rows of a part that are predicted again.
MOST_ROWS = 10_000
# Most probabilities of test rows in which wrong labels are looked for: rows times classes.
_MOST_PROBABILITIES = 10_000_000


@dataclass(frozen=True, eq=False)
class Evaluated:
    """An evaluated run.

    Attributes:
        model: Trained model that takes raw rows.
        recipe: Recipe of the run, which gives the class weights.
        dataset: Data that the run was trained on.
        report: Report on the test part.
        predictions: Arrays `label`, `predicted` and, for classes, `probability` of the test rows, as in
            `Stored.predictions`.
        batch_size: Number of rows for one step of a prediction.
        limit: Number of rows at the start of each part that are used. Default: all.
    """

    model: keras.Model
    recipe: Recipe
    dataset: Dataset
    report: ClassificationReport | RegressionReport
    predictions: dict[str, np.ndarray]
    batch_size: int
    limit: int | None = None

    @cached_property
    def outputs(self) -> Outputs:
        """Facts about the outputs of the model."""
        return Outputs.of(self.model)

    @cached_property
    def test_rows(self) -> np.ndarray:
        """Raw test rows of the predictions, `(rows, ...)`."""
        return self.dataset.test[0][: len(self.predictions["label"])]

    @cached_property
    def validated(self) -> tuple[np.ndarray, np.ndarray]:
        """Targets and outputs of validation rows."""
        return self.predicted("validation")

    @cached_property
    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of test rows for confident learning, and the thresholds of the classes on them."""
        labels, num_classes = self.predictions["label"], len(self.dataset.class_names)
        rows = sampled_rows(len(labels), max(1, _MOST_PROBABILITIES // num_classes))
        return rows, label_errors.class_thresholds(labels[rows], self.probabilities(rows))

    @property
    def is_table(self) -> bool:
        """Whether the rows are those of a table."""
        return isinstance(self.dataset.preparation, TablePreparation)

    @property
    def has_probabilities(self) -> bool:
        """Whether the report is on probabilities of classes."""
        return getattr(self.report, "probabilities", None) is not None

    def predicted(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Targets and outputs of at most 10,000 rows of a part."""
        x, y = sample(getattr(self.dataset, part), MOST_ROWS, self.limit)
        return y, self.predict(x)

    def predict(self, x: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """Outputs for raw rows, `(rows, units)`, computed in batches of one size.

        `model.predict` takes a tenth of a second to begin, and a last batch of another size is compiled anew.
        """
        size, values = batch_size or self.batch_size, []
        for start in range(0, len(x), size):
            rows = np.asarray(x[start : start + size])
            filled = rows if len(rows) == size else np.resize(rows, (size, *rows.shape[1:]))
            values.append(np.asarray(self.model.predict_on_batch(filled), np.float32)[: len(rows)])
        values = np.concatenate(values)
        return self.outputs.to_probabilities(values) if self.outputs.are_logits(values) else values

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """Probabilities of test rows, `(rows, classes)`, or `(rows, 1)` of class 1."""
        return np.asarray(self.predictions["probability"])[rows].reshape(len(rows), -1)


def analyse(run: Evaluated, model_bytes: int | None = None) -> dict:
    """The analysis of a run in plain values, ready for JSON; keys without data are left out.

    Args:
        run: The evaluated run.
        model_bytes: Size of the model file in bytes. Default: unknown.

    Returns:
        `errors`, `calibration`, `label_errors`, `examples`, `groups`, `importance`, `baselines`, `data` and `latency`:
        see the function of each in this package. `basis`: by the same names, the numbers of rows (`training`,
        `validation`, `test`) that were used, which are fewer than there are in large data; the `score` behind them; and
        what was `left_out` for lack of time, or `fewest_rows` for lack of rows.
    """
    content, basis = {}, {}
    for name, make in PARTS.items():
        found, used = make(run)
        if found:
            content[name] = found
            basis |= {name: used} if used else {}
    if model_bytes is not None:
        content["latency"]["model_bytes"] = model_bytes
    return plain({**content, "basis": basis})


def _errors(run: Evaluated):
    if run.recipe.fit.refit:  # trained on validation rows, which show nothing then
        return None, None
    task = run.dataset.task
    targets, values = run.predicted("train")
    of_test = 1 - (run.report.r2 if task == "regression" else run.report.accuracy)
    found = {
        "measure": part_errors.measure_of(task),
        "training": part_errors.error_of(targets, values, task),
        "validation": part_errors.error_of(*run.validated, task),
        "test": of_test,
    }
    return found, {"training": len(targets), "validation": len(run.validated[0]), "test": run.report.rows}


def _calibration(run: Evaluated):
    if not run.has_probabilities or run.recipe.fit.refit:
        return None, None
    labels = run.predictions["label"]
    most = max(1, calibrating.MOST_VALUES // len(run.dataset.class_names))
    rows = sampled_rows(len(labels), most)
    validation = tuple(array[:most] for array in run.validated)
    found = calibrating.calibration(run.dataset.class_names, validation, (labels[rows], run.probabilities(rows)))
    return found, {"validation": len(validation[0]), "test": len(rows)}


def _label_errors(run: Evaluated):
    if not run.has_probabilities:
        return None, None
    rows, thresholds = run.labelled
    found = label_errors.suspects(run.predictions["label"][rows], run.probabilities(rows), thresholds)
    return {"rule": label_errors.RULE, "suspects": int(found.sum()), "rows": len(rows)}, {"test": len(rows)}


def _examples(run: Evaluated):
    suspect = None
    if run.dataset.task != "regression":
        if not run.has_probabilities:
            return None, None
        # Beyond a million test rows, the predictions of the others are not at hand.
        rows = np.array(examples.rows_of(run.report), np.intp)
        known = np.flatnonzero(rows < len(run.predictions["label"]))
        suspect, rows = np.zeros(len(rows), bool), rows[known]
        labels = run.predictions["label"][rows]
        suspect[known] = label_errors.suspects(labels, run.probabilities(rows), run.labelled[1])
    found = examples.examples_of(run.report, run.dataset.test[0], run.dataset.preparation, suspect)
    return found, {"test": run.report.rows}


def _groups(run: Evaluated):
    if not run.is_table:
        return None, None
    task, labels = run.dataset.task, run.predictions["label"]
    found = group_scores(run.test_rows, labels, run.predictions["predicted"], run.dataset.preparation, task)
    score = "mean absolute error" if task == "regression" else "accuracy"
    return found, {"score": score, "test": len(labels), "fewest_rows": FEWEST_ROWS}


def _importance(run: Evaluated):
    task, preparation = run.dataset.task, run.dataset.preparation
    if not run.is_table:
        return None, None
    x, y = sample(run.dataset.test, importance.MOST_ROWS, run.limit)
    if len(y) < 2 or (task == "regression" and np.ptp(y) == 0):
        return None, None
    columns = used_columns(preparation)
    of_categories = {column for column in columns if preparation.feature_names[column] in preparation.vocabularies}
    values = run.predict(x)
    ordered = importance.by_association(x, values, columns, of_categories)
    names = {column: preparation.feature_names[column] for column in ordered}
    rows, permutations = importance.rows_and_permutations(len(y), x[:1].nbytes + values[:1].nbytes)
    x, y = sample((x, y), rows)
    predict = functools.partial(run.predict, batch_size=importance.BATCH_SIZE)
    found, measured = importance.permutation_importance(x, y, predict, names, task, permutations)
    return found, {
        "score": _score_of(task),
        "test": len(y),
        "permutations": permutations,
        "columns": measured,
        "left_out": len(columns) - measured,
    }


def _baselines(run: Evaluated):
    dataset = run.dataset
    if not run.is_table:
        return None, None
    train = sample(dataset.train, simple_models.most_training_rows(dataset.train[0].shape[1]), run.limit)
    labels = run.predictions["label"]
    rows = sampled_rows(len(labels), simple_models.MOST_TEST_ROWS)
    found = simple_models.baselines(
        train,
        (run.test_rows[rows], labels[rows]),
        run.predictions["predicted"][rows],
        dataset.preparation,
        dataset.task,
        class_weights(run.recipe, dataset),
    )
    return found, {"score": _score_of(dataset.task), "training": len(train[1]), "test": len(rows)}


def _score_of(task: str) -> str:
    return "R2" if task == "regression" else "accuracy"


def _data(run: Evaluated):
    return facts_of(run.dataset), None


def _latency(run: Evaluated):
    return cost_of_prediction(run.model, run.test_rows, run.batch_size), None


PARTS = {
    "errors": _errors,
    "calibration": _calibration,
    "label_errors": _label_errors,
    "examples": _examples,
    "groups": _groups,
    "importance": _importance,
    "baselines": _baselines,
    "data": _data,
    "latency": _latency,
}
