"""Whole models, initialized and then measured: the signal, the weights that may not change, and the refusals."""

import keras
import numpy as np
import pytest
from keras import layers

from custom_layers import Maxout, MaxoutConv2D
from recipes.initialization import whole_model
from recipes.initialization.whole_model import initialize

BACKEND = pytest.mark.backend
KERNELS_ALONE = ("variance", "lsuv")  # methods that leave biases alone, so that the variance of a layer is 1
# Keras's own; pytest.warns gives them back as if they came from here.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def rows(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def mlp(activation="relu", depth=10, width=256, **kwargs):
    inputs = outputs = keras.Input((64,))
    for number in range(depth):
        outputs = layers.Dense(width, name=f"dense_{number}", **kwargs)(outputs)
        outputs = layers.Activation(activation)(outputs)
    return keras.Model(inputs, outputs)


def convnet(normalization=False):
    stack = [keras.Input((16, 16, 3))]
    for filters, strides in ((48, 1), (64, 1), (64, 2), (96, 1)):
        stack.append(layers.Conv2D(filters, 3, strides=strides, padding="same"))
        stack += [layers.BatchNormalization()] if normalization else []
        stack += [layers.ReLU(), layers.DepthwiseConv2D(3, padding="same"), layers.LeakyReLU(0.1)]
    stack += [
        layers.MaxPooling2D(),
        layers.SeparableConv2D(96, 3, activation="gelu"),
        layers.Flatten(),
        layers.Dense(64),
    ]
    return keras.Sequential(stack)


def residual_net():
    inputs = keras.Input((64,))
    outputs = layers.Dense(192)(inputs)
    for _ in range(4):
        branch = layers.Dense(192, activation="silu")(outputs)
        branch = layers.LayerNormalization()(branch)
        branch = layers.Dropout(0.3)(branch)
        outputs = layers.Add()([outputs, layers.Dense(192)(branch)])
    gate = layers.Dense(192, activation="sigmoid")(outputs)
    joined = layers.Concatenate()(
        [layers.Multiply()([gate, outputs]), keras.ops.relu(outputs) - 0.5, Maxout(64, 3)(outputs)]
    )
    return keras.Model(inputs, layers.Dense(100)(joined))


@keras.saving.register_keras_serializable(package="keras_recipes_tests")
class Block(layers.Layer):
    """A layer of the user's own, made of others."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(units, activation="tanh")

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Conv2D(32, 3, padding="same", activation="relu", name="first")
        self.widest = MaxoutConv2D(32, 3, pieces=3, name="widest")
        self.flat = layers.Flatten()
        self.block = Block(100, name="block")
        self.last = layers.Dense(20, activation="softmax", name="last")

    def call(self, inputs):
        hidden = self.block(self.flat(self.widest(self.first(inputs))))
        return self.last(hidden)


def pre_activations(model, x, training=True):
    """Of each kernel layer in a functional model, by name, its variance over rows and units."""
    found = {}
    for layer in model.layers:
        if isinstance(layer, (layers.Dense, layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, Maxout)):
            original = layer.affine.call if isinstance(layer, Maxout) else layer.call
            target = layer.affine if isinstance(layer, Maxout) else layer

            def watched(inputs, *args, name=layer.name, original=original, target=target, **kwargs):
                activation, target.activation = target.activation, None
                found[name] = float(np.var(keras.ops.convert_to_numpy(original(inputs))))
                target.activation = activation
                return original(inputs, *args, **kwargs)

            target.call = watched
    model(x, training=training)
    for layer in model.layers:
        for target in (layer, getattr(layer, "affine", layer)):
            vars(target).pop("call", None)
    return found


def weights(model):
    return [keras.ops.convert_to_numpy(weight).copy() for weight in model.weights]


def assert_equal_weights(before, after):
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "activation",
    [
        *("relu", "tanh"),
        *(
            pytest.param(name, marks=pytest.mark.extensive)
            for name in ("selu", "sigmoid", "linear", "silu", "softplus", "elu")
        ),
        pytest.param("gelu", marks=BACKEND),
    ],
)
def test_variance_keeps_the_signal_in_a_deep_net(activation):
    model = mlp(activation)
    result = initialize(model, seed=1)
    seen = pre_activations(model, rows(256, 64))
    assert len(seen) == len(result.layers) == 10
    assert all(0.6 < variance < 1.6 for variance in seen.values())
    assert np.mean(list(seen.values())) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(convnet, marks=pytest.mark.extensive),
        lambda: convnet(normalization=True),
        pytest.param(residual_net, marks=BACKEND),
    ],
)
def test_variance_keeps_the_signal_in_nets_of_many_kinds_of_layers(build):
    model = build()
    result = initialize(model, seed=0)
    seen = pre_activations(model, rows(128, *model.input_shape[1:]))
    assert len(seen) >= 10
    assert result.unknown == ()
    assert all(0.6 < variance < 1.6 for variance in seen.values()), seen
    assert np.mean(list(seen.values())) == pytest.approx(1, abs=0.2)


def test_the_spread_over_rows_is_told_before_it_collapses():
    model = mlp("sigmoid")
    spread = [start.spread for start in initialize(model, seed=0).layers]
    seen = keras.ops.convert_to_numpy(keras.Model(model.inputs[0], model.get_layer("dense_4").output)(rows(256, 64)))
    assert spread[4] == pytest.approx(np.sqrt(seen.var(axis=0).mean() / seen.var()), rel=0.2)
    assert spread[9] < 1e-3


@pytest.mark.backend
def test_the_moments_of_the_rows_count():
    model = mlp(depth=1, width=2000)
    x = 3 + 2 * rows(400, 64)
    (start,) = initialize(model, x=x, seed=0).layers
    assert start.kernel_variance == pytest.approx(1 / (64 * np.mean(x**2)), rel=0.01)
    assert keras.ops.convert_to_numpy(model.weights[0]).var() == pytest.approx(start.kernel_variance, rel=0.02)


@pytest.mark.parametrize(
    "build",
    [
        mlp,
        pytest.param(lambda: mlp("sigmoid"), marks=pytest.mark.extensive),
        convnet,
        pytest.param(residual_net, marks=BACKEND),
    ],
)
def test_lsuv_gives_unit_variance_everywhere(build):
    model = build()
    x = rows(60, *model.input_shape[1:])
    result = initialize(model, "LSUV", x, seed=0)
    seen = pre_activations(model, x, training=False)
    assert len(seen) == len(result.layers)
    assert all(abs(variance - 1) < 0.02 for variance in seen.values())
    assert [start.variance for start in result.layers] == pytest.approx(list(seen.values()), abs=1e-3)


@pytest.mark.backend
def test_lsuv_takes_subclassed_models_with_layers_of_the_users_own():
    model, x = Subclassed(), rows(100, 6, 6, 3)
    model(x[:1])
    result = initialize(model, "lsuv", x, seed=0)
    assert [start.layer for start in result.layers] == ["first", "widest", model.block.inner.name, "last"]
    assert all(abs(start.variance - 1) < 0.02 for start in result.layers)
    first = keras.ops.convert_to_numpy(keras.ops.conv(x, model.first.kernel, padding="same"))
    assert first.var() == pytest.approx(1, abs=0.02)
    assert "call" not in vars(model.first)
    assert model.first.activation is keras.activations.relu


def test_lsuv_begins_orthonormal():
    model = mlp(depth=1, width=32)
    initialize(model, "lsuv", rows(100, 64), seed=0)
    kernel = keras.ops.convert_to_numpy(model.weights[0])
    gram = kernel.T @ kernel
    assert gram == pytest.approx(gram[0, 0] * np.eye(32), abs=1e-4)


@pytest.mark.backend
@pytest.mark.parametrize("method", whole_model.METHODS)
def test_a_seed_repeats_the_weights_and_no_seed_follows_keras(method):
    model, x = mlp(depth=2, width=8), rows(50, 64)

    def drawn(seed):
        initialize(model, method, x, seed=seed)
        return weights(model)

    first = drawn(3)
    assert_equal_weights(first, drawn(3))
    assert not np.array_equal(first[0], drawn(4)[0])
    keras.utils.set_random_seed(1)
    free = drawn(None)
    assert not np.array_equal(free[0], drawn(None)[0])
    keras.utils.set_random_seed(1)
    assert_equal_weights(free, drawn(None))


@pytest.mark.backend
@pytest.mark.parametrize("method", KERNELS_ALONE)
def test_biases_and_frozen_layers_stay_and_count(method):
    model = mlp(depth=3, width=300, bias_initializer=keras.initializers.RandomNormal(0.3, 0.2, seed=0))
    frozen = model.get_layer("dense_1")
    frozen.kernel.assign(3 * keras.ops.convert_to_numpy(frozen.kernel))
    frozen.trainable = False
    before = weights(model)
    x = rows(256, 64)
    result = initialize(model, method, x, seed=0)
    after = weights(model)
    names = [weight.path.split("/")[-2:] for weight in model.weights]
    for name, old, new in zip(names, before, after, strict=True):
        assert np.array_equal(old, new) == (name[1] == "bias" or name[0] == "dense_1")
    assert [start.layer for start in result.layers] == ["dense_0", "dense_2"]
    assert pre_activations(model, x)["dense_2"] == pytest.approx(1.04 if method == "variance" else 1, abs=0.2)


@pytest.mark.backend
@pytest.mark.parametrize("method", KERNELS_ALONE)
def test_unknown_layers_are_named_and_left_alone(method):
    inputs = keras.Input((6, 16))
    hidden = layers.Dense(32, name="before")(inputs)
    hidden = layers.MultiHeadAttention(2, 8, name="attention")(hidden, hidden)
    hidden = layers.LSTM(16, name="memory")(hidden)
    model = keras.Model(inputs, layers.Dense(8, name="behind")(hidden))
    before = {weight.path: value for weight, value in zip(model.weights, weights(model), strict=True)}
    with pytest.warns(UserWarning, match="unknown kinds, left alone: attention, memory") as caught:
        result = initialize(model, method, rows(200, 6, 16), seed=0)
    assert sum(warning.category is UserWarning for warning in caught) == 1
    assert result.unknown == ("attention", "memory")
    assert "left alone: attention, memory" in str(result)
    for weight in model.weights:
        same = np.array_equal(before[weight.path], keras.ops.convert_to_numpy(weight))
        assert same == (("before" not in weight.path and "behind" not in weight.path) or "bias" in weight.path)
    # The signal behind the unknown layers was measured, not guessed.
    end = keras.ops.convert_to_numpy(model(rows(200, 6, 16, seed=1)))
    assert 0.4 < end.var() < 2.5


class Doubled(layers.Dense):
    """A Dense that computes something else: what holds for Dense need not hold here."""

    def call(self, inputs):
        return 2 * super().call(inputs)


@pytest.mark.parametrize("method", KERNELS_ALONE)
def test_a_layer_that_overrides_a_known_one_is_unknown(method):
    model = keras.Sequential([keras.Input((64,)), Doubled(100, name="doubled"), layers.Dense(100, name="end")])
    before = weights(model)
    with pytest.warns(UserWarning, match="left alone: doubled"):
        (start,) = initialize(model, method, rows(200, 64), seed=0).layers
    assert start.layer == "end"
    assert_equal_weights(before[:2], weights(model)[:2])
    assert pre_activations(model, rows(200, 64))["end"] == pytest.approx(1, abs=0.3)


def test_measuring_an_unknown_layer_leaves_its_state_alone():
    normalization = layers.SpectralNormalization(layers.Dense(10), name="spectral")
    model = keras.Sequential([keras.Input((64,)), normalization, layers.Dense(10)])
    before = weights(model)
    with pytest.warns(UserWarning, match="left alone: spectral"):
        initialize(model, seed=0)
    assert_equal_weights(before[:-2], weights(model)[:-2])


@pytest.mark.parametrize("method", whole_model.METHODS)
def test_models_in_models_and_layers_used_twice(method):
    shared = layers.Dense(64, name="shared")
    inner = keras.Sequential(
        [keras.Input((64,)), layers.Dense(64, "relu", name="inner"), layers.Dropout(0.2)], name="body"
    )
    one, two = keras.Input((64,), name="one"), keras.Input((64,), name="two")
    joined = layers.Concatenate()([shared(one), shared(two), inner(one)])
    model = keras.Model([one, two], [layers.Dense(10, name="left")(joined), layers.Dense(10, name="right")(joined)])
    x = {"one": rows(100, 64), "two": 5 * rows(100, 64, seed=1)}
    result = initialize(model, method, x, seed=0)
    assert sorted(start.layer for start in result.layers) == ["inner", "left", "right", "shared"]
    initialize(model, method, list(x.values()), seed=0)


@pytest.mark.backend
def test_mixed_precision_keeps_float32_weights():
    model = mlp(depth=3, width=64, dtype="mixed_bfloat16")
    for method in KERNELS_ALONE:
        result = initialize(model, method, rows(256, 64), seed=0)
        assert all(abs(start.variance - 1) < 0.1 for start in result.layers)
    assert keras.backend.standardize_dtype(model.weights[0].dtype) == "float32"


def test_the_result_reads_as_a_table():
    result = initialize(mlp(depth=2, width=8), seed=0)
    lines = str(result).splitlines()
    assert lines[0].split("  ")[0] == "layer"
    assert "kernel variance" in lines[0]
    assert "spread over rows" in lines[0]
    assert lines[1].split()[:2] == ["dense_0", "0.0156"]
    assert len({len(line) for line in lines}) == 1


def test_rows_that_are_all_alike_are_named_not_divided_by():
    model = mlp(depth=2, width=8)
    with pytest.warns(UserWarning, match="without any variance: dense_0, dense_1"):
        initialize(model, "lsuv", np.zeros((10, 64)), seed=0)
    assert all(np.isfinite(weight).all() for weight in weights(model))


class Failing(layers.Layer):
    fail = False

    def call(self, inputs):
        if self.fail and inputs.shape[0] != 1:
            raise RuntimeError("no")
        return inputs


@pytest.mark.backend
def test_after_an_error_all_is_as_it_was():
    failing = Failing()
    model = keras.Sequential([keras.Input((64,)), layers.Dense(8, "relu"), failing, layers.Dense(4)])
    before = weights(model)
    failing.fail = True
    with pytest.raises(RuntimeError, match="no"):
        initialize(model, "lsuv", rows(20, 64))
    assert_equal_weights(before, weights(model))
    assert "call" not in vars(model.layers[0])
    assert model.layers[0].activation is keras.activations.relu


def subclassed():
    model = Subclassed()
    model(rows(1, 6, 6, 3))
    return model


REFUSED = {
    "no model": (lambda: "mlp", {}, "`model` must be a keras.Model. Received: 'mlp'"),
    "method": (lambda: mlp(depth=1), {"method": "lsuw"}, "method 'lsuw': did you mean 'lsuv'. Known: variance, lsuv"),
    "no method": (lambda: mlp(depth=1), {"method": None}, "method None.*Known: variance, lsuv"),
    "not built": (lambda: keras.Sequential([layers.Dense(3)]), {}, "has no weights yet: begin it with keras.Input"),
    "no graph": (subclassed, {}, "walks the graph.*Subclassed, has none: use method='lsuv'"),
    "no rows": (lambda: mlp(depth=1), {"method": "lsuv"}, "pass rows as the model takes them. Received: x=None"),
    "one row": (lambda: mlp(depth=1), {"method": "lsuv", "x": rows(1, 64)}, r"at least 2 rows.*\[1\]"),
    "shape": (lambda: mlp(depth=1), {"x": rows(5, 63)}, r"the shape that input .* takes, \(None, 64\).*\(5, 63\)"),
    "rank": (lambda: mlp(depth=1), {"x": rows(64)}, r"the shape that input .* takes, \(None, 64\).*\(64,\)"),
    "inputs": (lambda: mlp(depth=1), {"x": [rows(5, 64), rows(5, 64)]}, r"must be 1 array.*Received: 2"),
    "NaN": (lambda: mlp(depth=1), {"x": rows(5, 64) * np.float32("nan")}, "must be finite. Received: 320 NaN"),
    "text": (
        lambda: mlp(depth=1),
        {"x": np.full((5, 64), "a")},
        "must be arrays of numbers. Received: ndarray of dtype <U1",
    ),
    "subclassed shape": (
        subclassed,
        {"method": "lsuv", "x": rows(5, 3)},
        r"does not take this `x`. Received: shape \(5, 3\)",
    ),
    "seed": (lambda: mlp(depth=1), {"seed": 0.5}, "`seed` must be a whole number.*seed=0.5"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_name_what_was_received_and_change_nothing(case):
    build, arguments, message = REFUSED[case]
    model = build()
    before = weights(model) if isinstance(model, keras.Model) else []
    with pytest.raises(ValueError, match=message):
        initialize(model, **arguments)
    if isinstance(model, keras.Model):
        assert_equal_weights(before, weights(model))
