import numpy as np
import pytest

from recipes.data.tables import row_numbers
from recipes.data.tables.row_numbers import RowNumbers

SHUFFLED = np.random.default_rng(0).permutation(60).astype(float)
GAPS = np.random.default_rng(0).permutation(600)[:60].astype(float)


def found(name, values, blocks=4):
    numbers = RowNumbers(name)
    for block in np.array_split(np.asarray(values, float), blocks):
        numbers.update(block)
    return numbers.found


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("", np.arange(60)),
        ("x", np.arange(60)[::-1] - 30),
        ("x", SHUFFLED + 1000),
        ("x", SHUFFLED + 2.0**52),
        ("Unnamed: 0", np.cumsum(GAPS + 1)),  # of a file of which rows were dropped
        ("Unnamed: 0", np.r_[np.arange(30), np.arange(30)]),  # of two files that were put together
        ("id", GAPS),
        ("CustomerId", GAPS),
        ("message_id", 1.5e18 + 4e12 * GAPS),
        ("order_id", GAPS),
    ],
)
def test_columns_that_count_or_name_the_rows_are_found(name, values):
    assert found(name, values)
    assert found(name, values, blocks=1)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", GAPS),
        ("x", np.arange(60) / 2),
        ("x", np.r_[np.arange(59), 0]),
        ("x", np.r_[np.nan, np.arange(59)]),
        ("x", np.r_[np.arange(40), np.arange(41, 61)]),
        ("id", np.r_[GAPS[:59], GAPS[0]]),
        ("solid", GAPS),
        ("weight", 1.5e18 + 4e12 * GAPS),
        ("id", np.r_[np.inf, np.arange(59)]),
        ("x", np.r_[np.arange(30), np.arange(30)]),
        ("id", np.repeat(np.arange(30), 2)),
        ("patient_id", np.tile(np.arange(6), 10)),
        ("year", np.arange(60) + 1960),
        ("x", np.arange(19)),
    ],
)
def test_other_columns_of_whole_numbers_are_not(name, values):
    assert not found(name, values)


def test_equal_range_and_sum_do_not_make_row_numbers():
    # As 0 ... 59, but for 10 and 13, which are replaced by 11 and 12.
    assert not found("x", [*range(10), 11, 11, 12, 12, *range(14, 60)], blocks=1)
    values = SHUFFLED.copy()
    values[np.isin(values, (10, 13))] = 11, 12
    assert not found("x", values, blocks=12)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(row_numbers, "MOST_COMPARED", 30)
    assert not found("id", GAPS)
    assert found("id", np.cumsum(GAPS + 1))
