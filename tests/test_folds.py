import os

import numpy as np
import pandas as pd
import pytest

import recipes
from recipes.data import load_folds
from recipes.data.folds import assign_folds, assign_folds_by_group
from recipes.settings import Data

needs_data = pytest.mark.skipif(
    "KERAS_RECIPES_DATA" not in os.environ, reason="KERAS_RECIPES_DATA is not set: it names the folder with local data"
)


def frame(rows=200):
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": np.arange(rows, dtype=float),
            "patient": np.arange(rows) // 4,
            "town": generator.choice(["A", "B", "C"], rows),
            "ill": np.where(np.arange(rows) // 4 % 3 == 0, "yes", "no"),
        }
    )


def one_ill():
    return frame(16).assign(ill=["yes"] * 4 + ["no"] * 12)


def test_every_row_is_tested_once_and_never_prepared_for():
    whole = {
        row.tobytes()
        for part in ("train", "validation", "test")
        for row in getattr(recipes.load_dataset("wine"), part)[0]
    }
    tested = []
    for dataset, rows in load_folds("wine", 5, seed=3):
        tested.append(rows)
        parts = [dataset.train, dataset.validation, dataset.test]
        assert {row.tobytes() for x, _ in parts for row in x} == whole
        assert sum(len(y) for _, y in parts) == 178
        assert len(dataset.validation[1]) == pytest.approx(0.1 * (178 - len(rows)), abs=2)
        np.testing.assert_allclose(dataset.preparation.mean, dataset.train[0].mean(axis=0, dtype=np.float64))
    assert np.sort(np.concatenate(tested)).tolist() == list(range(178))


def test_groups_stay_together_in_all_three_parts_and_categories_are_learnt_anew():
    table = frame()
    table.loc[[0, 199], "town"] = "rare"
    settings = Data(target="ill", group_column="patient", keep=("number",))
    for dataset, rows in load_folds(table, 4, settings=settings):
        numbers = [
            part[0][:, dataset.feature_names.index("number")]
            for part in (dataset.train, dataset.validation, dataset.test)
        ]
        patients = [set(part // 4) for part in numbers]
        assert not patients[0] & patients[1]
        assert not (patients[0] | patients[1]) & patients[2]
        np.testing.assert_array_equal(numbers[2], rows)
        towns = dataset.preparation.vocabularies["town"]
        seen = table["town"][numbers[0].astype(int)]
        assert towns == tuple(sorted(town for town, count in seen.value_counts().items() if count >= 2))
        codes = dataset.test[0][:, dataset.feature_names.index("town")].astype(int)
        names = np.array(["", *towns])[codes]
        np.testing.assert_array_equal(names[codes > 0], table["town"][rows].to_numpy()[codes > 0])


def test_a_test_part_that_came_with_the_data_takes_no_part():
    x, y = np.arange(400.0).reshape(200, 2), np.arange(200) % 2
    parts = ((x[:120], y[:120]), (x[120:150], y[120:150]), (x[150:], y[150:]))
    for dataset, rows in load_folds(parts, 3):
        np.testing.assert_array_equal(dataset.test[0], x[rows])
        np.testing.assert_array_equal(dataset.validation[0], x[120:150])
        assert len(dataset.train[1]) == 80
        assert "the test part that the data come with takes no part" in dataset.describe()


@needs_data
def test_uci_sets_have_their_published_folds():
    published = [recipes.load_dataset("uci:wine", settings=Data(fold=fold)) for fold in range(4)]
    for (dataset, rows), expected in zip(load_folds("uci:wine", 10), published, strict=True):
        np.testing.assert_array_equal(dataset.test[0], expected.test[0])
        np.testing.assert_array_equal(dataset.validation[0], expected.validation[0])
        assert len(rows) == len(expected.test[1])


@pytest.mark.parametrize(
    ("data", "folds", "settings", "message"),
    [
        ("wine", 1, Data(), "`folds` must be a whole number of at least 2. Received: 1"),
        ("wine", 49, Data(), "class 'class_2' has 48 rows: 49 folds need at least 49 of each class"),
        (
            frame(),
            4,
            Data(target="ill", time_column="number"),
            "data.time_column='number': folds would train on rows that",
        ),
        (
            frame(8),
            3,
            Data(target="ill", group_column="patient"),
            "the group column has 2 groups: 3 folds need at least 3",
        ),
        (one_ill(), 2, Data(target="ill", group_column="patient"), "all rows of class 'yes' are in one fold"),
    ],
)
def test_what_cannot_be_folded_is_refused_before_the_first_fold(data, folds, settings, message):
    with pytest.raises(ValueError, match=message):
        load_folds(data, folds, settings=settings)


def test_a_dataset_is_split_already():
    with pytest.raises(ValueError, match="folds need rows that are not split: give what wine was loaded from"):
        load_folds(recipes.load_dataset("wine"), 5)


def test_folds_share_out_every_class_alike():
    labels = np.random.default_rng(0).permutation([0] * 91 + [1] * 32 + [2] * 10)
    fold = assign_folds(133, 10, 0, labels, ("a", "b", "c"))
    counts = np.array([np.bincount(fold[labels == number], minlength=10) for number in range(3)])
    assert (np.ptp(counts, axis=1) <= 1).all()
    assert np.ptp(np.bincount(fold)) <= 1
    assert np.array_equal(fold, assign_folds(133, 10, 0, labels, ("a", "b", "c")))
    assert not np.array_equal(fold, assign_folds(133, 10, 1, labels, ("a", "b", "c")))
    assert np.bincount(assign_folds(23, 4, 0)).tolist() == [6, 6, 6, 5]


@pytest.mark.parametrize("sizes", [[10] * 30, [90, 20, 10, 5, 5], [1] * 5, list(range(1, 40))])
def test_folds_keep_groups_together_and_share_out_classes(sizes):
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    labels = groups % 2
    fold = assign_folds_by_group(groups, 5, 0, labels)
    assert all(len(set(fold[groups == group])) == 1 for group in range(len(sizes)))
    assert set(fold) == set(range(5))
    if len(sizes) >= 30:
        counts = np.array([np.bincount(fold[labels == number], minlength=5) for number in range(2)])
        assert (np.ptp(counts, axis=1) <= max(sizes)).all()


def test_too_few_rows_for_the_folds_are_refused():
    with pytest.raises(ValueError, match="class 'b' has 3 rows: 4 folds need at least 4 of each class; give fewer"):
        assign_folds(13, 4, 0, np.array([0] * 10 + [1] * 3), ("a", "b"))
    with pytest.raises(ValueError, match="the data have 3 rows: 4 folds need at least 4; give fewer `folds`"):
        assign_folds(3, 4, 0)
    with pytest.raises(ValueError, match="the group column has 3 groups: 4 folds need at least 4; give fewer `folds`"):
        assign_folds_by_group(np.arange(9) % 3, 4, 0)
