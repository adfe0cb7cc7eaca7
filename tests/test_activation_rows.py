import keras
import numpy as np
import pytest
import tensorflow as tf

from callbacks.watching.activation_rows import chosen_rows

X = np.random.default_rng(0).normal(size=(90, 4)).astype("float32")
Y = np.arange(90) % 3


def batches(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]).batch(16)


class Numbered(keras.utils.PyDataset):
    """Batches without a number of them; only those that are taken are made."""

    made = 0

    def __getitem__(self, number):
        self.made += 1
        return X[10 * number : 10 * (number + 1)], Y[10 * number : 10 * (number + 1)]


def test_the_first_rows_of_batches_are_taken():
    for data in (batches(X), batches(X, Y), batches(X, Y, Y), batches(X, Y).repeat()):
        np.testing.assert_array_equal(chosen_rows(data, 40), X[:40])
    np.testing.assert_array_equal(chosen_rows(batches(X[:20], Y[:20]), 40), X[:20])
    numbered = Numbered()
    np.testing.assert_array_equal(chosen_rows(numbered, 35), X[:35])
    assert numbered.made == 4


def test_rows_of_several_inputs_stay_together():
    rows = chosen_rows(batches({"a": X, "b": Y}, Y), 40)
    np.testing.assert_array_equal(rows["a"], X[:40])
    np.testing.assert_array_equal(rows["b"], Y[:40])


def test_rows_in_arrays_are_spread_evenly():
    np.testing.assert_array_equal(chosen_rows(X, 2), X[[0, 89]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tf.data.Dataset.from_tensor_slices((X, Y)), r"rows one by one; batch them \(.batch\(32\)\)"),
        (lambda: batches(X[:0], Y[:0]), "must have at least one row. Received: no batch"),
        (lambda: (part for part in [X]), "batches that can be read again. Received: a generator"),
        (lambda: batches(np.where(X > 1, np.nan, X)), "must be finite"),
    ],
)
def test_batches_without_rows_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        chosen_rows(make(), 40)
