import numpy as np
import pytest

import recipes
from recipes.lab import optimizers

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def result():
    return recipes.lab.run("optimizers")


def path_of(name, place, function, start, steps):
    kind, arguments, rates = optimizers.OPTIMIZERS[name]
    return optimizers.followed(kind(rates[place], **arguments), function, start, steps)


def test_keras_follows_adams_formula_with_plus_signs():
    real = path_of("Adam", 0, optimizers.ravine, optimizers.RAVINE_START, 30)
    rate = optimizers.OPTIMIZERS["Adam"][2][0]
    np.testing.assert_allclose(real, optimizers.adam_formula(1, 1, rate, 30), atol=1e-4)
    uphill = optimizers.ravine(optimizers.adam_formula(-1, 1, rate, 30))[0]
    assert (np.diff(uphill) > 0).all()
    assert np.isnan(optimizers.adam_formula(1, -1, rate, 30)[1:]).all()


def test_adagrads_step_at_a_constant_gradient_is_that_of_one_over_the_root_of_its_number():
    lengths = np.diff(path_of("AdaGrad", 1, optimizers.slope, (1.0, 1.0), 20)[:, 0])
    np.testing.assert_allclose(lengths / lengths[0], 1 / np.sqrt(np.arange(1, 21)), rtol=1e-3)


def test_gradient_descent_zigzags_across_the_ravine():
    descent = path_of("gradient descent", 0, optimizers.ravine, optimizers.RAVINE_START, 5)
    assert (np.diff(np.sign(descent[:, 1])) != 0).all()
    np.testing.assert_allclose(descent[:, 0], -4 * 0.965 ** np.arange(6), rtol=1e-5)


def test_gradients_of_the_functions_are_right():
    w, small = np.array([0.7, -0.4]), 1e-6
    for function in (optimizers.ravine, optimizers.saddle, optimizers.slope):
        differences = [
            (function(w + small * unit)[0] - function(w - small * unit)[0]) / (2 * small) for unit in np.eye(2)
        ]
        np.testing.assert_allclose(differences, function(w)[1], atol=1e-6)


@pytest.mark.extensive
def test_all_but_gradient_descent_pass_the_ravine_sooner_and_leave_the_saddle_sooner(result):
    slow, *others = result.paths.values()
    for path in others:
        assert path.ravine_steps < slow.ravine_steps
        assert path.saddle_steps < slow.saddle_steps


@pytest.mark.extensive
def test_all_optimizers_learn_digits(result):
    assert all(path.digits_loss[-1] < 0.5 for path in result.paths.values())


@pytest.mark.extensive
def test_adagrads_rate_runs_out_and_adams_does_not(result):
    assert result.paths["AdaGrad"].step_sizes[-1] == pytest.approx(0.1, abs=0.001)
    assert result.paths["Adam"].step_sizes[-1] == pytest.approx(1, abs=0.01)
    assert result.adam_deviation < 1e-3
