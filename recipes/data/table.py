"""A table, wherever its rows come from: a file, or a frame in memory."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow

from recipes.data.arrays import is_missing
from recipes.lookup import column_name

BATCH_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with named columns, which can be read again and again.

    Attributes:
        where: What messages call it.
        columns: Names, in their order.
        batches: Gives the rows, some thousands at a time; each call begins anew.
        notes: What was decided when it was opened, for the user.
    """

    where: str
    columns: tuple[str, ...]
    batches: Callable[[], Iterator[pyarrow.RecordBatch]]
    notes: tuple[str, ...] = ()


def is_frame(data) -> bool:
    """Whether `data` is a table in memory: of pandas, Polars, Arrow, or whatever else speaks Arrow's interface."""
    return hasattr(data, "columns") and (hasattr(data, "iloc") or hasattr(data, "__arrow_c_stream__"))


def from_frame(frame, where: str = "the frame") -> Table:
    """The table in `frame`.

    Raises:
        ValueError: If it has no rows, a column name twice, or values that are no numbers, texts or dates.
    """
    if hasattr(frame, "iloc"):
        # By column, because Arrow's own conversion refuses the whole frame for one column of mixed values.
        names = distinct_names(frame.columns, where)
        arrays = [_array(frame.iloc[:, number], name, where) for number, name in enumerate(names)]
    else:
        arrow = pyarrow.table(frame)
        names, arrays = distinct_names(arrow.column_names, where), arrow.columns
    if not names or not len(arrays[0]):
        raise ValueError(f"{where} has no rows")
    content = pyarrow.table(list(arrays), names=list(names))
    return Table(where, names, lambda: iter(content.to_batches(max_chunksize=BATCH_ROWS)))


def distinct_names(names, where: str) -> tuple[str, ...]:
    """The names of the columns of the table that messages call `where`; one without a name is called as by pandas.

    Raises:
        ValueError: If two are equal.
    """
    names = tuple(column_name(name) or f"Unnamed: {number}" for number, name in enumerate(names))
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"{where} has two columns called {twice!r}: names must differ")
    return names


def with_column(table: Table, name: str, values) -> Table:
    """`table` with a further column.

    Raises:
        ValueError: If it has one of that name, or another number of rows.
    """
    name = column_name(name)
    if name in table.columns:
        raise ValueError(f"{table.where} has a column {name!r} already: the target beside it needs another name")
    content = pyarrow.Table.from_batches(table.batches())
    array = _array(values, name, table.where)
    if len(array) != len(content):
        raise ValueError(
            f"{table.where} and its targets must have as many rows. Received: {len(content)} and {len(array)}"
        )
    content = content.append_column(name, array)
    return Table(table.where, (*table.columns, name), lambda: iter(content.to_batches(max_chunksize=BATCH_ROWS)))


def _array(column, name: str, where: str) -> pyarrow.Array:
    try:
        array = pyarrow.array(column, from_pandas=True)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):
        # Values of several kinds: as they would stand in a CSV file.
        array = pyarrow.array([None if is_missing(value) else str(value) for value in column], pyarrow.string())
    check_type(array.type, name, where)
    return array


def check_type(kind: pyarrow.DataType, name: str, where: str) -> None:
    """Refuse values of a column that are no plain ones.

    Raises:
        ValueError: With the column and their type.
    """
    kind = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    if pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind):
        raise ValueError(f"column {name!r} of {where} must hold numbers, texts or dates. Received: {kind}")
