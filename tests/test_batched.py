import keras
import numpy as np
import pytest
import tensorflow as tf

import recipes
from recipes.data import arrays, store
from recipes.data.arrays import batched
from recipes.data.store import is_on_disk

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(90, 4)).astype("float32")
Y = np.arange(90) % 3


def batches(x=X, y=Y, size=16):
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(size)


class Numbered(keras.utils.PyDataset):
    """Batches of ten rows, each written to the same memory."""

    memory = np.empty((10, 4), np.float32)

    def __len__(self):
        return 9

    def __getitem__(self, number):
        self.memory[:] = X[10 * number : 10 * (number + 1)]
        return self.memory, Y[10 * number : 10 * (number + 1)]


class WithoutEnd(keras.utils.PyDataset):
    def __getitem__(self, number):
        return X, Y


class Listed:
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


class OfPyTorch:
    """What is needed of a tensor of PyTorch, whose import takes seconds."""

    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.values


def loader():
    return Listed([[OfPyTorch(X[start : start + 20]), OfPyTorch(Y[start : start + 20])] for start in range(0, 90, 20)])


def assert_equal(dataset, expected):
    assert dataset.class_names == expected.class_names
    for part in ("train", "validation", "test"):
        for ours, theirs in zip(getattr(dataset, part), getattr(expected, part), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "make",
    [
        batches,
        Numbered,
        loader,
        lambda: batches(y=np.eye(3)[Y]),
        lambda: batches(y=Y[:, None]),
        lambda: batches().filter(lambda x, y: True),
    ],
    ids=["tf.data", "PyDataset", "DataLoader", "one-hot", "column", "of unknown size"],
)
def test_batches_say_the_same_as_their_rows(make):
    assert_equal(recipes.load_dataset(make()), recipes.load_dataset((X, Y)))


def test_batches_stand_for_each_part():
    parts = [(X[:30], Y[:30]), (X[30:60], Y[30:60]), (X[60:], Y[60:])]
    given = [batches(*part) for part in parts]
    assert_equal(recipes.load_dataset(tuple(given)), recipes.load_dataset(tuple(parts)))
    assert_equal(recipes.load_dataset(tuple(given[:2])), recipes.load_dataset(tuple(parts[:2])))
    assert_equal(recipes.load_dataset((given[0], *parts[1:])), recipes.load_dataset(tuple(parts)))


def test_labels_may_be_text():
    names = np.array(["ant", "bee", "wasp"])[Y]
    assert_equal(recipes.load_dataset(batches(y=names)), recipes.load_dataset((X, names)))


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_large_rows_lie_on_the_disk(monkeypatch, kind):
    monkeypatch.setattr(store, "MOST_IN_MEMORY", 100)
    parts, _ = arrays.checked_parts(arrays.parts_of(batches(X.astype(kind))))
    assert is_on_disk(parts["all"][0])
    np.testing.assert_array_equal(parts["all"][0], X)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: batches().repeat(), r"data must come to an end, .* leave out .repeat\(\), or cut it by .take"),
        (WithoutEnd, "data must come to an end, .* Received: a WithoutEnd without an end"),
        (lambda: (batches(), batches().repeat()), "the validation data must come to an end"),
        (lambda: (pair for pair in [(X, Y)]), "data is a generator, which can be read once and may have no end"),
        (lambda: batches().unbatch(), r"Received: shapes \(4,\) and \(\): is the data batched \(.batch\(32\)\)"),
        (lambda: batches(y=np.eye(3)[Y]).unbatch(), r"shapes \(4,\) and \(3,\): is the data batched"),
        (lambda: tf.data.Dataset.from_tensor_slices((X, Y, Y)).batch(8), "batch 0 of data has sample weights"),
        (
            lambda: tf.data.Dataset.from_tensor_slices(X).batch(8),
            r"batch 0 of data must be \(x, y\), of one array",
        ),
        (lambda: tf.data.Dataset.from_tensor_slices(({"a": X}, Y)).batch(8), "of one array each. Received: dict, "),
        (lambda: batches(X[:0], Y[:0]), "data has no rows"),
        (lambda: Listed([(X, Y), (X[:, :3], Y)]), "rows of one shape and type. .* batch 1"),
        (lambda: batches(np.where(X > 2, np.nan, X)), "`x` must be finite. Received: .* at row"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        recipes.load_dataset(make())


def test_rows_and_pairs_are_no_batches():
    for data in ((X, Y), [X, Y], X, "digits", {"x": X}, 5, None):
        assert not batched.is_batched(data)
