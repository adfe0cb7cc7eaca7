"""Columns of a table: what kind each is, and its values as float32 numbers, codes or days."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pyarrow
import pyarrow.compute as compute

from recipes.data.label_text import Names, canonical_text
from recipes.data.precision import LARGEST, Precision, Rescaling, rescale
from recipes.data.row_numbers import RowNumbers

# How files and frames say that a value is missing, in lower case.
MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", "nat", "?")
MISSING_CATEGORY = ""  # its place in a vocabulary; no text that is there is empty
MOST_CATEGORIES = 100_000
MOST_STRAY_TEXTS = 0.1
_NUMBER = r"^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)$"
_LARGEST_WHOLE = 2.0**63


def cleaned(values: pyarrow.Array, missing=MISSING) -> pyarrow.Array:
    """`values` without spaces around text, and null where they are missing."""
    if pyarrow.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if _is_text(values.type):
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
    if _is_text(values.type):
        values = compute.utf8_ltrim(values, characters="+")
    return compute.cast(values, pyarrow.int64()).to_numpy(zero_copy_only=False)


def days(values: pyarrow.Array) -> np.ndarray:
    """Cleaned dates, or text in the form of ISO 8601, as days since 1970 `(rows,)`, float64; NaN where missing.

    Raises:
        ValueError: If a text is no date.
    """
    if pyarrow.types.is_time(values.type):
        raise ValueError("a time of day is no date")
    if _is_text(values.type):
        zone = compute.any(compute.match_substring_regex(values, r"(Z|[+-]\d\d:?\d\d)$")).as_py()
        values = values.cast(pyarrow.timestamp("us", tz="UTC" if zone else None))
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
            compute.equal(values, compute.round(values)), compute.less(compute.abs(values), _LARGEST_WHOLE)
        )
        digits = compute.if_else(whole, values, pyarrow.scalar(None, values.type)).cast(pyarrow.int64())
        written = compute.coalesce(digits.cast(pyarrow.string()), written)
    return written


class Vocabulary:
    """Categories and their codes, counted from 1; 0 is whatever is none of them.

    Those that are added have the canonical text of `recipes.data.label_text`, whose `Names` find a category by the text
    or number of another container.

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
        encoded, is_number = _distinct_texts(values), not _is_text(values.type)
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


@dataclass
class Scan:
    """What has been seen of a column: enough to tell its kind.

    Attributes:
        rows: All.
        missing: Of them, without a value; `first_missing` is the row of the first.
        texts: Of them, what is no number; `first_text` is the first, with its row.
        infinite: Of them, infinite or beyond float32; `first_infinite` is the row of the first.
        whole: Whether every number was written as a whole one.
        wide: Whether int64 does not hold all of them.
        truths: Whether every value is true or false.
        dates: Whether every value is a date.
        row_numbers: Whether the values number the rows.
        precision: What float32 does to the numbers, or days.
        least, most: Of the numbers.
    """

    name: str
    rows: int = 0
    missing: int = 0
    first_missing: int | None = None
    texts: int = 0
    first_text: tuple[str, int] | None = None
    infinite: int = 0
    first_infinite: int | None = None
    whole: bool = True
    wide: bool = False
    truths: bool = True
    dates: bool = True
    row_numbers: RowNumbers = field(init=False)
    precision: Precision = field(default_factory=Precision)
    least: float = np.inf
    most: float = -np.inf

    def __post_init__(self):
        self.row_numbers = RowNumbers(self.name)

    @property
    def present(self) -> int:
        return self.rows - self.missing

    @property
    def counts_rows(self) -> bool:
        """Whether each row has a whole number of its own that only counts or names it."""
        return not self.missing and not self.texts and self.row_numbers.found

    def update(self, values: pyarrow.Array) -> None:
        """Look at the next cleaned `values`."""
        if values.null_count and self.first_missing is None:
            self.first_missing = self.rows + int(values.is_null().to_numpy(zero_copy_only=False).argmax())
        self.missing += values.null_count
        if self.dates:
            found = _days_of_dates(values)
            self.dates = found is not None
            if self.dates:
                self.precision.update(found)
        if not (self.dates or self._is_settled()):
            self._count(values)
        else:
            self.texts += len(values) - values.null_count
        if self.truths:
            self.truths = _are_truths(values)
        self.rows += len(values)

    def _is_settled(self) -> bool:
        """Whether it is clear that the column is no numbers, so that the rest need not be parsed."""
        return self.rows > 10_000 and self.texts > 0.5 * self.present

    def _count(self, values):
        parsed, is_text = numbers(values)
        if is_text.any():
            if self.first_text is None:
                row = int(is_text.argmax())
                self.first_text = values[row].as_py(), self.rows + row
            self.texts += int(is_text.sum())
        infinite = np.abs(parsed) > LARGEST
        if infinite.any():
            if self.first_infinite is None:
                self.first_infinite = self.rows + int(infinite.argmax())
            self.infinite += int(infinite.sum())
        self.least = np.fmin.reduce(parsed, initial=self.least)
        self.most = np.fmax.reduce(parsed, initial=self.most)
        self.row_numbers.update(parsed)
        self.precision.update(parsed)
        if self.whole:
            self.whole = _are_whole(values)
            self.wide |= bool((np.abs(parsed) >= _LARGEST_WHOLE).any())

    def kind(self, where: str, categorical=()) -> str:
        """`"number"`, `"category"` or `"date"`.

        Args:
            where: The table, for messages.
            categorical: Names of columns that hold categories, however they look.

        Raises:
            ValueError: If numbers are mixed with a few texts or infinite values.
        """
        if self.name in categorical:
            return "category"
        if self.dates:
            return "date"
        if self.texts > MOST_STRAY_TEXTS * self.present:
            return "category"
        self.require("number", where, self.precision.rescaling)
        return "number"

    def _fits(self, rescaling: Rescaling) -> bool:
        """Whether all numbers are within float32 once they are rescaled."""
        with np.errstate(over="ignore"):
            return bool((np.abs(rescale(np.array([self.least, self.most]), rescaling)) <= LARGEST).all())

    def require(self, kind: str, where: str, rescaling: Rescaling | None = None) -> None:
        """Refuse values that do not go with `kind`.

        Args:
            kind: `"number"`, `"category"` or `"date"`.
            where: The table, for messages.
            rescaling: Offset and unit of the column, where it has them.

        Raises:
            ValueError: With the column, how many they are, and the first.
        """
        column = f"column {self.name!r} of {where}"
        if kind == "date" and not self.dates and self.present:
            raise ValueError(f"{column} must hold dates such as 2024-12-31. Received: {self.first_text or 'numbers'}")
        if kind == "number" and self.texts:
            text, row = self.first_text or ("a date", 0)
            raise ValueError(
                f"{column} holds numbers, but {self.texts:,} of its {self.present:,} values are text, the first "
                f"{text!r} at row {row}: mend them, or say that they are missing (data.missing: [{text!r}]) or that "
                f"the column holds categories (data.categorical: [{self.name}])"
            )
        if kind == "number" and self.infinite and not self._fits(rescaling or (0.0, 1.0)):
            raise ValueError(
                f"{column} must be finite: {self.infinite:,} values are infinite or beyond float32, the first at row "
                f"{self.first_infinite}"
            )


def _is_text(kind) -> bool:
    return pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind) or pyarrow.types.is_string_view(kind)


def _floats(values) -> np.ndarray:
    if pyarrow.types.is_boolean(values.type):
        values = values.cast(pyarrow.uint8())
    safe = _is_text(values.type)  # whole numbers beyond 2**53 lose digits that float32 would lose anyway
    return compute.cast(values, pyarrow.float64(), safe=safe).to_numpy(zero_copy_only=False).astype(np.float64)


def _are_whole(values) -> bool:
    if not _is_text(values.type):
        return pyarrow.types.is_integer(values.type) or pyarrow.types.is_boolean(values.type)
    return compute.all(compute.match_substring_regex(values, r"^[+-]?\d+$")).as_py() is not False


def _are_truths(values) -> bool:
    if not _is_text(values.type):
        return pyarrow.types.is_boolean(values.type)
    return compute.all(compute.match_substring_regex(values, r"^(?i:true|false)$")).as_py() is not False


def _days_of_dates(values) -> np.ndarray | None:
    """Cleaned `values` in days since 1970, if all of them are dates."""
    if not _is_text(values.type):
        return days(values) if pyarrow.types.is_timestamp(values.type) or pyarrow.types.is_date(values.type) else None
    if compute.all(compute.match_substring_regex(values, r"^\d{4}-\d\d-\d\d")).as_py() is False:
        return None
    try:
        return days(values)
    except (pyarrow.ArrowInvalid, ValueError):
        return None
