import math

import keras
import pytest

import recipes
from recipes.initialization import second_moment
from recipes.initialization.initializers import SECOND_MOMENTS


@pytest.mark.parametrize(
    ("nonlinearity", "gain"),
    [
        ("linear", 1),
        ("conv1d", 1),
        ("conv2d", 1),
        ("conv3d", 1),
        ("sigmoid", 1),
        ("tanh", 5 / 3),
        ("relu", 2**0.5),
        ("leaky_relu", (2 / 1.04) ** 0.5),
        ("Leaky-ReLU", (2 / 1.04) ** 0.5),
        ("selu", 0.75),
    ],
)
def test_the_table_is_that_of_the_textbook(nonlinearity, gain):
    assert recipes.gain(nonlinearity) == pytest.approx(gain, abs=1e-15)


def test_the_slope_counts():
    assert recipes.gain("leaky_relu", negative_slope=0.01) == math.sqrt(2 / 1.0001)
    assert recipes.gain("leaky_relu", negative_slope=1) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"nonlinearity": "rleu"}, "unknown nonlinearity 'rleu': did you mean 'relu'. Known: linear, conv1d, .*, selu"),
        ({"nonlinearity": "gelu"}, "unknown nonlinearity 'gelu'"),
        (
            {"nonlinearity": "leaky_relu", "negative_slope": math.nan},
            "`negative_slope` must be a finite number. Received: nan",
        ),
        ({"nonlinearity": "leaky_relu", "negative_slope": "0.1"}, "`negative_slope` must be .* Received: '0.1'"),
    ],
)
def test_what_is_not_in_the_table_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        recipes.gain(**arguments)


@pytest.mark.backend
@pytest.mark.parametrize("name", SECOND_MOMENTS)
def test_the_stated_second_moments_are_those_of_the_functions(name):
    function = keras.activations.get("silu" if name == "swish" else name)
    assert second_moment(function) == pytest.approx(SECOND_MOMENTS[name], abs=2e-6)


def test_second_moments_of_lines_are_exact():
    assert second_moment(lambda x: 3 * x) == pytest.approx(9, rel=1e-6)
    assert second_moment(keras.ops.relu) == pytest.approx(0.5, rel=1e-6)
