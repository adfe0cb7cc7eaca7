"""CSV files, read block by block: what separates their fields, how they are encoded, and what is wrong with them."""

import codecs
import csv
from pathlib import Path

import pyarrow
import pyarrow.csv

from recipes.data.table import Table

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
DELIMITERS = (",", ";", "\t", "|")
_BLOCK_BYTES = 4 * 2**20
_SAMPLE_LINES = 20


def is_csv(path: str | Path) -> bool:
    """Whether the name is that of a CSV file."""
    return str(path).lower().endswith(SUFFIXES)


def open_csv(path: str | Path, encoding: str | None = None, columns=None, skip_rows: int = 0) -> Table:
    """The table in a CSV file; every value is text.

    Args:
        path: The first line holds the column names, unless all of its fields are numbers. Compressed where it ends in
            `.gz`.
        encoding: Default: UTF-8, or UTF-16 where the file says so.
        columns: Names, for a file whose first line holds none.
        skip_rows: Lines at the top that are no part of the table.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is empty, no text, in another encoding, has a column name twice, or (while it is read) a row
            with another number of fields.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    encoding = _encoding(path, encoding)
    lines = _first_lines(path, encoding)[skip_rows:]
    if not lines:
        raise ValueError(f"{path} is empty")
    delimiter = _delimiter(lines)
    first = [name.strip() for name in next(csv.reader(lines[:1], delimiter=delimiter))]
    has_header = columns is None and not all(map(_is_number, first))
    names = tuple(columns or ()) or (
        tuple(first) if has_header else tuple(f"column_{number}" for number in range(len(first)))
    )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{path} has two columns called {twice!r}: names must differ")

    def batches():
        return _batches(path, encoding, delimiter, names, skip_rows + has_header)

    return Table(str(path), names, batches)


def _encoding(path: Path, encoding: str | None) -> str:
    if encoding is not None:
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            raise ValueError(
                f"there is no encoding {encoding!r}; common ones: utf-8, latin-1, cp1252, utf-16"
            ) from None
    with _open(path) as stream:
        start = _read(path, stream, 4)
    return "utf-16" if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"


def _open(path: Path):
    return pyarrow.input_stream(str(path), compression="detect")


def _read(path: Path, stream, size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:  # a damaged archive
        raise ValueError(f"{path} is damaged: {' '.join(str(error).split())}") from None


def _first_lines(path: Path, encoding: str) -> list[str]:
    with _open(path) as stream:
        start = _read(path, stream, 2**18)
    if encoding not in ("utf-16",) and b"\0" in start:
        raise ValueError(f"{path} is no CSV file: it holds bytes that are no text")
    try:
        # The sample may end within a character.
        text = codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path, encoding, start.count(b"\n", 0, error.start) + 1) from None
    return [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()][:_SAMPLE_LINES]


def _wrong_encoding(path: Path, encoding: str, line: int | None = None) -> ValueError:
    place = "" if line is None else f" (line {line})"
    return ValueError(
        f"{path} is not encoded in {encoding.upper()}{place}: save it as UTF-8, or say what it is "
        "(data.encoding: latin-1, cp1252 ...)"
    )


def _delimiter(lines: list[str]) -> str:
    """The one by which most lines have as many fields as the first, and more than one."""

    def agreeing(delimiter):
        counts = [len(fields) for fields in csv.reader(lines, delimiter=delimiter)]
        return (counts[0] > 1) * sum(count == counts[0] for count in counts), counts[0]

    return max(DELIMITERS, key=agreeing)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _batches(path, encoding, delimiter, names, skip_rows):
    read = pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES, encoding=encoding, column_names=names, skip_rows=skip_rows)
    parse = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=False)
    rows = 0
    try:
        with _open(path) as stream, pyarrow.csv.open_csv(stream, read, parse, convert) as reader:
            for batch in reader:
                rows += len(batch)
                yield batch
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise _explained(path, encoding, delimiter, names, " ".join(str(error).split())) from None
    if not rows:
        raise ValueError(f"{path} has no rows")


def _explained(path, encoding, delimiter, names, message: str) -> ValueError:
    if "UTF8" in message or "codec can't decode" in message:
        return _wrong_encoding(path, encoding)
    if "Empty CSV file" in message:
        return ValueError(f"{path} has no rows")
    if "Expected" in message:
        row = _first_uneven_row(path, encoding, delimiter, len(names))
        if row:
            line, count = row
            return ValueError(
                f"{path} has {count} fields in line {line} and {len(names)} in the first, separated by {delimiter!r}: "
                "are there two delimiters, or is one inside a text without quotes?"
            )
    if "compress" in message or "zlib" in message:
        return ValueError(f"{path} is damaged: {message[:200]}")
    return ValueError(f"{path} cannot be read: {message[:200]}")


def _first_uneven_row(path, encoding, delimiter, fields: int) -> tuple[int, int] | None:
    """Line and number of fields of the first row that has not as many as it must; slowly, for the message alone."""
    with _open(path) as raw, codecs.getreader(encoding)(raw) as stream:
        reader = csv.reader((line.replace("\0", "") for line in stream), delimiter=delimiter)
        for row in reader:
            if row and len(row) != fields:
                return reader.line_num, len(row)
    return None
