import numpy as np
import pyarrow
import pytest

from recipes.data.tables import column_values
from recipes.data.tables.column_values import Vocabulary
from recipes.data.tables.scan import Scan


def scan(*batches, name="age"):
    seen = Scan(name)
    for values in batches:
        seen.update(column_values.cleaned(pyarrow.array(values)))
    return seen


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2.5", " 3e2", "+4", "-.5"], "number"),
        (["1", "?", "NA", " nan ", "", "null"], "number"),
        (["true", "False", ""], "number"),
        ([1, 2, None], "number"),
        ([True, None], "number"),
        (["red", "blue", ""], "category"),
        (["1", "2", "three", "four"], "category"),
        (["2024-01-05", "2023-12-31 10:30", ""], "date"),
        (["2024-01-05T00:00:00Z", "2024-01-06T00:00:00+01:00"], "date"),
        ([np.datetime64("2024-01-05", "us"), None], "date"),
    ],
)
def test_kinds_are_detected_from_the_values(values, kind):
    assert scan(values).kind("the file") == kind
    assert scan(values, values).kind("the file") == kind


def test_a_column_can_be_said_to_hold_categories():
    assert scan(["1", "2"], name="zip").kind("the file", categorical=("zip",)) == "category"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1"] * 30 + ["old"] * 2, "holds numbers, but 2 of its 32 values are text, the first 'old' at row 30"),
        (["1", "", "inf", "-inf"], "must be finite: 2 values are infinite or beyond float32, the first at row 2"),
        ([*range(9), 1e300], "must be finite: 1 values are infinite or beyond float32, the first at row 9"),
    ],
)
def test_values_that_do_not_go_together_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        scan(values).kind("the file")


def test_rows_are_counted_across_batches():
    seen = scan(["1"] * 50, ["2"] * 50 + ["x", None])
    assert (seen.rows, seen.missing, seen.first_missing, seen.first_text) == (102, 1, 101, ("x", 100))


def test_numbers_keep_their_places():
    values, texts = column_values.numbers(column_values.cleaned(pyarrow.array(["1", "x", None, "TRUE", "+2"])))
    np.testing.assert_array_equal(values, [1, np.nan, np.nan, 1, 2])
    assert texts.tolist() == [False, True, False, False, False]


def test_dates_become_days():
    values = column_values.cleaned(pyarrow.array(["1970-01-02", "", "1970-01-01T12:00:00"]))
    np.testing.assert_array_equal(column_values.days(values), [1, np.nan, 0.5])


def test_a_vocabulary_grows_in_the_order_of_appearance_and_then_knows_no_more():
    growing = Vocabulary()
    first = growing.encode(column_values.cleaned(pyarrow.array(["b", "a", " b", "?"])))
    assert (first.tolist(), growing.categories) == ([1, 2, 1, 3], ("b", "a", column_values.MISSING_CATEGORY))
    fixed = Vocabulary(growing.categories, grows=False)
    assert fixed.encode(column_values.cleaned(pyarrow.array(["a", "c", None]))).tolist() == [2, 0, 3]


def test_a_number_is_the_same_category_whether_it_was_a_float_or_not():
    fixed = Vocabulary(("3",), grows=False)
    for values in (["3"], [3], [3.0]):
        assert fixed.encode(pyarrow.array(values)).tolist() == [1]


def test_a_vocabulary_is_bounded(monkeypatch):
    monkeypatch.setattr(column_values, "MOST_CATEGORIES", 2)
    growing = Vocabulary()
    assert growing.encode(pyarrow.array(["a", "b", "c", "a"])).tolist() == [1, 2, 0, 1]
    assert growing.overflowed


def test_keys_are_equal_for_equal_values():
    first, second = (column_values.keys(pyarrow.array(values)) for values in (["a", "b", "a"], ["b", "c"]))
    assert first[0] == first[2] != first[1] == second[0] != second[1]
