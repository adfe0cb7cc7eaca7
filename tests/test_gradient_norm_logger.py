import threading

import keras
import numpy as np
import pytest

from callbacks import GradientNormLogger
from callbacks.gradient_norm_logger import EventFiles
from callbacks.watching.gradient_meter import LEAST_CAPACITY

pytestmark = pytest.mark.backend


def model(units=4, optimizer="sgd"):
    layers = [keras.layers.Dense(units, "sigmoid", name=f"dense_{number}") for number in range(4)]
    network = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1, name="last")])
    network.compile(optimizer, "mse")
    return network


def rows(count):
    x = np.random.default_rng(0).normal(size=(count, 3)).astype("float32")
    return x, x.sum(axis=1)


def fit(logger, steps, epochs=1, network=None):
    (network or model()).fit(*rows(4 * steps), batch_size=4, epochs=epochs, callbacks=[logger], verbose=0)
    return logger.record


def test_sigmoids_let_the_gradient_vanish_towards_the_first_layer():
    record = fit(GradientNormLogger(), steps=4)
    assert record.layers == ("dense_0", "dense_1", "dense_2", "dense_3", "last")
    assert (np.diff(record.gradient_norm_mean[0]) > 0).all()
    assert record.gradient_norm_mean[0, 0] < 0.05 * record.gradient_norm_mean[0, -1]


@pytest.mark.extensive
def test_a_trace_is_whole_also_where_it_is_longer_than_what_the_device_holds():
    steps = LEAST_CAPACITY + 44
    record = fit(GradientNormLogger(trace_every=1), steps, epochs=2)
    assert record.trace_step.tolist() == list(range(1, 2 * steps + 1))
    first = record.trace_gradient_norm[:steps]
    np.testing.assert_allclose(first.mean(axis=0), record.gradient_norm_mean[0], rtol=1e-4)
    np.testing.assert_allclose(first.max(axis=0), record.gradient_norm_max[0], rtol=1e-6)
    np.testing.assert_array_equal(first[-1], record.gradient_norm_last[0])


def test_of_a_trace_the_latest_updates_are_kept():
    record = fit(GradientNormLogger(trace_every=2, trace_length=3), steps=10)
    assert record.trace_step.tolist() == [5, 7, 9]
    assert record.trace_gradient_norm.shape == (3, 5)


def test_a_training_goes_on_with_the_numbers_of_its_epochs():
    logger = GradientNormLogger()
    model().fit(*rows(8), initial_epoch=3, epochs=5, callbacks=[logger], verbose=0)
    assert logger.record.epochs.tolist() == [4, 5]


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_a_weight_without_a_gradient_is_not_measured():
    class Unused(keras.layers.Layer):
        def build(self, shape):
            self.unused = self.add_weight(shape=(2,), name="unused")

        def call(self, inputs):
            return inputs

    network = keras.Sequential([keras.Input((3,)), Unused(name="unused"), keras.layers.Dense(1, name="last")])
    network.compile("sgd", "mse")
    logger = GradientNormLogger()
    network.fit(*rows(8), callbacks=[logger], verbose=0)
    norms = dict(zip(logger.record.layers, logger.record.gradient_norm_mean[0], strict=True))
    assert norms["last"] > 0
    assert not norms["unused"] > 0  # NaN, or 0 where the backend gives zeros


def test_norms_are_scalars_of_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logger = GradientNormLogger(log_dir=tmp_path / "logs")
    record = fit(logger, steps=2, epochs=3)
    events = EventAccumulator(str(tmp_path / "logs")).Reload()
    values = [events.Tensors(tag) for tag in ("gradient_norm/dense_0", "update_ratio/last", "gradient_norm")]
    assert [len(value) for value in values] == [3, 3, 3]
    stored = [event.tensor_proto.float_val[0] for event in values[0]]
    np.testing.assert_allclose(stored, record.gradient_norm_mean[:, 0], rtol=1e-6)


def test_event_files_of_an_interrupted_training_are_closed(tmp_path):
    threads = threading.active_count()
    files = EventFiles(tmp_path)
    files.write(0, {"gradient_norm": 1.0})
    assert threading.active_count() > threads
    del files
    assert threading.active_count() == threads


def test_bad_input_is_refused_before_the_first_step(tmp_path):
    with pytest.raises(ValueError, match="`trace_every` must be a whole number of at least 1. Received: 0"):
        GradientNormLogger(trace_every=0)
    with pytest.raises(ValueError, match="`trace_length` must be a whole number of at least 1. Received: None"):
        GradientNormLogger(trace_length=None)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="`log_dir` cannot be written to: .*file"):
        fit(GradientNormLogger(log_dir=tmp_path / "file" / "logs"), steps=1)
    without = model(optimizer=None)
    with pytest.raises(ValueError, match="needs a model that is compiled with an optimizer. Received: none"):
        fit(GradientNormLogger(), steps=1, network=without)
