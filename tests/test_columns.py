"""Columns of numbers become learned vectors, and a learned scale weighs them, in networks and in saved models."""

import keras
import numpy as np
import pytest

import recipes
from custom_layers import FeatureScale, PeriodicEmbedding, PiecewiseLinearEmbedding
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


def test_a_number_becomes_a_line_that_bends_at_the_edges_of_bins():
    layer = PiecewiseLinearEmbedding([[-1.0, 0.0, 2.0], [-2.0, 3.0]], dimension=3)
    rows = np.array([[-3, -4, 9], [-0.5, 0, 8], [1, 3, 7], [4, 5, 6]], dtype=np.float32)
    layer.build(rows.shape)
    linear, bias, kernel = map(array, layer.get_weights())
    line = rows[:, :1] * linear[0] + bias[0]
    np.testing.assert_allclose(array(layer(rows))[:, :3], line, atol=1e-6)  # at the start a line
    kernel = np.random.default_rng(0).standard_normal(kernel.shape)
    layer.kernel.assign(kernel)
    values = np.array([[-2, 0], [0.5, 0], [1, 0.5], [1, 2]])  # beyond the edges, the first and the last go on
    found = array(layer(rows))
    np.testing.assert_allclose(found[:, :3], line + values @ kernel[0], atol=1e-5)
    values = np.array([[-0.4], [0.4], [1.0], [1.4]])  # of the only bin, all goes on
    expected = rows[:, 1:2] * linear[1] + bias[1] + values @ kernel[1, :1]
    np.testing.assert_allclose(found[:, 3:6], expected, atol=1e-5)
    np.testing.assert_array_equal(found[:, 6], rows[:, 2])


def test_edges_are_quantiles_of_the_rows_and_equal_ones_are_one():
    x = np.c_[np.arange(101), np.arange(101) > 90].astype("float32")
    assert PiecewiseLinearEmbedding.quantile_edges(x, bins=4) == [[0, 25, 50, 75, 100], [0, 1]]


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


def test_weights_of_one_seed_begin_with_draws_of_their_own():
    piecewise = PiecewiseLinearEmbedding([[0.0, 1.0]], dimension=8, seed=0)
    periodic = PeriodicEmbedding(1, frequencies=8, dimension=9, seed=0)
    for layer, names in ((piecewise, ("linear_kernel", "bias")), (periodic, ("phase_bias", "bias"))):
        layer.build((None, 1))
        first, second = (keras.ops.convert_to_numpy(getattr(layer, name)).ravel() for name in names)
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.99


@pytest.mark.parametrize("kind", ["periodic", "piecewise"])
def test_a_recipe_embeds_the_numbers_of_its_data_and_saves_the_layer(kind, tmp_path):
    dataset = recipes.load_dataset("iris")
    assert dataset.numbers == 4
    recipe = recipes.get("tabular").replace(
        model={"number_embedding": kind, "feature_scale": True, "widths": (8,), "activation": "parametric_mish"}
    )
    core = models.build(recipe, dataset)
    layer = core.get_layer(f"{kind}_embedding")
    assert (layer.columns if kind == "periodic" else len(layer.edges)) == 4
    assert recipes.model_table(core).unknown == ()
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
        ({"number_embedding": "piecewise"}, "`bin_edges` must hold edges for 5 columns.* Received: none"),
        ({"number_embedding": "piecewise", "bin_edges": [[0, 1]]}, "edges for 5 columns.* Received: 1"),
        ({"bin_edges": [[0, 1]]}, "`bin_edges` is for the number embedding piecewise. Received: None"),
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"edges": [[0, 1], [1, 1]]}, r"`edges` must be at least two .* Received: \[1.0, 1.0\] for column 1"),
        ({"edges": [[0]]}, r"Received: \[0.0\] for column 0"),
        ({"edges": [[0, float("nan")]]}, r"Received: \[0.0, nan\] for column 0"),
        ({"edges": []}, "`edges` must be given for at least one column. Received: none"),
        ({"edges": [[0, 1]], "dimension": 0}, "`dimension` must be a whole number of at least 1. Received: 0"),
    ],
)
def test_wrong_edges_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PiecewiseLinearEmbedding(**arguments)


def test_rows_of_too_few_columns_are_refused():
    with pytest.raises(ValueError, match=r"expected rows of at least 4 columns. Received: shape \(2, 3\)"):
        PiecewiseLinearEmbedding([[0, 1]] * 4)(ROWS)
    with pytest.raises(ValueError, match=r"expected rows of at least 4 columns. Received: shape \(2, 3\)"):
        PeriodicEmbedding(4)(ROWS)
    with pytest.raises(
        ValueError, match=r"the number of columns must be known. Received: input of shape \(None, None\)"
    ):
        FeatureScale().build((None, None))
