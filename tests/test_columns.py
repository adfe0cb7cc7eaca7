"""Columns of numbers become learned vectors, and a learned scale weighs them, in networks and in saved models."""

import keras
import numpy as np
import pytest

import recipes
from custom_layers import FeatureScale, PeriodicEmbedding
from recipes import models

pytestmark = pytest.mark.backend
ROWS = np.array([[0.5, -1, 300], [1.5, 2, 1]], dtype=np.float32)


def array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def test_a_number_becomes_itself_and_linear_maps_of_its_cosines():
    layer = PeriodicEmbedding(2, frequencies=5, dimension=3)
    rows = array(layer(ROWS))
    frequency, phase, kernel, bias = map(array, layer.get_weights())
    for column in range(2):
        waves = np.cos(2 * np.pi * ROWS[:, [column]] * frequency[column] + phase[column])
        expected = np.c_[ROWS[:, column], waves @ kernel[column] + bias[column]]
        np.testing.assert_allclose(rows[:, 3 * column : 3 * column + 3], expected, atol=1e-5)
    np.testing.assert_array_equal(rows[:, 6], ROWS[:, 2])
    assert layer.compute_output_shape((None, 3)) == (None, 7)


def test_initial_waves_are_those_of_the_paper():
    layer = PeriodicEmbedding(seed=1)
    layer.build((None, 400))
    frequency, phase, kernel, bias = map(array, layer.get_weights())
    assert frequency.shape == (400, 1, 16)
    assert frequency.std() == pytest.approx(0.1, rel=0.05)
    for values, bound in ((phase, np.pi), (kernel, 0.25), (bias, 0.25)):
        assert 0.95 * bound < np.abs(values).max() <= bound
    assert not np.array_equal(kernel[0], kernel[1])


def test_columns_of_categories_are_left_to_their_own_embedding():
    model = recipes.mlp(
        (5,), 2, widths=(4,), number_embedding="periodic", numbers=2, embedded=(300,), feature_scale=True
    )
    assert [type(layer).__name__ for layer in model.layers[1:4]] == [
        "CategoryEmbedding", "PeriodicEmbedding", "FeatureScale",
    ]  # fmt: skip
    vector = model.get_layer("embedding").embeddings[0].shape[1]
    assert model.get_layer("feature_scale").scale.shape == (2 * 4 + 2 + vector,)
    whole = recipes.mlp((5,), 2, number_embedding="periodic", embedded=(3,)).get_layer("periodic_embedding")
    assert whole.columns == 4


def test_a_scale_of_each_column_is_one_at_first():
    layer = FeatureScale()
    np.testing.assert_array_equal(array(layer(ROWS)), ROWS)
    layer.set_weights([np.array([2, 0, 1])])
    np.testing.assert_array_equal(array(layer(ROWS)), ROWS * [2, 0, 1])


def test_a_recipe_embeds_the_numbers_of_its_data_and_saves_the_layer(tmp_path):
    dataset = recipes.load_dataset("iris")
    assert dataset.numbers == 4
    recipe = recipes.get("tabular").replace(
        model={"number_embedding": "periodic", "feature_scale": True, "widths": (8,), "activation": "parametric_mish"}
    )
    core = models.build(recipe, dataset)
    assert core.get_layer("periodic_embedding").columns == 4
    served = models.serving_model(core, dataset)
    served.save(tmp_path / "model.keras")
    again = recipes.load_model(tmp_path / "model.keras")
    rows = dataset.test[0]
    np.testing.assert_allclose(array(again(rows)), array(served(rows)), atol=1e-6)


def test_settings_that_do_not_fit_the_data_or_the_builder_are_refused():
    pandas = pytest.importorskip("pandas")
    codes = pandas.DataFrame({"letter": ["a", "b", "c"] * 60, "class": ["yes", "no"] * 90})
    periodic = recipes.get("tabular").replace(model={"number_embedding": "periodic"})
    with pytest.raises(ValueError, match="model.number_embedding needs columns of numbers, and .* has none. Received"):
        models.build(periodic, recipes.load_dataset(codes, target="class"))
    with pytest.raises(ValueError, match="model.feature_scale belongs to mlp. Received: True with residual"):
        models.build(periodic.replace(model={"builder": "residual", "number_embedding": None, "feature_scale": True}),
                     recipes.load_dataset("iris"))  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"number_embedding": "waves"}, "unknown number embedding 'waves'"),
        ({"number_embedding": "periodic", "numbers": 6}, r"needs 1 to 5 of `numbers`.* Received: 6"),
        ({"number_embedding": "periodic", "numbers": 0}, r"needs 1 to 5 of `numbers`.* Received: 0"),
        ({"number_embedding": "periodic", "embedded": [3] * 5}, r"needs 1 to 0 of `numbers`.* Received: 0"),
        ({"numbers": 3}, "`numbers` is for `number_embedding`. Received: 3 without one"),
        ({"feature_scale": "yes"}, "`feature_scale` must be true or false. Received: 'yes'"),
        ({"input_shape": (4, 4), "number_embedding": "periodic"}, "is for rows of numbers. Received: rows of shape"),
    ],
)
def test_wrong_arguments_of_the_builder_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        recipes.mlp(**{"input_shape": (5,), "num_outputs": 2, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": 0}, "`columns` must be a whole number of at least 1. Received: 0"),
        ({"frequencies": 1.5}, "`frequencies` must be a whole number of at least 1. Received: 1.5"),
        ({"dimension": 1}, "`dimension` must be a whole number of at least 2. Received: 1"),
        ({"frequency_scale": 0}, "`frequency_scale` must be more than 0, and finite. Received: 0"),
    ],
)
def test_wrong_arguments_of_the_layer_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PeriodicEmbedding(**arguments)


def test_rows_of_too_few_columns_are_refused():
    with pytest.raises(ValueError, match=r"expected rows of at least 4 columns. Received: shape \(2, 3\)"):
        PeriodicEmbedding(4)(ROWS)
    with pytest.raises(
        ValueError, match=r"the number of columns must be known. Received: input of shape \(None, None\)"
    ):
        FeatureScale().build((None, None))
