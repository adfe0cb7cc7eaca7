"""Finding things by name: `-` and `_` alike, and a helpful error for a name that nobody knows."""

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
    r"""The name of a column of a file or frame, as it is compared: without spaces around it, and in one line.

    >>> column_name(" net\nweight ")
    'net weight'
    """
    return re.sub(r"\s*[\r\n]\s*", " ", str(name).strip())


def unknown(kind: str, name: object, known: Iterable[str]) -> ValueError:
    """The error for a `kind` of thing called `name` that is not among `known`: nearest first, then all.

    >>> print(unknown("recipe", "digit", ["digits", "tabular"]))
    unknown recipe 'digit': did you mean 'digits'? Known: digits, tabular
    """
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    hint = f": did you mean {near[0]!r}?" if near else "."
    return ValueError(f"unknown {kind} {name!r}{hint} Known: {', '.join(known)}")


def shorten(items, most: int = 5) -> str:
    """The first few of `items`, and how many more there are."""
    items = [str(item) for item in items]
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
