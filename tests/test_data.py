import numpy as np
import pytest

import recipes
from recipes.data.named import bundled
from recipes.settings import Data


@pytest.fixture
def pair():
    generator = np.random.default_rng(0)
    return generator.normal(size=(90, 3)), np.repeat(["cat", "dog", "emu"], 30)


@pytest.mark.parametrize(
    ("name", "rows", "shape", "task", "classes"),
    [
        ("digits", 1797, (8, 8, 1), "classification", 10),
        ("breast_cancer", 569, (30,), "classification", 2),
        ("wine", 178, (13,), "classification", 3),
        ("iris", 150, (4,), "classification", 3),
        ("diabetes", 442, (10,), "regression", None),
    ],
)
def test_bundled_datasets_are_complete(name, rows, shape, task, classes):
    dataset = recipes.load_dataset(name)
    parts = (dataset.train, dataset.validation, dataset.test)
    assert sum(len(y) for _, y in parts) == rows
    assert all(x.shape == (len(y), *shape) and x.dtype == np.float32 for x, y in parts)
    assert dataset.task == task
    assert (len(dataset.class_names) if classes else dataset.class_names) == classes
    assert dataset.feature_names is None if len(shape) == 3 else len(dataset.feature_names) == shape[0]


def test_the_split_depends_only_on_the_seed():
    first, same, other = (recipes.load_dataset("wine", seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.test[0], same.test[0])
    assert not np.array_equal(first.test[0], other.test[0])


def test_class_shares_are_alike_in_all_parts():
    dataset = recipes.load_dataset("breast_cancer")
    shares = [part[1].mean() for part in (dataset.train, dataset.validation, dataset.test)]
    assert max(shares) - min(shares) < 0.02


def test_labels_become_class_numbers_in_sorted_order(pair):
    dataset = recipes.load_dataset(pair)
    assert dataset.class_names == ("cat", "dog", "emu")
    assert set(dataset.train[1]) == {0, 1, 2}
    assert dataset.feature_names == ("column_0", "column_1", "column_2")


@pytest.mark.parametrize(
    ("y", "task", "names"),
    [
        (np.arange(90) % 3 + 5, "classification", ("5", "6", "7")),
        (np.arange(90) % 2 == 0, "classification", ("False", "True")),
        ((np.arange(90) % 2).astype(float), "classification", ("0", "1")),
        (np.eye(3)[np.arange(90) % 3], "classification", ("0", "1", "2")),
        ((np.arange(90) % 3)[:, None], "classification", ("0", "1", "2")),
        (np.arange(90) / 7, "regression", None),
        (np.arange(90).astype(float), "regression", None),
    ],
)
def test_the_task_is_read_off_the_targets(pair, y, task, names):
    dataset = recipes.load_dataset((pair[0], y))
    assert (dataset.task, dataset.class_names) == (task, names)


def test_the_task_can_be_said(pair):
    y = np.arange(90) % 5
    assert recipes.load_dataset((pair[0], y), settings=Data(task="regression")).task == "regression"
    with pytest.raises(ValueError, match="does not fit the dataset 'diabetes'"):
        recipes.load_dataset("diabetes", settings=Data(task="classification"))
    with pytest.raises(ValueError, match=r"regression needs numbers as targets. Received: .*cat"):
        recipes.load_dataset(pair, settings=Data(task="regression"))


def test_parts_of_the_users_own_stay_as_they_are(pair):
    x, y = pair
    dataset = recipes.load_dataset(((x, y), (x[::9], y[::9])))
    np.testing.assert_allclose(dataset.validation[0], x[::9], rtol=1e-6)
    assert (len(dataset.train[1]), len(dataset.test[1])) == (72, 18)
    dataset = recipes.load_dataset(((x, y), (x[::9], y[::9]), (x[::5], y[::5])))
    assert [len(part[1]) for part in (dataset.train, dataset.validation, dataset.test)] == [90, 10, 18]


def test_pairs_and_rows_may_be_lists(pair):
    x, y = pair
    given = recipes.load_dataset([[x, y], [x[::9], y[::9]]])
    np.testing.assert_allclose(given.validation[0], x[::9], rtol=1e-6)
    for rows in ((x.tolist(), y.tolist()), (tuple(map(tuple, x)), tuple(y))):
        np.testing.assert_array_equal(recipes.load_dataset(rows).test[0], recipes.load_dataset(pair).test[0])


def test_missing_values_of_pandas_are_recognized(pair):
    pandas = pytest.importorskip("pandas")
    y = pandas.Series(pair[1], dtype="string")
    y[5] = pandas.NA
    with pytest.raises(ValueError, match="`y` has 1 missing values, the first at row 5"):
        recipes.load_dataset((pair[0], y))


def test_a_sparse_matrix_is_refused(pair):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match=r"`x` must be dense; a sparse matrix is x.toarray\(\)"):
        recipes.load_dataset((sparse.csr_matrix(pair[0]), pair[1]))


@pytest.mark.parametrize("seed", [-1, True, 1.5, "a", 2**32])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ValueError, match="`seed` must be a whole number from 0 to"):
        recipes.load_dataset("iris", seed=seed)
    assert recipes.load_dataset("iris", seed=np.int64(3)).name == "iris"


def test_npz_files_of_both_forms_load(tmp_path, pair):
    x, y = pair
    np.savez(tmp_path / "whole.npz", x=x, y=y)
    np.savez(tmp_path / "parts.npz", x_train=x, y_train=y, x_test=x[::9], y_test=y[::9])
    whole, parts = (recipes.load_dataset(tmp_path / name) for name in ("whole.npz", "parts.npz"))
    np.testing.assert_array_equal(whole.test[0], recipes.load_dataset(pair).test[0])
    assert (whole.name, len(parts.test[1]), len(parts.train[1])) == ("whole", 10, 81)


def test_a_dataset_is_passed_through():
    dataset = recipes.load_dataset("iris")
    assert recipes.load_dataset(dataset) is dataset


def test_num_outputs_suit_the_task():
    outputs = {name: recipes.load_dataset(name).num_outputs for name in bundled.NAMES}
    assert outputs == {"breast-cancer": 1, "diabetes": 1, "digits": 10, "iris": 3, "wine": 3}


def changed(x, row, column, value):
    x = x.copy()
    x[row, column] = value
    return x


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda x, y: (changed(x, 4, 2, np.nan), y),
            r"`x` must be finite. Received: 1 values .*\(nan\) at row 4, column 2",
        ),
        (lambda x, y: (changed(x, 4, 2, 1e300), y), "beyond float32, the first .* at row 4, column 2"),
        (lambda x, y: (x.astype(str), y), "`x` must hold numbers. Received: numbers stored as text"),
        (
            lambda x, y: (changed(x.astype(object), 4, 2, "n/a"), y),
            "`x` must hold numbers. Received: 'n/a' at row 4, column 2",
        ),
        (lambda x, y: (x[:, 0], y), r"Received: shape \(90,\); a single column is x.reshape\(-1, 1\)"),
        (lambda x, y: (x[:0], y[:0]), "`x` is empty"),
        (lambda x, y: (x[:50], y), "as many rows. Received: 50 and 90"),
        (lambda x, y: (x, np.full(90, "cat")), "there is only one class, 'cat'"),
        (lambda x, y: (x, np.where(np.arange(90) < 2, "rare", y)), "class 'rare' has 2 rows"),
        (
            lambda x, y: (x, np.where(np.arange(90) == 7, np.nan, np.arange(90.0))),
            r"1 values that are NaN .*\(nan\) at row 7",
        ),
        (lambda x, y: (x, np.array([None, *y[1:]], dtype=object)), "`y` has 1 missing values, the first at row 0"),
        (lambda x, y: (x, np.zeros(90) + 0.5), "every target of the .* is 0.5"),
        (
            lambda x, y: (np.ones((90, 3)), y),
            "no column is left to learn from in the .* training rows .*column_0: constant",
        ),
        (
            lambda x, y: (x, np.ones((90, 2))),
            r"`y` must hold one target for each row, or one-hot rows. Received: shape \(90, 2\)",
        ),
        (lambda x, y: ((x, y), (x[:9, :2], y[:9])), r"rows of one shape. Received: \(3,\) and, in validation, \(2,\)"),
        (
            lambda x, y: ((x, y), (x[:9], np.full(9, "yak"))),
            "unknown classes 'yak' in the labels. Known: cat, dog, emu",
        ),
        (lambda x, y: (x, y, x), "parts that are not pairs"),
        (lambda x, y: "irsi", "unknown dataset 'irsi': did you mean 'iris'"),
        (lambda x, y: x, "Received: ndarray"),
        (lambda x, y: (x, np.where(np.arange(90) == 3, 1e39, np.arange(90) / 7)), "targets must be within float32"),
        (lambda x, y: ([[1, 2], [3]], [0, 1]), "`x` must have rows of one length. Received: ragged list"),
        (lambda x, y: ((x, np.arange(90) % 2 + 1), (x[:9], np.arange(9) % 2)), "unknown classes '0' .*. Known: 1, 2"),
    ],
)
def test_data_that_cannot_be_trained_on_are_reported_in_one_line(pair, change, message):
    with pytest.raises(ValueError, match=message) as error:
        recipes.load_dataset(change(*pair))
    assert "\n" not in str(error.value)


def test_unreadable_npz_files_have_different_errors(tmp_path, pair):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        recipes.load_dataset(tmp_path / "none.npz")
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ValueError, match=r"damaged.npz is no readable NPZ file"):
        recipes.load_dataset(tmp_path / "damaged.npz")
    np.savez(tmp_path / "objects.npz", x=np.array([{}, []], dtype=object), y=np.arange(2))
    with pytest.raises(ValueError, match=r"objects.npz holds Python objects"):
        recipes.load_dataset(tmp_path / "objects.npz")
    np.savez(tmp_path / "half.npz", x=pair[0], y=pair[1], x_test=pair[0])
    with pytest.raises(ValueError, match="half.npz must hold the arrays .* Received: x, y, x_test"):
        recipes.load_dataset(tmp_path / "half.npz")
    np.savez(tmp_path / "names.npz", images=pair[0], labels=pair[1])
    with pytest.raises(ValueError, match=r"must hold the arrays x and y, .* Received: images, labels"):
        recipes.load_dataset(tmp_path / "names.npz")


def test_describe_summarizes_columns_target_and_split():
    lines = recipes.load_dataset((np.c_[np.arange(90), np.ones(90)], np.arange(90) % 2)).describe().splitlines()
    assert lines == [
        "arrays: 90 rows, 2 columns, 2 classes",
        "split at random, class by class, seed 0: train 64, validation 8, test 18",
        "note: left out, constant: column_1",
    ]


def test_validation_and_test_may_come_from_npz_files_of_their_own(tmp_path, pair):
    x, y = pair
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    np.savez(tmp_path / "later.npz", x=x[::9] + 1, y=y[::9])
    settings = Data(test_file=str(tmp_path / "later.npz"))
    dataset = recipes.load_dataset(tmp_path / "rows.npz", settings=settings)
    assert [len(part[1]) for part in (dataset.train, dataset.validation, dataset.test)] == [81, 9, 10]
    assert "test as given" in dataset.describe()
    with pytest.raises(
        ValueError, match="data.test_file goes with a CSV or NPZ file or a frame. Received: .* for 'iris'"
    ):
        recipes.load_dataset("iris", settings=settings)


def test_images_are_resized_and_recoloured_on_request():
    dataset = recipes.load_dataset("digits", settings=Data(image_size=(12, 10), color="rgb"))
    assert dataset.train[0].shape[1:] == (12, 10, 3)
    with pytest.raises(ValueError, match="data.color is for images. Received: 'rgb' for a table"):
        recipes.load_dataset("iris", settings=Data(color="rgb"))


def test_a_target_with_more_digits_than_predictions_is_noted():
    x, y = np.random.default_rng(0).normal(size=(2, 300))
    for target, noted in ((1.7e9 + 100 * y, True), (2024 + 10 * y, False), (y, False), (1e6 * y, False)):
        notes = recipes.load_dataset((x[:, None], target)).notes
        assert any("predictions are float32, which near 1.7e+09 is in steps of 128" in note for note in notes) == noted
