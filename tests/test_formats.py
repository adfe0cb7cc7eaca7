import datetime

import numpy as np
import pyarrow
import pytest

from recipes.data.tables.formats import Format, read

DAY = datetime.datetime(2024, 12, 31)


def moment(*time):
    return datetime.datetime(2024, 12, 31, *time)


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        (Format(decimal=","), "28,7", "28.7"),
        (Format(decimal=","), "\u22121,5e3", "-1.5e3"),
        (Format(decimal=","), "1.5", None),
        (Format(thousands=","), "12,345", "12345"),
        (Format(thousands=","), "1200.5", "1200.5"),
        (Format(thousands=","), "1,2", None),
        (Format(decimal=",", thousands="."), "1.234.567,5", "1234567.5"),
        (Format(decimal=",", thousands=" "), "1\u202f234,5", "1234.5"),
        (Format(thousands="'"), "1\u2019234", "1234"),
        (Format(unit="%"), "80%", "80"),
        (Format(unit="%"), "80 %", "80"),
        (Format(unit="$", thousands=","), "-$1,200", "-1200"),
        (Format(unit="USD"), "USD 7", "7"),
        (Format(unit="kg"), "12 kg", "12"),
        (Format(unit="kg"), "12", "12"),
        (Format(unit="kg"), "12 lb", None),
        (Format(dates="day_first"), "31/12/2024", DAY),
        (Format(dates="day_first"), "31.12.24 10:30 pm", moment(22, 30)),
        (Format(dates="day_first"), "12/31/2024", None),
        (Format(dates="month_first"), "12/31/2024 12:05 AM", moment(0, 5)),
        (Format(dates="month_first"), "2/30/2024", None),
        (Format(dates="iso"), "2024/12/31", DAY),
        (Format(dates="iso"), "2024-12-31T10:00:00.123456789Z", moment(10, 0, 0, 123457)),
        (Format(dates="iso"), "2024-12-31 10:00 UTC", moment(10)),
        (Format(dates="iso"), "2024-12-31T10:00:00+02:00", moment(8)),
        (Format(dates="iso"), "2024-12", datetime.datetime(2024, 12, 1)),
        (Format(dates="iso"), "2024-13-01", None),
        (Format(dates="named"), "31 Dec 2024", DAY),
        (Format(dates="named"), "31-DEC-24", DAY),
        (Format(dates="named"), "December 31st, 2024 10:30", moment(10, 30)),
        (Format(dates="named"), "Sept. 2024", datetime.datetime(2024, 9, 1)),
        (Format(dates="named"), "31 Feb 2024", None),
        (Format(clock=True), "12:30", 45_000.0),
        (Format(clock=True), "12:30:00.5", 45_000.5),
        (Format(clock=True), "-1 days +23:00:00", -3600.0),
        (Format(clock=True), "9:05 pm", 75_900.0),
        (Format(clock=True), "12:61", None),
    ],
)
def test_texts_are_read_in_their_format(form, text, expected):
    found, stray = read(pyarrow.array([None, text, text]), form)
    assert found.to_pylist() == [None, expected, expected]
    assert stray.tolist() == [False, expected is None, expected is None]


def test_values_that_are_no_texts_are_not_changed():
    numbers = pyarrow.array([1.5, None])
    found, stray = read(numbers, Format(unit="kg"))
    assert found is numbers
    assert not stray.any()


def test_a_format_is_stored_as_what_differs_from_plain_numbers():
    form = Format(decimal=",", unit="kg")
    assert form.to_dict() == {"decimal": ",", "unit": "kg"}
    assert Format(**form.to_dict()) == form


def test_every_day_is_its_own_date():
    days = np.arange("1899-12-28", "2101-01-03", dtype="datetime64[D]")
    texts = pyarrow.array([f"{day.day}/{day.month}/{day.year}" for day in days.tolist()])
    found, stray = read(texts, Format(dates="day_first"))
    assert not stray.any()
    np.testing.assert_array_equal(found.to_numpy(zero_copy_only=False), days)
