"""Data-driven initialization scales each unit by itself, and puts the bends of units among the rows."""

import keras
import numpy as np
import pytest
from keras import layers

import recipes
from recipes import models
from recipes.initialization import initialize

pytestmark = pytest.mark.backend
ROWS = 3 + 2 * np.random.default_rng(0).standard_normal((400, 6)).astype("float32")


def outputs(model, name):
    return np.asarray(keras.ops.convert_to_numpy(keras.Model(model.input, model.get_layer(name).output)(ROWS)))


def test_each_unit_has_unit_variance_and_is_zero_within_the_rows():
    inputs = keras.Input((6,))
    x = layers.ReLU()(layers.Dense(40, name="first")(inputs))
    model = keras.Model(inputs, layers.Dense(30, name="second")(x))
    done = initialize(model, "data_driven", ROWS, seed=1)
    for name in ("first", "second"):
        values = outputs(model, name)
        np.testing.assert_allclose(values.std(axis=0), 1, rtol=1e-3)
        assert (values.min(axis=0) < 0).all()
        assert (values.max(axis=0) > 0).all()
        assert values.mean(axis=0).std() > 0.2  # bends lie at different places
    assert [start.layer for start in done.layers] == ["first", "second"]
    again = [np.array(weight) for weight in model.get_weights()]
    initialize(model, "data-driven", ROWS, seed=1)
    for one, other in zip(again, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_convolutions_are_scaled_by_channel():
    images = np.random.default_rng(0).standard_normal((20, 6, 6, 2)).astype("float32")
    model = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(5, 3)])
    initialize(model, "data_driven", images, seed=0)
    values = np.asarray(keras.ops.convert_to_numpy(model(images)))
    np.testing.assert_allclose(values.std(axis=(0, 1, 2)), 1, rtol=1e-3)


def test_a_recipe_begins_with_it_and_layers_of_tables_need_no_word():
    settings = {"initialization": "data_driven", "number_embedding": "periodic", "feature_scale": True, "members": 3}
    recipe = recipes.get("tabular").replace(model=settings)
    core = models.build(recipe, recipes.load_dataset("wine"))
    assert np.abs(np.asarray(keras.ops.convert_to_numpy(core.get_layer("dense_1").bias))).min() > 0


def test_after_an_error_all_weights_are_as_before():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, layers.Dense(4, name="second")(layers.Dense(3, name="first")(inputs)))
    before = model.get_weights()
    model.get_layer("second").call = lambda inputs: 1 / 0
    with pytest.raises(ValueError, match="does not take this `x`"):
        initialize(model, "data_driven", ROWS)
    with pytest.raises(ValueError, match="method 'data_driven' measures the signal on one batch.* Received: x=None"):
        initialize(model, "data_driven")
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
