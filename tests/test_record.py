import csv

import numpy as np
import pytest

from callbacks import Record
from callbacks.watching.record import merged

GRADIENTS = Record(
    layers=("first", "last"),
    epochs=np.array([1, 2]),
    gradient_norm_mean=np.array([[1.0, 2.0], [3.0, np.nan]]),
    steps=np.array([7, 7]),
    trace_step=np.array([1, 8]),
    trace_gradient_norm=np.ones((2, 2)),
)
ACTIVATIONS = Record(
    layers=("first", "relu", "last"),
    epochs=np.array([0, 1, 2]),
    activation_std=np.arange(9.0).reshape(3, 3),
    activation_histogram=np.full((3, 3, 4), 0.25),
)


def test_records_of_one_training_are_merged_by_epoch_and_layer():
    both = merged([GRADIENTS, ACTIVATIONS])
    assert both.layers == ("first", "relu", "last")
    assert both.epochs.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(both.gradient_norm_mean, [[np.nan] * 3, [1, np.nan, 2], [3, np.nan, np.nan]])
    np.testing.assert_array_equal(both.activation_std, ACTIVATIONS.activation_std)
    np.testing.assert_array_equal(both.steps, [np.nan, 7, 7])
    assert both.trace_gradient_norm.shape == (2, 3)


def test_phases_of_one_training_follow_each_other():
    second = Record(
        layers=("body", "last"),
        epochs=np.array([3]),
        gradient_norm_mean=np.array([[5.0, 6.0]]),
        steps=np.array([9]),
        trace_step=np.array([1]),
        trace_gradient_norm=np.full((1, 2), 2.0),
    )
    both = merged([GRADIENTS, second])
    assert both.layers == ("body", "first", "last")
    assert both.steps.tolist() == [7, 7, 9]
    np.testing.assert_array_equal(both.gradient_norm_mean[:, 2], [2, np.nan, 6])
    assert both.trace_step.tolist() == [1, 8, 9]
    np.testing.assert_array_equal(both.trace_gradient_norm[:, 2], [1, 1, 2])


def test_what_is_saved_is_loaded(tmp_path):
    GRADIENTS.save(tmp_path / "record.npz")
    loaded = Record.load(tmp_path / "record.npz")
    assert loaded.layers == GRADIENTS.layers
    assert loaded.measured().keys() == GRADIENTS.measured().keys()
    for name, values in GRADIENTS.measured().items():
        np.testing.assert_array_equal(getattr(loaded, name), values)


def test_the_table_has_a_line_for_each_epoch_and_layer(tmp_path):
    GRADIENTS.to_csv(tmp_path / "record.csv")
    with (tmp_path / "record.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert lines[0] == {"epoch": "1", "layer": "first", "gradient_norm_mean": "1.0", "steps": "7"}
    assert [(line["epoch"], line["layer"], line["gradient_norm_mean"]) for line in lines[1:]] == [
        ("1", "last", "2.0"), ("2", "first", "3.0"), ("2", "last", ""),
    ]  # fmt: skip


def test_other_files_and_shapes_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    (tmp_path / "text.npz").write_text("hello")
    for name in ("other.npz", "text.npz"):
        with pytest.raises(ValueError, match=f"{name} is no record of a training"):
            Record.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        Record.load(tmp_path / "nothing.npz")
    with pytest.raises(ValueError, match=r"`update_ratio` must have the shape \(1, 1\). Received: \(2, 1\)"):
        Record(layers=("one",), epochs=np.array([1]), update_ratio=np.ones((2, 1)))
