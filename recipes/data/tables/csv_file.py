"""Tables in text files (CSV and the like), read block by block, whatever their compression and encoding."""

import codecs
import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.compute as compute
import pyarrow.csv

from recipes.arguments.regular_files import require_regular
from recipes.data.tables.csv_bytes import encoding_of, open_bytes, read_bytes
from recipes.data.tables.csv_layout import DELIMITERS, WHITESPACE, Layout, layout, long_fields, squeezed
from recipes.data.tables.table import Table, distinct_names

_BLOCK_BYTES = 4 * 2**20
# A longer line is taken for an error: a quotation mark that is never closed.
_MOST_BLOCK_BYTES = 32 * 2**20
# Most delimiters of each kind in a line of the sample; spaces also stand in long texts.
_MOST_DELIMITERS = {**dict.fromkeys(DELIMITERS, 100_000), WHITESPACE: 1_000_000}
_SAMPLE_BYTES = 2**18
_LONGEST_SPLIT = 2**20  # characters


def open_csv(
    path: str | Path,
    encoding: str | None = None,
    columns=None,
    skip_rows: int = 0,
    *,
    header: bool | None = None,
    expected=(),
) -> Table:
    """The table in a text file; every value is text.

    Fields may be separated by commas, semicolons, tabs, `|`, or spaces; blank lines are skipped, and so are comments
    (`#`) at the top. A column without a name gets the one that pandas would give it.

    Args:
        path: Path of the file, which may be compressed (gzip, bzip2, Zstandard, LZ4).
        encoding: Text encoding. Default: UTF-8, or UTF-16 if the file begins with its byte order mark.
        columns: Names of the columns, for a file whose first line does not hold them.
        skip_rows: Number of lines at the top that do not belong to the table.
        header: Whether the first line holds the column names. Default: detected; the table has a note where that is
            not certain.
        expected: Names of columns that the caller needs; a first line with one of them is a header.

    Raises:
        OSError: If there is no such file (FileNotFoundError), or it is no regular one.
        ValueError: If it unpacks to far more than its size, is empty, not text, in another encoding, has two columns of
            one name, or (while it is read) a row with another number of fields.
    """
    path = require_regular(path)
    encoding = encoding_of(path, encoding)
    text, whole = _first_lines(path, encoding)
    _refuse_width(path, text)
    found = layout(text, whole, header, expected, columns, skip_rows)
    if found is None:
        raise ValueError(f"{path} is empty")
    found = replace(found, names=distinct_names(found.names, str(path)))
    notes = tuple(f"{path.name}: {note}" for note in found.notes)
    return Table(str(path), found.names, lambda: _batches(path, encoding, found), notes=notes)


def _first_lines(path: Path, encoding: str) -> tuple[str, bool]:
    """Text of the first lines, and whether it is the whole file."""
    with open_bytes(path) as stream:
        start, size = b"", _SAMPLE_BYTES
        # At least two lines, however long; a line may end with two characters.
        while start.count(b"\n") + start.count(b"\r") < 4 and len(start) < _MOST_BLOCK_BYTES:
            more = read_bytes(path, stream, size)
            start, size = start + more, 2 * size
            if not more:
                break
        whole = not read_bytes(path, stream, 1)
    if not encoding.startswith(("utf-16", "utf-32")) and b"\0" in start:
        is_wide = start[1::2].count(b"\0") > 0.4 * len(start)
        fix = "; if it is in UTF-16, say so (data.encoding: utf-16-le)" if is_wide else ""
        raise ValueError(f"{path} is no CSV file: it holds bytes that are no text{fix}")
    try:
        # Incrementally, because the sample may end within a character.
        text = codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path, encoding, start.count(b"\n", 0, error.start) + 1) from None
    return text.removeprefix("\ufeff"), whole


def _refuse_width(path: Path, text: str) -> None:
    """Refuse a table of far too many columns, before a text is made of each of its fields."""
    for found in re.finditer(r"[^\r\n]+", text):
        if len(found[0]) > min(_MOST_DELIMITERS.values()):
            line = "".join(found[0].split('"')[::2])  # what is outside of quotation marks
            for delimiter, most in _MOST_DELIMITERS.items():
                if line.count(delimiter) > most:
                    raise ValueError(
                        f"{path} has {line.count(delimiter):,} times {delimiter!r} in one line, where a table has at "
                        f"most {most:,} columns"
                    )


def _wrong_encoding(path: Path, encoding: str, line: int | None = None) -> ValueError:
    place = "" if line is None else f" (line {line})"
    return ValueError(
        f"{path} is not encoded in {encoding.upper()}{place}: save it as UTF-8, or say what it is "
        "(data.encoding: latin-1, cp1252 ...)"
    )


class _Bytes(io.RawIOBase):
    """A stream for Arrow's reader, which counts quotation marks.

    Fields between spaces become fields between tabs, in UTF-8: Arrow knows no runs of spaces as a delimiter.
    """

    def __init__(self, stream, encoding: str, is_spaced: bool):
        self.quotes, self._stream, self._rest = 0, stream, b""
        self._decoder = codecs.getincrementaldecoder(encoding)() if is_spaced else None
        self._line = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._rest:
            block = self._stream.read(max(len(buffer), 2**16))
            self.quotes += block.count(b'"')
            if self._decoder is None:
                self._rest = block
            else:
                self._rest = self._squeezed(block)
            if not block:
                break
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _squeezed(self, block: bytes) -> bytes:
        text = self._line + self._decoder.decode(block, final=not block)
        end = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1 if block else len(text)
        self._line = text[end:]
        return squeezed(text[:end]).removeprefix("\ufeff").encode()


def _batches(path: Path, encoding: str, found: Layout):
    """All rows in batches; reading starts again with larger blocks where a row does not fit into one."""
    rows, block = 0, _BLOCK_BYTES
    while True:
        seen = 0
        try:
            for batch in _blocks(path, encoding, found, block):
                seen += len(batch)
                if seen > rows:  # rows that were read with smaller blocks are skipped
                    batch, rows = batch.slice(max(0, len(batch) - (seen - rows))), seen
                    yield batch
            break
        except UnicodeDecodeError:
            raise _wrong_encoding(path, encoding) from None
        except (pyarrow.ArrowInvalid, OSError) as error:
            message = " ".join(str(error).split())
            if not ("straddling" in message or "larger than block size" in message) or block >= _MOST_BLOCK_BYTES:
                raise _explained(path, encoding, found, message) from None
            block *= 8
    if not rows:
        raise ValueError(f"{path} has no rows")


def _blocks(path: Path, encoding: str, found: Layout, block: int):
    is_spaced = found.delimiter == WHITESPACE
    fields = [*found.names, *(f"\0{number}" for number in range(found.surplus))]
    read = pyarrow.csv.ReadOptions(
        block_size=block, encoding="utf-8" if is_spaced else encoding, column_names=fields, skip_rows=found.skip
    )
    parse = pyarrow.csv.ParseOptions(
        delimiter="\t" if is_spaced else found.delimiter,
        newlines_in_values=True,
        escape_char="\\" if found.escapes else False,
        invalid_row_handler=lambda row: "error" if row.text.strip() else "skip",
    )
    types = dict.fromkeys(fields, pyarrow.string())
    convert = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    with open_bytes(path) as stream:
        counted = _Bytes(stream, encoding, is_spaced)
        rows, last = 0, None
        with pyarrow.csv.open_csv(io.BufferedReader(counted, block), read, parse, convert) as reader:
            for batch in reader:
                _refuse_surplus_values(path, batch, len(found.names), rows)
                rows += len(batch)
                last = batch if len(batch) else last
                yield batch.select(found.names)
        if last is not None and counted.quotes % 2 and not found.escapes:
            text = last.column(last.num_columns - 1)[-1].as_py()
            if "\n" in text or "\r" in text:
                raise ValueError(
                    f"{path} has a quotation mark that is never closed: the last row holds {text[:30]!r} and all that "
                    "follows it"
                )


def _refuse_surplus_values(path: Path, batch: pyarrow.RecordBatch, names: int, rows: int) -> None:
    for column in batch.columns[names:]:
        filled = compute.not_equal(compute.utf8_trim_whitespace(column), "").to_numpy(zero_copy_only=False)
        if filled.any():
            row = int(filled.argmax())
            raise ValueError(
                f"{path} has the value {column[row].as_py()!r} at row {rows + row} behind the last column that has a "
                "name: name that column in the first line"
            )


def _explained(path: Path, encoding: str, found: Layout, message: str) -> ValueError:
    if "UTF8" in message or "codec can't decode" in message:
        return _wrong_encoding(path, encoding)
    if "Empty CSV file" in message or "Could not skip" in message:
        return ValueError(f"{path} has no rows")
    if "straddling" in message:
        return ValueError(
            f"{path} has a line of more than {_MOST_BLOCK_BYTES // 2**20} MiB: is a quotation mark never closed?"
        )
    if "Expected" in message:
        fields = len(found.names) + found.surplus
        try:
            row = _first_uneven_row(path, encoding, found, fields)
        except UnicodeDecodeError:
            return _wrong_encoding(path, encoding)
        if row:
            line, count = row
            by = "spaces" if found.delimiter == WHITESPACE else repr(found.delimiter)
            reason = "are there two delimiters, or is one inside a text without quotes?"
            if count < fields:
                reason = "is the line incomplete, or are there two delimiters?"
            return ValueError(
                f"{path} has {count} field{'s' * (count != 1)} in line {line} and {fields} in the first, separated by "
                f"{by}: {reason}"
            )
    if "compress" in message or "zlib" in message:
        return ValueError(f"{path} is damaged: {message[:200]}")
    return ValueError(f"{path} cannot be read: {message[:200]}")


def _first_uneven_row(path: Path, encoding: str, found: Layout, fields: int) -> tuple[int, int] | None:
    """Line and number of fields of the first row with another number than `fields`; slow, and only for the message."""
    is_spaced, escape = found.delimiter == WHITESPACE, "\\" if found.escapes else None
    with open_bytes(path) as raw, codecs.getreader(encoding)(raw) as stream, long_fields():
        lines = (line.replace("\0", "") for number, line in enumerate(stream) if number >= found.skip)
        lines = (squeezed(line) if is_spaced else line for line in lines)
        # A row of millions of fields is not split for a message.
        lines = (line if len(line) < _LONGEST_SPLIT else "" for line in lines)
        reader = csv.reader(lines, delimiter="\t" if is_spaced else found.delimiter, escapechar=escape)
        for row in reader:
            if any(map(str.strip, row)) and len(row) != fields:
                return reader.line_num + found.skip, len(row)
    return None
