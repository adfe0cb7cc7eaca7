import numpy as np
import pytest

import recipes

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def result():
    return recipes.lab.run("losses")


def test_errors_are_targets_minus_predictions(result):
    assert result.errors[:3] == pytest.approx([0.8, 1.8, 0.2])
    assert result.mean_error == pytest.approx(-0.12)
    assert result.mae == pytest.approx(0.82)
    assert result.mse == pytest.approx(1.026)


def test_losses_of_the_image_are_sums(result):
    assert result.l2 == 33
    assert result.l1 == 11


def test_cross_entropy_and_hinge_of_three_classes_are_those_of_the_lecture(result):
    assert result.cross_entropy == pytest.approx([2.04, 0.079, 6.156], abs=6e-4)
    assert result.cross_entropy.mean() == pytest.approx(2.76, abs=5e-3)
    assert result.hinge == pytest.approx([2.9, 0, 12.9])
    assert result.hinge.mean() == pytest.approx(5.27, abs=5e-3)


def test_hinge_saturates_where_cross_entropy_does_not(result):
    assert result.leading_hinge.tolist() == [0, 12, 0]
    first, second, last = result.leading_cross_entropy
    assert first == pytest.approx(np.log(1 + np.exp(-8.0) + np.exp(-3.0)))
    assert first == pytest.approx(0.0489, abs=5e-5)  # printed as .0498, which is e^-3
    assert np.exp(-3.0) == pytest.approx(0.0498, abs=5e-5)
    assert second == pytest.approx(5.70, abs=5e-3)
    assert last == pytest.approx(2.8e-11, rel=0.01)
    assert result.rounded_cross_entropy == pytest.approx([first, second, 0], rel=1e-4)
    assert result.rounded_cross_entropy[2] == 0
    assert "0.0489 for (5, -3, 2) to 2.8e-11 for (5, -20, -20)" in result.explanation


def test_cross_entropy_of_two_classes_punishes_confident_mistakes_most(result):
    expected = [(0.105, 0.1, 0.01), (1.609, 0.8, 0.64), (0.105, 0.1, 0.01), (1.609, 0.8, 0.64)]
    np.testing.assert_allclose(result.binary, expected, atol=5e-4)


def test_softmax_by_its_formula_overflows_and_that_of_keras_does_not(result):
    true = 1 / (1 + np.exp(-1))
    assert result.shifted == pytest.approx(true, rel=1e-3)  # at 1e4, float32 has a step of 0.001
    assert 80 < result.largest_safe_score < 89
    assert np.isnan(result.naive[-1])
    assert result.from_logits == 1e4
    assert result.from_probabilities == pytest.approx(-np.log(1e-7), rel=1e-3)
