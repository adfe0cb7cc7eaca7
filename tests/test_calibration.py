import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from test_classification_counts import scored

import recipes
from recipes.metrics import temperature, with_temperature


def test_the_curve_of_two_classes_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    scores = generator.random(3000).round(2)  # many on the edges of bins
    truth = (generator.random(3000) < scores**2).astype(int)
    curve = recipes.classification_report(truth, scores).probabilities.calibration
    outcome, confidence = calibration_curve(truth, scores, n_bins=15)
    np.testing.assert_allclose(curve.outcome, outcome, atol=1e-12)
    np.testing.assert_allclose(curve.confidence, confidence, atol=1e-12)
    assert curve.weight.sum() == pytest.approx(1)
    gaps = np.abs(outcome - confidence)
    assert curve.expected_error == pytest.approx(gaps @ curve.weight)
    assert curve.greatest_error == pytest.approx(gaps.max())


def test_bins_of_equal_mass_hold_nearly_as_many_rows_each():
    truth, scores = scored(30_000, 3, 2.0)
    curve = recipes.classification_report(truth, scores).probabilities.equal_mass_calibration
    np.testing.assert_allclose(curve.weight, 1 / 15, atol=0.02)
    confidence = np.sort(scores.max(axis=1))
    right = (scores.argmax(axis=1) == truth)[np.argsort(scores.max(axis=1))]
    bins = zip(np.array_split(confidence, 15), np.array_split(right, 15), strict=True)
    expected = np.mean([abs(part.mean() - outcome.mean()) for part, outcome in bins])
    assert curve.expected_error == pytest.approx(expected, abs=0.005)


def test_right_confidences_show_the_error_of_chance():
    generator = np.random.default_rng(0)
    errors = []
    for _ in range(30):
        scores = generator.random(400)
        report = recipes.classification_report((generator.random(400) < scores).astype(int), scores)
        errors.append(report.probabilities.calibration.expected_error)
        assert "learns a correction" not in str(report)
    assert np.mean(errors) == pytest.approx(report.probabilities.calibration.chance_error, rel=0.1)


def test_a_temperature_corrects_overconfidence_and_changes_no_decision():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(20_000, 4)) * 2
    powers = np.exp(logits)
    shares = powers / powers.sum(axis=1, keepdims=True)
    truth = (generator.random(20_000)[:, None] > shares.cumsum(axis=1)).sum(axis=1)
    assert temperature(truth, 2.5 * logits) == pytest.approx(2.5, rel=0.03)
    assert temperature(truth, logits) == pytest.approx(1, rel=0.03)
    sharp = shares**2.5 / (shares**2.5).sum(axis=1, keepdims=True)
    before = recipes.classification_report(truth, sharp)
    found = temperature(truth, np.log(sharp))
    after = recipes.classification_report(truth, with_temperature(sharp, found))
    assert before.probabilities.calibration.expected_error > 0.1
    assert "recipes.metrics.temperature learns a correction" in str(before)
    assert after.probabilities.calibration.expected_error < 0.02
    assert "remedy" not in str(after)
    assert after.probabilities.log_loss < before.probabilities.log_loss
    np.testing.assert_array_equal(after.confusion_matrix, before.confusion_matrix)


def test_a_single_column_is_cooled_as_its_two_classes():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=5000) * 2
    truth = (generator.random(5000) < 1 / (1 + np.exp(-logits))).astype(int)
    one = temperature(truth, 3 * logits)
    assert one == pytest.approx(temperature(truth, np.stack([0 * logits, 3 * logits], axis=1)))
    assert one == pytest.approx(3, rel=0.1)
    scores = 1 / (1 + np.exp(-3 * logits))
    np.testing.assert_allclose(with_temperature(scores, one), 1 / (1 + np.exp(-3 * logits / one)), rtol=1e-9)
    assert with_temperature(scores[:, None], one).shape == (5000, 1)
    weights = np.where(np.arange(5000) < 100, 1.0, 0.0)
    assert temperature(truth, logits, weights) == pytest.approx(temperature(truth[:100], logits[:100]))


@pytest.mark.parametrize(
    ("y_true", "logits", "message"),
    [
        ([0, 2], np.eye(2), r"`y_true` must be class numbers from 0 to 1. Received: \[0 2\]"),
        ([0, 1], [[0, 1], [1, 0]], r"`logits` must be floats \(rows, classes\). Received: int64"),
        ([0, 1], [[0, np.nan], [1, 0]], "`logits` must be finite. Received: others in 1 rows, the first is 0"),
        ([0], np.eye(2), r"as many rows.* Received: shapes \(1,\) and \(2, 2\)"),
    ],
)
def test_wrong_logits_are_refused_in_one_sentence(y_true, logits, message):
    with pytest.raises(ValueError, match=message):
        temperature(y_true, logits)


def test_a_temperature_of_nothing_is_refused():
    with pytest.raises(ValueError, match="`temperature` must be more than 0 and finite. Received: 0"):
        with_temperature(np.array([0.5]), 0)
