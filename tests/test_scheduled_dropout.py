import keras
import numpy as np
import pytest

import recipes
from custom_layers import ScheduledDropout
from recipes.models import build
from recipes.settings import Recipe
from recipes.training.compiling import compile_model
from recipes.training.dropout_schedule import DropoutSchedule

ROWS = np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)


@pytest.mark.backend
def test_the_share_of_a_layer_lowers_its_rate():
    layer = ScheduledDropout(0.5, seed=1)
    ones = keras.ops.ones((100, 100))
    layer.build(ones.shape)
    for share, rate in ((1.0, 0.5), (0.4, 0.2), (0.0, 0.0)):
        layer.share.assign(share)
        values = keras.ops.convert_to_numpy(layer(ones, training=True))
        assert np.mean(values == 0) == pytest.approx(rate, abs=0.03)
        assert np.unique(values[values > 0]) == pytest.approx([1 / (1 - rate)])
    np.testing.assert_array_equal(layer(ones, training=False), ones)
    with pytest.raises(ValueError, match="`rate` must be at least 0 and less than 1. Received: 1"):
        ScheduledDropout(1)


@pytest.mark.backend
def test_dropout_falls_in_the_second_half_of_a_training_and_is_saved_at_its_full_rate(tmp_path):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3), ScheduledDropout(0.2), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    seen, share = [], model.layers[1].share
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(float(share.value)))
    model.fit(ROWS, ROWS[:, :1], epochs=4, verbose=0, callbacks=[DropoutSchedule(4), look])
    assert seen == pytest.approx([1, 1, 1, 0.5])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(loaded.layers[1].share.value) == 1
    np.testing.assert_array_equal(loaded.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0))


def test_a_recipe_lowers_dropout_and_weight_decay():
    recipe = recipes.get("digits").replace(
        regularization={"dropout": 0.1, "schedule": "flat_cosine"}, optimizer={"weight_decay": 0.01}, fit={"epochs": 8}
    )
    model = build(recipe, recipes.load_dataset("digits"))
    assert any(isinstance(layer, ScheduledDropout) for layer in model.layers)
    compile_model(model, recipe, steps_per_epoch=5)
    assert model.optimizer.decay_schedule.total_steps == 40
    assert [callback.epochs for callback in recipes.callbacks_for(recipe) if isinstance(callback, DropoutSchedule)] == [
        8
    ]
    with pytest.raises(ValueError, match="regularization.schedule needs `steps_per_epoch`"):
        compile_model(model, recipe.replace(schedule={"name": "constant"}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "lowers regularization.dropout and optimizer.weight_decay, and neither is set"),
        ({"optimizer": {"name": "schedule_free_adamw", "weight_decay": 0.1}}, "cannot lower the weight decay of sched"),
    ],
)
def test_a_schedule_of_nothing_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Recipe(name="mine").replace(regularization={"schedule": "flat_cosine"}, **changes)


def test_selu_has_no_ordinary_dropout_to_be_lowered():
    regularization = {"dropout": 0.1, "schedule": "flat_cosine"}
    recipe = Recipe(name="mine").replace(regularization=regularization, model={"activation": "selu"})
    with pytest.raises(ValueError, match="`scheduled_dropout` lowers ordinary dropout, and selu takes AlphaDropout"):
        build(recipe, recipes.load_dataset("digits"))


@pytest.mark.parametrize("builder", ["mlp", "convnet", "residual", "transfer"])
def test_every_builder_lowers_its_dropout(builder):
    regularization = {"dropout": 0.1, "schedule": "flat_cosine"}
    body = {"body": "mnist-small"} if builder == "transfer" else {}
    recipe = Recipe(name="mine").replace(regularization=regularization, model={"builder": builder, **body})
    model = build(recipe, recipes.load_dataset("digits"))
    assert any(isinstance(layer, ScheduledDropout) for layer in model.layers)
