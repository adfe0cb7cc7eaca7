import keras
import numpy as np
import pytest

import recipes
from recipes import models

pytestmark = pytest.mark.backend


def kernel_initializers(model):
    return {layer.name: type(layer.kernel_initializer).__name__ for layer in model.layers if hasattr(layer, "kernel")}


@pytest.mark.parametrize(
    ("activation", "initializer"),
    [("relu", "HeNormal"), ("gelu", "VarianceScaling"), ("tanh", "GlorotNormal"), ("selu", "LecunNormal")],
)
def test_every_layer_is_initialized_for_its_own_activation(activation, initializer):
    mlp = recipes.mlp((5,), 3, widths=(8, 8), activation=activation)
    assert kernel_initializers(mlp) == {"dense_1": initializer, "dense_2": initializer, "logits": "GlorotNormal"}
    convnet = recipes.convnet((8, 8, 1), 3, widths=(4,), activation=activation)
    assert kernel_initializers(convnet) == {"conv_1": initializer, "logits": "GlorotNormal"}


@pytest.mark.parametrize(
    ("activation", "layer"),
    [
        ("maxout", None),
        ("prelu", "PReLU"),
        ("rrelu", "RandomizedLeakyReLU"),
        ("leaky_relu", "Activation"),
        ("softplus", "Activation"),
        (lambda x: x**2, "Activation"),
    ],
)
def test_layers_of_our_own_are_activations_like_others(activation, layer):
    rows = np.random.default_rng(0).normal(size=(4, 8, 8, 2)).astype(np.float32)
    for build in (recipes.mlp, recipes.convnet):
        model = build((8, 8, 2), 3, widths=(6,), activation=activation, normalization="batch")
        assert np.isfinite(keras.ops.convert_to_numpy(model(rows))).all()
        kinds = [type(hidden).__name__ for hidden in model.layers]
        assert layer in kinds if layer else {"Maxout", "MaxoutConv2D"} & set(kinds)


def test_slopes_and_pieces_can_be_said():
    def hidden(index, **arguments):
        return recipes.mlp((5,), 3, widths=(8,), **arguments).layers[index]

    assert hidden(1, activation="maxout", pieces=4).kernel.shape == (5, 32)
    assert hidden(2, activation="leaky_relu", negative_slope=0.4).negative_slope == 0.4
    slopes = keras.ops.convert_to_numpy(hidden(2, activation="prelu", negative_slope=0.1).alpha)
    np.testing.assert_allclose(slopes, np.full(8, 0.1), rtol=1e-6)
    assert hidden(1, activation="prelu", negative_slope=1).kernel_initializer.scale == 1.0


@pytest.mark.parametrize(("method", "factor"), [("variance", 2), ("lsuv", 1.1)])
def test_a_recipe_initializes_its_whole_model(method, factor):
    keras.utils.set_random_seed(0)
    dataset = recipes.load_dataset("digits")
    small = {"widths": [64] * 4, "activation": "prelu", "kernel_initializer": "normal_0.01", "initialization": method}
    recipe = recipes.get("digits").replace(model=small)
    model = models.build(recipe, dataset)
    last = keras.Model(model.inputs, model.get_layer("dense_4").output)
    spread = last.predict(dataset.prepared("train")[0], verbose=0).std()
    assert 1 / factor < spread < factor  # 0.0002 without


def test_an_initializer_can_be_said():
    model = recipes.mlp((5,), 3, widths=(8,), kernel_initializer="orthogonal")
    assert kernel_initializers(model) == {"dense_1": "Orthogonal", "logits": "GlorotNormal"}


def test_one_initializer_for_all_layers_makes_no_two_alike():
    model = recipes.mlp((8,), 1, widths=(8, 8), kernel_initializer=keras.initializers.HeNormal(seed=1))
    first, second = (np.asarray(model.get_layer(name).kernel) for name in ("dense_1", "dense_2"))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("activation", ["leaky-relu", "leaky_relu", "Leaky_ReLU"])
def test_activations_take_hyphens_and_underscores_alike(activation):
    assert "dense_1_leaky_relu" in [layer.name for layer in recipes.mlp((8,), 1, activation=activation).layers]


def test_selu_is_dropped_out_by_alpha_dropout():
    kinds = {
        activation: {type(layer).__name__ for layer in recipes.mlp((5,), 1, activation=activation, dropout=0.1).layers}
        for activation in ("selu", "relu")
    }
    assert "AlphaDropout" in kinds["selu"]
    assert "Dropout" not in kinds["selu"]
    assert "Dropout" in kinds["relu"]


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("build", [recipes.mlp, recipes.convnet])
def test_builders_give_logits_for_images(build, normalization):
    model = build((8, 8, 1), 10, normalization=normalization, dropout=0.5, l1=1e-5, l2=1e-4)
    rows = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
    logits = keras.ops.convert_to_numpy(model(rows))
    assert logits.shape == (4, 10)
    assert not model.compiled
    assert logits.min() < 0
    assert len(model.losses) == len(kernel_initializers(model))


def test_normalization_stands_in_front_of_the_activation():
    names = [layer.name for layer in recipes.mlp((5,), 1, widths=(8,), normalization="batch", dropout=0.1).layers]
    assert names == ["inputs", "dense_1", "dense_1_norm", "dense_1_relu", "dense_1_dropout", "logits"]


def test_without_hidden_layers_the_model_is_linear():
    assert kernel_initializers(recipes.mlp((5,), 2, widths=())) == {"logits": "GlorotNormal"}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: recipes.mlp((5,), 0), "`num_outputs` must be a whole number of at least 1. Received: 0"),
        (
            lambda: recipes.mlp((5,), 1, widths=(8, -1)),
            r"`widths` must be whole numbers of at least 1. Received: \(8, -1\)",
        ),
        (lambda: recipes.mlp((5,), 1, widths=5), "`widths` must be whole numbers of at least 1. Received: 5"),
        (lambda: recipes.mlp(5, 1), "`input_shape` must be the shape of one row, such as .* Received: 5"),
        (lambda: recipes.convnet((None, None, 1), 1), r"`input_shape` must be .* Received: \(None, None, 1\)"),
        (lambda: recipes.convnet((8, 8, 1), 1, kernel_size=0), "`kernel_size` must fit the image .* Received: 0"),
        (lambda: recipes.mlp((5,), 1, dropout=1.0), "`dropout` must be at least 0 and less than 1. Received: 1.0"),
        (lambda: recipes.mlp((5,), 1, normalization="bach"), "unknown normalization 'bach': did you mean 'batch'"),
        (lambda: recipes.mlp((5,), 1, activation="rleu"), "unknown activation 'rleu': did you mean 'relu'"),
        (
            lambda: recipes.mlp((5,), 1, activation="relu", negative_slope=0.1),
            "`negative_slope` belongs to leaky_relu and prelu. Received: 0.1 with relu",
        ),
        (lambda: recipes.mlp((5,), 1, activation="maxout", pieces=1), "`pieces` must be .* Received: pieces=1"),
        (
            lambda: recipes.mlp((5,), 1, kernel_initializer="he_norm"),
            "unknown kernel initializer 'he_norm': .*'he_normal'",
        ),
        (lambda: recipes.convnet((64,), 1), r"convnet takes images .* Received: rows of shape \(64,\)"),
        (lambda: recipes.convnet((8, 8, 1), 1, kernel_size=9), "`kernel_size` must fit the image .* Received: 9"),
        (lambda: recipes.convnet((8, 8, 1), 1, widths=(4,) * 4), r"takes at most 3. Received: \(4, 4, 4, 4\)"),
    ],
)
def test_wrong_arguments_are_refused_at_the_call(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("name", ["digits", "wine", "breast_cancer", "diabetes"])
def test_the_served_model_prepares_rows_and_makes_outputs_readable(name):
    dataset = recipes.load_dataset(name)
    core = recipes.mlp(dataset.input_shape, dataset.num_outputs, widths=(8,))
    serving = models.serving_model(core, dataset)
    outputs, logits = serving.predict(dataset.test[0], verbose=0), core.predict(dataset.prepared("test")[0], verbose=0)
    if dataset.task == "regression":
        expected = logits * dataset.preparation.target_scale + dataset.preparation.target_mean
    else:
        expected = keras.ops.sigmoid(logits) if dataset.num_outputs == 1 else keras.ops.softmax(logits)
    np.testing.assert_allclose(outputs, np.asarray(expected), rtol=1e-4, atol=1e-5)


def test_grey_images_without_a_channel_axis_are_served():
    x = np.random.default_rng(0).integers(0, 256, size=(40, 6, 6)).astype(np.uint8)
    dataset = recipes.load_dataset((x, np.arange(40) % 2))
    core = recipes.convnet(dataset.input_shape, 1, widths=(4,))
    outputs = models.serving_model(core, dataset).predict(dataset.test[0], verbose=0)
    expected = keras.ops.sigmoid(core.predict(dataset.prepared("test")[0], verbose=0))
    np.testing.assert_allclose(outputs, np.asarray(expected), atol=1e-5)
