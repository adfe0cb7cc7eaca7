import keras
import numpy as np
import pytest

import recipes
from recipes.lab import dead_relu

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def result():
    return recipes.lab.run("dead-relu")


@pytest.mark.extensive
def test_units_are_silent_where_their_biases_are_far_below_zero():
    networks = {"dead": (keras.layers.ReLU, -1000.0), "alive": (keras.layers.ReLU, 0.0)}
    courses = dead_relu.run(networks=networks, rates=(1e-6,), epochs=1).courses
    assert courses["dead"].silent.tolist() == [[1.0]]
    assert courses["alive"].silent[0, 0] < 0.2


@pytest.mark.extensive
def test_dead_relus_stay_dead_and_a_slope_keeps_units(result):
    burst = dead_relu.BURST - 1
    relu, _, *sloped = result.courses.values()
    assert relu.silent[-1, burst] > 0.15
    assert relu.silent[-1, -1] > 0.8 * relu.silent[-1, burst]
    for course in sloped:
        assert course.silent[-1, -1] < 0.5 * relu.silent[-1, -1]
        assert course.accuracy[-1] > 0.9


@pytest.mark.extensive
def test_the_higher_the_rate_the_more_units_die(result):
    assert (np.diff(result.courses["ReLU"].silent[:, -1]) > 0).all()


@pytest.mark.extensive
def test_small_positive_biases_keep_units_alive_while_steps_are_short(result):
    relu, biased = list(result.courses.values())[:2]
    assert biased.silent[0, -1] < relu.silent[0, -1]
