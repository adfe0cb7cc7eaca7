"""Rows in any form as arrays, and whether rows and targets stay together."""

import dataclasses
import random

import keras
import numpy as np
import pytest
from sklearn.datasets import load_iris

from recipes.doctor import sample
from recipes.doctor.facts.rows import data_facts
from recipes.doctor.pairing import pass_length, share_mispaired
from recipes.doctor.rules.pipeline import RULES
from recipes.doctor.sample import rows_of
from recipes.doctor.seen import Seen

X, Y = load_iris(return_X_y=True)
X = (X + np.random.default_rng(0).normal(0, 1e-3, X.shape)).astype("float32")  # no two flowers alike


class Batches(keras.utils.PyDataset):
    """Batches in an order that each epoch draws anew."""

    def __init__(self, apart=False):
        super().__init__()
        self.x, self.y, self.apart = X.copy(), Y.copy(), apart

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return self.x[index * 30 : index * 30 + 30], self.y[index * 30 : index * 30 + 30]

    def on_epoch_end(self):
        order = np.random.permutation(len(self.x))  # noqa: NPY002 (as users do it)
        self.x = self.x[order]
        self.y = self.y if self.apart else self.y[order]


def endless(apart=False):
    while True:
        order = np.random.permutation(len(X))  # noqa: NPY002
        for start in range(0, len(X), 30):
            chosen = order[start : start + 30]
            yield X[chosen], Y[start : start + 30] if apart else Y[chosen]


def tf_data():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(150).batch(32)


def tensors():
    import tensorflow as tf

    return tf.constant(X), tf.constant(Y)


def frames():
    import pandas as pd

    return pd.DataFrame(X).assign(truth=True), pd.Series(Y, name="kind")


@pytest.mark.parametrize(
    "data",
    [
        lambda: (X, Y),
        lambda: (X.tolist(), Y.tolist()),
        lambda: ([X], Y),
        lambda: ({"input": X}, Y),
        frames,
        tensors,
        lambda: (tf_data(),),
        lambda: (Batches(),),
        lambda: (endless(),),
        lambda: (endless,),
        lambda: ([(X, Y, np.ones(150))].__iter__(),),
    ],
)
def test_rows_come_in_many_forms(data):
    rows = rows_of(*data())
    assert (len(rows.x), len(rows.y)) == (150, 150)
    assert rows.is_complete
    assert sorted(rows.y.tolist()) == Y.tolist()
    columns = rows.x[:, :4].astype("float64")
    np.testing.assert_allclose(np.sort(columns, axis=0), np.sort(X, axis=0), rtol=1e-6)


def test_validation_rows_come_in_the_same_forms():
    for held in ((X, Y), (X, Y, np.ones(150)), Batches(), iter([(X, Y)])):
        rows = rows_of(X, Y, held)
        assert [len(part) for part in rows.validation] == [150, 150]


@pytest.mark.parametrize(("data", "share"), [(Batches(), 0), (Batches(apart=True), 0.5), (endless(), 0)])
def test_rows_that_lose_their_targets_are_seen(data, share):
    found = rows_of(data).mispaired
    assert found == 0 if share == 0 else found > share


def test_targets_shuffled_apart_are_seen_in_a_generator_and_in_tf_data_too():
    import tensorflow as tf

    assert rows_of(endless(apart=True)).mispaired > 0.5
    parts = (tf.data.Dataset.from_tensor_slices(part).shuffle(150) for part in (X, Y))
    assert rows_of(tf.data.Dataset.zip(tuple(parts)).batch(32)).mispaired > 0.5
    assert rows_of(tf_data()).mispaired == 0
    assert rows_of(tf_data().repeat()).mispaired == 0


@pytest.mark.parametrize(("share", "causes"), [(None, []), (0.0, []), (0.02, []), (0.6, ["label_corrupted"])])
def test_targets_that_do_not_stay_with_their_rows_are_a_fault(share, causes):
    data = dataclasses.replace(data_facts(X, Y), mispaired=share)
    findings = [rule(Seen(model=None, data=data)) for rule in RULES]
    assert [finding.cause for finding in findings if finding] == causes


def test_nothing_is_said_of_rows_that_change_each_time_or_that_are_alike():
    rng = np.random.default_rng(0)
    changed = ((X + rng.normal(size=X.shape).astype("float32"), Y) for _ in range(3))
    assert rows_of(changed).mispaired is None
    few = np.zeros((1000, 2)) + rng.integers(0, 3, (1000, 1))
    noisy = rng.integers(0, 2, 1000)
    assert share_mispaired((few, noisy), (few, rng.permutation(noisy))) is None
    assert pass_length(few, [100] * 10) is None
    assert rows_of(X, Y).mispaired is None


def test_reading_changes_neither_a_data_set_nor_random_numbers():
    data = Batches()
    before = data.x.copy()
    random.seed(1), np.random.seed(1)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(1), np.random.seed(1)  # noqa: NPY002
    rows_of(data, validation_data=endless())
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002
    assert (data.x == before).all()


def test_a_sample_is_bounded_and_an_iterator_says_what_was_taken(monkeypatch):
    monkeypatch.setattr(sample, "MOST_ROWS", 90)
    batches = iter([(X[start : start + 30], Y[start : start + 30]) for start in range(0, 150, 30)])
    rows = rows_of(batches)
    assert (len(rows.x), rows.consumed, rows.is_complete) == (90, 3, False)
    assert len(list(batches)) == 2
    assert rows_of(Batches()).consumed == 0


@pytest.mark.extensive  # PyTorch takes ten seconds to import
def test_a_data_loader_is_read():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    rows = rows_of(torch.utils.data.DataLoader(data, batch_size=32, shuffle=True))
    assert (len(rows.x), rows.mispaired) == (150, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, Y), "`x` must be given. Received: None"),
        ((X, None), "`y` must be given. Received: None"),
        ((X[:0], Y[:0]), "`x` must have rows. Received: an array of shape"),
        ((X, Y[:100]), "`x` and `y` must have as many rows. Received: 150 and 100"),
        ((["a", "b"], [0, 1]), "`x` must hold numbers. Received: 'a'"),
        ((X, ["cat"] * 150), "`y` must hold numbers. Received: 'cat'"),
        ((X, 3), "`y` must be an array with an axis of rows. Received: 3"),
        (([[1, 2], [3]], [0, 1]), "`x` must be an array of numbers. Received: "),
        (([X, X], Y), "models of one input and one output. Received: 2 arrays of rows"),
        (({"a": X, "b": X}, Y), "models of one input and one output. Received: 2 arrays of rows"),
        ((Batches(), Y), "`y` must come with the batches of `x`. Received: ndarray"),
        ((iter([]), None), "`x` has no rows"),
        ((iter([X]), None), r"batches of `x` must be \(x, y\). Received: ndarray without targets"),
        ((iter([(X, Y), (X[:, :2], Y)]), None), "all batches of `x` must have rows of one shape and type"),
        ((X, Y, 0.2), r"`validation_data` must be \(x, y\) or batches of them. Received: 0.2"),
        ((X, Y, (X, Y[:10])), "must have as many rows. Received: 150 and 10"),
    ],
)
def test_rows_that_cannot_be_read_are_refused_in_a_sentence(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        rows_of(*arguments)
    assert "\n" not in str(caught.value)
