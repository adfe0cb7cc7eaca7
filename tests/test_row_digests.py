import io

import numpy as np
import pandas
import pytest

import recipes
from recipes.data import Fingerprint, row_digests
from recipes.data import fingerprint as fingerprints
from recipes.data.tables.column_values import MISSING
from recipes.data.tables.csv_file import open_csv
from recipes.data.tables.table import from_frame

LINES = "day,count,share,kind,good\n2024-01-31,3,0.5,a,True\n2024-02-01,,1e3,b,False\n2024-02-01,4,-0,,True\n"
COLUMNS = ("day", "count", "share", "kind", "good")


def digests(table, columns=COLUMNS):
    return row_digests.of_table(table, columns, dict.fromkeys(table.columns, MISSING))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(LINES)
    return path


def test_rows_are_recognized_however_they_are_written(file, tmp_path):
    expected = digests(open_csv(file))
    assert len(set(expected)) == 3
    frame = pandas.read_csv(io.StringIO(LINES))
    assert frame["count"].dtype == float
    assert frame["good"].dtype == bool
    turned = frame.iloc[:, ::-1].assign(more=1)
    dated = frame.assign(day=pandas.to_datetime(frame["day"]), count=frame["count"].astype("Int64"))
    categories = frame.assign(kind=frame["kind"].astype("category"))
    for same in (frame, turned, dated, categories):
        np.testing.assert_array_equal(digests(from_frame(same)), expected)
    frame.to_csv(tmp_path / "written.csv", index=False)
    np.testing.assert_array_equal(digests(open_csv(tmp_path / "written.csv")), expected)


def test_every_value_counts_and_its_column(file):
    expected = digests(open_csv(file))
    for column, other in (("day", "2024-03-01"), ("count", 7), ("share", 0.50001), ("kind", "A"), ("good", "maybe")):
        frame = pandas.read_csv(io.StringIO(LINES)).astype(object)
        frame.loc[0, column] = other
        assert (digests(from_frame(frame)) != expected).tolist() == [True, False, False]
    swapped = pandas.DataFrame({"a": [1, 2], "b": [2, 1]})
    assert len(set(digests(from_frame(swapped), ("a", "b")))) == 2
    with pytest.raises(ValueError, match="lacks columns by which its rows are recognized: c"):
        digests(from_frame(swapped), ("a", "c"))


def test_arrays_are_recognized_with_their_targets():
    x = np.array([[0.0, np.nan], [1, 2], [1, 2]], np.float32)
    named = row_digests.of_arrays(x, np.array(["no", "yes", "no"]))
    assert len(set(named)) == 3
    negative = x * np.float32([[1], [-1], [-1]])
    np.testing.assert_array_equal(row_digests.of_arrays(-negative, np.array([0, 1, 0]), ("no", "yes"))[0], named[0])
    np.testing.assert_array_equal(row_digests.of_arrays(x, np.array([1, 0, 1]), ("yes", "no")), named)
    numbers = row_digests.of_arrays(x, np.array([1, 2, 2]))
    for same in (np.array([1.0, 2.0, 2.0]), np.array(["1", "2", "2"])):
        np.testing.assert_array_equal(numbers, row_digests.of_arrays(x, same))
    np.testing.assert_array_equal(numbers, row_digests.of_arrays(x, np.array([0, 1, 1]), ("1", "2")))
    assert numbers[1] == numbers[2]


def test_test_rows_are_found_as_often_as_they_were_tested():
    parts = {"train": [1, 2], "validation": [3], "test": [9, 5, 5, 7]}
    known = Fingerprint.of({part: np.array(values, np.uint64) for part, values in parts.items()})
    now = np.array([5, 1, 7, 5, 3, 5, 9, 8], np.uint64)
    assert known.find_test_rows(now).tolist() == [0, 2, 3, 6]
    assert known.find_test_rows(np.array([1, 8], np.uint64)).tolist() == []
    assert row_digests.count_known(now, np.array([1, 3], np.uint64)) == 2
    assert known.is_complete


def test_a_fingerprint_comes_back_from_its_file(tmp_path, monkeypatch):
    values = np.random.default_rng(0).integers(0, 2**64, 1000, np.uint64)
    known = Fingerprint.of({"train": values[:700], "validation": values[700:800], "test": values[800:]}, ("a", "y"))
    known.save(tmp_path / "rows.npz")
    again = Fingerprint.read(known.to_dict(), tmp_path / "rows.npz")
    assert (again.columns, again.rows, again.digests) == (("a", "y"), known.rows, known.digests)
    np.testing.assert_array_equal(again.row_digests["test"], values[800:])
    assert Fingerprint.of({"test": values[800:][::-1]}).digests["test"] != known.digests["test"]
    monkeypatch.setattr(fingerprints, "MOST_STORED", 500)
    known.save(tmp_path / "rows.npz")
    sample = Fingerprint.read(known.to_dict(), tmp_path / "rows.npz")
    assert not sample.is_complete
    assert 60 < len(sample.row_digests["test"]) < 140
    assert set(values[800:][sample.find_test_rows(values[800:])]) == set(sample.row_digests["test"])
    (tmp_path / "rows.npz").write_text("PK")
    with pytest.raises(ValueError, match=r"rows.npz is damaged: it must hold digests of rows"):
        Fingerprint.read(known.to_dict(), tmp_path / "rows.npz")
    assert Fingerprint.read(known.to_dict(), tmp_path / "none.npz").row_digests == {}


def count_duplicates(train, other):
    return row_digests.count_known(row_digests.of_arrays(*other), row_digests.of_arrays(*train))


def test_rows_count_as_duplicates_only_with_their_target():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(500, 3)).astype(np.float32), generator.integers(0, 2, 500)
    assert count_duplicates((x, y), (x[:20], y[:20])) == 20
    assert count_duplicates((x, y), (x[:20], 1 - y[:20])) == 0
    assert count_duplicates((x, y), (x[:20] + 1e-3, y[:20])) == 0


def test_columns_in_another_order_are_another_row():
    x = np.array([[1, 2], [3, 4], [0, 0]], dtype=np.float32)
    assert count_duplicates((x, np.zeros(3)), (x[:, ::-1], np.zeros(3))) == 1


def test_images_of_bytes_and_missing_values_are_compared_too():
    images = np.random.default_rng(0).integers(0, 256, (50, 5, 5, 3)).astype(np.uint8)
    assert count_duplicates((images, np.zeros(50)), (images[:7], np.zeros(7))) == 7
    x = np.array([[np.nan, 1], [np.nan, 2]], dtype=np.float32)
    assert count_duplicates((x, np.zeros(2)), (x[:1], np.zeros(1))) == 1


def test_duplicates_on_both_sides_are_reported():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(60, 3)), np.arange(60) % 2
    dataset = recipes.load_dataset(((x, y), (x[:4], y[:4]), (x[:9] + 1, y[:9])))
    assert "note: 4 rows of the validation part stand in the training part, too" in dataset.describe().splitlines()
    assert "test part stand" not in dataset.describe()
