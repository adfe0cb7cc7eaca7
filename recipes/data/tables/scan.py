"""What a pass over a column tells: its kind, how it is written, and what does not belong there."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow
import pyarrow.compute as compute

from recipes.data.dataset import as_setting
from recipes.data.precision import LARGEST, Precision, Rescaling, rescale
from recipes.data.tables import columns, formats
from recipes.data.tables.formats import Format
from recipes.data.tables.row_numbers import RowNumbers
from recipes.data.tables.shapes import Shapes

MOST_STRAY_TEXTS = 0.1
ISO_SHAPE = "9999-99-99"


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
        shapes: Shapes of the texts.
        form: How the texts are written, where that is known.
        sees_marks: Whether the shapes of plain numbers count, too: where a point stands between thousands.
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
        return self.rows - self.missing

    @property
    def counts_rows(self) -> bool:
        """Whether each row has a whole number of its own that only counts or names it."""
        return not self.missing and not self.texts and self.row_numbers.found

    @property
    def fits(self) -> bool:
        """Whether the column is written as its format says, but for a few stray values."""
        return self.texts <= MOST_STRAY_TEXTS * self.present

    def update(self, values: pyarrow.Array) -> None:
        """Look at the next cleaned `values`."""
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
        if self.dates and self.form is None and present and columns.is_text(values.type):
            self.shapes.add(ISO_SHAPE, present, compute.drop_null(values)[0].as_py())
        if not (self.dates or self._is_settled()):
            self._count(values)
        elif self.form is None:
            self.texts += present
            if not self.dates:
                self._look_at(values)
        if self.truths:
            self.truths = _are_truths(values)
        self.rows += len(values)

    def _read(self, values):
        """Values as their format says; the others are counted as texts."""
        found, stray = formats.read(values, self.form)
        if stray.any():
            if self.first_text is None:
                row = int(stray.argmax())
                self.first_text = values[row].as_py(), self.rows + row
            self.texts += int(stray.sum())
        return found

    def _look_at(self, values):
        if columns.is_text(values.type):
            self.shapes.update(values)

    def _is_settled(self) -> bool:
        """Whether it is clear that the column is no numbers, so that the rest need not be parsed."""
        return self.rows > 10_000 and self.texts > 0.5 * self.present

    def _count(self, values):
        parsed, is_text = columns.numbers(values)
        if is_text.any():
            if self.first_text is None:
                row = int(is_text.argmax())
                self.first_text = values[row].as_py(), self.rows + row
            self.texts += int(is_text.sum())
        if is_text.any() or self.sees_marks:
            self._look_at(values)
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
            self.wide |= bool((np.abs(parsed) >= columns.LARGEST_WHOLE).any())

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
    if not columns.is_text(values.type):
        return pyarrow.types.is_integer(values.type) or pyarrow.types.is_boolean(values.type)
    return compute.all(compute.match_substring_regex(values, r"^[+-]?\d+$")).as_py() is not False


def _are_truths(values) -> bool:
    if not columns.is_text(values.type):
        return pyarrow.types.is_boolean(values.type)
    return compute.all(compute.match_substring_regex(values, r"^(?i:true|false)$")).as_py() is not False


def _days_of_dates(values) -> np.ndarray | None:
    """Cleaned `values` in days since 1970, if all of them are dates."""
    if pyarrow.types.is_timestamp(values.type) or pyarrow.types.is_date(values.type):
        return columns.days(values)
    if not columns.is_text(values.type):
        return None
    if compute.all(compute.match_substring_regex(values, r"^\d{4}-\d\d-\d\d")).as_py() is False:
        return None
    try:
        return columns.days(values)
    except (pyarrow.ArrowInvalid, ValueError):
        return None
