import numpy as np
import pytest

import recipes
from recipes.training import batches
from recipes.training.batches import Batches, fits_in_memory


@pytest.fixture(scope="module")
def dataset():
    generator = np.random.default_rng(0)
    x = np.c_[np.arange(3000), generator.normal(size=(3000, 2))]
    return recipes.load_dataset((x, np.where(x[:, 1] > 0.5, "a", "b")))


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(batches, "_RUN_ROWS", 16)
    monkeypatch.setattr(batches, "_RUNS_MIXED", 8)


def rows_of(content):
    pieces = [content[number] for number in range(content.num_batches)]
    return tuple(np.concatenate(columns) for columns in zip(*pieces, strict=True))


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("limit", [None, 100, 130, 1000])
def test_each_row_comes_once_in_each_epoch(dataset, limit):
    content = Batches(dataset, "train", 50, seed=3, shuffle=True, limit=limit)
    x, y = dataset.prepared("train", limit)
    orders = []
    for _ in range(2):
        rows, labels = rows_of(content)
        order = np.argsort(rows[:, 0])
        np.testing.assert_array_equal(rows[order], x)
        np.testing.assert_array_equal(labels[order], y)
        orders.append(order)
        content.on_epoch_end()
    assert not np.array_equal(*orders)
    assert content.num_batches == -(-len(y) // 50)


@pytest.mark.usefixtures("small_windows")
def test_rows_are_mixed_from_far_apart(dataset):
    first, _ = Batches(dataset, "train", 100, shuffle=True)[0]
    assert np.ptp(first[:, 0]) > 2.5  # of about 3.5 deviations between first and last row


@pytest.mark.usefixtures("small_windows")
def test_unshuffled_rows_keep_their_order(dataset):
    x, y = dataset.prepared("validation")
    rows, labels = rows_of(Batches(dataset, "validation", 64))
    np.testing.assert_array_equal(rows, x)
    np.testing.assert_array_equal(labels, y)


def test_rows_are_weighted_by_class(dataset):
    _, labels, weights = Batches(dataset, "train", 32, weights={0: 2.0, 1: 0.5})[0]
    np.testing.assert_array_equal(weights, np.where(labels == 0, 2.0, 0.5))


@pytest.mark.backend
@pytest.mark.whole
@pytest.mark.parametrize("class_weight", [pytest.param(None, marks=pytest.mark.extensive), "balanced"])
def test_a_training_by_batches_ends_like_one_on_arrays(dataset, short_recipe, tmp_path, monkeypatch, class_weight):
    recipe = short_recipe.replace(fit={"class_weight": class_weight})
    reports = []
    for most, name in ((2**30, "arrays"), (1000, "batches")):
        monkeypatch.setattr(batches, "MOST_PREPARED", most)
        assert fits_in_memory(dataset) == (name == "arrays")
        reports.append(recipes.train(recipe, dataset, output=tmp_path, name=name, pictures=False, verbose=False).report)
    assert min(report.accuracy for report in reports) > 0.97


@pytest.mark.extensive
def test_a_training_by_batches_is_repeatable(dataset, short_recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "MOST_PREPARED", 1000)
    losses = [
        recipes.train(short_recipe, dataset, output=tmp_path, name=name, epochs=2, verbose=False).history["loss"]
        for name in ("first", "second")
    ]
    np.testing.assert_allclose(*losses, rtol=1e-5)
