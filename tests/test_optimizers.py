import keras
import numpy as np
import pytest

import recipes
from custom_layers import Maxout, PReLU


@pytest.mark.parametrize(
    ("name", "kind", "momentum"),
    [
        ("sgd", keras.optimizers.SGD, 0.0),
        ("momentum", keras.optimizers.SGD, 0.9),
        ("nesterov", keras.optimizers.SGD, 0.9),
        ("adagrad", keras.optimizers.Adagrad, None),
        ("rmsprop", keras.optimizers.RMSprop, 0.0),
        ("adam", keras.optimizers.Adam, None),
        ("adamw", keras.optimizers.AdamW, None),
        ("nadam", keras.optimizers.Nadam, None),
        ("lamb", keras.optimizers.Lamb, None),
    ],
)
def test_optimizers_come_by_name(name, kind, momentum):
    guard = recipes.optimizers.get(name, 0.25, global_clipnorm=2.0)
    optimizer = guard.inner_optimizer
    assert isinstance(optimizer, kind)
    assert float(guard.learning_rate) == 0.25
    assert getattr(optimizer, "momentum", None) == momentum
    assert getattr(optimizer, "nesterov", False) == (name == "nesterov")


@pytest.mark.backend
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_weight_decay_shrinks_kernels_only(name):
    layers = [
        keras.Input((4, 4, 2)),
        keras.layers.Conv2D(3, 3, bias_initializer="ones"),
        keras.layers.BatchNormalization(beta_initializer="ones"),
        PReLU(),
        keras.layers.LayerNormalization(),
        Maxout(2, bias_initializer="ones"),
    ]
    model = keras.Sequential(layers)
    before = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights}
    optimizer = recipes.optimizers.get(name, 0.1, weight_decay=0.5)
    optimizer.build(model.trainable_weights)
    optimizer.apply([keras.ops.zeros(weight.shape) for weight in model.trainable_weights])
    for weight in model.trainable_weights:
        factor = 0.95 if weight.name == "kernel" else 1.0
        np.testing.assert_allclose(keras.ops.convert_to_numpy(weight), factor * before[weight.path], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("adm", {}, "unknown optimizer 'adm': did you mean 'adam'"),
        (3, {}, "unknown optimizer 3"),
        ("adam", {"learning_rate": -1.0}, "`learning_rate` must be more than 0 and finite. Received: -1.0"),
        ("adam", {"weight_decay": "x"}, "`weight_decay` must be more than 0 and finite. Received: 'x'"),
        ("momentum", {"momentum": "x"}, "`momentum` must be at least 0 and less than 1. Received: x"),
        ("adam", {"weight_decay": 0}, "`weight_decay` must be more than 0 and finite. Received: 0"),
        ("adam", {"clipnorm": 0}, "`clipnorm` must be more than 0 and finite. Received: 0"),
        ("adam", {"clipnorm": 1, "clipvalue": 1}, "only one way of clipping can be set"),
        ("adam", {"clipnorm": 1, "percentile_clip": 10}, "only one way of clipping can be set"),
        ("adam", {"momentum": 0.9}, "`momentum` belongs to momentum and nesterov. Received: 0.9 with adam"),
        ("momentum", {"momentum": 1.0}, "`momentum` must be at least 0 and less than 1. Received: 1.0"),
        ("adam", {"ema_momentum": -0.1}, "`ema_momentum` must be at least 0 and less than 1. Received: -0.1"),
        ("adam", {"adaptive_clip": 0}, "`clip_factor` must be more than 0 and finite. Received: 0"),
    ],
)
def test_wrong_arguments_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        recipes.optimizers.get(name, **arguments)


def test_a_whole_number_is_a_rate():
    assert float(keras.ops.convert_to_numpy(recipes.optimizers.get("sgd", 1).learning_rate)) == 1.0
