import numpy as np
import pytest

import recipes
from recipes.lab import vanishing

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def courses():
    return recipes.lab.run("vanishing").courses


def test_a_sigmoid_passes_a_quarter_of_the_gradient_times_the_weights():
    result = vanishing.run(variants={"sigmoid": vanishing.Variant("sigmoid")}, depth=4, epochs=1)
    norms = result.courses["sigmoid"].norms
    assert norms.shape == (1, 4)
    # 32 weights of deviation 0.1 multiply the norm by about 0.1 sqrt(32).
    assert norms[0, 1] / norms[0, 2] == pytest.approx(0.25 * 0.1 * 32**0.5, rel=0.35)


@pytest.mark.extensive
def test_the_gradient_of_sigmoids_falls_by_a_factor_of_four_and_more_from_layer_to_layer(courses):
    assert courses["sigmoid"].per_layer < 1 / 4
    assert courses["sigmoid"].first_over_last < 1e-4
    assert courses["sigmoid"].accuracy[-1] < 0.2
    # The largest slope is a quarter, whatever the weights: Glorot's keep the norm otherwise.
    assert courses["sigmoid, Glorot"].per_layer == pytest.approx(0.25, abs=0.07)
    assert courses["sigmoid, Glorot"].accuracy[-1] < 0.2


@pytest.mark.extensive
def test_proper_initialization_heals_tanh_and_relu(courses):
    for naive, proper in (("tanh", "tanh, Glorot"), ("ReLU", "ReLU, He")):
        assert courses[proper].per_layer == pytest.approx(1, abs=0.15)
        assert courses[naive].per_layer < 0.9
        assert courses[naive].accuracy[-1] < 0.7
        assert courses[proper].accuracy[-1] > 0.85


@pytest.mark.extensive
def test_batch_normalization_and_shortcuts_heal_sigmoids_with_small_initial_weights(courses):
    for name in ("sigmoid, batch normalization", "sigmoid, shortcuts"):
        assert 0.3 < courses[name].first_over_last < 3
        assert courses[name].accuracy[-1] > 0.8


@pytest.mark.extensive
def test_layers_keep_their_own_speed_over_the_whole_training(courses):
    norms = courses["sigmoid"].norms
    assert (np.diff(np.log(norms), axis=1) > 0).all()  # the nearer to the output, the faster, in every epoch
