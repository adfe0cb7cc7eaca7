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
def test_labels_are_judged_as_by_scikit_learn(seed):
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
    scores = np.random.default_rng(0).random((50, 4))
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
    assert report.classes["c"] == {"precision": 0, "recall": 0, "f1": 0, "accuracy": 1, "support": 0}


def test_the_dict_has_the_promised_keys_and_plain_values():
    content = recipes.classification_report([0, 1, 1], [0, 1, 0]).to_dict()
    assert {"accuracy", "classes", "macro", "micro", "weighted", "confusion_matrix"} <= set(content)
    assert set(content["classes"]["0"]) == {"precision", "recall", "f1", "accuracy", "support"}
    assert all(set(content[mean]) == {"precision", "recall", "f1"} for mean in MEANS)
    assert type(content["classes"]["0"]["support"]) is int
    assert content["confusion_matrix"] == [[1, 0], [1, 1]]


def test_it_prints_as_an_aligned_table():
    text = str(recipes.classification_report([0, 1, 1], [0, 1, 0], class_names=["cat", "elephant"]))
    assert text.splitlines() == [
        "          precision  recall      f1  accuracy  support",
        "cat          0.5000  1.0000  0.6667    0.6667        1",
        "elephant     1.0000  0.5000  0.6667    0.6667        2",
        "",
        "macro        0.7500  0.7500  0.6667",
        "micro        0.6667  0.6667  0.6667",
        "weighted     0.8333  0.6667  0.6667",
        "",
        "accuracy 0.6667 on 3 rows",
        "",
        "confusion matrix (a row: the true class; a column: the predicted one)",
        "          cat  elephant",
        "cat         1         0",
        "elephant    1         1",
    ]


def test_a_matrix_too_wide_for_a_terminal_is_not_printed():
    assert "confusion matrix" not in str(recipes.classification_report(np.arange(50), np.arange(50)))


@pytest.mark.parametrize(
    ("y_true", "y_score", "names", "message"),
    [
        ([], [], None, r"at least one, .* Received: shapes \(0,\) and \(0,\)"),
        ([0, 1], [0], None, r"as many rows.* Received: shapes \(2,\) and \(1,\)"),
        ([0.5, 1], [0, 1], None, "`y_true` must hold labels. Received: 0.5 at row 0"),
        ([[0, 1], [1, 0]], [0, 1], None, r"one label for each. Received: shapes \(2, 2\)"),
        ([0, 1], [0.5, np.nan], None, "`y_score` has NaN in 1 rows, the first is row 1"),
        ([0, 1], [0.5, 3.5], None, "`y_score` must be probabilities from 0 to 1.* Received: 3.5 at row 1"),
        ([0, 3], np.eye(2), None, "labels must be class numbers from 0 to 1. Received: 3 at row 1"),
        ([0, 1], np.eye(2), ["a", "b", "c"], "`y_score` has 2 classes. Received: 3 class names"),
        ([0, 1], np.ones((2, 2, 2)), None, r"`y_score` must have the shape \(rows,\) or \(rows, classes\)"),
        ([0, 1], np.ones((2, 2), dtype=int), None, "`y_score` must be labels"),
        (["a", "b"], [0, 1], None, "must be of one kind. Received: .*a.* and .*0"),
        ([0, 1], [0, 2], ["a", "b"], "labels must be class numbers from 0 to 1. Received: 2 at row 1"),
        ([0, 1], [0, 1], ["a", "a"], "`class_names` must differ. Received: a, a"),
        ([0, None], [0, 1], None, "`y_true` has 1 missing labels, the first at row 1"),
        ([0, np.nan], [0, 1], None, "`y_true` must hold labels. Received: nan at row 1"),
        ([0], 0.5, None, r"Received: shapes \(1,\) and \(\)"),
        (["a", "x"], ["a", "b"], ["a", "b"], "unknown classes 'x' in the labels. Known: a, b"),
    ],
)
def test_what_cannot_be_judged_is_told_in_one_line(y_true, y_score, names, message):
    with pytest.raises(ValueError, match=message):
        recipes.classification_report(y_true, np.asarray(y_score), names)
