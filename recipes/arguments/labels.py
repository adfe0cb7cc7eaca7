"""Classes and categories as text: one text for each value, whatever the type of its container."""

import decimal
import re

import numpy as np

from recipes.arguments.names import shorten

_WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))\.0*")
_WHOLE_FLOAT = re.compile(r"-?\d+\.0*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TRUTHS = {"true": "True", "false": "False"}
_LONGEST_NUMBER = 400  # characters; a longer text is a text
_CONTAINERS_OF_NUMBERS = "buif"


def canonical_text(text: str) -> str:
    """The text of a whole number or truth value in its canonical form; other texts are unchanged.

    >>> [canonical_text(text) for text in ("100.0", "TRUE", "00501", "1.50")]
    ['100', 'True', '00501', '1.50']
    """
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else _TRUTHS.get(text.lower(), text)


def label_name(value) -> str:
    """The class name of a label of Python or NumPy: "3" for 3.0, and "a" for b"a"."""
    if isinstance(value, bytes):
        return canonical_text(value.decode())
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    return canonical_text(str(value))


class Names:
    """Finds a class or category by its text, or by the number that the text means.

    A text is looked up as it is written, then in its canonical form. A value from a column of numbers or truth values
    is also looked up by its value, and so is text such as `501.0`, which such a column writes: the number 501 means a
    class `00501` that was read as text, and the truth value True a class `1`; unless two names have that value. Other
    text is looked up by its value only if all names are numbers or truth values in their canonical form: `TRUE` is
    class `1` of `0` and `1`, but `501` is not `00501`.

    Args:
        names: Distinct names of the classes or categories. The empty one stands for a missing value.
    """

    def __init__(self, names):
        self._exact = {name: number for number, name in enumerate(names)}
        self._canonical = _unique((canonical_text(name), number) for name, number in self._exact.items())
        values = [(_value(name), number) for name, number in self._exact.items()]
        self._by_value = _unique((value, number) for value, number in values if value is not None)
        self._text_by_value = all(_is_canonical_number(name) for name in self._exact if name)

    def find(self, text: str, is_number: bool) -> int | None:
        """Position of the name that `text` means, from 0; `None` if there is none.

        Args:
            text: Text of the value.
            is_number: Whether the value comes from a column of numbers or truth values, rather than from text.
        """
        found = self._exact.get(text)
        if found is None:
            found = self._canonical.get(canonical_text(text))
        if found is None and (is_number or self._text_by_value or _WHOLE_FLOAT.fullmatch(text)):
            found = self._by_value.get(_value(text))
        return found


def encode_labels(y: np.ndarray, class_names: tuple[str, ...] | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as class numbers `(rows,)`, int64, and the class names in their order.

    Without `class_names` the classes are the distinct labels, sorted. With them, labels are looked up by name.

    Raises:
        ValueError: If there are labels that match none of the class names.
    """
    distinct, codes = np.unique(y, return_inverse=True)
    labels = [label_name(value) for value in distinct]
    if class_names is None:
        class_names = tuple(dict.fromkeys(labels))
        numbers = {name: number for number, name in enumerate(class_names)}
        return np.array([numbers[label] for label in labels], np.int64)[codes], class_names
    names, is_number = Names(class_names), y.dtype.kind in _CONTAINERS_OF_NUMBERS
    # First as it is written: a class of an older run may have a name that is not canonical.
    written = [value.decode() if isinstance(value, bytes) else str(value) for value in distinct]
    numbers = [
        names.find(text if not is_number else label, is_number) for text, label in zip(written, labels, strict=True)
    ]
    strangers = [repr(label) for label, number in zip(labels, numbers, strict=True) if number is None]
    if strangers:
        raise ValueError(f"unknown classes {shorten(strangers)} in the labels. Known: {shorten(class_names, 20)}")
    return np.array(numbers, dtype=np.int64)[codes], class_names


def by_value(names) -> tuple[str, ...]:
    """Whole numbers as texts, in their order: 9, 10, 0010."""
    # Decimals, because Python makes no int of a text of thousands of digits.
    return tuple(sorted(names, key=lambda name: (decimal.Decimal(name), len(name))))


def is_one_hot(y: np.ndarray) -> bool:
    """Whether every row of `y` `(rows, classes)` has a single 1, and 0 otherwise."""
    return y.dtype.kind in "buif" and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def is_missing(value) -> bool:
    """Whether a single value, of Python, NumPy or pandas, stands for a missing one."""
    # NaN differs from itself; pandas.NA refuses to be compared at all.
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def _unique(pairs) -> dict:
    """The pairs whose key occurs once, as a dict."""
    found, twice = {}, set()
    for key, value in pairs:
        if key in found:
            twice.add(key)
        found[key] = value
    return {key: value for key, value in found.items() if key not in twice}


def _value(text: str) -> int | float | None:
    """The number that a text means; 1 and 0 for truth values, `None` for other texts."""
    truth = _TRUTHS.get(text.lower())
    if truth:
        return int(truth == "True")
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def _is_canonical_number(name: str) -> bool:
    """Whether a name is a number as Python writes it, such as 501, -1, 2.5 or True."""
    value = _value(name)
    return name in _TRUTHS.values() or str(value) == name
