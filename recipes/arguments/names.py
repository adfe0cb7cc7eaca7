"""Names: one form in which they are compared, the error for an unknown one, and a short list of many."""

import difflib
import re
from collections.abc import Iterable

# Control characters, marks of the direction of writing, separators of lines, and halves of characters.
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
# Longest value and largest number of known names in a message.
_MOST_CHARACTERS, _MOST_KNOWN = 200, 50


def normalize(name: object) -> str:
    """The form in which names are compared and printed.

    >>> normalize("Digits_SELU")
    'digits-selu'
    """
    return str(name).strip().lower().replace("_", "-")


def column_name(name: object) -> str:
    r"""The form in which names of columns of files and frames are compared: in one line, without spaces around it.

    >>> column_name(" net\nweight ")
    'net weight'
    """
    return re.sub(r"\s*[\r\n]\s*", " ", str(name).strip())


def printable(text: object, most: int | None = None) -> str:
    r"""`text` in one line, in which a terminal finds no commands: control characters are written as escapes.

    So are marks that change the direction of writing, line separators, and halves of characters.

    Args:
        text: Text that may come from a file, such as the name of a class.
        most: Largest number of characters; more are left out. Default: all are shown.

    >>> print(printable("cat\x1b[2J\nall rows right"))
    cat\x1b[2J\nall rows right
    """
    text = str(text)
    if most is not None and len(text) > most:
        text = f"{text[:most]} ..."
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def shown(value: object) -> str:
    """A value that a user gave, in Python's form and of limited length, for messages."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole numbers of more than 4300 digits
        return "a number of thousands of digits"
    return printable(text, _MOST_CHARACTERS)


def unknown(kind: str, name: object, known: Iterable[str]) -> ValueError:
    """The error for a `name` of some `kind` that is not `known`: it suggests the nearest name, then lists all.

    >>> print(unknown("recipe", "digit", ["digits", "tabular"]))
    unknown recipe 'digit': did you mean 'digits'? Known: digits, tabular
    """
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    hint = f": did you mean {near[0]!r}?" if near else "."
    return ValueError(f"unknown {kind} {shown(name)}{hint} Known: {shorten(known, _MOST_KNOWN)}")


def shorten(items, most: int = 5) -> str:
    """The first `most` of `items` as a printable text, with the number of the others."""
    items = list(items)
    shown_items = [printable(item, _MOST_CHARACTERS) for item in items[:most]]
    return ", ".join(shown_items) + (f" and {len(items) - most} more" if len(items) > most else "")
