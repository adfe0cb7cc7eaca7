"""Cells of CSV files that hold text, in a form in which no spreadsheet program takes them for a formula.

A name that begins with `=` is computed by Excel and others when the file is opened, and may send what stands beside it
to a server (OWASP, "CSV injection").
"""

import re

# Marks at the beginning of a formula, also in full width; a tab and line ends may stand in front of one.
_MARKS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)


def without_formula(cell, keep_formulas: bool = False):
    """`cell` with an apostrophe in front of a text that begins a formula; numbers, and texts of numbers, are unchanged.

    Args:
        cell: Content of the cell, a text or a number.
        keep_formulas: Whether texts are left as they are.

    >>> [without_formula(cell) for cell in ("=1+1", "-1", -1, "cat")]
    ["'=1+1", '-1', -1, 'cat']
    """
    is_formula = isinstance(cell, str) and cell[:1] and cell[0] in _MARKS and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula and not keep_formulas else cell


def with_formula(cell: str) -> str:
    """The text of which `without_formula` made `cell`.

    >>> with_formula("'=1+1")
    '=1+1'
    """
    return cell[1:] if cell[:1] == "'" and without_formula(cell[1:]) == cell else cell
