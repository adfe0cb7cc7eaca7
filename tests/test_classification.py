import json

import numpy as np
import pytest
from sklearn import metrics

import recipes

MEANS = ("macro", "micro", "weighted")


def assert_agrees_with_scikit_learn(report, y_true, y_pred, labels):
    assert report.accuracy == pytest.approx(metrics.accuracy_score(y_true, y_pred), abs=1e-12)
    np.testing.assert_array_equal(report.confusion_matrix, metrics.confusion_matrix(y_true, y_pred, labels=labels))
    expected = metrics.precision_recall_fscore_support(y_true, y_pred, labels=labels, zero_division=0)
    for name, scores in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        ours = [report.classes[str(label)][name] for label in labels]
        np.testing.assert_allclose(ours, scores, rtol=0, atol=1e-12)
    for label in labels:
        ours = report.classes[str(label)]["accuracy"]
        theirs = metrics.accuracy_score(np.equal(y_true, label), np.equal(y_pred, label))
        assert ours == pytest.approx(theirs, abs=1e-12)
    for mean in MEANS:
        expected = metrics.precision_recall_fscore_support(y_true, y_pred, labels=labels, average=mean, zero_division=0)
        ours = getattr(report, mean)
        np.testing.assert_allclose([ours["precision"], ours["recall"], ours["f1"]], expected[:3], rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_labels_are_scored_as_by_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    classes = generator.choice(20, size=generator.integers(2, 9), replace=False)
    y_true, y_pred = generator.choice(classes, size=(2, generator.integers(1, 200)))
    labels = np.unique([y_true, y_pred])
    assert_agrees_with_scikit_learn(recipes.classification_report(y_true, y_pred), y_true, y_pred, labels)


def test_text_and_truth_values_are_labels():
    y_true, y_pred = np.array(["b", "a", "b", "c"]), np.array(["b", "b", "b", "a"])
    assert_agrees_with_scikit_learn(recipes.classification_report(y_true, y_pred), y_true, y_pred, ["a", "b", "c"])
    y_true, y_pred = np.array([True, False, True]), np.array([True, True, True])
    assert_agrees_with_scikit_learn(recipes.classification_report(y_true, y_pred), y_true, y_pred, [False, True])


def test_the_highest_score_is_predicted():
    scores = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    y_true = np.arange(50) % 4
    report = recipes.classification_report(y_true, scores)
    assert_agrees_with_scikit_learn(report, y_true, scores.argmax(axis=1), range(4))


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_a_single_score_is_the_probability_of_class_one(shape):
    scores = np.array([0.1, 0.9, 0.5, 0.51, 0.2]).reshape(shape)
    report = recipes.classification_report([0, 1, 1, 1, 0], scores, class_names=["no", "yes"])
    assert report.confusion_matrix.tolist() == [[2, 0], [1, 2]]
    assert list(report.classes) == ["no", "yes"]


def test_class_names_that_are_numbers_do_not_renumber_the_classes():
    report = recipes.classification_report([0, 1, 2, 2], np.eye(3)[[0, 1, 2, 2]], class_names=["1", "2", "0"])
    assert report.accuracy == 1
    assert report.classes["0"]["support"] == 2


def test_text_labels_number_the_scores_as_they_sort():
    report = recipes.classification_report(["yes", "no"], np.array([0.9, 0.2]))
    assert report.class_names == ("no", "yes")
    assert report.accuracy == 1


def test_class_names_include_classes_that_do_not_occur():
    report = recipes.classification_report([0, 0], [0, 1], class_names=["a", "b", "c"])
    expected = {"precision": 0, "recall": 0, "f1": 0, "accuracy": 1, "specificity": 1, "support": 0}
    assert report.classes["c"] == expected
    assert report.undefined == (
        "precision of class 'c': never predicted",
        "recall of class 'b': no rows",
        "recall of class 'c': no rows",
        "F1 of class 'c': no rows and never predicted",
        "specificity of class 'a': all rows are of it",
        "Matthews correlation: a single class in the truth, or in the predictions",
    )


def test_the_dict_has_the_promised_keys_and_plain_values():
    content = recipes.classification_report([0, 1, 1], [0, 1, 0]).to_dict()
    assert {"accuracy", "classes", "macro", "micro", "weighted", "confusion_matrix"} <= set(content)
    assert {"precision", "recall", "f1", "accuracy", "support"} <= set(content["classes"]["0"])
    assert all(set(content[mean]) == {"precision", "recall", "f1"} for mean in MEANS)
    assert type(content["classes"]["0"]["support"]) is int
    assert content["confusion_matrix"] == [[1, 0], [1, 1]]


def test_it_prints_the_answer_first_and_tables_in_columns():
    report = recipes.classification_report([0, 1, 1, 1], [0, 1, 0, 1], class_names=["cat", "elephant"])
    assert str(report).splitlines() == [
        "accuracy 0.7500 (95 %: 0.3006 to 0.9544) on 4 rows; the majority class, elephant, would get 0.7500",
        "",
        "                       value              95 %  majority",
        "balanced accuracy     0.8333  0.3003 to 1.0000    0.5000",
        "macro F1              0.7333  0.2532 to 1.0000    0.4286",
        "weighted F1           0.7667  0.3228 to 0.9895    0.6429",
        "Matthews correlation  0.5774  0.2009 to 0.8676         -",
        "Cohen's kappa         0.5000  0.0585 to 1.0000    0.0000",
        "",
        "          precision 95 %    recall 95 %       f1 95 %           accuracy  support",
        "cat       0.5000 0.09-0.91  1.0000 0.21-1.00  0.6667 0.17-0.95    0.7500        1",
        "elephant  1.0000 0.34-1.00  0.6667 0.21-0.94  0.8000 0.34-0.97    0.7500        3",
        "",
        "macro     0.7500            0.8333            0.7333 0.25-1.00",
        "micro     0.7500            0.7500            0.7500",
        "weighted  0.8750            0.7500            0.7667 0.32-0.99",
        "",
        "confusion matrix (a row: the true class; a column: the predicted one)",
        "          cat  elephant",
        "cat         1         0",
        "elephant    1         2",
    ]


def test_it_prints_what_probabilities_add():
    truth = np.arange(60) % 3
    scores = np.full((60, 3), 0.02)
    scores[np.arange(60), truth] = 0.96
    scores[0], scores[1] = (0.0, 0.1, 0.9), (0.3, 0.0, 0.7)
    lines = str(recipes.classification_report(truth, scores, ["a", "b", "c"])).splitlines()
    for line in (
        "  a taken for c: 1 row, 5.0 % of a",
        "  row 0: a taken for c; a was given 0 (loss 36)",
        "2 rows gave the truth a probability of 0: their losses are the greatest that their precision allows",
    ):
        assert line in lines
    assert any(line.startswith("top-2 accuracy           0.9667") for line in lines)


def test_a_matrix_too_wide_for_a_terminal_is_not_printed():
    assert "confusion matrix" not in str(recipes.classification_report(np.arange(50), np.arange(50)))


def test_of_many_classes_the_worst_are_printed():
    truth = np.arange(100) % 50
    predicted = np.where(truth == 7, 8, truth)
    text = str(recipes.classification_report(truth, predicted))
    assert "the 15 of 50 classes with the lowest f1" in text
    assert "0.0000 0.00-0.66" in next(line for line in text.splitlines() if line.startswith("7 "))
    assert "7 taken for 8: 2 rows, 100.0 % of 7" in text
    assert "  precision of 7: never predicted" in text


def test_a_report_of_weighted_rows_says_so_and_is_json():
    report = recipes.classification_report(["a", "b", "a"], ["a", "b", "b"], sample_weight=[1, 2, 0.5])
    assert report.rows == 3
    assert "on 3 rows, weighted" in str(report)
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["classes"]["a"]["support"] == 1.5
    assert content["confusion_matrix"] == [[1.0, 0.5], [0.0, 2.0]]
    assert content["most_confused"] == [{"true": "a", "predicted": "b", "rows": 0.5, "share": 1 / 3}]


def test_the_majority_class_stands_beside_each_score():
    truth, scores = np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.6, 0.9])
    report = recipes.classification_report(truth, scores)
    majority = recipes.classification_report(truth, np.zeros(4, int), ["0", "1"])
    for name, value in majority.overall.items():
        np.testing.assert_equal(report.baseline[name], value)
    shares = recipes.classification_report(truth, np.full(4, 0.25)).probabilities
    assert report.baseline["log_loss"] == pytest.approx(shares.log_loss)
    assert report.baseline["brier"] == pytest.approx(shares.brier)
    assert report.baseline["average_precision"] == pytest.approx(shares.mean("average_precision"))
    truth = np.array([2, 2, 2, 1, 1, 0])
    shares = recipes.classification_report(truth, np.tile([1 / 6, 2 / 6, 3 / 6], (6, 1)))
    assert shares.probabilities.top_k(2) == pytest.approx(shares.baseline["top_2"]) == 5 / 6
    assert shares.probabilities.mean("roc_auc") == shares.baseline["roc_auc"] == 0.5
    assert shares.probabilities.mean("average_precision") == pytest.approx(shares.baseline["average_precision"])


@pytest.mark.parametrize("framework", ["tensorflow", "jax", "torch", "list", "pandas"])
def test_arrays_of_any_framework_are_evaluated(framework):
    truth, scores = [0, 1, 1], [[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]]
    expected = recipes.classification_report(truth, np.array(scores)).confusion_matrix.tolist()
    if framework == "list":
        given = truth, scores
    elif framework == "tensorflow":
        tensorflow = pytest.importorskip("tensorflow")
        given = tensorflow.constant(truth), tensorflow.constant(scores, "bfloat16")
    elif framework == "jax":
        numpy = pytest.importorskip("jax.numpy")
        given = numpy.array(truth), numpy.array(scores, "bfloat16")
    elif framework == "torch":
        torch = pytest.importorskip("torch")
        given = torch.tensor(truth), torch.tensor(scores, dtype=torch.bfloat16, requires_grad=True)
    else:
        pandas = pytest.importorskip("pandas")
        given = pandas.Series(truth), pandas.DataFrame(scores)
    assert recipes.classification_report(*given).confusion_matrix.tolist() == expected


@pytest.mark.parametrize(
    ("y_true", "y_score", "names", "message"),
    [
        ([], [], None, r"at least one, .* Received: shapes \(0,\) and \(0,\)"),
        ([0, 1], [0], None, r"as many rows.* Received: shapes \(2,\) and \(1,\)"),
        ([0.5, 1], [0, 1], None, "`y_true` must hold labels. Received: 0.5 at row 0"),
        ([[0, 1], [1, 1]], [0, 1], None, r"must have the shape \(rows, 2\).* Received: \(2, 2\) and \(2,\)"),
        ([[0, 1], [1, 2]], [[0, 1], [1, 1]], None, "`y_true` of multi-label rows .* Received: 2 at row 1, column 1"),
        ([0, 1], [[0.2, 0.3], [0.5, 0.5]], None, "must sum to 1. Received: 0.5 at row 0, and 1 of 2 rows"),
        ([0, 1], [[-2.5, 3], [0.5, -0.5]], None, "look like logits: .* Received: -2.5 at row 0 .*-2.5 to 3; 2 of 2"),
        ([0, 1], [[1.2, 0], [0.5, 0.5]], None, "from 0 to 1; or labels .* Received: 1.2 at row 0"),
        ([0, 1], [0, 1], "ab", "`class_names` must be a list of names. Received: 'ab'"),
        ([0, 1], [0.5, np.nan], None, "`y_score` has NaN in 1 rows, the first is row 1"),
        ([0, 1], [0.5, 3.5], None, "`y_score` must be probabilities from 0 to 1.* Received: 3.5 at row 1"),
        ([0, 3], np.eye(2), None, "labels must be class numbers from 0 to 1. Received: 3 at row 1"),
        ([0, 1], np.eye(2), ["a", "b", "c"], "`y_score` has 2 classes. Received: 3 class names"),
        ([0, 1], np.ones((2, 2, 2)), None, r"`y_score` must be labels .* Received: float64 of shape \(2, 2, 2\)"),
        ([0, 1], np.ones((2, 2), dtype=int), None, "`y_score` must be labels"),
        (["a", "b"], [0, 1], None, "must be of one kind. Received: .*a.* and .*0"),
        ([0, 1], [0, 2], ["a", "b"], "labels must be class numbers from 0 to 1. Received: 2 at row 1"),
        ([0, 1], [0, 1], ["a", "a"], "`class_names` must differ. Received: a, a"),
        ([0, None], [0, 1], None, "`y_true` has missing values in 1 rows, the first at row 1"),
        ([0, np.nan], [0, 1], None, "`y_true` has 1 missing labels, the first at row 1"),
        ([0], 0.5, None, r"Received: shapes \(1,\) and \(\)"),
        (["a", "x"], ["a", "b"], ["a", "b"], "unknown classes 'x' in the labels. Known: a, b"),
    ],
)
def test_rows_that_cannot_be_evaluated_are_refused_in_one_sentence(y_true, y_score, names, message):
    with pytest.raises(ValueError, match=message):
        recipes.classification_report(y_true, np.asarray(y_score), names)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, -0.5], "`sample_weight` must be finite and not negative. Received: -0.5 at row 1"),
        ([np.nan, 1], "`sample_weight` must be finite and not negative. Received: nan at row 0"),
        ([1], r"`sample_weight` must be numbers, one for each of 2 rows. Received: int64 of shape \(1,\)"),
        ([0, 0], "there is nothing to report: no rows, or none with a weight above 0"),
    ],
)
@pytest.mark.parametrize("y_score", [[0, 1], [0.2, 0.8]])
def test_wrong_weights_are_refused_in_one_sentence(weights, message, y_score):
    with pytest.raises(ValueError, match=message):
        recipes.classification_report([0, 1], y_score, sample_weight=weights)


@pytest.mark.parametrize("confidence", [0, 1, 95, "high", True])
def test_a_confidence_outside_0_and_1_is_refused(confidence):
    with pytest.raises(ValueError, match=f"`confidence` must be between 0 and 1. Received: {confidence!r}"):
        recipes.classification_report([0, 1], [0, 1], confidence=confidence)
