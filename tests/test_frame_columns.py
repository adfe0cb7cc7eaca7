import datetime
import decimal
import uuid

import numpy as np
import pyarrow
import pytest

import recipes
from recipes.data.tables import frame_columns
from recipes.settings import Data

pandas = pytest.importorskip("pandas")
UUID = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pandas.Series(pandas.to_timedelta(["1h", None])), [3600.0, None]),
        ([datetime.timedelta(seconds=1.5)], [1.5]),
        (pyarrow.array([datetime.time(1, 0, 2, 500_000), None]), [3602.5, None]),
        (pyarrow.array([60], pyarrow.time32("s")), [60.0]),
        (pandas.Series([datetime.time(0, 1)]), [60.0]),
        (pandas.Series(pandas.cut([1, 9, np.nan], [0, 5, 10])), ["(0, 5]", "(5, 10]", None]),
        (pandas.Series(pandas.cut([1, 9], [0, 5, 10])).astype("interval"), ["(0, 5]", "(5, 10]"]),
        (pandas.Categorical([3, 1, None]), [3, 1, None]),
        (pandas.Categorical(["b", "a"]), ["b", "a"]),
        ([UUID, None], [str(UUID), None]),
        (pyarrow.array([UUID.bytes], pyarrow.uuid()), [str(UUID)]),
        ([2**70, 1, None], [str(2**70), "1", None]),
        ([decimal.Decimal("1.25"), None], [1.25, None]),
        (np.array([1.5], np.longdouble), [1.5]),
        ([b"red", None], ["red", None]),
        (pyarrow.array(["red", None], pyarrow.string_view()), ["red", None]),
        (pyarrow.array(["red", None], pyarrow.string_view()).dictionary_encode(), ["red", None]),
        (pyarrow.array([b"red", None], pyarrow.binary_view()), ["red", None]),
        (pyarrow.array([b"red"], pyarrow.binary(3)), ["red"]),
        (pandas.Series(pandas.period_range("2024-02", periods=1, freq="M")), [datetime.datetime(2024, 2, 1)]),
        ([1, "two", None, np.nan], ["1", "two", None, None]),
        (pyarrow.chunked_array([[decimal.Decimal(1)], [decimal.Decimal(2)]]), [1.0, 2.0]),
        (pyarrow.RunEndEncodedArray.from_arrays([2], ["a"]), ["a", "a"]),
    ],
)
def test_values_of_any_type_become_numbers_texts_or_dates(values, expected):
    convert = frame_columns.from_arrow if type(values).__module__.startswith("pyarrow") else frame_columns.from_values
    assert convert(values).to_pylist() == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([1j]), "complex numbers: give their real and"),
        ([1j, None], "complex numbers: give their real and"),
        ([[1], [2, 3]], "lists: make a column of each"),
        ([{1, 2}], "lists: make a column of each"),
        ([{"a": 1}], "dictionaries: make a column of each"),
        ([b"\xff"], "bytes that are no text"),
    ],
)
def test_other_values_are_said(values, message):
    with pytest.raises(TypeError, match=message):
        frame_columns.from_values(values)


def test_a_column_that_cannot_be_read_matters_only_where_it_is_used():
    generator = np.random.default_rng(0)
    frame = pandas.DataFrame({"a": generator.normal(size=60), "b": [[1]] * 60, "y": generator.choice(["u", "v"], 60)})
    with pytest.raises(ValueError, match=r"column 'b' of the frame must hold .* leave it out \(data.ignore: \[b\]\)"):
        recipes.load_dataset(frame, target="y")
    assert recipes.load_dataset(frame, settings=Data(target="y", ignore=("b",))).feature_names == ("a",)
    with pytest.raises(ValueError, match="column 'target' of the frame must hold numbers, texts or dates. It holds li"):
        recipes.load_dataset((frame[["a"]], [[1], [2, 3]] * 30))
