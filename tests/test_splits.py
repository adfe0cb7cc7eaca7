import numpy as np
import pytest

import recipes
from recipes.data.splits import draw, split, split_by_group, split_by_time
from recipes.settings import Data

FRACTIONS = {"validation": 0.1, "test": 0.2}


def test_every_row_is_in_exactly_one_part():
    parts = split(103, FRACTIONS, seed=0)
    assert np.sort(np.concatenate(list(parts.values()))).tolist() == list(range(103))
    assert [len(rows) for rows in parts.values()] == [72, 10, 21]


def test_equal_seeds_split_alike_and_others_do_not():
    first, same, other = (split(100, FRACTIONS, seed)["test"].tolist() for seed in (3, 3, 4))
    assert first == same
    assert first != other


def test_every_class_is_shared_out_by_the_same_fractions():
    labels = np.array([0] * 900 + [1] * 90 + [2] * 10)
    parts = split(1000, FRACTIONS, 0, labels, ("a", "b", "c"))
    assert [np.bincount(labels[rows]).tolist() for rows in parts.values()] == [[630, 63, 7], [90, 9, 1], [180, 18, 2]]


@pytest.mark.parametrize(
    "fractions", [FRACTIONS, {"validation": 0.45, "test": 0.45}, {"validation": 0.9, "test": 0.05}]
)
def test_even_the_smallest_class_is_in_every_part(fractions):
    labels = np.array([0] * 50 + [1] * 3)
    parts = split(53, fractions, 0, labels, ("a", "b"))
    assert all((labels[rows] == 1).sum() == 1 for rows in parts.values())


def test_too_few_rows_are_refused_by_name():
    with pytest.raises(ValueError, match=r"class 'rare' has 2 rows: .* needs at least 3 of each class"):
        split(12, FRACTIONS, 0, np.array([0] * 10 + [1] * 2), ("common", "rare"))
    with pytest.raises(ValueError, match="the data have 2 rows"):
        split(2, FRACTIONS, 0)


@pytest.mark.parametrize("sizes", [[10] * 30, [200, 50, 30, 10, 5, 5], [1, 1, 1], list(range(1, 40))])
def test_groups_are_never_split(sizes):
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    parts = split_by_group(groups, {"validation": 0.1, "test": 0.2}, seed=1)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(groups)))
    held = [set(groups[rows]) for rows in parts.values()]
    assert all(held)
    assert sum(map(len, held)) == len(sizes)


def test_shares_are_met_as_nearly_as_groups_allow():
    groups = np.repeat(np.arange(100), 7)
    parts = split_by_group(groups, {"validation": 0.1, "test": 0.2}, seed=0)
    assert [len(rows) for rows in parts.values()] == [490, 70, 140]
    again, other = (split_by_group(groups, {"validation": 0.1, "test": 0.2}, seed) for seed in (0, 1))
    np.testing.assert_array_equal(parts["test"], again["test"])
    assert not np.array_equal(parts["test"], other["test"])


def test_the_future_is_kept_for_the_test():
    times = np.random.default_rng(0).permutation(100)
    parts = split_by_time(times, {"validation": 0.1, "test": 0.2})
    assert sorted(times[parts["train"]]) == list(range(70))
    assert sorted(times[parts["validation"]]) == list(range(70, 80))
    assert sorted(times[parts["test"]]) == list(range(80, 100))
    assert list(split_by_time(times, {"validation": 0.25})) == ["train", "validation"]


@pytest.mark.parametrize("counts", [[50, 1, 1], [1, 1, 50], [10, 10, 10, 10, 10], [1, 1, 1]])
def test_rows_of_one_time_stay_together(counts):
    times = np.repeat(np.arange(len(counts)), counts)
    parts = split_by_time(times, {"validation": 0.1, "test": 0.2})
    held = [set(times[rows]) for rows in parts.values()]
    assert all(held)
    assert max(held[0]) < min(held[1])
    assert max(held[1]) < min(held[2])
    assert sum(map(len, parts.values())) == len(times)


def test_too_few_groups_or_times_are_refused():
    with pytest.raises(ValueError, match="the group column has 2 groups: .* needs at least 3"):
        split_by_group(np.arange(9) % 2, {"validation": 0.1, "test": 0.2}, seed=0)
    with pytest.raises(ValueError, match="the time column has 2 different times: .* needs at least 3"):
        split_by_time(np.arange(9) % 2, {"validation": 0.1, "test": 0.2})


def test_training_rows_are_drawn_class_by_class():
    whole, few = (recipes.load_dataset("digits", 3, Data(train_rows=rows)) for rows in (None, 57))
    assert np.bincount(few.train[1]).tolist() == pytest.approx([5.7] * 10, abs=1)
    rows = {image.tobytes() for image in whole.train[0]}
    assert len({image.tobytes() for image in few.train[0]} & rows) == 57
    for part in ("validation", "test"):
        np.testing.assert_array_equal(getattr(whole, part)[0], getattr(few, part)[0])
    np.testing.assert_array_equal(few.preparation.mean, few.train[0].mean(dtype=np.float64))
    again, other = (recipes.load_dataset("digits", seed, Data(train_rows=57)) for seed in (3, 4))
    np.testing.assert_array_equal(few.train[0], again.train[0])
    assert not np.array_equal(few.train[1], other.train[1])
    assert "57 of 1,259 training rows drawn class by class" in few.describe()


def test_drawing_keeps_rare_classes_and_takes_rows_of_a_regression():
    labels = np.array([0] * 97 + [1, 2, 2])
    assert np.bincount(labels[draw(100, 10, 0, labels)]).tolist() == [8, 1, 1]
    assert np.bincount(labels[draw(100, 100, 0, labels)]).tolist() == [97, 1, 2]
    assert len(recipes.load_dataset("diabetes", 0, Data(train_rows=20)).train[1]) == 20


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (9, "data.train_rows must be at least 1 for each of the 10 classes. Received: 9"),
        (2000, "data.train_rows must be at most the 1259 rows of the training part. Received: 2000"),
    ],
)
def test_too_few_and_too_many_training_rows_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        recipes.load_dataset("digits", 0, Data(train_rows=rows))
