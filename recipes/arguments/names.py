"""Names: one form in which they are compared, the error for an unknown one, and a short list of many."""

import difflib
import re
from collections.abc import Iterable


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


def unknown(kind: str, name: object, known: Iterable[str]) -> ValueError:
    """The error for a `name` of some `kind` that is not `known`: it suggests the nearest name, then lists all.

    >>> print(unknown("recipe", "digit", ["digits", "tabular"]))
    unknown recipe 'digit': did you mean 'digits'? Known: digits, tabular
    """
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    hint = f": did you mean {near[0]!r}?" if near else "."
    return ValueError(f"unknown {kind} {name!r}{hint} Known: {', '.join(known)}")


def shorten(items, most: int = 5) -> str:
    """The first `most` of `items` as a text, with the number of the others."""
    items = [str(item) for item in items]
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
