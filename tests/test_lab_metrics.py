import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

import recipes
from recipes.lab.metrics import DIGITS, MNIST, ROWS, Metrics
from recipes.metrics.classes.classification import classification_report


def test_always_saying_no_has_a_high_accuracy_and_a_recall_of_0():
    digits = classification_report(np.arange(10), np.arange(10)[[0, 1, 2, 3, 4, 5, 6, 7, 8, 8]])
    truth, names = np.array([0] * 9 + [1]), ("no", "yes")
    result = Metrics(
        data=DIGITS,
        report=digits,
        rare=classification_report(truth, truth, class_names=names),
        never=classification_report(truth, np.zeros(10, int), class_names=names),
    )
    assert result.answers()["always no"] == {"accuracy": 0.9, "precision": 0, "recall": 0, "f1": 0}
    assert set(result.answers()["network"].values()) == {1}
    assert len(result.plot()) == 3


@pytest.mark.extensive
@pytest.mark.backend
def test_the_report_on_digits_has_every_score_and_shows_what_accuracy_hides():
    result = recipes.lab.run("metrics")
    report, matrix = result.report, result.report.confusion_matrix
    assert 0.85 < report.accuracy < 0.97
    assert f"{ROWS[result.data]:,} digits" in result.explanation
    assert report.rows == {DIGITS: 359, MNIST: 10_000}[result.data]
    assert report.accuracy == pytest.approx(np.trace(matrix) / matrix.sum())
    truth, predicted = np.nonzero(np.ones((10, 10)))
    counts = matrix.ravel()
    expected = precision_recall_fscore_support(truth, predicted, sample_weight=counts)[:3]
    for key, values in zip(("precision", "recall", "f1"), expected, strict=True):
        assert [scores[key] for scores in report.classes.values()] == pytest.approx(values)
        assert report.macro[key] == pytest.approx(np.mean(values))
    never, network = result.answers().values()
    assert never["accuracy"] > 0.89
    assert network["accuracy"] - never["accuracy"] < 0.1
    assert never["recall"] == never["f1"] == 0
    assert network["f1"] > 0.75
