import gc
import random
import weakref

import keras
import numpy as np
import pytest

import recipes
from recipes.settings import Augmentation
from recipes.training import batches
from recipes.training.batches import Batches, RowsInMemory, RowsOnDisk, ValidationBatches, fits_in_memory
from recipes.training.prepared import Training
from recipes.training.rows import DatasetRows

WEIGHTS = {0: 2.0, 1: 0.5}


@pytest.fixture(scope="module")
def dataset():
    generator = np.random.default_rng(0)
    x = np.c_[np.arange(3000), generator.normal(size=(3000, 2))]
    return recipes.load_dataset((x, np.where(x[:, 1] > 0.5, "a", "b")))


@pytest.fixture(scope="module")
def digits():
    return recipes.load_dataset("digits")


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(batches, "_WINDOW_ROWS", 130)
    monkeypatch.setattr(batches, "_RUNS", 8)


def in_memory(dataset, limit=None):
    y = dataset.train[1][:limit]
    return RowsInMemory(*dataset.prepared("train", limit), batches.weights_of_rows(y, WEIGHTS))


def on_disk(dataset, limit=None):
    return RowsOnDisk(dataset, WEIGHTS, limit)


def epoch_of(content, epoch=0):
    """The columns of an epoch, and the sizes of its batches."""
    first = (epoch - content.epoch) * content.steps_per_epoch
    made = [content[first + step] for step in range(content.steps_per_epoch)]
    return [np.concatenate(column) for column in zip(*made, strict=True)], [len(batch[0]) for batch in made]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("limit", [None, 100, 131])
@pytest.mark.parametrize("rows", [in_memory, on_disk])
def test_each_row_comes_once_in_each_epoch_with_its_target_and_weight(dataset, rows, limit):
    content = Batches(rows(dataset, limit), 50, seed=3)
    x, y = dataset.prepared("train", limit)
    orders = []
    for epoch in range(2):
        (given, labels, weights), sizes = epoch_of(content, epoch)
        order = np.argsort(given[:, 0])
        np.testing.assert_array_equal(given[order], x)
        np.testing.assert_array_equal(labels[order], y)
        np.testing.assert_array_equal(weights, np.where(labels == 0, 2.0, 0.5))
        assert sizes == [50] * (len(y) // 50) + ([len(y) % 50] if len(y) % 50 else [])
        orders.append(order)
    assert not np.array_equal(*orders)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("rows", [in_memory, on_disk])
def test_the_order_follows_from_seed_and_epoch_alone(dataset, rows):
    expected, _ = epoch_of(Batches(rows(dataset), 50, seed=3), epoch=2)
    content = Batches(rows(dataset), 7, seed=3, epoch=2)
    content[1000]  # what was asked for before makes no difference
    assert_same(epoch_of(content, epoch=2)[0], expected)
    assert not np.array_equal(epoch_of(Batches(rows(dataset), 50, seed=4), epoch=2)[0][0], expected[0])
    assert not np.array_equal(epoch_of(content, epoch=3)[0][0], expected[0])


def test_the_order_in_memory_is_that_of_numpy():
    (given,) = Batches(RowsInMemory(np.arange(9), None), 9, seed=5, epoch=1)[0]
    np.testing.assert_array_equal(given, np.random.default_rng((5, 1)).permutation(9))


@pytest.mark.usefixtures("small_windows")
def test_rows_on_the_disk_are_mixed_from_far_apart(dataset):
    first, *_ = Batches(on_disk(dataset), 100)[0]
    assert np.ptp(first[:, 0]) > 2.5  # of about 3.5 deviations between first and last row


def test_windows_of_large_rows_are_small(dataset, monkeypatch):
    monkeypatch.setattr(batches, "_WINDOW_BYTES", 100 * 3 * 4)
    rows = on_disk(dataset)
    assert (rows.window_rows, rows.run_rows) == (100, 1)
    assert len(epoch_of(Batches(rows, 64))[0][0]) == len(rows)


def test_short_batches_can_be_left_out():
    assert epoch_of(Batches(RowsInMemory(np.arange(50), np.arange(50)), 20, whole=True))[1] == [20, 20]
    assert epoch_of(Batches(RowsInMemory(np.arange(5), np.arange(5)), 20, whole=True))[1] == [5]


@pytest.mark.usefixtures("small_windows")
def test_validation_rows_keep_their_order(dataset):
    x, y = dataset.prepared("validation", 100)
    content = ValidationBatches(dataset, 64, WEIGHTS, limit=100)
    made = [np.concatenate(column) for column in zip(*(content[step] for step in range(2)), strict=True)]
    assert content.num_batches == 2
    assert_same(made, [x, y, np.where(y == 0, 2.0, 0.5)])


@pytest.mark.parametrize("rows", [lambda data: RowsInMemory(*data.prepared("train", 200)), RowsOnDisk])
def test_the_same_row_has_the_same_change_in_batches_of_any_size(digits, rows):
    changes = Augmentation(shift=0.1, rotate=15, zoom=0.1, flip="both", cutout=0.25)
    whole, _ = epoch_of(Batches(rows(digits), 64, seed=3, augmentation=changes), epoch=1)
    again, _ = epoch_of(Batches(rows(digits), 10, seed=3, augmentation=changes, epoch=1), epoch=1)
    assert_same(whole, again)
    plain, _ = epoch_of(Batches(rows(digits), 64, seed=3), epoch=1)
    np.testing.assert_array_equal(plain[1], whole[1])
    assert not np.array_equal(plain[0], whole[0])


def test_unequal_columns_are_refused():
    with pytest.raises(ValueError, match="equally many. Received: 3, 2"):
        RowsInMemory(np.ones(3), np.ones(2))


class Means(keras.callbacks.Callback):
    """The mean of the outputs for each batch, from the loss, which Keras averages over the rows of the epoch so far."""

    def __init__(self, rows, batch_size):
        super().__init__()
        self.ends = np.minimum(np.arange(batch_size, rows + batch_size, batch_size), rows)
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        self.rows, self.sum = 0, 0.0

    def on_train_batch_end(self, batch, logs=None):
        rows, total = self.ends[batch], self.ends[batch] * float(logs["loss"])
        self.seen.append((total - self.sum) / (rows - self.rows))
        self.rows, self.sum = rows, total


@pytest.fixture(scope="module")
def adding():
    """A network that adds up the numbers of each image, and learns nothing."""
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(1, kernel_initializer="ones"))
    model.compile(keras.optimizers.SGD(0.0), lambda y, outputs: outputs[:, 0])
    return model


def means_of_fit(model, content, epochs):
    seen = Means(len(content.rows), content.batch_size)
    first = content.epoch
    model.fit(**content.fit_arguments(), initial_epoch=first, epochs=first + epochs, callbacks=[seen], verbose=0)
    return seen.seen


def global_draws():
    """A number of every global generator that could order rows."""
    draws = [random.random(), np.random.random(), float(keras.random.uniform(()))]  # noqa: NPY002
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        draws.append(float(tensorflow.random.uniform(())))
    return (
        draws  # PyTorch's is left out: each `DataLoader`, which Keras makes there, draws from it, and does not use it
    )


@pytest.mark.backend
@pytest.mark.parametrize("augmentation", [None, Augmentation(rotate=90)], ids=["plain", "changed"])
def test_fit_sees_the_batches_of_each_epoch_also_where_it_goes_on(adding, augmentation):
    generator = np.random.default_rng(0)
    rows = RowsInMemory(generator.normal(size=(50, 4, 4, 1)), generator.normal(size=50))
    content = Batches(rows, 16, seed=3, augmentation=augmentation)
    expected = [content[step][0].sum(axis=(1, 2, 3)).mean() for step in range(12)]
    keras.utils.set_random_seed(0)
    np.testing.assert_allclose(means_of_fit(adding, content, epochs=2), expected[:8], atol=1e-4)
    content = Batches(rows, 16, seed=3, epoch=1, augmentation=augmentation)
    np.testing.assert_allclose(means_of_fit(adding, content, epochs=2), expected[4:], atol=1e-4)
    draws = global_draws()
    keras.utils.set_random_seed(0)
    assert draws == global_draws()  # nothing was drawn meanwhile


def test_rows_are_weighted_by_class(dataset, short_recipe):
    recipe = short_recipe.replace(fit={"class_weight": {"a": 2.0, "b": 0.5}})
    content = DatasetRows(recipe, dataset, 1, seed=3).batches()
    _, labels, weights = content[0]
    np.testing.assert_array_equal(weights, np.where(labels == 0, 2.0, 0.5))


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.whole
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_a_training_by_batches_ends_like_one_on_arrays(dataset, short_recipe, tmp_path, monkeypatch, class_weight):
    recipe = short_recipe.replace(fit={"class_weight": class_weight})
    reports = []
    for most, name in ((2**30, "arrays"), (1000, "batches")):
        monkeypatch.setattr(batches, "MOST_PREPARED", most)
        assert fits_in_memory(dataset) == (name == "arrays")
        reports.append(recipes.train(recipe, dataset, output=tmp_path, name=name, pictures=False, verbose=False).report)
    assert min(report.accuracy for report in reports) > 0.97


@pytest.mark.extensive
@pytest.mark.parametrize("most", [2**30, 1000])
def test_a_training_does_not_depend_on_global_generators(dataset, short_recipe, monkeypatch, most):
    monkeypatch.setattr(batches, "MOST_PREPARED", most)
    losses = []
    for draws in range(2):
        training = Training.of(short_recipe.replace(fit={"epochs": 2}), dataset, seed=1)
        keras.utils.set_random_seed(draws)
        losses.append(training.fit().history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.backend
def test_the_rows_of_a_training_that_is_over_leave_the_memory():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    rows = RowsInMemory(np.zeros((8, 2), "float32"), np.zeros(8, "float32"))
    model.fit(**Batches(rows, 4).fit_arguments(), verbose=0)
    known = weakref.ref(rows)
    del rows, model
    gc.collect()
    assert known() is None
