import io
import math

import keras
import numpy as np
import pytest

from callbacks import EarlyStopping, Progress, StopOnDivergence
from callbacks.progress import seconds_left

pytestmark = pytest.mark.backend


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def data():
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    return x, x @ np.array([1.0, -2.0, 0.5], dtype="float32")


def compiled(learning_rate=0.1):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate), "mse")
    return model


def fit(model, data, callback, epochs=4):
    return model.fit(*data, validation_data=data, epochs=epochs, callbacks=[callback], verbose=0)


def test_early_stopping_goes_back_to_the_best_epoch(data):
    class Worsening(keras.callbacks.Callback):
        """Spoils the weights after the second epoch."""

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.good = self.model.get_weights()
            if epoch >= 2:
                self.model.set_weights([weight + 10.0 * epoch for weight in self.good])

    model, worsening, stopping = compiled(0.001), Worsening(), EarlyStopping(patience=2)
    history = model.fit(*data, validation_data=data, epochs=9, callbacks=[worsening, stopping], verbose=0)
    assert (stopping.best_epoch, stopping.stopped_epoch, len(history.epoch)) == (1, 3, 4)
    np.testing.assert_allclose(model.evaluate(*data, verbose=0), history.history["val_loss"][1], rtol=1e-6)


def test_early_stopping_names_the_values_there_are(data):
    with pytest.raises(ValueError, match="`monitor` must be one of loss, val_loss. Received: monitor='val_acc'"):
        fit(compiled(), data, EarlyStopping(monitor="val_acc"))


def test_early_stopping_says_why_there_are_no_validation_values(data):
    with pytest.raises(ValueError, match="one of loss .`fit` without validation data gives no val_ values."):
        compiled().fit(*data, callbacks=[EarlyStopping()], verbose=0)


def test_divergence_stops_training_and_can_be_watched_twice(data):
    callback = StopOnDivergence()
    history = fit(compiled(1e30), data, callback, epochs=9)
    assert callback.stopped_epoch == len(history.epoch) - 1 < 8
    assert not math.isfinite(history.history["loss"][-1])
    fit(compiled(), data, callback)
    assert callback.stopped_epoch is None


def test_progress_prints_about_ten_lines_to_a_file(data):
    stream = io.StringIO()
    fit(compiled(), data, Progress(stream), epochs=40)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[-1].startswith("epoch 40/40  ━━━━━━━━━━━━━━━━━━━━  0:00 left at most  loss ")
    assert "val_loss" in lines[-1]


def test_progress_writes_what_the_stream_can_encode(data):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    fit(compiled(), data, Progress(stream), epochs=2)
    stream.seek(0)
    assert "==" in stream.read()


def test_progress_redraws_one_line_of_a_terminal(data):
    stream = Terminal()
    fit(compiled(), data, Progress(stream), epochs=3)
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert written.rstrip("\n").split("\r\x1b[2K")[-1].startswith("epoch 3/3")


def test_time_left_goes_by_the_epochs_done_so_far():
    assert seconds_left(elapsed=10, done=2, remaining=3) == 15
    assert seconds_left(elapsed=10, done=0, remaining=3) == 0
