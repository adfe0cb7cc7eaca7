import functools
import random

import keras
import numpy as np
import pytest
from keras import layers, ops
from sklearn.datasets import load_digits

from callbacks import ActivationStatistics
from callbacks.activation_statistics import summary
from callbacks.watching.activation_probe import can_be_silent, saturation_bounds
from callbacks.watching.record import Record

pytestmark = pytest.mark.backend

IMAGES, DIGITS = load_digits(return_X_y=True)
IMAGES = (IMAGES / 16).astype("float32")
JIT = keras.backend.backend() == "jax"  # elsewhere compilation takes longer than these trainings
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Noise(layers.Layer):
    """Random in inference, too; its draws are the state of a generator."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1)

    def call(self, inputs):
        return inputs + 0.1 * keras.random.normal(ops.shape(inputs), seed=self.seed_generator)


class Block(keras.Model):
    """Subclassed, with one layer that is called twice and one that is never called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(8, "relu", name="inner")
        self.out = layers.Dense(10, name="out")
        self.unused = layers.Dense(3, name="unused", trainable=False)
        self.unused.build((None, 8))
        self.traces = 0

    def call(self, inputs):
        self.traces += 1
        return self.out(self.inner(inputs[..., :8]) + self.inner(inputs[..., 8:16]))


class Loop(layers.Layer):
    """Calls its layer in a loop of the backend."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.cell = layers.Dense(4, "tanh", name="cell")

    def build(self, shape):
        self.cell.build((shape[0], 4))

    def call(self, inputs):
        def step(state, row):
            state = self.cell(state) + row
            return state, state

        return ops.scan(step, inputs[:, 0], ops.transpose(inputs, (1, 0, 2)))[0]


def lazy(**options):
    return keras.Sequential(
        [
            layers.Dense(16, "relu", name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.3),
            Noise(),
            layers.Dense(10, name="last"),
        ],
        **options,
    )


def convolutional():
    inputs = keras.Input((64,))
    x = layers.Reshape((8, 8, 1))(inputs)
    x = layers.Conv2D(6, 3, activation="relu", bias_initializer=keras.initializers.Constant(-0.1), name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = keras.Sequential(
        [keras.Input((6, 6, 6)), layers.Flatten(), layers.Dense(12, "tanh", name="tanh")], name="body"
    )(x)
    x = layers.Dense(12, "sigmoid", name="sigmoid")(layers.Dropout(0.3)(10 * x))
    return keras.Model(inputs, layers.Dense(10, name="last")(x))


def fitted(model, callbacks=(), epochs=2, rows=160, **options):
    settings = {"loss": LOSS, "jit_compile": JIT, **options}
    model.compile(keras.optimizers.Adam(0.01), **settings)
    model.fit(IMAGES[:rows], DIGITS[:rows], batch_size=64, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return model


def column(record, field, layer, epoch=-1):
    return getattr(record, f"activation_{field}")[epoch, record.layers.index(layer)]


@pytest.mark.extensive
@pytest.mark.parametrize("build", [lazy, Block])
def test_a_watched_training_is_the_same_bit_by_bit(build):
    states = []
    for watched in (False, True):
        keras.utils.set_random_seed(1)
        callback = ActivationStatistics(IMAGES[:200], batch_size=80)
        model = fitted(build(name="model"), [callback] if watched else [])
        variables = [*model.variables, *model.optimizer.variables]
        values = [ops.convert_to_numpy(variable.value).copy() for variable in variables]
        states.append((values, [weight.path for weight in model.weights], random.random()))
    (plain, names, after), (watched, same_names, same_after) = states
    assert (names, after) == (same_names, same_after)
    for one, other in zip(plain, watched, strict=True):
        np.testing.assert_array_equal(one, other)


def test_states_that_outlive_a_batch_are_put_back():
    inputs = keras.Input(batch_shape=(32, 8, 8))
    recurrent = layers.SimpleRNN(3, stateful=True, unroll=True)
    model = keras.Model(inputs, layers.Dense(10)(recurrent(inputs)))
    model.compile("sgd", LOSS, run_eagerly=keras.backend.backend() != "jax")
    callback, state = ActivationStatistics(IMAGES[:40].reshape(40, 8, 8)), ops.ones((32, 3))
    recurrent.states[0].assign(state)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    np.testing.assert_array_equal(ops.convert_to_numpy(recurrent.states[0].value), ops.convert_to_numpy(state))
    assert callback.record.activation_std[0].all()


def test_the_numbers_are_those_of_the_outputs():
    model, probe = convolutional(), IMAGES[:130]
    kernel, bias = model.get_layer("conv").get_weights()
    bias[2] = -100
    model.get_layer("conv").set_weights([kernel, bias])
    callback = ActivationStatistics(probe, batch_size=64)
    fitted(model, [callback])
    record = callback.record
    assert record.layers == ("conv", "norm", "body/tanh", "sigmoid", "last")
    assert record.epochs.tolist() == [0, 1, 2]
    body = model.get_layer("body")
    taken = keras.Model(model.inputs, [model.get_layer("conv").output, body.output, model.get_layer("sigmoid").output])
    for name, outputs in zip(("conv", "body/tanh", "sigmoid"), taken.predict(probe, verbose=0), strict=True):
        np.testing.assert_allclose(column(record, "mean", name), outputs.mean(), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(column(record, "std", name), outputs.std(), rtol=1e-4)
        dead, saturated = np.nan, np.nan
        if name == "conv":
            dead = (outputs.reshape(-1, 6) == 0).all(axis=0).mean()
            assert dead >= 1 / 6
        else:
            saturated = (np.abs(outputs) > 0.97 if name == "body/tanh" else np.abs(outputs - 0.5) > 0.48).mean()
        np.testing.assert_allclose(column(record, "dead", name), dead)
        np.testing.assert_allclose(column(record, "saturated", name), saturated, atol=1e-6)
        shares, (low, high) = column(record, "histogram", name), column(record, "range", name)
        assert outputs.min() - 1e-6 <= low < high <= outputs.max() + 1e-6
        assert shares.sum() == pytest.approx(1)
        places = low + (np.arange(64) + 0.5) / 64 * (high - low)
        assert (shares * places).sum() == pytest.approx(outputs.mean(), abs=0.1 * float(outputs.std()))


def test_calls_count_together_and_each_program_is_made_once():
    callback, model = ActivationStatistics(IMAGES[:128]), Block()
    fitted(model, [callback], epochs=1)
    traces = model.traces
    model.fit(IMAGES[:64], DIGITS[:64], epochs=5, initial_epoch=3, verbose=0, callbacks=[callback])
    record = callback.record
    assert record.layers == ("inner", "out")
    assert record.epochs.tolist() == [3, 4, 5]
    if keras.backend.backend() != "torch":
        assert model.traces == traces
    halves = [ops.convert_to_numpy(model.inner(IMAGES[:128, start : start + 8])) for start in (0, 8)]
    halves = np.stack(halves)
    assert column(record, "mean", "inner") == pytest.approx(halves.mean(), rel=1e-4)
    assert column(record, "std", "inner") == pytest.approx(halves.std(), rel=1e-4)
    assert column(record, "dead", "inner") == (halves.max(axis=(0, 1)) == 0).mean()


@pytest.mark.extensive
def test_padded_steps_do_not_count():
    tokens = np.random.default_rng(0).integers(1, 20, (96, 5))
    tokens[np.arange(5) >= np.random.default_rng(1).integers(1, 6, (96, 1))] = 0
    inputs = keras.Input((5,), dtype="int32", name="tokens")
    embedded = layers.Embedding(20, 6, mask_zero=True, name="embedding")(inputs)
    both = layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True, name="simple"), name="both")(embedded)
    digit = layers.Dense(2, name="digit")(layers.GlobalAveragePooling1D()(both))
    model = keras.Model({"tokens": inputs}, {"digit": digit})
    model.compile("sgd", LOSS, jit_compile=JIT)
    callback = ActivationStatistics({"tokens": tokens}, batch_size=50)
    model.fit({"tokens": tokens}, {"digit": tokens[:, 0] % 2}, verbose=0, callbacks=[callback])
    record = callback.record
    assert record.layers == ("embedding", "both/forward_simple", "both/backward_simple", "digit")
    values = keras.Model(model.inputs, both).predict(tokens, verbose=0)[tokens > 0]
    for place, name in enumerate(record.layers[1:3]):
        part = values[:, 3 * place : 3 * place + 3]
        assert column(record, "mean", name) == pytest.approx(part.mean(), rel=1e-3)
        assert column(record, "std", name) == pytest.approx(part.std(), rel=1e-3)
        assert column(record, "saturated", name) == pytest.approx((np.abs(part) > 0.97).mean())


def test_half_precision_is_watched_in_single():
    inputs = [keras.Input((32,)), keras.Input((32,))]
    wide = layers.Dense(64, "relu", dtype="mixed_float16", kernel_initializer=keras.initializers.Constant(60))
    joined = layers.Concatenate()([wide(part) for part in inputs])
    model = keras.Model(inputs, layers.Dense(10, name="last")(joined))
    model.compile(keras.optimizers.SGD(0.0), LOSS)
    halves = [IMAGES[:64, :32], IMAGES[:64, 32:]]
    callback = ActivationStatistics(halves)
    model.fit(halves, DIGITS[:64], verbose=0, callbacks=[callback])
    expected = np.stack([60 * half.sum(axis=1) for half in halves])
    np.testing.assert_allclose(callback.record.activation_mean[:, 0], expected.mean(), rtol=1e-3)
    np.testing.assert_allclose(callback.record.activation_std[:, 0], expected.std(), rtol=1e-3)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_vanishing_and_exploding_outputs_have_a_spread(size):
    model = keras.Sequential(
        [keras.Input((64,)), layers.Dense(10, kernel_initializer=keras.initializers.Constant(size))]
    )
    model.compile(keras.optimizers.SGD(0.0), LOSS, run_eagerly=True)
    callback = ActivationStatistics(IMAGES[:64])
    model.fit(IMAGES[:8], DIGITS[:8], verbose=0, callbacks=[callback])
    expected = IMAGES[:64].sum(axis=1).std() * size
    assert callback.record.activation_std[0, 0] == pytest.approx(expected, rel=1e-3)


def test_initial_weights_make_activations_vanish_stay_or_saturate():
    hidden = [layers.Dense(100, "tanh", name=f"hidden_{place}") for place in range(5)]
    model = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10, name="last")])
    model.compile("sgd", LOSS, jit_compile=JIT)
    callback, records = ActivationStatistics(IMAGES, layers=[layer.name for layer in hidden]), {}
    for name, weights in {"small": 0.01, "glorot": None, "large": 1.0}.items():
        for layer in hidden:
            draw = keras.initializers.RandomNormal(stddev=weights) if weights else keras.initializers.GlorotUniform()
            layer.kernel.assign(draw(layer.kernel.shape))
        model.fit(IMAGES, DIGITS, verbose=0, callbacks=[callback])
        records[name] = callback.record
    small, glorot, large = (records[name].activation_std[0] for name in ("small", "glorot", "large"))
    assert (small[1:] < 0.2 * small[:-1]).all()
    assert small[-1] < 1e-4
    assert (glorot[1:] > 0.7 * glorot[:-1]).all()
    assert (large > 0.85).all()
    for record, least, most in ((records["small"], 0, 0), (records["glorot"], 0, 0.1), (records["large"], 0.5, 1)):
        assert (record.activation_saturated >= least).all()
        assert (record.activation_saturated <= most).all()
    # Saturated outputs lie at the two ends of the histogram, vanished ones close together.
    assert records["large"].activation_histogram[0, -1, [0, -1]].sum() > 0.6
    assert np.ptp(records["small"].activation_range[0, -1]) < 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": IMAGES[:0]}, "`x` must have at least one row, and as many in each array. Received: shapes .0, 64."),
        ({"x": [IMAGES[:3], IMAGES[:2]]}, "as many in each array. Received: shapes ..3, 64., .2, 64.."),
        ({"x": IMAGES[:3] * np.array([[1], [np.nan], [1]])}, "`x` must be finite. Received: .* first in row 1"),
        ({"x": IMAGES[:9, :3]}, "The model cannot take `x`. Received: rows of shape .3,.: .*value 64, but"),
        ({"layers": ["frist"]}, "`layers` must be names among first, last. Received: 'frist'"),
        ({"layers": []}, "There is no layer to watch. Received: layers=.., a model with 2"),
        ({"layers": "first"}, "`layers` must be a list of names. Received: layers='first'"),
        ({"rows": 0}, "`rows` must be a whole number from 1. Received: rows=0"),
        ({"bins": 2.5}, "`bins` must be a whole number from 1. Received: bins=2.5"),
    ],
)
def test_bad_input_is_one_line_before_the_first_step(options, message):
    model = keras.Sequential([keras.Input((64,)), layers.Dense(4, name="first"), layers.Dense(10, name="last")])
    before = model.get_weights()
    with pytest.raises(ValueError, match=message) as error:
        fitted(model, [ActivationStatistics(**{"x": IMAGES[:9], **options})])
    assert "\n" not in str(error.value)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


def test_a_layer_in_a_loop_of_the_backend_is_named_and_can_be_left_out():
    inputs = keras.Input((8, 8))
    x = layers.Dense(4, name="first")(inputs)
    model = keras.Model(inputs, layers.Dense(10, name="last")(Loop(name="loop")(x)))
    model.compile("sgd", LOSS, jit_compile=JIT)
    rows = IMAGES[:32].reshape(32, 8, 8)
    if keras.backend.backend() != "torch":
        with pytest.raises(
            ValueError, match="The outputs of the layer 'loop/cell' cannot be watched.*layers="
        ) as error:
            model.fit(rows, DIGITS[:32], verbose=0, callbacks=[ActivationStatistics(rows)])
        assert "\n" not in str(error.value)
    callback = ActivationStatistics(rows, layers=["last", "first"])
    model.fit(rows, DIGITS[:32], verbose=0, callbacks=[callback])
    assert callback.record.layers == ("first", "last")


def test_the_activation_tells_what_a_layer_can_do():
    silent = [
        layers.Dense(2, "relu"), layers.Dense(2, ops.relu), layers.Conv1D(2, 3, activation="gelu"), layers.ReLU(),
        layers.Activation("silu"), layers.Dense(2, functools.partial(keras.activations.gelu, approximate=True)),
        layers.TimeDistributed(layers.Dense(2, "relu6")), layers.Dense(2, layers.ReLU()),
    ]  # fmt: skip
    neither = [
        layers.Dense(2), layers.Dense(2, "leaky_relu"), layers.Dense(2, "elu"), layers.LSTM(2), layers.GRU(2),
        layers.ReLU(negative_slope=0.1), layers.LeakyReLU(), layers.BatchNormalization(), layers.Softmax(),
        layers.Dense(2, functools.partial(keras.activations.relu, negative_slope=0.1)),
    ]  # fmt: skip
    assert all(can_be_silent(layer) and saturation_bounds(layer) is None for layer in silent)
    assert not any(can_be_silent(layer) or saturation_bounds(layer) for layer in neither)
    for layer in (layers.SimpleRNN(2), layers.Dense(2, "tanh"), layers.RNN(layers.SimpleRNNCell(2))):
        assert saturation_bounds(layer) == (-0.97, 0.97)
    assert (
        saturation_bounds(layers.Activation("sigmoid"))
        == saturation_bounds(layers.Dense(2, "hard_sigmoid"))
        == (0.02, 0.98)
    )


def test_what_is_not_finite_or_absent_has_no_numbers():
    rows = {"count": np.ones(2), "mean": np.array([1, np.nan]), "std": np.zeros(2), "saturated": np.zeros(2)}
    numbers = summary([[{**rows, "sample": np.full((2, 3), np.inf), "peak": np.array([[0, np.nan]])}]], bins=4)
    assert all(np.isnan(numbers[name]).all() for name in ("mean", "std", "dead", "saturated", "histogram", "range"))
    assert ActivationStatistics(IMAGES).record.layers == Record().layers
