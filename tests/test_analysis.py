"""The pieces of the analysis of a run, each on arrays; and what `train` stores of it."""

import time

import numpy as np
import pytest

import recipes
from recipes.data import summary
from recipes.data.preparation import TablePreparation
from recipes.evaluation.analysis import (
    baselines,
    calibrating,
    data_facts,
    examples,
    groups,
    importance,
    label_errors,
    latency,
    part_errors,
    sampling,
    table_columns,
)
from recipes.evaluation.analysis.analysing import Evaluated, analyse
from recipes.metrics import classification_report, decide, regression_report, wilson
from recipes.runs.stored import Stored
from recipes.training.prepared import Training

COLOURS = ("red", "green", "blue")


def table(rows=400, seed=0):
    """A table of a number that decides the class but for noise, one that does not, a category and a date."""
    generator = np.random.default_rng(seed)
    x = np.stack(
        [
            generator.normal(size=rows),
            generator.normal(size=rows),
            generator.integers(0, 4, rows),
            19_000.0 + generator.integers(0, 500, rows),
        ],
        axis=1,
    ).astype(np.float32)
    x[::10, 1] = np.nan
    y = (x[:, 0] + 0.3 * generator.normal(size=rows) > 0).astype(np.int64)
    preparation = TablePreparation.fit(
        x, y, "classification", ("decides", "noise", "colour", "day"), vocabularies={"colour": COLOURS}, dates=("day",)
    )
    return x, y, preparation


def overconfident(rows, seed):
    """Labels and the probability of class 1 by logits that are three times too large."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(rows, 1))
    labels = (generator.random(rows) < 1 / (1 + np.exp(-logits[:, 0]))).astype(np.int64)
    return labels, (1 / (1 + np.exp(-3 * logits))).astype(np.float32)


def test_the_temperature_of_validation_rows_mends_the_calibration_of_test_rows():
    found = calibrating.calibration(("no", "yes"), overconfident(2000, 0), overconfident(2000, 1))
    assert found["temperature"] == pytest.approx(3.0, rel=0.1)
    assert found["after"]["ece"] < 0.3 * found["before"]["ece"]
    assert found["after"]["log_loss"] < found["before"]["log_loss"]
    labels, probabilities = overconfident(2000, 1)
    report = classification_report(labels, probabilities, ["no", "yes"])
    assert found["before"]["log_loss"] == pytest.approx(report.probabilities.log_loss)
    assert found["before"]["ece"] == pytest.approx(report.probabilities.calibration.expected_error)
    assert sum(rows for _, _, rows in found["before"]["bins"]) == 2000


def test_several_classes_have_a_temperature_too():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3000, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (generator.random((3000, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    hot = np.exp(2 * logits) / np.exp(2 * logits).sum(axis=1, keepdims=True)
    assert calibrating.learned_temperature(labels, hot) == pytest.approx(2.0, rel=0.1)


def test_rows_that_are_all_right_or_too_few_show_no_temperature():
    labels = np.array([0, 1] * 30)
    right = np.where(labels == 1, 0.99, 0.01)[:, None]
    assert calibrating.learned_temperature(labels, right) is None
    assert calibrating.learned_temperature(*overconfident(29, 0)) is None
    found = calibrating.calibration(("no", "yes"), (labels, right), overconfident(100, 0))
    assert set(found) == {"before"}


def test_probabilities_of_0_and_1_have_finite_logits():
    assert np.isfinite(calibrating.logits_of(np.array([[0.0], [1.0]], np.float32))).all()
    assert np.isfinite(calibrating.logits_of(np.array([[0.0, 1.0]], np.float32))).all()


def test_labels_that_were_changed_are_suspect():
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 3, 600)
    probabilities = np.full((600, 3), 0.05)
    probabilities[np.arange(600), truth] = 0.9
    given = truth.copy()
    given[:20] = (given[:20] + 1) % 3
    found = label_errors.suspects(given, probabilities, label_errors.class_thresholds(given, probabilities))
    assert np.flatnonzero(found).tolist() == list(range(20))


def test_doubtful_rows_and_classes_without_rows_are_not_suspect():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.05, 0.05], [0.4, 0.35, 0.25], [0.1, 0.85, 0.05], [0.02, 0.03, 0.95]])
    thresholds = label_errors.class_thresholds(labels, probabilities)
    assert thresholds.tolist() == pytest.approx([0.65, 0.44, np.inf])
    assert not label_errors.suspects(labels, probabilities, thresholds).any()


def test_the_error_of_a_part_is_that_of_its_report():
    generator = np.random.default_rng(0)
    targets = generator.normal(5, 2, 100)
    values = (targets + generator.normal(size=100))[:, None].astype(np.float32)
    expected = 1 - regression_report(targets, values).r2
    assert part_errors.error_of(targets, values, "regression") == pytest.approx(expected)
    assert np.isnan(part_errors.error_of(np.ones(3), np.ones((3, 1)), "regression"))


def test_groups_are_scored_and_the_worst_comes_first():
    x, y, preparation = table()
    x[:12, 2], x[12:, 2] = 0, np.where(x[12:, 2] == 0, 1, x[12:, 2])
    predicted = np.where(x[:, 2] == 3, 1 - y, y)  # wrong for blue alone
    x[12:15, 2] = 2
    found = groups.group_scores(x, y, predicted, preparation, "classification")
    assert found[0]["value"] == "blue"
    assert {group["value"] for group in found} == {"(rare or unseen)", *COLOURS}
    blue = found[0]
    assert (blue["score"], blue["rows"], blue["column"]) == (0.0, int((x[:, 2] == 3).sum()), "colour")
    assert blue["interval"] == pytest.approx([float(bound) for bound in wilson(0.0, blue["rows"])])


def test_groups_of_a_regression_have_their_mean_absolute_error():
    x, _, preparation = table()
    targets = x[:, 0].astype(np.float64)
    predicted = targets + np.where(x[:, 2] == 1, 3.0, 1.0)
    worst, *others = groups.group_scores(x, targets, predicted, preparation, "regression")
    assert (worst["value"], worst["score"], worst["interval"]) == ("red", pytest.approx(3.0), pytest.approx([3.0, 3.0]))
    assert {group["score"] for group in others} == {1.0}


def test_small_groups_are_left_out():
    x, y, preparation = table(20)
    assert groups.group_scores(x[:9], y[:9], y[:9], preparation, "classification") == []


def test_permuting_the_column_that_decides_costs_the_most():
    x, y, preparation = table()
    names = dict(enumerate(preparation.feature_names))
    found, measured = importance.permutation_importance(
        x, y, lambda rows: (rows[:, :1] > 0).astype(np.float32), names, "classification"
    )
    assert measured == 4
    assert found[0]["column"] == "decides"
    low, high = found[0]["interval"]
    assert 0.3 < low < found[0]["drop"] < high < 0.5
    assert all((row["drop"], row["interval"]) == (0.0, [0.0, 0.0]) for row in found[1:])


def test_the_importance_of_a_regression_is_a_drop_of_r2():
    x, _, _ = table(2000)
    targets = 2.0 * x[:, 0]
    ((row, _), _) = importance.permutation_importance(
        x, targets, lambda rows: 2 * rows[:, :1], {0: "decides", 3: "day"}, "regression"
    )
    # The error of a permuted prediction has twice the variance of the targets.
    assert row["drop"] == pytest.approx(2.0, abs=0.1)
    assert row["interval"][0] < 2 < row["interval"][1]


def test_importance_ends_in_time_and_says_how_many_columns_it_measured(monkeypatch):
    monkeypatch.setattr(importance, "_MOST_ROWS_AT_ONCE", 1)
    x, y, _ = table(100)
    names = {column: str(column) for column in range(4)}
    found, measured = importance.permutation_importance(
        x, y, lambda rows: rows[:, :1] * 0, names, "classification", seconds=0
    )
    assert (len(found), measured) == (1, 1)


def test_columns_of_strong_association_are_measured_first():
    x, _, _ = table(2000)
    values = (0.2 * x[:, :1] + (x[:, 2:3] == 2)).astype(np.float32)
    assert importance.by_association(x, values, [3, 1, 0, 2], {2})[:2] == [2, 0]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_simple_models_are_compared_on_the_same_rows(task):
    x, y, preparation = table(600)
    y = y if task == "classification" else x[:, 0] + 0.1 * y
    train, test = (x[:400], y[:400]), (x[400:], y[400:])
    found = baselines.baselines(train, test, np.full(200, y[400:].mean()).astype(y.dtype), preparation, task)
    assert [row["name"] for row in found] == ["linear model", "gradient boosting"]
    for row in found:
        assert row["score"] > 0.8
        assert row["interval"][0] < row["score"] < row["interval"][1]
        assert row["difference_interval"][0] < row["difference"] < row["difference_interval"][1] < 0
        assert row["p_value"] < 0.01
        assert row["test"] == ("McNemar" if task == "classification" else "paired bootstrap")


def test_simple_models_take_many_categories_and_class_weights():
    generator = np.random.default_rng(0)
    codes = generator.integers(1, 31, 600).astype(np.float32)
    x = np.stack([codes, generator.normal(size=600).astype(np.float32)], axis=1)
    y = (codes % 2).astype(np.int64)
    preparation = TablePreparation.fit(
        x, y, "classification", ("code", "noise"), vocabularies={"code": tuple(map(str, range(30)))}
    )
    arguments = (x[:400], y[:400]), (x[400:], y[400:]), y[400:], preparation, "classification"
    assert all(row["score"] == 1.0 for row in baselines.baselines(*arguments))
    weighted = baselines.baselines(*arguments, {0: 0.0, 1: 1.0})
    assert all(row["score"] == y[400:].mean() for row in weighted)


def test_simple_models_are_left_out_where_they_would_say_nothing():
    x, y, preparation = table(60)
    equal = np.ones(60)
    assert baselines.baselines((x, y * 0), (x, y), y, preparation, "classification") == []
    assert baselines.baselines((x, equal), (x, equal), equal, preparation, "regression") == []
    assert baselines.baselines((x, y + 0.0), (x, equal), equal, preparation, "regression") == []
    assert baselines.most_training_rows(10) == 50_000
    assert baselines.most_training_rows(2000) == 1000


def test_values_are_texts_as_people_know_them():
    _, _, preparation = table()
    row = np.array([0.1, np.nan, 0, 19_700.25], np.float32)
    texts = [table_columns.value_text(preparation, column, row[column]) for column in range(4)]
    assert texts == ["0.1", "(missing)", "(rare or unseen)", "2023-12-09 06:00"]
    assert table_columns.value_text(preparation, 2, 3.0) == "blue"
    assert table_columns.value_text(preparation, 3, 19_700.0) == "2023-12-09"
    assert table_columns.category_text(("",), 1) == "(missing)"


def test_examples_are_the_greatest_losses_with_their_values():
    x, y, preparation = table()
    probabilities = np.where(y == 1, 0.9, 0.1)
    probabilities[7] = 0.999 if y[7] == 0 else 0.001
    report = classification_report(y, probabilities, ["no", "yes"])
    suspect = np.zeros(12, bool)
    suspect[0] = True
    first, *others = examples.examples_of(report, x, preparation, suspect)
    assert (first["row"], first["is_suspect"], len(others)) == (7, True, 11)
    assert first["label"] == ["no", "yes"][y[7]] != first["predicted"]
    assert first["probability"] == pytest.approx(0.001)
    assert list(first["values"]) == ["decides", "noise", "colour", "day"]
    assert not any(row["is_suspect"] for row in others)


def test_thumbnails_are_small_bytes_in_the_order_of_the_rows():
    dataset = recipes.load_dataset("digits")
    images = examples.thumbnails(dataset.test[0], [5, 2], dataset.preparation)
    assert (images.shape, images.dtype) == ((2, 8, 8), np.uint8)
    np.testing.assert_allclose(images[1], dataset.test[0][2, :, :, 0] * 255 / 16, atol=0.5)
    large = np.zeros((1, 500, 300, 3), np.uint8)
    large[:, :250] = 255
    (small,) = examples.thumbnails(large, [0], dataset.preparation)
    assert small.shape == (83, 50, 3)
    assert (small[0] == 255).all()
    assert (small[-1] == 0).all()
    x, _, preparation = table()
    assert examples.thumbnails(x, [0], preparation) is None


def test_large_parts_are_sampled_without_repetition_and_in_their_order():
    part = np.arange(1000)[:, None], np.arange(1000)
    x, y = sampling.sample(part, 100)
    assert (len(set(y)), sorted(y)) == (100, y.tolist())
    np.testing.assert_array_equal(x[:, 0], y)
    assert sampling.sample(part, 100, limit=50)[1].tolist() == list(range(50))


def test_the_data_are_described_with_their_duplicates():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(100, 3))
    x[:, 2] = 1.0
    y = np.arange(100) % 2
    x[90], x[91], y[90], y[91] = x[0], x[1], y[0], y[1]
    x[5], y[5] = x[4], y[4]
    dataset = recipes.load_dataset(((x[:80], y[:80]), (x[80:90], y[80:90]), (x[90:], y[90:])))
    facts = data_facts.facts_of(dataset)
    assert facts["parts"] == {"train": 80, "validation": 10, "test": 10}
    assert facts["columns"][0] == {"name": "column_0", "kind": "number", "missing": 0, "left_out": None}
    assert facts["columns"][2]["left_out"] == "constant"
    expected = {"within train": 1, "train and test": 2, "train and validation": 0}
    assert expected.items() <= facts["duplicates"].items()
    assert summary.summarize(dataset)["rows"] == facts["parts"]


def test_the_median_is_that_of_repeated_calls():
    calls = []
    seconds = latency.median_seconds(lambda: calls.append(time.sleep(0.01)))
    assert 0.01 <= seconds < 0.1
    assert 3 <= len(calls) <= 11


def test_train_stores_the_analysis_of_a_table(run):
    found = Stored(run.directory).analysis
    assert found["errors"]["test"] == pytest.approx(1 - run.report.accuracy)
    assert found["errors"]["training"] < 0.1
    assert found["basis"]["errors"] == {"training": 399, "validation": 57, "test": 113}
    assert [row["name"] for row in found["baselines"]] == ["linear model", "gradient boosting"]
    for row in found["baselines"]:
        assert row["difference"] == pytest.approx(run.report.accuracy - row["score"])
    assert found["examples"][0]["row"] == run.report.probabilities.greatest_losses[0].row
    assert found["latency"]["parameters"] == run.model.count_params()
    assert found["latency"]["model_bytes"] == (run.directory / "model.keras").stat().st_size
    assert found["latency"]["memory_bytes"] == 4 * run.model.count_params()
    assert len(found["importance"]) == 30
    assert found["basis"]["importance"]["left_out"] == 0
    assert "groups" not in found
    assert found["label_errors"]["rows"] == 113


def evaluated(recipe, dataset):
    """A run of a network that was not trained."""
    model = Training.of(recipe, dataset).serving()
    x, labels = dataset.test
    values = model.predict(x, batch_size=256, verbose=0)
    report = classification_report(labels, values, dataset.class_names)
    probability = values[:, 0] if values.shape[1] == 1 else values
    predictions = {"label": labels, "predicted": decide(values), "probability": probability}
    return Evaluated(model, recipe, dataset, report, predictions, batch_size=256, limit=100)


@pytest.mark.backend
def test_images_have_no_parts_that_are_those_of_tables():
    recipe = recipes.get("digits").replace(model={"builder": "mlp", "widths": [4]})
    found = analyse(evaluated(recipe, recipes.load_dataset("digits")), model_bytes=7)
    assert set(found) == {"errors", "calibration", "label_errors", "examples", "data", "latency", "basis"}
    assert found["basis"]["errors"] == {"training": 100, "validation": 100, "test": 359}
    assert all(row["values"] is None for row in found["examples"])
    assert found["latency"]["model_bytes"] == 7
    assert "columns" not in found["data"]


@pytest.mark.extensive
@pytest.mark.backend
def test_a_trial_run_of_images_stores_its_examples(tmp_path):
    run = recipes.train("digits", output=tmp_path, fast_dev_run=True, verbose=False)
    stored = Stored(run.directory)
    assert len(stored.examples["images"]) == len(stored.analysis["examples"]) == 12
    assert stored.analysis["basis"]["errors"]["training"] == 64


@pytest.mark.extensive
def test_the_analysis_of_a_wide_table_is_bounded():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(3000, 2000)).astype(np.float32)
    dataset = recipes.load_dataset((x, (x[:, 1000] > 0).astype(np.int64)))
    found = analyse(evaluated(recipes.get("tabular"), dataset))
    used = found["basis"]["importance"]
    assert len(found["importance"]) == min(50, used["columns"])
    assert used["columns"] + used["left_out"] == 2000
    assert len(found["data"]["columns"]) == 2000
    assert len(found["examples"][0]["values"]) == 50
    assert "baselines" not in found
