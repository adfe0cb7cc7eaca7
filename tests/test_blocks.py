"""Batches are scored like the same rows in arrays."""

import itertools

import keras
import numpy as np
import pytest

import recipes
from recipes.data.store import RowStore
from recipes.evaluation import blocks
from recipes.evaluation.blocks import blocks_of_batches, predicted_values
from recipes.models.outputs import Outputs

X = np.random.default_rng(0).normal(size=(1000, 3)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
WEIGHTS = np.random.default_rng(1).exponential(size=1000).astype("float32")


@pytest.fixture
def model():
    layers = [keras.Input((3,)), keras.layers.Dense(1, "sigmoid", kernel_initializer="ones")]
    return keras.Sequential(layers)


class Batches(keras.utils.PyDataset):
    def __init__(self, size=64, weighted=False):
        super().__init__()
        self.size, self.weighted = size, weighted

    @property
    def num_batches(self):
        return -(-len(X) // self.size)

    def __getitem__(self, index):
        rows = slice(index * self.size, (index + 1) * self.size)
        return (X[rows], Y[rows], WEIGHTS[rows]) if self.weighted else (X[rows], Y[rows])


def assert_same(report, expected):
    np.testing.assert_allclose(report.confusion_matrix, expected.confusion_matrix, rtol=1e-6)
    assert report.probabilities.log_loss == pytest.approx(expected.probabilities.log_loss, rel=1e-5)
    assert report.classes["1"]["roc_auc"] == pytest.approx(expected.classes["1"]["roc_auc"], abs=1e-9)


@pytest.mark.backend
def test_batches_are_scored_like_their_rows_in_arrays(model, monkeypatch):
    # Blocks of 256 rows: batches are cut and put together.
    monkeypatch.setattr(blocks, "MOST_ROWS", 256)
    expected = recipes.evaluate(model, (X, Y))
    assert expected.rows == 1000
    for batches in (Batches(), Batches(300), lambda: iter(Batches()), iter(Batches())):
        assert_same(recipes.evaluate(model, batches, batch_size=128), expected)
    weighted = recipes.classification_report(Y, model.predict(X, verbose=0), sample_weight=WEIGHTS)
    assert_same(recipes.evaluate(model, Batches(weighted=True)), weighted)


def test_a_dataset_of_tensorflow_is_scored_like_its_rows_in_arrays(model):
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(1000, seed=0).batch(64)
    assert_same(recipes.evaluate(model, data), recipes.evaluate(model, (X, Y)))
    with pytest.raises(ValueError, match="`data` never ends: give `steps`.* Received: a .*Dataset"):
        recipes.evaluate(model, data.repeat())
    assert recipes.evaluate(model, data.repeat(), steps=20).rows == 4 * 64 + 15 * 64 + 40


@pytest.mark.extensive
@pytest.mark.backend
def test_a_run_knows_the_classes_of_its_batches_by_name(run):
    x, y = recipes.load_dataset("breast_cancer").test
    names = np.array(["malignant", "benign"])
    report = recipes.evaluate(run.directory, lambda: ((x[start : start + 50], names[y][start : start + 50])
                                                      for start in range(0, len(x), 50)))  # fmt: skip
    assert report.class_names == ("malignant", "benign")
    np.testing.assert_array_equal(report.confusion_matrix, run.report.confusion_matrix)


def test_blocks_consist_of_whole_batches(model, monkeypatch):
    monkeypatch.setattr(blocks, "MOST_ROWS", 300)
    outputs = Outputs.of(model)
    sizes = [len(block.targets) for block in blocks_of_batches(model, outputs, Batches(), 64)]
    assert sizes == [256, 256, 256, 232]
    assert [len(values) for values in predicted_values(model, outputs, X, 64)] == sizes


@pytest.mark.backend
def test_rows_on_the_disk_and_sequences_of_several_lengths_are_scored(tmp_path):
    recurrent = keras.Sequential([keras.Input((None, 1)), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2)])
    recurrent.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    lengths = [(4, 5), (4, 5), (6, 8)]
    batches = [(np.ones((rows, steps, 1), "float32"), np.arange(rows) % 2) for rows, steps in lengths]
    assert recipes.evaluate(recurrent, iter(batches)).rows == 14
    store = RowStore()
    store.append(batches[0][0])
    store._spill()
    assert recipes.evaluate(recurrent, (store.finish(), batches[0][1])).rows == 4


@pytest.mark.backend
@pytest.mark.parametrize("from_logits", [True, False])
def test_multi_label_targets_get_a_multi_label_report(from_logits):
    truth = (np.random.default_rng(0).random((300, 3)) < 0.3).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, None if from_logits else "sigmoid")])
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=from_logits))
    outputs = model.predict(X[:300], verbose=0)
    expected = recipes.classification_report(truth, 1 / (1 + np.exp(-outputs)) if from_logits else outputs)
    for data in ((X[:300], truth), lambda: ((X[:300][at : at + 70], truth[at : at + 70]) for at in range(0, 300, 70))):
        report = recipes.evaluate(model, data, batch_size=50)
        assert isinstance(report, recipes.MultiLabelReport)
        np.testing.assert_array_equal(report.confusion_matrix, expected.confusion_matrix)
        assert report.probabilities.log_loss == pytest.approx(expected.probabilities.log_loss, rel=1e-4)
    with pytest.raises(ValueError, match="`y` has 2 columns, and the model has 3 outputs"):
        recipes.evaluate(model, (X[:300], truth[:, :2]))


def test_the_first_steps_of_endless_batches_are_taken(model):
    def batches():
        while True:
            yield X[:10], Y[:10]

    assert recipes.evaluate(model, batches(), steps=3).rows == 30
    assert recipes.evaluate(model, batches, steps=3).rows == 30
    assert recipes.evaluate(model, iter(Batches(100)), steps=30).rows == 1000
    with pytest.raises(ValueError, match="`steps` must be a whole number of at least 1. Received: 0"):
        recipes.evaluate(model, batches(), steps=0)
    with pytest.raises(ValueError, match="`steps` is for data that come in batches. Received: steps=3"):
        recipes.evaluate(model, (X, Y), steps=3)


def endless():
    class Endless(Batches):
        num_batches = None

    return Endless()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: iter([]), "`data` must have rows. Received: none"),
        (lambda: iter([X]), "batches must be .*. Received: ndarray"),
        (lambda: iter([(X, Y[:5])]), r"must have as many rows. Received: shapes \(1000, 3\), \(5,\), none in batch 0"),
        (lambda: iter([(X[:, :2], Y)]), r"the model takes rows of shape \(3,\). Received: rows of shape \(2,\)"),
        (lambda: iter([(X, Y + 1)]), "unknown classes '2' in the labels. Known: 0, 1"),
        (endless(), "`data` never ends: give `steps`.* Received: a Endless without a number of batches"),
        (itertools.cycle([(X, Y)]), "`data` never ends: give `steps`.* Received: a cycle"),
    ],
)
def test_batches_that_do_not_fit_raise_one_clear_line(model, data, message):
    with pytest.raises(ValueError, match=message):
        recipes.evaluate(model, data)
