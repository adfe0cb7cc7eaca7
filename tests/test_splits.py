import numpy as np
import pytest

from recipes.data.splits import split

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
