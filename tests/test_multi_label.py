import json

import numpy as np
import pytest

import recipes

NAMES = ["beach", "sunset", "trees"]


def rows(count=300, seed=0):
    """Labels that go together, and probabilities that know them more or less."""
    generator = np.random.default_rng(seed)
    mood = generator.normal(size=(count, 1))
    truth = (mood + generator.normal(size=(count, 3)) > [0.5, 1.0, 0.3]).astype(int)
    return truth, 1 / (1 + np.exp(-(generator.normal(size=(count, 3)) + 4 * truth - 2)))


def test_it_prints_the_answer_first():
    truth, scores = rows()
    report = recipes.classification_report(truth, scores, NAMES)
    lines = str(report).splitlines()
    share = (truth == (scores > 0.5)).all(axis=1).mean()
    assert lines[0].startswith(f"all labels right in {share:.4f} (95 %: ")
    assert lines[0].endswith(f"no label for any row would get {(truth == 0).all(axis=1).mean():.4f}")
    assert [line.split()[0] for line in lines if line.startswith(tuple(NAMES))] == NAMES
    worst = report.probabilities.greatest_losses[0]
    is_there = "there" if truth[worst.row, NAMES.index(worst.true)] else "not there"
    assert f"  row {worst.row}: {worst.true} is {is_there} and was given" in str(report)
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert {"accuracy", "classes", "macro", "micro", "weighted", "confusion_matrix"} <= set(content)


def test_the_most_frequent_answers_stand_beside_each_score():
    truth, scores = rows()
    truth[:, 2] = 1 - truth[:, 1]
    report = recipes.classification_report(truth, scores)
    answers = np.broadcast_to(truth.mean(axis=0) > 0.5, truth.shape).astype(int)
    same = recipes.classification_report(truth, answers)
    for name in ("hamming_loss", "macro_f1", "micro_f1", "weighted_f1"):
        assert report.baseline[name] == pytest.approx(same.overall[name])
    # How often all these answers are right together does not follow from counts.
    assert np.isnan(report.baseline["accuracy"])
    shares = np.broadcast_to(truth.mean(axis=0), truth.shape).astype(float)
    constant = recipes.classification_report(truth, shares).probabilities
    assert report.baseline["log_loss"] == pytest.approx(constant.log_loss)
    assert report.baseline["brier"] == pytest.approx(constant.brier)


@pytest.mark.extensive
def test_intervals_of_rows_hold_the_truth_though_labels_go_together():
    truth, scores = rows(100_000, seed=1)
    whole = recipes.classification_report(truth, scores).overall
    held = dict.fromkeys(("accuracy", "hamming_loss", "micro_f1"), 0)
    for part in np.array_split(np.arange(60_000), 300):
        ends = recipes.classification_report(truth[part], scores[part]).intervals
        for name in held:
            held[name] += ends[name][0] <= whole[name] <= ends[name][1]
    assert all(0.92 < count / 300 < 0.985 for count in held.values()), held


def test_weights_count_as_repeated_rows():
    truth, scores = rows()
    weights = np.arange(300) % 3 + 1
    weighted = recipes.classification_report(truth, scores, sample_weight=weights)
    repeated = recipes.classification_report(np.repeat(truth, weights, axis=0), np.repeat(scores, weights, axis=0))
    assert weighted.overall == pytest.approx(repeated.overall)
    np.testing.assert_allclose(weighted.confusion_matrix, repeated.confusion_matrix)
    low, high = weighted.intervals["accuracy"]
    narrow = repeated.intervals["accuracy"]
    # The weights say which rows count more, not that there were more of them.
    assert high - low > narrow[1] - narrow[0]


def test_a_label_without_rows_is_said_to_be_undefined():
    truth, scores = rows()
    truth[:, 1], scores[:, 1] = 0, 0.1
    report = recipes.classification_report(truth, scores, NAMES)
    assert report.classes["sunset"]["f1"] == 0
    assert np.isnan(report.classes["sunset"]["roc_auc"])
    assert "precision of class 'sunset': never predicted" in report.undefined
    assert "recall, ROC AUC, average precision of class 'sunset': no rows" in report.undefined
    assert "  F1 of sunset: no rows and never predicted" in str(report)


@pytest.mark.parametrize(
    ("truth", "scores", "message"),
    [
        (
            [[0, 1]],
            [[0.2, 0.3, 0.5]],
            r"the shape \(rows, 2\), a column for each label. Received: \(1, 2\) and \(1, 3\)",
        ),
        ([[0, 1]], [[0.2, 1.3]], "`y_score` must be probabilities .* Received: 1.3 at row 0"),
        ([[0, 1]], [[0, 3]], "`y_score` of multi-label rows must be 0 or 1. Received: 3 at row 0, column 1"),
        ([["a", "b"]], [[0, 1]], "`y_true` of multi-label rows must hold 0, 1 or truth values. Received: <U1"),
        ([[0, 1]], [[np.nan, 0.5]], "`y_score` has NaN in 1 rows, the first is row 0"),
    ],
)
def test_rows_that_cannot_be_evaluated_are_refused_in_one_sentence(truth, scores, message):
    with pytest.raises(ValueError, match=message):
        recipes.classification_report(truth, np.array(scores))
