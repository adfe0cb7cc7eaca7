"""The common form of tables from files and from frames in memory."""

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
    """Rows with named columns, which can be read any number of times.

    Attributes:
        where: Name of the table in messages.
        columns: Names of the columns, in their order.
        batches: Function that yields all rows in batches of some thousands, from the start at each call.
        refused: Error message of each column that cannot be read, by name; such a column has no values in the batches.
        notes: Notes for the user on how the file was read.
    """

    where: str
    columns: tuple[str, ...]
    batches: Callable[[], Iterator[pyarrow.RecordBatch]]
    refused: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def is_frame(data) -> bool:
    """Whether `data` is a table in memory: of pandas, Polars, Arrow, or another library with Arrow's interface."""
    return hasattr(data, "columns") and (hasattr(data, "iloc") or hasattr(data, "__arrow_c_stream__"))


def from_frame(frame, where: str = "the frame") -> Table:
    """The table in `frame`.

    Args:
        frame: Frame of pandas, Polars or Arrow.
        where: Name of the table in messages.

    Raises:
        ValueError: If the frame has no rows, or two columns of one name.
    """
    if hasattr(frame, "iloc"):
        # Column by column, because Arrow's own conversion refuses the whole frame for one column of mixed values.
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
        except TypeError as error:  # refused only if the column is used
            arrays.append(pyarrow.nulls(len(column)))
            refused[name] = refusal(name, where, error)
    content = pyarrow.table(list(arrays), names=list(names))
    return Table(where, names, lambda: iter(content.to_batches(max_chunksize=BATCH_ROWS)), refused)


def distinct_names(names, where: str) -> tuple[str, ...]:
    """The names of columns, cleaned; a column without a name gets the one that pandas would give it.

    Args:
        names: Names as they were read.
        where: Name of the table in messages.

    Raises:
        ValueError: If two names are equal.
    """
    names = tuple(column_name(name) or f"Unnamed: {number}" for number, name in enumerate(names))
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"{where} has two columns called {twice!r}: names must differ")
    return names


def with_column(table: Table, name: str, values) -> Table:
    """`table` with a further column.

    Raises:
        ValueError: If it has a column of that name already, or another number of rows.
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
    """The error message for a column whose values are of an unsupported kind, which `error` names."""
    return (
        f"column {name!r} of {where} must hold numbers, texts or dates. It holds {error}, or leave it out "
        f"(data.ignore: {as_setting([name])})"
    )
