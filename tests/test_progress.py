import io

import keras
import numpy as np
import pytest

from callbacks import Progress
from callbacks.progress import seconds_left

pytestmark = pytest.mark.backend


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def data():
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    return x, x @ np.array([1.0, -2.0, 0.5], dtype="float32")


def fit(data, progress, epochs):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(*data, validation_data=data, epochs=epochs, callbacks=[progress], verbose=0)


def test_progress_prints_about_ten_lines_to_a_file():
    stream = io.StringIO()
    hooks = keras.callbacks.CallbackList([Progress(stream)], epochs=40)  # as of a training, which takes longer
    hooks.on_train_begin()
    for epoch in range(40):
        hooks.on_epoch_begin(epoch)
        hooks.on_epoch_end(epoch, {"loss": 1 / (epoch + 1), "val_loss": 2.0})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[-1].startswith("epoch 40/40  ━━━━━━━━━━━━━━━━━━━━  0:00 left at most  loss 0.025  val_loss 2")


def test_progress_writes_what_the_stream_can_encode(data):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    fit(data, Progress(stream), epochs=2)
    stream.seek(0)
    assert "==" in stream.read()


def test_progress_redraws_one_line_of_a_terminal(data):
    stream = Terminal()
    fit(data, Progress(stream), epochs=3)
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert written.rstrip("\n").split("\r\x1b[2K")[-1].startswith("epoch 3/3")


def test_time_left_goes_by_the_epochs_done_so_far():
    assert seconds_left(elapsed=10, done=2, remaining=3) == 15
    assert seconds_left(elapsed=10, done=0, remaining=3) == 0
