"""Values of a column of a table: cleaned, and as numbers, codes or days."""

import hashlib

import numpy as np
import pyarrow
import pyarrow.compute as compute

from recipes.arguments.labels import Names, canonical_text
from recipes.data.tables.formats import plain_timestamps

# How files and frames say that a value is missing, in lower case.
MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", "nat", "?")
MISSING_CATEGORY = ""  # its place in a vocabulary; no text that is there is empty
MOST_CATEGORIES = 100_000
_NUMBER = r"^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)$"
LARGEST_WHOLE = 2.0**63


def cleaned(values: pyarrow.Array, missing=MISSING) -> pyarrow.Array:
    """`values` without spaces around text, and null where they are missing."""
    if pyarrow.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if is_text(values.type):
        values = compute.utf8_trim_whitespace(values.cast(pyarrow.string()))
        marked = compute.is_in(compute.utf8_lower(values), value_set=pyarrow.array(missing, pyarrow.string()))
        return compute.if_else(marked, pyarrow.scalar(None, pyarrow.string()), values)
    if pyarrow.types.is_floating(values.type):
        return compute.if_else(compute.is_nan(values), pyarrow.scalar(None, values.type), values)
    return values


def numbers(values: pyarrow.Array) -> tuple[np.ndarray, np.ndarray]:
    """Cleaned `values` as float64 `(rows,)`, NaN where they are missing; and which of them are text, `(rows,)`.

    True and false are 1 and 0.
    """
    try:
        return _floats(values), np.zeros(len(values), bool)
    except pyarrow.ArrowInvalid:  # text that is no number, or one that Arrow does not read: true, or +1
        pass
    lower = compute.utf8_lower(values)
    values = compute.replace_substring_regex(lower, r"^true$", "1")
    values = compute.replace_substring_regex(values, r"^false$", "0")
    is_number = compute.match_substring_regex(values, _NUMBER).fill_null(True)
    values = compute.if_else(is_number, compute.utf8_ltrim(values, characters="+"), pyarrow.scalar(None, values.type))
    return _floats(values), ~is_number.to_numpy(zero_copy_only=False)


def whole_numbers(values: pyarrow.Array) -> np.ndarray:
    """Cleaned `values` without gaps, all of them whole numbers, as int64 `(rows,)`: exact beyond 2**53, too."""
    if is_text(values.type):
        values = compute.utf8_ltrim(values, characters="+")
    return compute.cast(values, pyarrow.int64()).to_numpy(zero_copy_only=False)


def days(values: pyarrow.Array) -> np.ndarray:
    """Cleaned dates, or text in the form of ISO 8601, as days since 1970 `(rows,)`, float64; NaN where missing.

    Raises:
        ValueError: If a text is no date.
    """
    if pyarrow.types.is_time(values.type):
        raise ValueError("a time of day is no date")
    if is_text(values.type):
        values = plain_timestamps(values)
    # Float64 does not hold nanoseconds of today.
    seconds = values.cast(pyarrow.timestamp("us", getattr(values.type, "tz", None)), safe=False).cast(pyarrow.int64())
    return _floats(seconds) / 86_400e6


def texts(values: pyarrow.Array) -> pyarrow.Array:
    """Cleaned values of any kind as text, as Python and pandas write them; but 3.0 is "3"."""
    if pyarrow.types.is_boolean(values.type):
        return compute.if_else(values, "True", "False")
    written = values.cast(pyarrow.string())
    if pyarrow.types.is_floating(values.type):  # Arrow writes 1e+16 and -0
        whole = compute.and_(
            compute.equal(values, compute.round(values)), compute.less(compute.abs(values), LARGEST_WHOLE)
        )
        digits = compute.if_else(whole, values, pyarrow.scalar(None, values.type)).cast(pyarrow.int64())
        written = compute.coalesce(digits.cast(pyarrow.string()), written)
    return written


class Vocabulary:
    """Categories and their codes, counted from 1; 0 is whatever is none of them.

    Those that are added have the canonical text of `recipes.arguments.labels`, whose `Names` find a category by the
    text or number of another container.

    Args:
        categories: Known from the beginning.
        grows: Whether further ones are added as they appear.

    Attributes:
        overflowed: Whether there were more than `MOST_CATEGORIES`.
    """

    def __init__(self, categories=(), grows: bool = True):
        self.grows, self.overflowed = grows, False
        self._codes = {category: code for code, category in enumerate(categories, start=1)}
        self._names = None if grows else Names(self._codes)

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(self._codes)

    def encode(self, values: pyarrow.Array) -> np.ndarray:
        """Codes of cleaned `values`, `(rows,)`, int64."""
        if self.overflowed:
            return np.zeros(len(values), np.int64)
        encoded, is_number = _distinct_texts(values), not is_text(values.type)
        codes = [
            self._code(MISSING_CATEGORY if text is None else text, is_number) for text in encoded.dictionary.to_pylist()
        ]
        return np.array(codes, dtype=np.int64)[encoded.indices.to_numpy(zero_copy_only=False)]

    def _code(self, text: str, is_number: bool) -> int:
        if self._names is not None:
            place = self._names.find(text, is_number)
            return 0 if place is None else place + 1
        text = canonical_text(text)
        if text in self._codes:
            return self._codes[text]
        if len(self._codes) >= MOST_CATEGORIES:
            self.overflowed = True
            return 0
        return self._codes.setdefault(text, len(self._codes) + 1)


def keys(values: pyarrow.Array) -> np.ndarray:
    """A number for each value, `(rows,)`, int64: equal for equal values, in every run; of any number of values."""
    encoded = _distinct_texts(values)
    names = [None if text is None else canonical_text(text) for text in encoded.dictionary.to_pylist()]
    digests = [hashlib.blake2b(repr(name).encode(), digest_size=8).digest() for name in names]
    return np.frombuffer(b"".join(digests), np.int64)[encoded.indices.to_numpy(zero_copy_only=False)]


def _distinct_texts(values: pyarrow.Array) -> pyarrow.DictionaryArray:
    return compute.dictionary_encode(texts(values), null_encoding="encode")


def is_text(kind) -> bool:
    return pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind) or pyarrow.types.is_string_view(kind)


def _floats(values) -> np.ndarray:
    if pyarrow.types.is_boolean(values.type):
        values = values.cast(pyarrow.uint8())
    safe = is_text(values.type)  # whole numbers beyond 2**53 lose digits that float32 would lose anyway
    return compute.cast(values, pyarrow.float64(), safe=safe).to_numpy(zero_copy_only=False).astype(np.float64)
