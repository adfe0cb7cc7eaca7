"""Whether the first record of a text file holds the names of the columns, detected by comparison with the rows."""

import re

from recipes.arguments.names import printable

_VALUE = re.compile(r"[+-]?([$€£]\s?)?(\d[\d.,:/ \-]*|\.\d+)([eE][+-]?\d+)?(T[\d:.]+Z?)?\s?%?")
# Texts for missing values, in lower case, which do not count for the kind of a column.
_MISSING = ("", "?", "-", "--", ".", "na", "n/a", "nan", "null", "none", "missing", "unknown")

# Digits of a longer number, which counts no columns.
_LONGEST_COUNT = 20


def is_value(field: str) -> bool:
    """Whether a field looks like a number, an amount, a percentage or a date, as names seldom do."""
    field = field.strip()
    return _is_number(field) or _VALUE.fullmatch(field) is not None


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def detect_names(first: list[str], rows: list[list[str]], header: bool | None, expected) -> tuple[bool, str | None]:
    """Whether the `first` record holds names, and a note where that is not certain.

    It does if one of these holds:

    - it has a name that the caller needs;
    - more of its fields differ in kind from the values below them (text or number) than are numbers above numbers;
    - it has only texts, of which at most half occur again below;
    - its numbers count up, as the column names of a pandas frame without names do.

    Args:
        first: Fields of the first record.
        rows: Fields of the records below it.
        header: The user's answer, or `None`.
        expected: Names of columns that the caller needs.
    """
    if header is not None:
        return header, None
    if set(first) & set(expected):
        return True, None
    # A caller that knows the columns by number was given a file without names before.
    numbered = any(re.fullmatch(r"column_\d+", name) for name in expected)
    line = f"the first line ({', '.join(printable(field, 100) for field in first[:3])} ...) is taken for"
    as_row = f"{line} a row, and columns are called column_0 and so on; data.header: true takes it for their names"
    as_names = f"{line} the names of the columns; data.header: false takes it for a row"
    as_row = None if numbered else as_row

    values = [field for field in first if is_value(field)]
    unlike, alike = _kinds_below(first, rows)
    if values and (unlike < alike or not unlike):
        others = [field for field in first if field and not is_value(field)]
        if _count_up(values) and (len(values) > 2 or (not others and not first[0])) and not _recur(first, rows):
            return True, as_names
        return False, as_row
    if unlike:
        return True, as_names if alike else None
    if numbered or (len(first) > 1 and 2 * _recur(first, rows) >= len(first)):
        return False, as_row
    return True, None


def _count_up(values: list[str]) -> bool:
    """Whether these are consecutive numbers, as numbers of columns and years are."""
    if not all(value.isdecimal() and len(value) < _LONGEST_COUNT for value in values):
        return False
    numbers = list(map(int, values))
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _recur(first: list[str], rows: list[list[str]]) -> int:
    """Number of texts in the first record that occur again in their column."""
    return sum(
        any(len(row) > number and row[number].strip() == field for row in rows)
        for number, field in enumerate(first)
        if field and not is_value(field)
    )


def _kinds_below(first: list[str], rows: list[list[str]]) -> tuple[int, int]:
    """Number of columns whose first field differs in kind from those below, and of columns that hold only values."""
    unlike = alike = 0
    for number, field in enumerate(first):
        below = [row[number] for row in rows if len(row) > number and row[number].strip().lower() not in _MISSING]
        kinds = set(map(is_value, below))
        if len(kinds) == 1 and field.lower() not in _MISSING:
            unlike += kinds != {is_value(field)}
            alike += kinds == {True} and is_value(field)
    return unlike, alike
