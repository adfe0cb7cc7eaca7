import math

import keras
import numpy as np
import pytest

from callbacks import EarlyStopping, StopOnDivergence
from recipes.optimizers import GradientClipping

pytestmark = pytest.mark.backend

EAGER = keras.backend.backend() == "tensorflow"  # where tracing takes longer than these few steps
JIT = keras.backend.backend() != "torch"  # whose compiler warns
X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X @ np.array([1.0, -2.0, 0.5], dtype="float32")


class Rows(keras.utils.PyDataset):
    """Four batches, of which the second is broken in some epochs."""

    def __init__(self, *broken, factor=1e30):
        super().__init__()
        self.broken = broken
        self.factor = np.float32(factor)
        self.epoch = -1  # `fit` ends an epoch before the first one

    def __len__(self):
        return 4

    def __getitem__(self, index):
        rows = slice(16 * index, 16 * (index + 1))
        return X[rows], Y[rows] * (self.factor if self.epoch in self.broken and index == 1 else 1)

    def on_epoch_end(self):
        self.epoch += 1


class Seen(keras.callbacks.Callback):
    """Rates, and how far the weights moved, by epoch."""

    def on_train_begin(self, logs=None):
        self.rates, self.moves, self.before = [], [], None

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            self.before = np.concatenate([weight.ravel() for weight in self.model.get_weights()])

    def on_epoch_end(self, epoch, logs=None):
        after = np.concatenate([weight.ravel() for weight in self.model.get_weights()])
        self.moves.append(np.abs(after - self.before).max())
        self.rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))


def compiled(optimizer, **kwargs):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((3,)), keras.layers.BatchNormalization(), keras.layers.Dropout(0.1), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer, "mse", **kwargs)
    return model


def arrays(variables):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def test_a_loss_that_is_not_finite_stops_at_once_and_can_be_watched_twice():
    callback, batches = StopOnDivergence(), []
    counting = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: batches.append(batch))
    model = compiled("sgd", run_eagerly=EAGER)
    start = model.get_weights()
    history = model.fit(X, Y * 1e30, batch_size=1, epochs=9, callbacks=[callback, counting], verbose=0).history
    assert (callback.stopped_epoch, callback.reason) == (0, "loss was not finite in epoch 1")
    assert not math.isfinite(history["loss"][0])
    assert len(batches) < 64
    model.set_weights(start)
    model.fit(Rows(), epochs=2, callbacks=[callback], verbose=0)
    assert callback.stopped_epoch is callback.reason is None


def test_a_loss_far_above_its_best_stops():
    callback = StopOnDivergence(factor=1000)
    compiled("adam", run_eagerly=EAGER).fit(Rows(2, factor=1e3), epochs=9, callbacks=[callback], verbose=0)
    assert callback.stopped_epoch == 2
    assert callback.reason.startswith("loss was more than 1000 times its best of ")
    assert callback.reason.endswith(" in epoch 3")
    compiled("adam", run_eagerly=EAGER).fit(Rows(0, factor=1e6), epochs=9, callbacks=[callback], verbose=0)
    assert callback.stopped_epoch == 0  # by its first batch


SGD, Adam, Decay = keras.optimizers.SGD, keras.optimizers.Adam, keras.optimizers.schedules.PolynomialDecay
OPTIMIZERS = {
    "constant": lambda: SGD(0.1, momentum=0.5),
    "schedule": lambda: SGD(Decay(0.1, 100, 0.0)),
    "wrapped": lambda: keras.optimizers.LossScaleOptimizer(GradientClipping(Adam(Decay(0.1, 100, 0.0), use_ema=True))),
}


@pytest.mark.parametrize(
    "name", ["wrapped", *(pytest.param(name, marks=pytest.mark.extensive) for name in ("constant", "schedule"))]
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_it_goes_back_to_good_weights_with_a_lower_rate(name, tmp_path):
    model = compiled(OPTIMIZERS[name](), jit_compile=JIT and name == "constant")
    callback, seen, stopping = StopOnDivergence(max_restarts=2), Seen(), EarlyStopping("loss")
    # A Guard leaves what is not finite out of the weights: there the loss is the only sign.
    history = model.fit(Rows(0, 2), epochs=5, callbacks=[stopping, callback, seen], verbose=0).history
    assert [math.isfinite(loss) for loss in history["loss"]] == [False, True, False, True, True]
    assert (callback.restarts, callback.stopped_epoch, callback.reason) == ([0, 2], None, None)
    steps = np.array([4, 8, 12, 16, 20]) if name == "schedule" else np.array([3, 7, 10, 14, 18])
    scale = np.array([0.1, 0.1, 0.01, 0.01, 0.01])
    np.testing.assert_allclose(seen.rates, 0.1 * scale * (1 if name == "constant" else 1 - steps / 100), rtol=1e-5)
    if name != "wrapped":  # the moves of Adam grow at first
        assert seen.moves[3] < 0.5 * seen.moves[1]
    assert all(np.isfinite(array).all() for array in arrays([*model.variables, *model.optimizer.variables]))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(arrays(model.optimizer.variables), arrays(loaded.optimizer.variables), strict=True):
        np.testing.assert_array_equal(one, other)
    rates = [float(keras.ops.convert_to_numpy(each.optimizer.learning_rate)) for each in (model, loaded)]
    assert rates[0] == rates[1]
    loaded.fit(X, Y, verbose=0)


def test_after_the_last_restart_the_last_good_weights_stay():
    model, callback = compiled(SGD(0.1, momentum=0.5), run_eagerly=EAGER), StopOnDivergence(max_restarts=1)
    good = []
    keeping = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: good.append(arrays(model.variables)))
    model.fit(Rows(1, 3), epochs=9, callbacks=[keeping, callback], verbose=0)
    assert (callback.restarts, callback.stopped_epoch, len(good)) == ([1], 3, 4)
    for one, other in zip(arrays(model.variables), good[2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(model.optimizer.iterations) == 8
    # Nothing is left to go on with, but the weights of the first epoch are worth keeping.
    model.fit(Rows(1), epochs=2, callbacks=[callback], verbose=0)
    assert (callback.restarts, callback.stopped_epoch) == ([1], None)
    assert np.isfinite(model.evaluate(X, Y, verbose=0))


def test_without_a_good_epoch_the_first_weights_stay():
    model, callback = compiled(SGD(0.1, use_ema=True), run_eagerly=EAGER), StopOnDivergence(max_restarts=1)
    before = model.get_weights()
    model.fit(Rows(0), epochs=1, callbacks=[callback], verbose=0)
    assert (callback.restarts, callback.reason) == ([], "loss was not finite in epoch 1")
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": 1}, "`factor` must be more than 1 and finite. Received: 1"),
        ({"max_restarts": -1}, "`max_restarts` must be a whole number of at least 0. Received: -1"),
        ({"rate_factor": 1.0}, "`rate_factor` must be more than 0 and less than 1. Received: 1.0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        StopOnDivergence(**arguments)
