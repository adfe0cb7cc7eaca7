"""The layout of a table in a text file, detected from its first lines: delimiter, column names, first row."""

import contextlib
import csv
import io
import re
from dataclasses import dataclass

from recipes.arguments.names import column_name
from recipes.data.tables.csv_names import detect_names, is_value

DELIMITERS = (",", ";", "\t", "|")
WHITESPACE = " "  # fields are separated by spaces or tabs, however many
_MOST_RECORDS, _MOST_LINES = 1000, 20_000
_MOST_CHARACTERS = 2**20  # read once for each delimiter
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?')
_BLANKS = re.compile(r'((?<![^\s])"[^"\r\n]*")|[ \t]+')
_EDGES = re.compile(r"(^|[\r\n])\t|\t(?=[\r\n]|$)")


@dataclass(frozen=True)
class Layout:
    r"""The layout of a table in a text file.

    Attributes:
        delimiter: Character between fields; `WHITESPACE` for any number of spaces and tabs.
        escapes: Whether a quotation mark inside a text may be written as `\"`, not only as two of them.
        skip: Number of lines in front of the first row.
        names: Names of the columns, in their order; an empty text for a column without a name.
        surplus: Number of fields at the end of each row without name and value, such as one behind a final comma.
        notes: Notes for the user on decisions that are not certain.
    """

    delimiter: str
    escapes: bool
    skip: int
    names: tuple[str, ...]
    surplus: int = 0
    notes: tuple[str, ...] = ()


def layout(
    text: str, whole: bool, header: bool | None = None, expected=(), columns=None, skip_lines: int = 0
) -> Layout | None:
    """The layout of a file that begins with `text`; `None` if all its lines are blank.

    Args:
        text: Text of the first lines.
        whole: Whether `text` is the whole file.
        header: Whether the first line holds the names of the columns. `None`: detected.
        expected: Names of columns that the caller needs; a first line with one of them is a header.
        columns: Names of the columns, for a file whose first line does not hold them.
        skip_lines: Number of lines at the top that do not belong to the table.
    """
    lines = io.StringIO(text, newline="").readlines()
    start, given, comments = _preamble(lines, skip_lines)
    if start == len(lines) and not comments:
        return None
    if start == len(lines):
        start, comments = comments[0], []

    body = "".join(lines[start:])
    delimiter = given or _delimiter(body[:_MOST_CHARACTERS], whole and len(body) <= _MOST_CHARACTERS)
    escapes = _has_escapes(body, delimiter)
    records = _records(body, delimiter, whole, escapes)
    commented = [_records(lines[number].lstrip().lstrip("#"), delimiter, True, escapes)[0][0] for number in comments]
    alike = [fields for fields in commented if len(fields) == len(records[0][0]) > 1]
    if len(alike) > 1:  # several comments with as many fields as the table: they are rows whose first value begins so
        start, alike = comments[0], []
        records = _records("".join(lines[start:]), delimiter, whole, escapes)
    if columns is not None:
        return Layout(delimiter, escapes, start, tuple(columns))

    (first, first_lines), rows = records[0], [fields for fields, _ in records[1:]]
    first = [column_name(field) for field in first]
    has_names, note = detect_names(first, rows, header, expected)
    notes = () if note is None else (note,)
    if alike and alike[0] is commented[-1] and header is not False:
        names = tuple(map(column_name, alike[0]))
        is_needed = not has_names or any(map(is_value, first)) or set(names) & set(expected)
        if is_needed and not any(map(is_value, names)):
            return Layout(delimiter, escapes, start, names)
    if has_names:
        names, surplus = _fitted(first, rows)
        return Layout(delimiter, escapes, start + first_lines, tuple(names), surplus, notes)
    surplus = _empty_at_end([first, *rows])
    names = tuple(f"column_{number}" for number in range(len(first) - surplus))
    return Layout(delimiter, escapes, start, names, surplus, notes)


def squeezed(text: str) -> str:
    """`text` with a tab for each run of spaces and tabs outside quotation marks, and none at either end of a line."""
    return _EDGES.sub(r"\1", _BLANKS.sub(lambda found: found[1] or "\t", text))


@contextlib.contextmanager
def long_fields():
    """Lift the limit of Python's `csv` module on the length of a field."""
    limit = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _preamble(lines: list[str], skip_lines: int) -> tuple[int, str | None, list[int]]:
    """Number of lines in front of the table, the delimiter if a line `sep=` gives it, and the numbers of comments."""
    start, given, comments = skip_lines, None, []
    while start < len(lines):
        line = lines[start].strip()
        separator = _SEPARATOR_LINE.fullmatch(lines[start].strip("\r\n ")) if start == skip_lines else None
        if separator:
            given = separator[1]
        elif line.startswith("#"):
            comments.append(start)
        elif line:
            break
        start += 1
    return start, given, comments


def _delimiter(body: str, whole: bool) -> str:
    """The delimiter with which the most records have as many fields as the first, and more than one."""

    def agreement(delimiter):
        counts = [len(fields) for fields, _ in _records(body, delimiter, whole)[:100]]
        # The header may lack a name for the row names that R writes.
        usual = counts[1] if len(set(counts[1:])) == 1 and counts[1] - 1 == counts[0] else counts[0]
        alike = sum(count == usual for count in counts[1:]) + 1 if usual > 1 else 0
        return alike / len(counts), usual

    best = max(DELIMITERS, key=agreement)
    if best == "," and agreement(";")[0] == 1 and _has_decimal_commas(body, whole):
        best = ";"
    share, count = agreement(best)
    share_of_blanks, count_of_blanks = agreement(WHITESPACE)
    spaced = best == "\t" and count > 1 and re.search(r"\S {2,}\S", body)  # runs of spaces between other fields
    if share_of_blanks == 1 and count_of_blanks > 1 and (share < 1 or (spaced and count_of_blanks > count)):
        rows = [fields for fields, _ in _records(body, WHITESPACE, whole)[:100]]
        if any(is_value(field) for field in rows[-1]):  # otherwise it may be a single column of texts of several words
            return WHITESPACE
    return best


def _has_decimal_commas(body: str, whole: bool) -> bool:
    fields = [field for fields, _ in _records(body, ";", whole)[:100] for field in fields]
    with_comma = [field for field in fields if "," in field]
    return bool(with_comma) and all(re.fullmatch(r"\s*[+-]?\d*,\d+\s*", field) for field in with_comma)


def _records(body: str, delimiter: str, whole: bool, escapes: bool = False) -> list[tuple[list[str], int]]:
    """Fields of the first records that are not blank, each with the number of lines up to its end."""
    if delimiter == WHITESPACE:
        body, delimiter = squeezed(body), "\t"
    records, reader = [], csv.reader(
        io.StringIO(body, newline=""), delimiter=delimiter, escapechar="\\" if escapes else None
    )  # fmt: skip
    with long_fields():
        for fields in reader:
            if any(field.strip() for field in fields) or len(fields) > 1:
                records.append((fields, reader.line_num))
            if len(records) > _MOST_RECORDS or reader.line_num > _MOST_LINES:
                break
        else:
            if not whole and len(records) > 1:
                records.pop()  # the sample may end within it
    return records or [([""], 1)]


def _has_escapes(body: str, delimiter: str) -> bool:
    r"""Whether a text goes on behind `\"`, which it never does in a file without escapes."""
    return re.search(rf'\\"[^"{re.escape(delimiter)}\r\n]', body) is not None


def _empty_at_end(records: list[list[str]]) -> int:
    """Number of fields at the end that are empty in every record; 0 if all fields are."""
    width = min(map(len, records))
    if any(len(fields) != width for fields in records):
        return 0
    filled = max(
        (number + 1 for fields in records for number, field in enumerate(fields) if field.strip()), default=width
    )
    return width - filled


def _fitted(names: list[str], rows: list[list[str]]) -> tuple[list[str], int]:
    """The names fitted to the width of the rows, and the number of surplus fields at the end of each row."""
    widths = {len(row) for row in rows}
    if widths == {len(names) + 1}:
        if _empty_at_end(rows):
            return names, 1
        return ["", *names], 0  # R gives the column of row names no name
    if widths and max(widths) < len(names) and not any(names[max(widths) :]):
        names = names[: max(widths)]  # a comma at the end of the first line alone
    unnamed = len(names) - max((number + 1 for number, name in enumerate(names) if name), default=len(names))
    surplus = min(unnamed, _empty_at_end(rows)) if widths == {len(names)} else 0
    return names[: len(names) - surplus], surplus
