import keras
import numpy as np
import pytest

import recipes


@pytest.mark.parametrize(
    ("activation", "variance"),
    [
        ("linear", 2 / (600 + 300)),
        (None, 2 / (600 + 300)),
        ("tanh", 2 / (600 + 300)),
        ("sigmoid", 2 / (600 + 300)),
        ("softmax", 2 / (600 + 300)),
        ("relu", 2 / 600),
        ("leaky_relu", 2 / 600),
        ("elu", 2 / 600),
        (keras.activations.relu, 2 / 600),
        ("selu", 1 / 600),
    ],
)
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.backend
def test_the_variance_suits_the_activation(activation, variance, distribution):
    keras.utils.set_random_seed(0)
    weights = np.asarray(recipes.initializer_for(activation, distribution)((600, 300)))
    assert weights.var() == pytest.approx(variance, rel=0.02)
    assert abs(weights.mean()) < 5e-4


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown activation 'rleu': did you mean 'relu'"):
        recipes.initializer_for("rleu")
    with pytest.raises(ValueError, match=r"`distribution` must be normal or uniform. Received: 'cauchy'"):
        recipes.initializer_for("relu", distribution="cauchy")
