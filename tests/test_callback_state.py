"""A training that stops anywhere and goes on in new objects, with the state of its callbacks, is the same training."""

import dataclasses
import io

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import callbacks as package
import recipes
from callbacks import (
    ActivationStatistics,
    AveragedWeights,
    EarlyStopping,
    GradientNormLogger,
    Progress,
    StopOnDivergence,
)
from callbacks.averaged_weights import training_weights
from callbacks.watching.keras_private import finish_hooks
from callbacks.watching.optimizer_hook import unwatched_variables
from callbacks.watching.resumed_state import restore_state, state_of

pytestmark = pytest.mark.backend

BACKEND = keras.backend.backend()
EAGER = BACKEND == "tensorflow"  # where tracing takes longer than these few steps
EPOCHS, STEPS, SIZE = 4, 3, 16
IMAGES, LABELS = load_digits(return_X_y=True)
X, Y = IMAGES[:48].astype("float32") / 16, LABELS[:48]
VALIDATION = IMAGES[64:96].astype("float32") / 16, LABELS[64:96]


class Rows(keras.utils.PyDataset):
    """The batches of each epoch from `epoch` on, in the first one from `first` on; broken ones in some epochs."""

    def __init__(self, epoch, first=0, broken=()):
        super().__init__()
        self.epoch = epoch - 1  # `fit` ends an epoch before the first one
        self.first = first
        self.broken = broken

    def __len__(self):
        return STEPS - self.first

    def __getitem__(self, index):
        batch = self.first + index
        rows = slice(SIZE * batch, SIZE * (batch + 1))
        return X[rows] * np.float32(np.nan if (self.epoch, batch) in self.broken else 1), Y[rows]

    def on_epoch_end(self):
        self.epoch += 1


@dataclasses.dataclass
class Snapshot:
    epoch: int
    step: int
    is_stopped: bool
    values: list
    states: list


def variables_of(model):
    return [*model.variables, *unwatched_variables(model.optimizer), *model.metrics_variables]


def values_of(model):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables_of(model)]


class Watched(keras.callbacks.CallbackList):
    """The callbacks of a training that is never stopped, with snapshots of it between steps and epochs."""

    def __init__(self, callbacks, model, places=()):
        super().__init__(callbacks, add_history=True, model=model, epochs=EPOCHS, steps=STEPS, verbose=0)
        self.trained = model
        self.places = places
        self.snapshots = {}

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.take(self.epoch, batch)
        super().on_train_batch_begin(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.take(epoch + 1, 0, at_end=True)

    def take(self, epoch, step, at_end=False):
        if (epoch, step) not in self.places or at_end == bool(step):
            return
        finish_hooks(self)
        if BACKEND == "jax" and step:
            self.trained.jax_state_sync()
        shown = values_of(self.trained)
        with training_weights(self.trained):
            values = values_of(self.trained)
        assert_equal(values_of(self.trained), shown)
        states = list(map(state_of, self.callbacks))
        assert_plain(states)
        self.snapshots[epoch, step] = Snapshot(epoch, step, self.trained.stop_training, values, states)


class Resumed(keras.callbacks.CallbackList):
    """The callbacks of a training that goes on from a snapshot: they see one training, though `fit` is called twice."""

    def __init__(self, callbacks, model, snapshot):
        super().__init__(callbacks, add_history=True, model=model, epochs=EPOCHS, steps=STEPS, verbose=0)
        self.trained = model
        self.snapshot = snapshot
        self.first = snapshot.step
        self.begun = False
        self.last = not snapshot.step

    def restore(self):
        for variable, value in zip(variables_of(self.trained), self.snapshot.values, strict=True):
            variable.assign(value)
        for callback, state in zip(self.callbacks, self.snapshot.states, strict=True):
            restore_state(callback, state)

    def on_train_begin(self, logs=None):
        if self.begun:
            return
        self.begun = True
        for variable, value in zip(variables_of(self.trained), self.snapshot.values, strict=True):
            variable.assign(value)
        super().on_train_begin(logs)
        if not self.first:
            self.restore()

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        if self.first:
            self.restore()

    def on_train_batch_begin(self, batch, logs=None):
        super().on_train_batch_begin(self.first + batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(self.first + batch, logs)

    def on_train_end(self, logs=None):
        if self.last:
            super().on_train_end(logs)
        self.first, self.last = 0, True


def fit(model, callbacks, epoch, first=0, epochs=EPOCHS, broken=()):
    rows = Rows(epoch, first, broken)
    options = {"validation_data": VALIDATION, "shuffle": False, "verbose": 0}
    return model.fit(rows, initial_epoch=epoch, epochs=epochs, callbacks=callbacks, **options)


def uninterrupted(make, places=(), broken=()):
    """The model and the callbacks at the end of a training, and its snapshots by epoch and step."""
    model, callbacks = make()
    watched = Watched(callbacks, model, places)
    fit(model, watched, 0, broken=broken)
    return model, watched.callbacks, watched.snapshots


def resumed(make, snapshot, broken=()):
    keras.utils.set_random_seed(12345)  # nothing may depend on it
    model, callbacks = make()
    model.optimizer.build(model.trainable_variables)
    callbacks = Resumed(callbacks, model, snapshot)
    epoch = snapshot.epoch
    if snapshot.step:
        fit(model, callbacks, epoch, snapshot.step, epoch + 1, broken)
        epoch += 1
    # A training that has stopped has only to end.
    is_stopped = snapshot.is_stopped or model.stop_training
    fit(model, callbacks, epoch, epochs=epoch if is_stopped else EPOCHS, broken=broken)
    return model, callbacks.callbacks


def assert_plain(state):
    """A state has nothing in it but what a checkpoint can hold."""
    if isinstance(state, dict | list | tuple):
        for value in state.values() if isinstance(state, dict) else state:
            assert_plain(value)
    else:
        # Not a NumPy scalar, though one of float64 is a `float`.
        assert type(state) in (type(None), bool, int, float, str, np.ndarray)


def assert_equal(ours, theirs):
    """Equality of nested states, to the last bit."""
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert list(ours) == list(theirs)
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_equal(one, other)
    else:
        np.testing.assert_array_equal(ours, theirs, strict=True)


def results(model, callbacks):
    """All that a training has led to."""
    found = {"values": values_of(model), "history": model.history.history, "epochs": model.history.epoch}
    found["rate"] = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    for callback in callbacks:
        names = ("best", "best_epoch", "best_weights", "wait", "stopped_epoch", "reason", "kept", "restarts")
        seen = {name: getattr(callback, name) for name in names if hasattr(callback, name)}
        if hasattr(callback, "record"):
            record = callback.record
            seen |= {"layers": record.layers, "epochs": record.epochs, **record.measured()}
        found[type(callback).__name__] = seen
    return found


def compiled(rate, run_eagerly):
    layers = keras.layers
    # The first kernel has more weights than the gradient meter looks at in one update. Dropout without a seed would, on
    # PyTorch, draw from the generator of the process.
    hidden = [
        layers.Dense(80, "relu", name="hidden"),
        layers.BatchNormalization(name="normal"),
        layers.Dropout(0.3, seed=0),
    ]
    model = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10, name="out")])
    optimizer = recipes.optimizers.get("momentum", rate, clipnorm=0.5, ema_momentum=0.8)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, run_eagerly=run_eagerly, jit_compile=BACKEND == "jax")
    return model


def watching():
    return [GradientNormLogger(trace_every=2, trace_length=4), ActivationStatistics(X, rows=32)]


def on_a_schedule():
    rate = keras.optimizers.schedules.PolynomialDecay(0.05, 40)
    # Only the first epoch is an improvement.
    stopping = EarlyStopping(patience=2, patience_steps=2 * STEPS, min_delta=9)
    return compiled(rate, EAGER), [*watching(), StopOnDivergence(max_restarts=1), stopping]


def on_plateaus():
    plateau = keras.callbacks.ReduceLROnPlateau(patience=1, cooldown=2, min_delta=9)
    others = [keras.callbacks.TerminateOnNaN(), StopOnDivergence(factor=1e6), AveragedWeights()]
    return compiled(0.05, run_eagerly=False), [*watching(), plateau, *others]


def assert_resumed(make, places, broken=()):
    """Interrupt a training at each of `places`, and return the results of the one that was not."""
    keras.utils.set_random_seed(0)
    *whole, snapshots = uninterrupted(make, places, broken)
    expected = results(*whole)
    for place in places:
        assert_equal(results(*resumed(make, snapshots[place], broken)), expected)
    return expected


@pytest.mark.parametrize(
    "places", [[(2, 1), (3, 0)], pytest.param([(0, 1), (1, 2), (2, 0), (2, 2)], marks=pytest.mark.extensive)]
)
def test_a_training_that_was_set_back_goes_on_as_if_it_had_never_stopped(places):
    expected = assert_resumed(on_a_schedule, places, broken=[(1, 1)])
    assert expected["StopOnDivergence"]["restarts"] == [1]
    reason = expected["EarlyStopping"]["reason"]
    assert reason.startswith("stopped in epoch 3: val_loss has not improved on ")
    assert reason.endswith(" of epoch 1 for 2 epochs")
    assert expected["rate"] == pytest.approx(0.005 * (1 - 9 / 40), rel=0.1)
    assert expected["GradientNormLogger"]["nonfinite_steps"].tolist() == [0, 1, 0]
    assert len(expected["GradientNormLogger"]["trace_step"]) == 4


@pytest.mark.extensive
@pytest.mark.parametrize("broken", [(), [(3, 1)]])
def test_a_training_that_ends_by_its_epochs_or_by_divergence_does_so_when_resumed(broken):
    expected = assert_resumed(on_plateaus, [(0, 1), (1, 0), (1, 2), (3, 0), (4, 0)], broken)
    assert expected["StopOnDivergence"]["reason"] == ("loss was not finite in epoch 4" if broken else None)
    assert expected["rate"] == pytest.approx(0.0005)


def test_every_callback_can_be_resumed():
    classes = [each for each in vars(package).values() if isinstance(each, type)]
    ours = [each for each in classes if issubclass(each, keras.callbacks.Callback)]
    assert len(ours) == 6
    assert all(hasattr(each, "state") and hasattr(each, "restore") for each in ours)


def test_callbacks_of_keras_are_resumed_by_their_attributes():
    plateau = keras.callbacks.ReduceLROnPlateau()
    plateau.best, plateau.wait, plateau.cooldown_counter = 0.5, 3, 1
    state = state_of(plateau)
    assert state == {"best": 0.5, "wait": 3, "cooldown_counter": 1}
    fresh = keras.callbacks.ReduceLROnPlateau()
    fresh.on_train_begin()
    restore_state(fresh, state)
    assert (fresh.best, fresh.wait, fresh.cooldown_counter) == (0.5, 3, 1)
    assert state_of(keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)) == {}
    assert state_of(keras.callbacks.ModelCheckpoint("best.keras")) == {"best": None}


def test_what_another_callback_carries_along_is_not_known(tmp_path):
    class Counting(keras.callbacks.ReduceLROnPlateau):
        count = 0

    others = [
        Counting(),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.ModelCheckpoint("last.keras", save_freq=10),
    ]
    assert [state_of(callback) for callback in others] == [None] * 4


def test_a_user_callback_may_have_the_two_methods():
    class Counting(keras.callbacks.Callback):
        count = 2

        def state(self):
            return {"count": self.count}

        def restore(self, state):
            self.count = state["count"] + 1

    callback = Counting()
    restore_state(callback, state_of(callback))
    assert callback.count == 3


def test_time_between_two_processes_is_no_time_without_improvement(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    stopping, progress = EarlyStopping(patience_seconds=60), Progress(io.StringIO())
    for callback in (stopping, progress):
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_begin(0)
    clock[0] = 130.0
    states = [state_of(callback) for callback in (stopping, progress)]
    clock[0] = 5.0  # another boot of the machine
    fresh = EarlyStopping(patience_seconds=60), Progress(io.StringIO())
    for callback, state in zip(fresh, states, strict=True):
        callback.set_model(model)
        callback.on_train_begin()
        restore_state(callback, state)
    clock[0] = 10.0
    assert state_of(fresh[0])["seconds"] == 35.0
    assert state_of(fresh[1]) == {"elapsed": 35.0, "first_epoch": 0, "tenths": 0, "results": ""}


def test_layers_that_keras_has_numbered_anew_go_on_with_their_activations():
    def model():
        network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(1)])
        network.compile("sgd", "mse")
        return network

    x = np.ones((4, 2), np.float32)
    before, after = ActivationStatistics(x), ActivationStatistics(x)
    model().fit(x, x[:, :1], callbacks=[before], verbose=0)
    after.set_model(model())
    after.on_train_begin()
    after.restore(before.state())
    after.on_epoch_end(1)
    record = after.record
    assert record.layers == tuple(layer.name for layer in after.model.layers)
    assert np.isfinite(record.activation_mean).all()
    np.testing.assert_array_equal(record.activation_mean[:2], before.record.activation_mean)
