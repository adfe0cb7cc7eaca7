"""Values of a column of a table: cleaned, and converted to numbers, codes or days."""

import hashlib

import numpy as np
import pyarrow
import pyarrow.compute as compute

from recipes.arguments.labels import Names, canonical_text
from recipes.data.tables.formats import plain_timestamps

# Texts that mean a missing value in files and frames, in lower case.
MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", "nat", "?")
MISSING_CATEGORY = ""  # the category of missing values; cleaned texts are never empty
MOST_CATEGORIES = 100_000
_NUMBER = r"^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)$"
LARGEST_WHOLE = 2.0**63


def cleaned(values: pyarrow.Array, missing=MISSING) -> pyarrow.Array:
    """`values` without spaces around text, and null where a text is one of `missing` in lower case, or a number NaN."""
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
    """Cleaned `values` as float64 `(rows,)`, NaN where they are missing; and a mask of those that are text, `(rows,)`.

    True and false become 1 and 0.
    """
    try:
        return _floats(values), np.zeros(len(values), bool)
    except pyarrow.ArrowInvalid:  # text that is no number, or a number that Arrow does not read, such as true and +1
        pass
    lower = compute.utf8_lower(values)
    values = compute.replace_substring_regex(lower, r"^true$", "1")
    values = compute.replace_substring_regex(values, r"^false$", "0")
    is_number = compute.match_substring_regex(values, _NUMBER).fill_null(True)
    values = compute.if_else(is_number, compute.utf8_ltrim(values, characters="+"), pyarrow.scalar(None, values.type))
    return _floats(values), ~is_number.to_numpy(zero_copy_only=False)


def whole_numbers(values: pyarrow.Array) -> np.ndarray:
    """Cleaned `values`, all of them whole numbers and none missing, as int64 `(rows,)`: exact even beyond 2**53."""
    if is_text(values.type):
        values = compute.utf8_ltrim(values, characters="+")
    return compute.cast(values, pyarrow.int64()).to_numpy(zero_copy_only=False)


def days(values: pyarrow.Array) -> np.ndarray:
    """Cleaned dates, or texts in the form of ISO 8601, as days since 1970 `(rows,)`, float64; NaN where missing.

    Raises:
        ValueError: If a text is not a date.
    """
    if pyarrow.types.is_time(values.type):
        raise ValueError("a time of day is no date")
    if is_text(values.type):
        values = plain_timestamps(values)
    # Microseconds, because float64 cannot represent the nanoseconds of present dates.
    seconds = values.cast(pyarrow.timestamp("us", getattr(values.type, "tz", None)), safe=False).cast(pyarrow.int64())
    return _floats(seconds) / 86_400e6


def texts(values: pyarrow.Array) -> pyarrow.Array:
    """Cleaned values of any kind as text, in the form of Python and pandas, except that 3.0 is "3"."""
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
    """Categories and their codes, counted from 1; 0 is the code of every other value.

    Categories are added in the canonical text of `recipes.arguments.labels`, whose `Names` find a category by the text
    or number of another container.

    Args:
        categories: Categories known at the start.
        grows: Whether further categories are added as they appear.

    Attributes:
        overflowed: Whether there were more categories than `MOST_CATEGORIES`.
    """

    def __init__(self, categories=(), grows: bool = True):
        self.grows, self.overflowed = grows, False
        self._codes = {category: code for code, category in enumerate(categories, start=1)}
        self._names = None if grows else Names(self._codes)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories, in the order of their codes."""
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
    """A digest of each value, `(rows,)`, int64: equal for equal values, and the same in every run."""
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
    safe = is_text(values.type)  # whole numbers beyond 2**53 may be rounded, as float32 would do later anyway
    return compute.cast(values, pyarrow.float64(), safe=safe).to_numpy(zero_copy_only=False).astype(np.float64)
