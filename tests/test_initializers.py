import keras
import numpy as np
import pytest

import recipes
from custom_layers import Maxout, PReLU, RandomizedLeakyReLU


def drawn(initializer, shape=(600, 300)):
    keras.utils.set_random_seed(0)
    return keras.ops.convert_to_numpy(initializer(shape))


def largest(pieces, draws=400_000):
    """Mean square of the largest of some normal numbers, measured."""
    return (np.random.default_rng(0).normal(size=(draws, pieces)).max(1) ** 2).mean()


@pytest.mark.parametrize(
    ("activation", "variance"),
    [
        ("linear", 2 / (600 + 300)),
        (None, 2 / (600 + 300)),
        ("tanh", 2 / (600 + 300)),
        ("sigmoid", 2 / (600 + 300)),
        ("softmax", 2 / (600 + 300)),
        ("relu", 2 / 600),
        ("leaky_relu", 2 / 1.04 / 600),
        ("prelu", 2 / 1.0625 / 600),
        ("rrelu", 2 / (1 + (1 / 64 + 1 / 24 + 1 / 9) / 3) / 600),
        ("selu", 1 / 600),
        ("elu", 1.5505 / 600),
        ("gelu", 2.3517 / 600),
        ("silu", 2.8108 / 600),
        ("softplus", 1.0855 / 600),
        ("maxout", 1 / 600),
        (keras.activations.relu, 2 / 600),
        (lambda x: 2 * x, 1 / 4 / 600),
        (keras.layers.ReLU(negative_slope=0.5), 2 / 1.25 / 600),
        (keras.layers.LeakyReLU(0.3), 2 / 1.09 / 600),
        (keras.layers.ELU(), 1.5505 / 600),
        (keras.layers.Activation("selu"), 1 / 600),
        (PReLU(alpha_initializer=0.5), 2 / 1.25 / 600),
        (RandomizedLeakyReLU(uniform="divisor"), 2 / (1 + 1 / 24) / 600),
        (Maxout(3, pieces=4), 1 / largest(4) / 600),
    ],
)
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.backend
def test_the_variance_suits_the_activation(activation, variance, distribution):
    weights = drawn(recipes.initializer_for(activation, distribution))
    assert weights.var() == pytest.approx(variance, rel=0.02)
    assert abs(weights.mean()) < 5e-4


def test_the_slope_and_the_pieces_count():
    assert drawn(recipes.initializer_for("leaky_relu", negative_slope=1)).var() == pytest.approx(1 / 600, rel=0.02)
    assert drawn(recipes.initializer_for("prelu", negative_slope=0)).var() == pytest.approx(2 / 600, rel=0.02)
    for pieces in (2, 3, 5, 8):
        expected = 1 / largest(pieces) / 600
        assert drawn(recipes.initializer_for("maxout", pieces=pieces)).var() == pytest.approx(expected, rel=0.02)


def test_the_classes_are_those_of_keras_where_it_has_them():
    kinds = {name: type(recipes.initializer_for(name)).__name__ for name in ("tanh", "relu", "selu", "gelu")}
    assert kinds == {"tanh": "GlorotNormal", "relu": "HeNormal", "selu": "LecunNormal", "gelu": "VarianceScaling"}


@pytest.mark.parametrize(
    ("name", "arguments", "variance"),
    [
        ("zeros", {}, 0),
        ("normal_0.01", {}, 1e-4),
        ("normal_0.1", {}, 1e-2),
        ("normal_1", {}, 1),
        ("uniform_positive", {}, 1 / 12),
        ("uniform-centered", {}, 1 / 12),
        ("gain_fan_in", {}, 1 / 600),
        ("gain_fan_out", {"activation": "relu"}, 2 / 300),
        ("gain_fan_sum", {"activation": "tanh"}, 25 / 9 / 900),
        ("gain_fan_avg", {"activation": "selu", "distribution": "uniform"}, 9 / 16 / 450),
        ("gain_fan_in", {"activation": "leaky_relu", "negative_slope": 0.5}, 2 / 1.25 / 600),
        ("He_Normal", {}, 2 / 600),
    ],
)
def test_initializers_for_comparison_come_by_name(name, arguments, variance):
    weights = drawn(recipes.initialization.get(name, **arguments))
    assert weights.var() == pytest.approx(variance, rel=0.02)
    mean = 0.5 if name == "uniform_positive" else 0
    assert weights.mean() == pytest.approx(mean, abs=0.01)


def test_an_initializer_is_given_back():
    own = keras.initializers.Ones()
    assert recipes.initialization.get(own) is own


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recipes.initializer_for("rleu"), "unknown activation 'rleu': did you mean 'relu'"),
        (
            lambda: recipes.initializer_for("relu", distribution="cauchy"),
            "`distribution` must be normal or uniform. Received: 'cauchy'",
        ),
        (
            lambda: recipes.initializer_for("relu", negative_slope=0.1),
            "`negative_slope` belongs to leaky_relu, prelu and rrelu. Received: 0.1 with relu",
        ),
        (
            lambda: recipes.initializer_for("prelu", negative_slope=float("inf")),
            "`negative_slope` must be a finite number. Received: inf",
        ),
        (
            lambda: recipes.initializer_for("maxout", pieces=1),
            "`pieces` must be a whole number of at least 2. Received: pieces=1",
        ),
        (lambda: recipes.initializer_for(keras.layers.Dense(3)), "unknown activation 'dense'"),
        (
            lambda: recipes.initialization.get("gain_fan"),
            "unknown kernel initializer 'gain_fan': did you mean 'gain_fan_in'. Known: gain_fan_in, .* he_normal",
        ),
        (lambda: recipes.initialization.get("gain_fan_in", "gelu"), "unknown nonlinearity 'gelu'"),
        (
            lambda: recipes.initialization.get("gain_fan_in", distribution="normals"),
            "`distribution` must be normal or uniform. Received: 'normals'",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
