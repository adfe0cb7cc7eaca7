import numpy as np
import pytest

import recipes
from recipes.lab.signal import DEPTH, FITTED

pytestmark = [pytest.mark.backend, pytest.mark.extensive]
XAVIER, HE = "Xavier, LeCun: 1/n", "He: 2/n"


@pytest.fixture(scope="module")
def result():
    return recipes.lab.run("signal")


def test_linear_nets_multiply_by_powers(result):
    for gain, course in result.linear.items():
        powers = gain ** np.arange(1.0, 51)
        np.testing.assert_allclose(course.output, powers, rtol=1e-5)
        np.testing.assert_allclose(course.gradient, powers[::-1] / gain, rtol=1e-5)
    assert result.linear[1.5].output[-1] == pytest.approx(6.376e8, rel=1e-3)
    assert result.linear[0.5].output[-1] == pytest.approx(8.882e-16, rel=1e-3)


def test_products_of_ratios_are_those_of_the_textbook(result):
    assert result.products == pytest.approx((0.006, 6000))


def test_small_weights_vanish_behind_every_activation(result):
    for name, courses in result.courses.items():
        assert courses["σ = 0.01"].gradient[0] < 1e-12, name
        assert courses["σ = 0.01"].spread[-1] < 1e-7, name  # sums of outputs around 0.5 are rounded


def test_the_variance_that_fits_the_activation_keeps_signal_and_gradient(result):
    saved = [name for name in result.courses if name not in ("sigmoid", "softplus", "Swish", "Maxout, k = 5")]
    for name in saved:
        assert 0.1 < result.courses[name][FITTED].output[-1] < 3, name
        assert 0.2 < result.courses[name][FITTED].gradient[0] < 4, name


def test_relu_loses_half_of_the_variance_with_xavier(result):
    relu = result.courses["ReLU"]
    assert relu[XAVIER].gradient[0] == pytest.approx(0.5 ** ((DEPTH - 1) / 2), rel=0.5)
    assert relu[HE].gradient[0] == pytest.approx(1, rel=0.5)


def test_sigmoid_answers_every_row_alike_however_healthy_it_looks(result):
    sigmoid = result.courses["sigmoid"]
    for initializer in (XAVIER, HE, FITTED):
        assert sigmoid[initializer].output[-1] == pytest.approx(0.5, abs=0.03)
        assert sigmoid[initializer].spread[-1] < 1e-6
        assert sigmoid[initializer].gradient[0] < 1e-8
