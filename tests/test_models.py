import dataclasses
import inspect

import keras
import numpy as np
import pytest

import recipes
from recipes import models
from recipes.models import blocks

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


def test_slopes_and_pieces_can_be_set():
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
    last = keras.Model(model.input, model.get_layer("dense_4").output)
    spread = last.predict(dataset.prepared("train")[0], verbose=0).std()
    assert 1 / factor < spread < factor  # 0.0002 without


def test_an_initializer_can_be_set():
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


ACTIVATIONS = (
    "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "rrelu", "elu", "selu", "softplus", "silu", "gelu", "maxout",
)  # fmt: skip
BUILDERS = (recipes.mlp, recipes.convnet, recipes.residual)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_builder_takes_every_activation(activation):
    rows = np.random.default_rng(0).normal(size=(4, 8, 8, 2)).astype(np.float32)
    for build in BUILDERS:
        model = build((8, 8, 2), 3, widths=(6, 6), activation=activation, normalization="layer")
        assert np.isfinite(keras.ops.convert_to_numpy(model(rows))).all()


@pytest.mark.parametrize("build", [*BUILDERS, recipes.recurrent, recipes.transfer])
def test_every_builder_documents_its_arguments_and_those_of_hidden_layers(build):
    parameters = inspect.signature(build).parameters
    for field in dataclasses.fields(blocks.Hidden):
        own = "tanh" if (build, field.name) == (recipes.recurrent, "activation") else field.default
        assert parameters[field.name].default == own
    assert all(f"        {name}: " in build.__doc__ for name in parameters)
    with pytest.raises(TypeError, match="unexpected keyword argument 'activatoin'"):
        build((8, 8, 2), 3, activatoin="relu")


def test_widths_may_be_a_rule():
    def widths(model, layer="dense"):
        return [model.get_layer(f"{layer}_{number}").output.shape[-1] for number in (1, 2, 3)]

    assert widths(recipes.mlp((5,), 1, widths="32 / 2 x 3")) == [32, 16, 8]
    assert widths(recipes.convnet((8, 8, 1), 1, widths="4 * 2 x 3"), "conv") == [4, 8, 16]


@pytest.mark.parametrize("arguments", [{}, {"separable": True, "pooling": "average", "normalization": "batch"}])
def test_a_network_stays_as_small_as_is_asked(arguments):
    model = recipes.convnet((28, 28, 1), 10, max_parameters=10_000, **arguments)
    assert 8_000 < model.count_params() < 10_000 or arguments
    first, second = (model.get_layer(name).output.shape[-1] for name in ("conv_1", "conv_2"))
    assert abs(second - 2 * first) <= 1
    assert recipes.mlp((64,), 10, max_parameters=10_000).count_params() <= 10_000
    assert recipes.mlp((64,), 10, widths=(8,), max_parameters=10_000).get_layer("dense_1").units == 8


def test_convnets_halve_the_image_as_is_asked():
    def names_and_shape(**arguments):
        model = recipes.convnet((8, 8, 1), 3, widths=(4, 4), **arguments)
        return {layer.name for layer in model.layers}, model.get_layer("features").input.shape[1:]

    for downsampling, side, pool in (("max", 2, True), ("average", 2, True), ("stride", 2, False), ("none", 8, False)):
        names, shape = names_and_shape(downsampling=downsampling)
        assert shape == (side, side, 4)
        assert ("conv_1_pool" in names) == pool
    names, _ = names_and_shape(convolutions=2)
    assert {"conv_1_1", "conv_1_2", "conv_2_1", "conv_2_2"} <= names
    assert recipes.convnet((8, 8, 1), 3, widths=(4,), pooling="average").get_layer("features").output.shape == (None, 4)


def test_a_fast_convnet_sees_the_whole_image_once_and_pools_before_it_normalizes():
    model = recipes.convnet(
        (8, 8, 1), 3, widths=(4, 6), strided_stem=True, downsampling="max_first", normalization="batch",
        dense_widths=(5,),
    )  # fmt: skip
    assert [layer.name for layer in model.layers] == [
        "inputs", "stem", "stem_relu", "conv_2", "conv_2_pool", "conv_2_norm", "conv_2_relu", "features",
        "dense_1", "dense_1_norm", "dense_1_relu", "logits",
    ]  # fmt: skip
    assert (model.get_layer("stem").kernel_size, model.get_layer("stem").strides) == ((5, 5), (2, 2))
    assert model.get_layer("features").input.shape == (None, 2, 2, 6)


def test_pooling_first_changes_nothing_without_normalization():
    rows = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
    outputs = []
    for downsampling in ("max", "max_first"):
        keras.utils.set_random_seed(0)
        model = recipes.convnet((8, 8, 1), 3, widths=(4, 4), downsampling=downsampling)
        outputs.append(keras.ops.convert_to_numpy(model(rows)))
    np.testing.assert_array_equal(*outputs)


def test_a_separable_convolution_keeps_the_signal():
    keras.utils.set_random_seed(0)
    model = recipes.convnet((8, 8, 1), 3, widths="64 x 6", separable=True, downsampling="none")
    last = keras.Model(model.input, model.get_layer("conv_6").output)
    rows = np.random.default_rng(0).normal(size=(8, 8, 8, 1)).astype(np.float32)
    # Keras's own initializer of depthwise kernels would leave a hundredth of it. Padding takes some.
    assert 0.3 < keras.ops.convert_to_numpy(last(rows)).std() < 2


@pytest.mark.extensive
def test_a_plain_network_of_a_hundred_layers_keeps_the_signal():
    keras.utils.set_random_seed(0)
    rows = np.random.default_rng(0).normal(size=(256, 64)).astype(np.float32)
    model = recipes.mlp((64,), 10, widths="64 x 100", activation="tanh")
    recipes.initialize(model, "lsuv", rows)
    last = keras.Model(model.input, model.get_layer("dense_100").output)
    assert 0.5 < keras.ops.convert_to_numpy(last(rows)).std() < 2


@pytest.mark.extensive
@pytest.mark.parametrize("shape", [(12,), (8, 8, 2)])
def test_a_hundred_residual_blocks_begin_as_the_identity(shape):
    model = recipes.residual(shape, 3, widths=(4,), depth=100)
    rows = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    ends = keras.Model(model.input, [model.get_layer(name).output for name in ("stem", "stage_1_block_100")])
    first, last = (keras.ops.convert_to_numpy(end) for end in ends(rows))
    np.testing.assert_array_equal(first, last)
    assert np.abs(first).max() > 0


@pytest.mark.extensive
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends compile it for minutes")
def test_a_deep_residual_network_trains_on_digits():
    x, y = recipes.load_dataset("digits").prepared("train")
    model = recipes.residual((64,), 10, widths=(16,), depth=40)  # 200 in benchmarks/residual_depth.py
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.005), loss, metrics=["accuracy"])
    history = model.fit(x.reshape(-1, 64), y, batch_size=32, epochs=8, verbose=0).history
    assert history["accuracy"][-1] > 0.7


def test_stages_of_residual_blocks_halve_the_image_and_widen():
    model = recipes.residual((8, 8, 1), 3, widths="4 * 2 x 3", depth=2, normalization="batch", dropout=0.1)
    shapes = [model.get_layer(f"stage_{stage}_block_2").output.shape[1:] for stage in (1, 2, 3)]
    assert shapes == [(8, 8, 4), (4, 4, 8), (2, 2, 16)]
    names = [layer.name for layer in model.layers]
    order = ["in_norm", "in_relu", "first", "first_norm", "first_relu", "dropout", "last"]
    places = [names.index(f"stage_1_block_1_{name}") for name in order]
    assert places == sorted(places)


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("build", BUILDERS)
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
            r"`widths` must be whole numbers of at least 1, or a rule.* Received: \(8, -1\)",
        ),
        (
            lambda: recipes.mlp((5,), 1, widths=5),
            "`widths` must be whole numbers .* a rule.* Received: 5",
        ),
        (lambda: recipes.mlp((5,), 1, widths="5 y 3"), "`widths` must be .* Received: '5 y 3'"),
        (lambda: recipes.mlp((5,), 1, widths="4 / 8 x 3"), r"`widths` must be .* a rule that gives \(4, 0, 0\)"),
        (lambda: recipes.mlp((5,), 1, noise="x"), "`noise` must be at least 0 and finite. Received: 'x'"),
        (lambda: recipes.mlp((5,), 1, bias_start="x"), "`bias_start` must be a finite number. Received: 'x'"),
        (lambda: recipes.mlp((500,), 1, max_parameters=100), "`max_parameters` is too few .* Received: 100"),
        (lambda: recipes.convnet((8, 8, 1), 1, pooling="averag"), "unknown pooling 'averag': did you mean 'average'"),
        (lambda: recipes.convnet((8, 8, 1), 1, dense_widths=(0,)), "`dense_widths` must be whole numbers"),
        (lambda: recipes.convnet((8, 8, 1), 1, strided_stem="no"), "`strided_stem` must be true or false"),
        (lambda: recipes.convnet((8, 8, 1), 1, downsampling="maxx"), "unknown downsampling 'maxx': did you mean 'max'"),
        (lambda: recipes.convnet((8, 8, 1), 1, pooling=None), "unknown pooling None. Known: flatten, average, max"),
        (lambda: recipes.convnet((8, 8, 1), 1, separable="no"), "`separable` must be true or false. Received: 'no'"),
        (lambda: recipes.mlp((4,), 1, widths="9 * 9 x 400"), r"`widths` must be finite. Received: the rule '9 \* 9 x"),
        (lambda: recipes.mlp((4,), 1, widths="500 x 0"), "`widths` must be at least 1. Received: .* no layer"),
        (lambda: recipes.mlp((4,), 1, embedded="x"), "`embedded` must be numbers of codes, .* Received: 'x'"),
        (lambda: recipes.residual((8, 8, 1), 1, embedded=(20,)), r"`embedded` is for rows .* shape \(8, 8, 1\)"),
        (lambda: recipes.convnet((8, 8, 1), 1, convolutions=0), "`convolutions` must be .* Received: 0"),
        (lambda: recipes.residual((8, 8), 1), r"residual takes rows .* Received: rows of shape \(8, 8\)"),
        (lambda: recipes.residual((8,), 1, depth=0), "`depth` must be a whole number of at least 1. Received: 0"),
        (lambda: recipes.residual((8,), 1, widths=()), r"`widths` must name one stage at least. Received: \(\)"),
        (lambda: recipes.residual((4, 4, 1), 1, widths=(4,) * 4), r"takes at most 3. Received: \(4, 4, 4, 4\)"),
        (lambda: recipes.residual((8, 8, 1), 1, kernel_size=9), "`kernel_size` must fit the image .* Received: 9"),
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
        (lambda: recipes.convnet((8, 8, 1), 1, widths=(4,) * 4), r"takes at most 3 .* Received: \(4, 4, 4, 4\)"),
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
