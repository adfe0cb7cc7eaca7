import keras
import pytest

import recipes


@pytest.mark.parametrize(
    ("name", "kind", "momentum"),
    [
        ("sgd", keras.optimizers.SGD, 0.0),
        ("momentum", keras.optimizers.SGD, 0.9),
        ("nesterov", keras.optimizers.SGD, 0.9),
        ("rmsprop", keras.optimizers.RMSprop, 0.0),
        ("adam", keras.optimizers.Adam, None),
    ],
)
def test_optimizers_come_by_name(name, kind, momentum):
    optimizer = recipes.optimizers.get(name, 0.25, global_clipnorm=2.0)
    assert type(optimizer) is kind
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.global_clipnorm == 2.0
    assert getattr(optimizer, "momentum", None) == momentum
    assert getattr(optimizer, "nesterov", False) == (name == "nesterov")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("adm", {}, "unknown optimizer 'adm': did you mean 'adam'"),
        (3, {}, "unknown optimizer 3"),
        ("adam", {"learning_rate": -1.0}, "`learning_rate` must be more than 0 and finite. Received: -1.0"),
        ("adam", {"clipnorm": 0}, "`clipnorm` must be more than 0. Received: 0"),
        ("adam", {"clipnorm": 1, "clipvalue": 1}, "only one way of clipping can be set"),
    ],
)
def test_wrong_arguments_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        recipes.optimizers.get(name, **arguments)
