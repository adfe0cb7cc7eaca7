"""Tables in Parquet and Feather files, read block by block."""

from pathlib import Path

import pyarrow
import pyarrow.parquet

from recipes.arguments.regular_files import MOST_RATIO, is_bomb, require_regular
from recipes.data.tables import frame_columns
from recipes.data.tables.table import BATCH_ROWS, Table, distinct_names, refusal

PARQUET = (".parquet", ".pq")
FEATHER = (".feather", ".arrow", ".ipc")
SUFFIXES = (*PARQUET, *FEATHER)


def open_arrow(path: str | Path) -> Table:
    """The table in a Parquet or Feather file, without the index that pandas may have stored.

    Raises:
        OSError: If there is no such file (FileNotFoundError), or it is no regular one.
        ValueError: If it is damaged, claims far more values than its size can hold, has no rows, or has two columns of
            one name.
    """
    path = require_regular(path)
    blocks = _parquet if path.suffix.lower() in PARQUET else _feather
    schema, rows = blocks(path)[:2]
    if not rows:
        raise ValueError(f"{path} has no rows")
    if is_bomb(rows * len(schema.names), path.stat().st_size):
        raise ValueError(
            f"{path} is refused: it claims {rows:,} rows of {len(schema.names):,} columns, more than {MOST_RATIO} "
            "values for each of its bytes; if it is your own, save it as CSV"
        )
    places = [number for number, name in enumerate(schema.names) if not name.startswith("__index_level_")]
    names = distinct_names([schema.names[number] for number in places], str(path))
    try:
        probe = next(blocks(path)[2]())
    except (pyarrow.ArrowException, OSError, StopIteration) as error:
        raise _damaged(path, error) from None
    refused = {}
    for number, name in zip(places, names, strict=True):
        try:
            frame_columns.from_arrow(probe.column(number))
        except TypeError as error:  # refused only if the column is used
            refused[name] = refusal(name, str(path), error)

    def batches():
        try:
            for batch in blocks(path)[2]():
                columns = [
                    pyarrow.nulls(len(batch)) if name in refused else frame_columns.from_arrow(batch.column(number))
                    for number, name in zip(places, names, strict=True)
                ]
                yield pyarrow.RecordBatch.from_arrays(columns, names=list(names))
        except (pyarrow.ArrowException, OSError) as error:
            raise _damaged(path, error) from None
        except TypeError as error:
            raise ValueError(f"{path} has a column of {error}") from None

    return Table(str(path), names, batches, refused)


def _parquet(path: Path):
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(path, error) from None
    return file.schema_arrow, file.metadata.num_rows, lambda: file.iter_batches(BATCH_ROWS)


def _feather(path: Path):
    try:
        file = pyarrow.ipc.open_file(pyarrow.memory_map(str(path)))
        rows = sum(file.get_batch(number).num_rows for number in range(file.num_record_batches))
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(path, error) from None

    def batches():
        for number in range(file.num_record_batches):
            batch = file.get_batch(number)
            for start in range(0, len(batch), BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS)

    return file.schema, rows, batches


def _damaged(path: Path, error) -> ValueError:
    return ValueError(f"{path} is damaged, or no {path.suffix[1:]} file: {' '.join(str(error).split())[:200]}")
