"""Formats of numbers, dates and times in texts, such as `28,7`, `$1,200`, `12 kg`, `31/12/2024` and `12:30`."""

import re
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow
import pyarrow.compute as compute

ISO, DAY_FIRST, MONTH_FIRST, NAMED = "iso", "day_first", "month_first", "named"
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
# Patterns of the English names of months, in full or shortened to three or four letters.
MONTH_NAMES = [f"{name[:3]}(?:{name[3:]}|{name[3:4]})?" for name in _MONTHS]
# Pattern of a date in each order; RE2 extracts its named groups.
_DATES = {
    ISO: r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?|[/.](?P<month2>\d{1,2})[/.](?P<day2>\d{1,2}))",
    DAY_FIRST: r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4}|\d\d)",
    # Names of months are replaced by their number in angle brackets first.
    NAMED: (
        r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?[ -]<(?P<month>\d\d)>[ ,-]+(?P<year>\d{4}|\d\d)"
        r"|<(?P<month2>\d\d)> (?:(?P<day2>\d{1,2})(?:st|nd|rd|th)?,? +)?(?P<year2>\d{4}))"
    ),
    MONTH_FIRST: r"(?P<month>\d{1,2})[/.-](?P<day>\d{1,2})[/.-](?P<year>\d{4}|\d\d)",
}
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d(?:[.,]\d+)?))?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|(?P<zone_sign>[+-])(?P<zone_hour>\d\d):?(?P<zone_minute>\d\d)?))?"
_DURATION = (
    r"^(?:(?P<days>[+-]?\d+) days?,? ?)?(?P<sign>[+-]?)(?P<hour>\d{1,5}):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d(?:\.\d+)?))?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?$"
)


@dataclass(frozen=True)
class Format:
    """Format of the texts of a column.

    Attributes:
        decimal: Decimal mark.
        thousands: Mark between groups of three digits.
        unit: Text beside each number, such as %, $ or kg.
        dates: Order of dates: `"iso"`, `"day_first"`, `"month_first"` or, with the name of the month, `"named"`; `""`
            for texts that are not dates.
        clock: Whether the texts are times of day or durations, which become seconds.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    dates: str = ""
    clock: bool = False

    @property
    def kind(self) -> str:
        """Kind of a column of this format: `"number"` or `"date"`."""
        return "date" if self.dates else "number"

    def to_dict(self) -> dict:
        """The attributes that differ from those of plain numbers; `Format(**content)` restores the format."""
        plain = asdict(Format())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    def describe(self) -> str:
        """The format in words, for notes."""
        if self.clock:
            return "times of day or durations, in seconds"
        if self.dates:
            return {
                ISO: "dates",
                DAY_FIRST: "dates with the day first",
                MONTH_FIRST: "dates with the month first",
                NAMED: "dates with the name of the month",
            }[self.dates]
        marks = [f"the unit {self.unit!r}"] if self.unit else []
        marks += [f"{self.thousands!r} between thousands"] if self.thousands else []
        marks += ["a decimal comma"] if self.decimal == "," else []
        return f"numbers with {' and '.join(marks)}" if marks else "numbers"


def normalized(texts: pyarrow.Array) -> pyarrow.Array:
    """`texts` with plain spaces, apostrophes and minus signs."""
    texts = compute.replace_substring_regex(texts, "[\u00a0\u2007\u2009\u202f]", " ")
    texts = compute.replace_substring(texts, "\u2212", "-")
    return compute.replace_substring(texts, "\u2019", "'")


def read(values: pyarrow.Array, form: Format) -> tuple[pyarrow.Array, np.ndarray]:
    """Cleaned texts read in the format `form`; arrays of other types are returned unchanged.

    Returns:
        Numbers as plain text, times as seconds, or timestamps, null for texts of another format; and a mask of these
        texts, `(rows,)`.
    """
    if not pyarrow.types.is_string(values.type):
        return values, np.zeros(len(values), bool)
    if form.dates == ISO:
        try:
            return plain_timestamps(values), np.zeros(len(values), bool)
        except pyarrow.ArrowInvalid:
            pass
    # Each distinct text once: dates, prices and percentages repeat, and reading one takes microseconds.
    encoded = compute.dictionary_encode(values)
    texts = normalized(encoded.dictionary)
    if form.dates:
        distinct = _timestamps(texts, form.dates)
    elif form.clock:
        distinct = _seconds(texts)
    else:
        distinct = _plain_numbers(texts, form)
    found = distinct.take(encoded.indices)
    return found, compute.and_not(compute.is_null(found), compute.is_null(values)).to_numpy(zero_copy_only=False)


def plain_timestamps(texts: pyarrow.Array) -> pyarrow.Array:
    """Timestamps of texts in the form of ISO 8601, all or none with a time zone: much faster than other formats.

    Raises:
        pyarrow.ArrowInvalid: If a text has another form.
    """
    zone = compute.any(compute.match_substring_regex(texts, r"(Z|[+-]\d\d:?\d\d)$")).as_py()
    return texts.cast(pyarrow.timestamp("us", tz="UTC" if zone else None)).cast(pyarrow.timestamp("us"))


def _plain_numbers(texts, form: Format) -> pyarrow.Array:
    if form.unit:
        unit = re.escape(form.unit)
        texts = compute.replace_substring_regex(texts, rf"^([+-]?) ?{unit} ?", r"\1")
        texts = compute.replace_substring_regex(texts, rf" ?{unit}$", "")
    decimal, thousands = re.escape(form.decimal), re.escape(form.thousands)
    whole = rf"(?:\d+|\d{{1,3}}(?:{thousands}\d{{3}})+)" if form.thousands else r"\d+"
    number = rf"^[+-]?(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?$"
    fits = compute.match_substring_regex(texts, number)
    plain = compute.replace_substring(texts, form.thousands, "") if form.thousands else texts
    plain = compute.replace_substring(plain, form.decimal, ".") if form.decimal != "." else plain
    return compute.if_else(fits, plain, pyarrow.scalar(None, pyarrow.string()))


def _timestamps(texts, order: str) -> pyarrow.Array:
    if order == NAMED:
        for number, name in enumerate(MONTH_NAMES, start=1):
            texts = compute.replace_substring_regex(texts, rf"(?i)\b{name}\b\.?", f"<{number:02}>")
    found = compute.extract_regex(texts, rf"^{_DATES[order]}(?:[T ]+{_CLOCK})?{_ZONE}$")
    field = _fields(found)
    year, month, day = (_either(found, field, name) for name in ("year", "month", "day"))
    if order in (ISO, NAMED):  # 2024-12 and December 2024
        day = np.where(np.isnan(day), 1.0, day)
    year = np.where(year < 69, year + 2000, np.where(year < 100, year + 1900, year))
    fits = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(fits, (year - 1970) * 12 + month - 1, 0).astype("int64").astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype("int64") + np.where(fits, day - 1, 0).astype("int64")
    fits &= days < (months + 1).astype("datetime64[D]").astype("int64")  # refuses 30 February
    seconds, is_time = _of_day(found, field)
    fits &= is_time
    zone = np.nan_to_num(field("zone_hour")) * 3600 + np.nan_to_num(field("zone_minute")) * 60
    zone = np.where(_equal(found, "zone_sign", "-"), -zone, zone)
    micros = days * 86_400_000_000 + np.round((seconds - zone) * 1e6).astype("int64")
    return pyarrow.array(micros, mask=~fits).cast(pyarrow.timestamp("us"))


def _seconds(texts) -> pyarrow.Array:
    found = compute.extract_regex(texts, _DURATION)
    field = _fields(found)
    hour, minute, second = field("hour"), field("minute"), np.nan_to_num(field("second"))
    seconds = _half(found, hour) * 3600 + minute * 60 + second
    seconds = np.where(_equal(found, "sign", "-"), -seconds, seconds) + np.nan_to_num(field("days")) * 86_400
    fits = (minute < 60) & (second < 60)
    return pyarrow.array(seconds, mask=~fits)


def _of_day(found, field) -> tuple[np.ndarray, np.ndarray]:
    """Seconds since midnight, 0 where no time is given, and a mask of valid times."""
    hour, minute, second = (np.nan_to_num(field(name)) for name in ("hour", "minute", "second"))
    hour = _half(found, hour)
    return hour * 3600 + minute * 60 + second, (hour <= 24) & (minute < 60) & (second < 61)


def _half(found, hour: np.ndarray) -> np.ndarray:
    """Hours from 0 to 24, from hours with or without am and pm."""
    afternoon = _equal(found, "half", "p")
    given = afternoon | _equal(found, "half", "a")
    return np.where(given, hour % 12 + 12 * afternoon, hour)


def _either(found, field, name: str) -> np.ndarray:
    """Numbers of a group that a pattern may have in two places, such as `day` and `day2`."""
    if found.type.get_field_index(f"{name}2") < 0:
        return field(name)
    return np.where(np.isnan(field(name)), field(f"{name}2"), field(name))


def _fields(found):
    """A function that returns a group of an extraction as numbers `(rows,)`, NaN where it is absent."""

    def field(name: str) -> np.ndarray:
        texts = compute.replace_substring(compute.struct_field(found, name), ",", ".")
        texts = compute.if_else(compute.equal(texts, ""), pyarrow.scalar(None, pyarrow.string()), texts)
        return texts.cast(pyarrow.float64()).to_numpy(zero_copy_only=False).astype(np.float64)

    return field


def _equal(found, name: str, text: str) -> np.ndarray:
    lower = compute.utf8_lower(compute.struct_field(found, name))
    return compute.equal(lower, text).fill_null(False).to_numpy(zero_copy_only=False)
