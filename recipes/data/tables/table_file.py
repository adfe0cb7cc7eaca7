"""Which kinds of files hold tables, and the reader of each kind."""

from pathlib import Path

from recipes.arguments.names import column_name
from recipes.data.tables import arrow_file, csv_file
from recipes.data.tables.table import Table
from recipes.settings import Data

TEXT = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat")
_PACKED = (".gz", ".bz2", ".zst", ".lz4")
_SAVE = "save the table as CSV or Parquet"
# Advice for other kinds of files that often hold data.
_OTHERS = {
    (".xlsx", ".xls", ".xlsm", ".ods", ".numbers"): "save the sheet as CSV",
    (".json", ".jsonl", ".ndjson"): "read it by pandas.read_json and give the frame, or save that as CSV or Parquet",
    (".dta", ".sav", ".sas7bdat", ".xpt"): f"read it by pandas (read_stata, read_spss, read_sas) and {_SAVE}",
    (".rds", ".rdata", ".rda"): f"{_SAVE} in R (write.csv)",
    (".db", ".sqlite", ".sqlite3", ".h5", ".hdf5", ".orc", ".avro", ".xml", ".html", ".arff"): f"read it and {_SAVE}",
    (".pkl", ".pickle", ".joblib"): f"it can run code when it is loaded: load it yourself and {_SAVE}",
    (".npy", ".mat", ".pt", ".pth"): "save the arrays by numpy.savez(\"rows.npz\", x=x, y=y)",
    (".zip", ".tar", ".tgz", ".xz", ".7z", ".rar"): "unpack it",
}  # fmt: skip


def is_table(path: str | Path) -> bool:
    """Whether the name of `path` is that of a file with a table."""
    name = str(path).lower()
    for suffix in _PACKED:
        if name.endswith(suffix):
            return name.removesuffix(suffix).endswith(TEXT)
    return name.endswith((*TEXT, *arrow_file.SUFFIXES))


def open_table(path: str | Path, settings: Data, expected=()) -> Table:
    """The table in a file; see `csv_file.open_csv` and `arrow_file.open_arrow`.

    Args:
        path: A text file such as CSV, or a Parquet or Feather file.
        settings: Settings of the data, with the encoding of a text file and whether its first line is a header.
        expected: Names of columns that the caller needs, besides those in the settings.

    Raises:
        FileNotFoundError, ValueError: If there is no such file, or it cannot be read.
    """
    refuse_unreadable(path)
    if str(path).lower().endswith(arrow_file.SUFFIXES):
        return arrow_file.open_arrow(path)
    named = (
        settings.target,
        settings.group_column,
        settings.time_column,
        *settings.ignore,
        *settings.keep,
        *settings.categorical,
    )
    return csv_file.open_csv(
        path,
        settings.encoding,
        header=settings.header,
        expected=[column_name(name) for name in (*named, *expected) if name],
    )


def refuse_unreadable(path: str | Path) -> None:
    """Refuse a file of a known kind that is not supported.

    Raises:
        ValueError: If the file is of such a kind, with advice.
    """
    name = str(path).lower()
    for suffixes, remedy in _OTHERS.items():
        suffix = next((suffix for suffix in suffixes if name.endswith(suffix)), None)
        if suffix:
            raise ValueError(f"{path}: {suffix} files are not read; {remedy}")
