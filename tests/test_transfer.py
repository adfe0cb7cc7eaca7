import keras
import numpy as np
import pytest

import recipes
from custom_layers import InferenceModel
from recipes.settings import Model, Recipe
from recipes.training.prepared import Training

pytestmark = pytest.mark.backend


def arrays(weights):
    return [np.array(keras.ops.convert_to_numpy(weight)) for weight in weights]


def same(first, second):
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def features_of(model, layer, rows):
    return keras.Model(model.inputs, model.get_layer(layer).output).predict(rows, verbose=0)


@pytest.fixture(scope="module")
def source():
    """A small network with everything that could leak: batch statistics, dropout, a penalty, an optimizer."""
    keras.utils.set_random_seed(0)
    model = recipes.convnet((8, 8, 1), 4, widths=(4, 6), normalization="batch", dropout=0.5, l2=0.1)
    return recipes.compile_model(model, "tabular", 1, task="classification")


def test_the_body_is_a_frozen_copy_in_front_of_the_head(source):
    model = recipes.transfer(source, 3, widths=(5, 7), normalization="batch", dropout=0.1)
    head = ["dense_1", "dense_1_norm", "dense_1_relu", "dense_1_dropout"]
    names = [*head, *(name.replace("1", "2") for name in head), "logits"]
    assert [layer.name for layer in model.layers] == ["inputs", "body", *names]
    assert {weight.path.split("/")[0] for weight in model.trainable_weights} == {
        "dense_1", "dense_1_norm", "dense_2", "dense_2_norm", "logits",
    }  # fmt: skip
    rows = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
    body = model.get_layer("body").predict(rows, verbose=0)
    np.testing.assert_allclose(body, features_of(source, "features_dropout", rows), atol=1e-6)


def test_training_leaves_the_given_model_as_it_was(source):
    before, trainable = arrays(source.weights), [layer.trainable for layer in source.layers]
    optimizer = source.optimizer
    model = recipes.transfer(source, 3)
    model.get_layer("body").trainable = True
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rows = np.random.default_rng(0).normal(size=(8, 8, 8, 1)).astype(np.float32)
    model.fit(rows, np.arange(8) % 3, verbose=0)
    assert not same(arrays(model.trainable_weights)[:1], before[:1])
    assert same(before, arrays(source.weights))
    assert [layer.trainable for layer in source.layers] == trainable
    assert source.compiled
    assert source.optimizer is optimizer


def test_the_body_infers_even_in_training_and_within_other_models(source):
    body = recipes.transfer(source, 3).get_layer("body")
    body.trainable = True
    statistics = arrays(body.non_trainable_weights)
    inputs = keras.Input((8, 8, 1))
    outer = keras.Model(inputs, keras.Sequential([body, keras.layers.Dense(2)])(inputs))
    rows = np.random.default_rng(0).normal(size=(8, 8, 8, 1)).astype(np.float32)
    trained, inferred = (keras.ops.convert_to_numpy(outer(rows, training=mode)) for mode in (True, False))
    np.testing.assert_allclose(trained, inferred, rtol=1e-6)
    outer.compile("sgd", "mse")
    outer.fit(rows, np.zeros((8, 2)), verbose=0)
    assert same(statistics, arrays(body.non_trainable_weights))


def test_images_of_any_size_and_colour_are_brought_to_those_of_the_body(source, tmp_path):
    inputs = keras.Input((16, 16, 3))
    coloured = keras.Model(inputs, keras.layers.Conv2D(5, 3, name="maps")(inputs))
    model = recipes.transfer(coloured, 3, input_shape=(8, 8, 1))
    assert [layer.name for layer in model.layers] == ["inputs", "resize", "body", "features", "logits"]
    assert model.get_layer("features").output.shape == (None, 5)
    flat = np.full((2, 8, 8, 1), 0.5, np.float32)
    np.testing.assert_allclose(model.get_layer("resize")(flat), np.full((2, 16, 16, 3), 0.5), rtol=1e-6)
    model.save(tmp_path / "model.keras")
    again = recipes.load_model(tmp_path / "model.keras")
    assert isinstance(again.get_layer("body"), InferenceModel)
    assert [weight.path for weight in again.weights] == [weight.path for weight in model.weights]
    assert len(again.trainable_weights) == 2
    np.testing.assert_allclose(again.predict(flat, verbose=0), model.predict(flat, verbose=0), rtol=1e-5)
    coloured_rows = recipes.transfer(source, 3, input_shape=(20, 6, 3))  # smaller and larger; to grey
    assert coloured_rows.predict(np.zeros((2, 20, 6, 3)), verbose=0).shape == (2, 3)


@pytest.mark.parametrize("include_top", [True, pytest.param(False, marks=pytest.mark.extensive)])
def test_networks_of_keras_are_bodies_with_and_without_their_head(include_top):
    options = {"alpha": 0.25, "weights": None, "classes": 7, "include_top": include_top}
    network = keras.applications.MobileNet(input_shape=(32, 32, 3), **options)
    model = recipes.transfer(network, 5, input_shape=(8, 8, 1))
    last = "dropout" if include_top else network.layers[-1].name
    assert model.get_layer("body").layers[-1].name == last
    assert len(model.trainable_weights) == 2
    rows = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype(np.float32)
    # Called, not predicted with: its many layers take seconds to trace.
    body = keras.Model(network.inputs[0], network.get_layer(last).output)
    found, expected = (keras.ops.convert_to_numpy(part(rows)) for part in (model.get_layer("body"), body))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_of_a_run_folder_the_network_inside_is_taken(run):
    inside = next(layer for layer in run.model.layers if isinstance(layer, keras.Model))
    for model in (run.directory, run.directory / "model.keras", run.model):
        # The body has a layer dense_1, too.
        model = recipes.transfer(model, 3, widths=(4,))
        assert [layer.name for layer in model.layers] == [
            "inputs",
            "body",
            "head_dense_1",
            "head_dense_1_relu",
            "logits",
        ]
        body = model.get_layer("body")
        assert body.input_shape == inside.input_shape
        assert same(arrays(body.weights), arrays(inside.weights)[:2])


def test_bodies_are_found_by_the_name_of_a_shipped_run():
    assert recipes.transfer("digits", 3, layer="dense_1_relu").get_layer("body").output_shape == (None, 256)


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


def two_outputs():
    inputs = keras.Input((4,))
    return keras.Model(inputs, [keras.layers.Dense(1)(inputs), keras.layers.Dense(1)(inputs)], name="two")


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (Subclassed, {}, "of functional and Sequential models that are built, and subclassed.* is none"),
        (two_outputs, {}, "a head needs a body with one input and one output. Received: two with 1 and 2"),
        (lambda: 3, {}, "`model` must be a Keras model, a run folder or a .keras file. Received: 3"),
        (lambda: keras.Sequential([keras.layers.Dense(2)]), {}, "models that are built, and sequential.* is none"),
        (None, {"layer": "conv_2_rleu"}, "unknown layer of convnet: 'conv_2_rleu': did you mean 'conv_2_relu'"),
        (None, {"input_shape": (30,)}, r"takes rows of shape \(8, 8, 1\), and .* Received: \(30,\)"),
        (None, {"input_shape": (8, 8, 4)}, r"takes 1 channels, and alpha .* set data\.color .* Received: \(8, 8, 4\)"),
        (None, {"input_shape": (8, 8, 2)}, r"takes rows of shape \(8, 8, 1\), and .* Received: \(8, 8, 2\)"),
        (None, {"activation": "rleu"}, "unknown activation 'rleu'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(source, model, arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        recipes.transfer(model() if model else source, 3, **arguments)
    assert "\n" not in str(error.value)


def test_a_missing_body_says_how_it_is_made(tmp_path):
    recipe = Recipe(name="mine", model=Model(builder="transfer", body="mnist-tiny"))
    with pytest.raises(FileNotFoundError, match="keras-recipes train mnist-tiny --name mnist-tiny"):
        recipes.train(recipe, output=tmp_path, pictures=False, verbose=False)
    with pytest.raises(ValueError, match="model.body must name a run folder"):
        recipes.train(recipe.replace(model={"body": None}), output=tmp_path, pictures=False, verbose=False)
    with pytest.raises(ValueError, match="model.body belongs to transfer. Received: 'mnist-tiny' with mlp"):
        recipes.train(recipe.replace(model={"builder": "mlp"}), output=tmp_path, pictures=False, verbose=False)
    with pytest.raises(ValueError, match="model.initialization would overwrite the body. Received: 'lsuv'"):
        recipes.train(
            recipe.replace(model={"body": "mnist-small", "initialization": "lsuv"}),
            output=tmp_path,
            pictures=False,
            verbose=False,
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.extensive
def test_fifty_labelled_images_are_enough_on_a_body_that_knows_digits():
    recipe = recipes.get("digits-transfer")
    dataset = recipes.load_dataset("digits", 10, recipe.data)
    model = Training.of(recipe, dataset).core
    rows, labels = dataset.prepared("train")
    assert len(rows) == 50
    head = model.fit(rows, labels, batch_size=5, epochs=4, verbose=0)
    recipes.fine_tune(model, learning_rate=0.003, layer_decay=0.7)
    model.fit(rows, labels, batch_size=5, epochs=4, verbose=0)
    assert head.history["loss"][-1] < head.history["loss"][0]
    assert model.evaluate(*dataset.prepared("validation"), verbose=0)[1] > 0.85
