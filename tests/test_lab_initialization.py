import numpy as np
import pytest

import recipes

pytestmark = [pytest.mark.backend, pytest.mark.extensive]


@pytest.fixture(scope="module")
def result():
    return recipes.lab.run("initialization")


def test_signal_and_gradient_vanish_with_small_weights(result):
    case = result.cases["tanh, σ = 0.01"]
    # While tanh is linear, each layer multiplies both by 0.01 sqrt(500).
    factor = 0.01 * 500**0.5
    assert case.deviation[1:] / case.deviation[:-1] == pytest.approx(factor, rel=0.05)
    assert case.gradient[0] == pytest.approx(factor**9, rel=0.2)


def test_large_weights_saturate_and_make_the_gradient_explode(result):
    case = result.cases["tanh, σ = 1"]
    assert (case.extreme > 0.9).all()
    assert 2e4 < case.gradient[0] < 2e5
    assert 0.15 < result.cases["tanh, σ = 0.1"].extreme[-1] < 0.3
    assert 3 < result.cases["tanh, σ = 0.1"].gradient[0] < 10


def test_positive_weights_saturate_every_unit_and_leave_no_gradient(result):
    case = result.cases["tanh, uniform (0 to 1)"]
    assert case.extreme[-1] == 1
    assert (case.gradient[:-1] == 0).all()


def test_xavier_suits_tanh_and_twice_its_variance_relu(result):
    tanh, relu, he = (result.cases[name] for name in ("tanh, Xavier", "ReLU, Xavier", "ReLU, variance 2/n"))
    assert 0.2 < tanh.deviation[-1] < 0.3
    assert 0.3 < tanh.gradient[0] < 0.5
    assert relu.gradient[0] == pytest.approx(2**-4.5, rel=0.2)
    assert relu.deviation[-1] / relu.deviation[0] == pytest.approx(2**-4.5, rel=0.2)
    assert he.deviation == pytest.approx(he.deviation[0], rel=0.2)
    assert he.gradient == pytest.approx(1, rel=0.2)
    assert he.extreme[-1] == pytest.approx(0.5, abs=0.05)


def test_histograms_hold_all_outputs_and_all_gradients_that_are_not_0(result):
    for case in result.cases.values():
        assert case.output_shares.sum(axis=1) == pytest.approx(1)
    assert result.cases["tanh, Xavier"].gradient_shares.sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert not result.cases["tanh, uniform (0 to 1)"].gradient_shares[:-1].any()


def test_equal_units_stay_equal(result):
    zeros, equal, random = (result.starts[name] for name in ("all 0", "all 0.05", "random"))
    assert (zeros.different_units, equal.different_units, random.different_units) == (1, 1, 32)
    assert zeros.accuracy[-1] < 0.15 < equal.accuracy[-1] < 0.4 < 0.9 < random.accuracy[-1]
    assert np.ptp(zeros.accuracy[1:]) < 0.03
