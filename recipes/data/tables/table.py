"""A table, wherever its rows come from: a file, or a frame in memory."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow

from recipes.arguments.names import column_name
from recipes.data.dataset import as_setting
from recipes.data.tables import frame_columns

BATCH_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with named columns, which can be read again and again.

    Attributes:
        where: What messages call it.
        columns: Names, in their order.
        batches: Gives the rows, some thousands at a time; each call begins anew.
        refused: Sentence about each column that cannot be read, by name; in the rows it has no values.
        notes: What was decided when it was opened, for the user.
    """

    where: str
    columns: tuple[str, ...]
    batches: Callable[[], Iterator[pyarrow.RecordBatch]]
    refused: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def is_frame(data) -> bool:
    """Whether `data` is a table in memory: of pandas, Polars, Arrow, or whatever else speaks Arrow's interface."""
    return hasattr(data, "columns") and (hasattr(data, "iloc") or hasattr(data, "__arrow_c_stream__"))


def from_frame(frame, where: str = "the frame") -> Table:
    """The table in `frame`.

    Raises:
        ValueError: If it has no rows, or a column name twice.
    """
    if hasattr(frame, "iloc"):
        # By column, because Arrow's own conversion refuses the whole frame for one column of mixed values.
        names, convert = distinct_names(frame.columns, where), frame_columns.from_values
        found = [frame.iloc[:, number] for number in range(len(names))]
    else:
        try:
            arrow, convert = pyarrow.table(frame), frame_columns.from_arrow
        except pyarrow.ArrowException as error:
            raise ValueError(f"{where} holds a type that Arrow does not know: cast the column ({error})") from None
        names, found = distinct_names(arrow.column_names, where), arrow.columns
    if not names or not len(found[0]):
        raise ValueError(f"{where} has no rows")
    arrays, refused = [], {}
    for name, column in zip(names, found, strict=True):
        try:
            arrays.append(convert(column))
        except TypeError as error:  # no reason to refuse the frame, for the column may not be used
            arrays.append(pyarrow.nulls(len(column)))
            refused[name] = refusal(name, where, error)
    content = pyarrow.table(list(arrays), names=list(names))
    return Table(where, names, lambda: iter(content.to_batches(max_chunksize=BATCH_ROWS)), refused)


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
    try:
        array = frame_columns.from_values(values)
    except TypeError as error:
        raise ValueError(refusal(name, table.where, error)) from None
    if len(array) != len(content):
        raise ValueError(
            f"{table.where} and its targets must have as many rows. Received: {len(content)} and {len(array)}"
        )
    content = content.append_column(name, array)
    batches = content.to_batches(max_chunksize=BATCH_ROWS)
    return Table(table.where, (*table.columns, name), lambda: iter(batches), table.refused)


def refusal(name: str, where: str, error: TypeError) -> str:
    """The sentence for a column whose values, as `error` says, are no plain ones."""
    return (
        f"column {name!r} of {where} must hold numbers, texts or dates. It holds {error}, or leave it out "
        f"(data.ignore: {as_setting([name])})"
    )
