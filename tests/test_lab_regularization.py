import numpy as np
import pytest

import recipes
from recipes.lab.regularization import RATE, STRENGTH, STRENGTHS

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def result():
    return recipes.lab.run("regularization")


def test_degree_1_underfits_4_fits_and_15_overfits_until_it_is_penalized(result):
    training, true = (
        {key: values[0] for key, values in part.items()} for part in (result.training_error, result.true_error)
    )
    assert training[1, "L2"] > training[4, "L2"] > training[15, "L2"]
    assert true[4, "L2"] < true[1, "L2"] < true[15, "L2"]
    for penalty in ("L1", "L2"):
        assert result.true_error[15, penalty].min() < true[4, penalty] < 0.05


def test_l1_makes_zeros_and_l2_does_not(result):
    for degree in (4, 15):
        assert (result.weights[degree, "L2"][:-1] != 0).all()
        assert (result.weights[degree, "L1"][25:-1] == 0).any()
    assert (result.weights[15, "L1"][result.best("L1")] == 0).sum() > 7


def test_fits_of_both_penalties_are_minima_of_their_loss(result):
    from recipes.lab.regularization import _X, _columns

    columns, y = _columns(_X, 4), result.y - result.y.mean()
    at = 40
    for penalty, size in (("L1", np.abs), ("L2", np.square)):
        best = result.weights[4, penalty][at]

        def loss(weights, size=size):
            return ((columns @ weights - y) ** 2).mean() + STRENGTHS[at] * size(weights).sum()

        moves = np.random.default_rng(0).standard_normal((200, 4)) * 1e-3
        assert min(loss(best + move) for move in moves) > loss(best)


def test_every_fit_goes_from_the_unpenalized_one_to_the_mean(result):
    for (degree, _), weights in result.weights.items():
        np.testing.assert_allclose(weights[0], result.weights[degree, "L2"][0])
        assert not weights[-1].any()
        sizes = np.abs(weights).sum(-1)
        assert sizes[0] >= sizes[-2]


def test_l2_prefers_four_small_weights_to_one_and_l1_does_not_care(result):
    assert result.output.tolist() == [1, 1]
    assert result.penalty.tolist() == [[1, 1], [1, 0.25]]


def test_a_step_of_l2_is_a_factor_and_that_of_l1_is_constant(result):
    l1, l2 = result.steps["L1"], result.steps["L2"]
    np.testing.assert_allclose(l2, (1 - 2 * RATE * STRENGTH) ** np.arange(31), rtol=1e-5)
    np.testing.assert_allclose(l1[:20], 1 - RATE * STRENGTH * np.arange(20), atol=1e-5)
    assert np.abs(l1[20:]).max() < RATE * STRENGTH + 1e-5


def test_the_minimum_of_the_loss_with_l1_lies_on_an_axis(result):
    assert result.surface_minimum["L1"].tolist() == [1.5, 0]
    assert result.surface_minimum["L2"].tolist() == [1, 0.25]
