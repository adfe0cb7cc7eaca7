"""Statistics of a column from one pass over a table: its kind, its format, and values that do not fit."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow
import pyarrow.compute as compute

from recipes.data.dataset import as_setting
from recipes.data.precision import LARGEST, Precision, Rescaling, rescale
from recipes.data.tables import column_values, formats
from recipes.data.tables.formats import Format
from recipes.data.tables.row_numbers import RowNumbers
from recipes.data.tables.shapes import Shapes

# Largest share of texts in a column of numbers or dates; with more of them, it holds categories.
MOST_STRAY_TEXTS = 0.1
ISO_SHAPE = "9999-99-99"


@dataclass
class Scan:
    """Statistics of a column, updated batch by batch, from which its kind follows.

    Attributes:
        name: Name of the column.
        rows: Number of rows so far.
        missing: Number of rows without a value; `first_missing` is the first of these rows.
        texts: Number of values that are not numbers; `first_text` is the first of them, with its row.
        infinite: Number of values that are infinite or beyond float32; `first_infinite` is the row of the first.
        whole: Whether every number is written as a whole number.
        wide: Whether a number is beyond int64.
        truths: Whether every value is true or false.
        dates: Whether every value is a date.
        row_numbers: Detector of row numbers.
        precision: Statistics of what float32 does to the numbers or days.
        least: Smallest number.
        most: Largest number.
        shapes: Shapes of the texts.
        form: Format of the texts, if it is known from an earlier pass.
        sees_marks: Whether the shapes of plain numbers are counted as well, for a point that may separate thousands.
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
    shapes: Shapes = field(default_factory=Shapes)
    form: Format | None = None
    sees_marks: bool = False

    def __post_init__(self):
        self.row_numbers = RowNumbers(self.name)

    @property
    def present(self) -> int:
        """Number of rows with a value."""
        return self.rows - self.missing

    @property
    def counts_rows(self) -> bool:
        """Whether the values are whole numbers that only count or name the rows."""
        return not self.missing and not self.texts and self.row_numbers.found

    @property
    def fits(self) -> bool:
        """Whether all values but a few have the format of the column."""
        return self.texts <= MOST_STRAY_TEXTS * self.present

    def update(self, values: pyarrow.Array) -> None:
        """Add the next cleaned `values`."""
        if values.null_count and self.first_missing is None:
            self.first_missing = self.rows + int(values.is_null().to_numpy(zero_copy_only=False).argmax())
        self.missing += values.null_count
        present = len(values) - values.null_count
        if self.form is not None:
            values = self._read(values)
        if self.dates:
            days = _days_of_dates(values)
            self.dates = days is not None
            if self.dates:
                self.precision.update(days)
        if self.dates and self.form is None and present and column_values.is_text(values.type):
            self.shapes.add(ISO_SHAPE, present, compute.drop_null(values)[0].as_py())
        if not (self.dates or self._is_settled()):
            self._count(values)
        elif self.form is None:
            self.texts += present
            if not self.dates:
                self._add_shapes(values)
        if self.truths:
            self.truths = _are_truths(values)
        self.rows += len(values)

    def _read(self, values):
        """Values read in the format of the column; those of another format are counted as texts."""
        found, stray = formats.read(values, self.form)
        if stray.any():
            if self.first_text is None:
                row = int(stray.argmax())
                self.first_text = values[row].as_py(), self.rows + row
            self.texts += int(stray.sum())
        return found

    def _add_shapes(self, values):
        if column_values.is_text(values.type):
            self.shapes.update(values)

    def _is_settled(self) -> bool:
        """Whether the column clearly holds text, so that the remaining values need not be parsed as numbers."""
        return self.rows > 10_000 and self.texts > 0.5 * self.present

    def _count(self, values):
        parsed, is_text = column_values.numbers(values)
        if is_text.any():
            if self.first_text is None:
                row = int(is_text.argmax())
                self.first_text = values[row].as_py(), self.rows + row
            self.texts += int(is_text.sum())
        if is_text.any() or self.sees_marks:
            self._add_shapes(values)
        else:
            self.shapes.plain += len(values) - values.null_count
        infinite = np.abs(parsed) > LARGEST
        if infinite.any():
            if self.first_infinite is None:
                self.first_infinite = self.rows + int(infinite.argmax())
            self.infinite += int(infinite.sum())
        self.least = float(np.fmin.reduce(parsed, initial=self.least))
        self.most = float(np.fmax.reduce(parsed, initial=self.most))
        self.row_numbers.update(parsed)
        self.precision.update(parsed)
        if self.whole:
            self.whole = _are_whole(values)
            self.wide |= bool((np.abs(parsed) >= column_values.LARGEST_WHOLE).any())

    def kind(self, where: str, categorical=()) -> str:
        """Kind of the column: `"number"`, `"category"` or `"date"`.

        Args:
            where: Name of the table in messages.
            categorical: Names of columns whose values are categories, whatever they look like.

        Raises:
            ValueError: If numbers are mixed with a few texts or infinite values.
        """
        if self.name in categorical:
            return "category"
        if self.dates and not (self.form and self.texts):
            return "date"
        if not self.fits:
            return "category"
        kind = self.form.kind if self.form else "number"
        self.require(kind, where, self.precision.rescaling)
        return kind

    def _is_within_float32(self, rescaling: Rescaling) -> bool:
        with np.errstate(over="ignore"):
            return bool((np.abs(rescale(np.array([self.least, self.most]), rescaling)) <= LARGEST).all())

    def require(self, kind: str, where: str, rescaling: Rescaling | None = None) -> None:
        """Refuse a column with values of another kind.

        Args:
            kind: Expected kind: `"number"`, `"category"` or `"date"`.
            where: Name of the table in messages.
            rescaling: Offset and unit of the column, or `None`.

        Raises:
            ValueError: With the column, the number of such values, and the first.
        """
        column = f"column {self.name!r} of {where}"
        if kind == "date" and not self.dates and self.present:
            raise ValueError(f"{column} must hold dates such as 2024-12-31. Received: {self.first_text or 'numbers'}")
        if kind in ("number", "date") and self.texts:
            text, row = self.first_text or ("a date", 0)
            written = self.form.describe() if self.form else "numbers"
            what = "text" if kind == "number" and not (self.form and self.form.clock) else "no dates or times"
            raise ValueError(
                f"{column} holds {written}, but {self.texts:,} of its {self.present:,} values are {what}, the first "
                f"{text!r} at row {row}: mend them, or say that they are missing (data.missing: {as_setting([text])}) "
                f"or that the column holds categories (data.categorical: {as_setting([self.name])})"
            )
        if kind == "number" and self.infinite and not self._is_within_float32(rescaling or (0.0, 1.0)):
            raise ValueError(
                f"{column} must be finite: {self.infinite:,} values are infinite or beyond float32, the first at row "
                f"{self.first_infinite}"
            )


def _are_whole(values) -> bool:
    if not column_values.is_text(values.type):
        return pyarrow.types.is_integer(values.type) or pyarrow.types.is_boolean(values.type)
    return compute.all(compute.match_substring_regex(values, r"^[+-]?\d+$")).as_py() is not False


def _are_truths(values) -> bool:
    if not column_values.is_text(values.type):
        return pyarrow.types.is_boolean(values.type)
    return compute.all(compute.match_substring_regex(values, r"^(?i:true|false)$")).as_py() is not False


def _days_of_dates(values) -> np.ndarray | None:
    """Cleaned `values` in days since 1970 if all of them are dates, otherwise `None`."""
    if pyarrow.types.is_timestamp(values.type) or pyarrow.types.is_date(values.type):
        return column_values.days(values)
    if not column_values.is_text(values.type):
        return None
    if compute.all(compute.match_substring_regex(values, r"^\d{4}-\d\d-\d\d")).as_py() is False:
        return None
    try:
        return column_values.days(values)
    except (pyarrow.ArrowInvalid, ValueError):
        return None
