"""Detection of the format of a column from the shapes of its texts, counted in bounded memory.

The shape of a text has 9 for each digit: `1,234.50` and `7,300.25` both have the shape `9,999.99`. A column of numbers
or dates has few shapes, however many rows it has.
"""

import itertools
import re
from dataclasses import dataclass, field

import numpy as np
import pyarrow
import pyarrow.compute as compute

from recipes.data.tables.formats import DAY_FIRST, ISO, MONTH_FIRST, MONTH_NAMES, NAMED, Format, normalized

MOST_SHAPES = 2000
MOST_UNITS = 4  # number of units in one column up to which a hint says that they differ
LONGEST = 40  # number of characters of a text from which its shape is made
# Number of rows after which a column without numbers and dates is no longer counted.
ENOUGH_ROWS = 10_000
# Digits that stay visible in a shape: those of a first or second field of a date that is too large for a month, a
# leading 0 of a whole number, and a leading 0 in front of a mark, which therefore does not separate thousands.
_LATE, _PADDING, _ZERO = "†", "‡", "ø"
_DIGIT = f"[9{_LATE}{_PADDING}{_ZERO}]"
_REPLACEMENTS = (
    (r"^(?:1[3-9]|[2-9]\d)([/.-]\d)", _LATE * 2 + r"\1"),
    (rf"^([{_LATE}\d]{{1,2}}[/.-])(?:1[3-9]|[2-9]\d)([/.-])", r"\1" + _LATE * 2 + r"\2"),
    (r"^(\D*)0(\d)", r"\1" + _PADDING + r"\2"),
    (r"^(\D*)0([.,])", r"\1" + _ZERO + r"\2"),
    (r"\d", "9"),
)
_TIME = rf"(?:[T ]+{_DIGIT}{{1,2}}:99(?::99(?:[.,]9+)?)?(?: ?[AaPp]\.?[Mm]\.?)?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]99(?::?99)?))?"
_ISO = re.compile(rf"{_DIGIT}9{{3}}(?:-9{{1,2}}(?:-9{{1,2}})?|(?P<mark>[/.])9{{1,2}}(?P=mark)9{{1,2}}){_TIME}{_ZONE}")
_DAY_AND_MONTH = re.compile(rf"({_DIGIT}{{1,2}})([/.-])({_DIGIT}{{1,2}})(?:\2)(9999|99){_TIME}{_ZONE}")
_MONTH = rf"(?:{'|'.join(MONTH_NAMES)})\.?"
_DAY = rf"{_DIGIT}{{1,2}}(?:st|nd|rd|th)?"
_NAMED = re.compile(
    rf"(?:{_DAY}[ -]{_MONTH}[ ,-]+(?:9999|99)|{_MONTH} (?:{_DAY},? +)?9999){_TIME}{_ZONE}", re.IGNORECASE
)
_CLOCK = re.compile(rf"(?:[+-]?{_DIGIT}+ days?,? ?)?[+-]?{_DIGIT}{{1,3}}:99(?::99(?:\.9+)?)?(?: ?[AaPp]\.?[Mm]\.?)?")
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?) ?(?P<before>[A-Z]{{0,3}}[$€£¥₹₩₽₺] ?|[A-Z]{{3}} |Rs\.? ?)?[+-]?"
    rf"(?P<body>{_DIGIT}(?:[{_DIGIT[1:-1]}.,' ]*{_DIGIT})?[.,]?|[.,]9+)(?P<exponent>[eE][+-]?9+)?"
    r"(?P<after> ?(?:[^\W\d_]|[%‰°$€£¥₹₩₽₺µ\"′″])(?:[^\W\d_]|[%/²³° .]){0,11})?"
)
_ORDINALS = {"st", "nd", "rd", "th"}
# Units of amounts in which a comma separates thousands.
_ENGLISH = {"$", "£", "US$", "USD", "GBP", "¥", "₹", "A$", "C$", "CA$", "AU$"}
_THOUSANDS = ("", ",", ".", " ", "'")


@dataclass
class Shapes:
    """Shapes of the texts of a column, and the number of texts of each.

    Attributes:
        counts: Number of texts, by shape.
        examples: First text, by shape.
        plain: Number of values in batches of plain numbers, whose shapes are not counted.
        settled: Whether it is clear that the texts are not numbers or dates; nothing more is counted then.
    """

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    plain: int = 0
    settled: bool = False

    @property
    def rows(self) -> int:
        """Number of values that were counted."""
        return sum(self.counts.values()) + self.plain

    def update(self, values: pyarrow.Array) -> None:
        """Count the shapes of the next cleaned texts."""
        if self.settled:
            return
        # Each distinct text once: categories repeat, and a shape takes several regular expressions.
        distinct = compute.dictionary_encode(compute.drop_null(values))
        repeated = np.bincount(distinct.indices.to_numpy(zero_copy_only=False), minlength=len(distinct.dictionary))
        texts = normalized(compute.utf8_slice_codeunits(distinct.dictionary, 0, LONGEST))
        shapes = texts
        for pattern, replacement in _REPLACEMENTS:
            shapes = compute.replace_substring_regex(shapes, pattern, replacement)
        encoded = compute.dictionary_encode(shapes)
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        counts = np.bincount(codes, repeated, minlength=len(encoded.dictionary))
        _, first = np.unique(codes, return_index=True)  # codes count from 0 in the order of appearance
        for shape, row, count in zip(encoded.dictionary.to_pylist(), first, counts, strict=True):
            self.add(shape, int(count), texts[int(row)].as_py())
            if len(self.counts) > MOST_SHAPES:
                self._settle()
                return
        if self.rows > ENOUGH_ROWS and verdict(self, 0.5) == Verdict():
            self._settle()

    def add(self, shape: str, count: int, example: str) -> None:
        """Add `count` texts of a shape, one of which is `example`."""
        self.counts[shape] = self.counts.get(shape, 0) + count
        self.examples.setdefault(shape, example)

    def _settle(self):
        self.settled, self.counts, self.examples = True, {}, {}


@dataclass(frozen=True)
class Verdict:
    """The format that follows from the shapes of a column.

    Attributes:
        form: Format of the texts; `None` if they are not numbers or dates, or can be read in several ways.
        example: One of the texts.
        hint: Description of texts that can be read in several ways, with the setting that decides; otherwise `""`.
    """

    form: Format | None = None
    example: str = ""
    hint: str = ""


def verdict(
    shapes: Shapes, share: float, decimal: str | None = None, thousands: str | None = None, dates: str | None = None
) -> Verdict:
    """The format that follows from the shapes of a column.

    Args:
        shapes: Shapes of the column.
        share: Smallest share of the texts that must have the format.
        decimal: Decimal mark of numbers that can be read in several ways.
        thousands: Mark between groups of three digits of numbers that can be read in several ways.
        dates: Order of day and month of dates that can be read in both orders.
    """
    needed = share * shapes.rows
    if shapes.settled or not shapes.counts:
        return Verdict()
    return (
        _dates(shapes, needed, dates)
        or _clock(shapes, needed)
        or _numbers(shapes, needed, decimal, thousands)
        or _numbers(shapes, needed, None, None)
        or Verdict()
    )


def _dates(shapes: Shapes, needed: float, order: str | None) -> Verdict | None:
    for pattern, form in ((_ISO, Format(dates=ISO)), (_NAMED, Format(dates=NAMED))):
        fitting = [shape for shape in shapes.counts if pattern.fullmatch(shape)]
        if fitting and _count(shapes, fitting) >= needed:
            return Verdict(form, shapes.examples[fitting[0]])
    found = {shape: match for shape in shapes.counts if (match := _DAY_AND_MONTH.fullmatch(shape))}
    if not found or _count(shapes, found) < needed:
        return None
    example = shapes.examples[max(found, key=lambda shape: shape.count(_LATE))]
    late = [_count(shapes, [shape for shape in found if found[shape][group][0] == _LATE]) for group in (1, 3)]
    if all(len(match[4]) == 4 for match in found.values()):
        if late[0] > late[1] and late[1] <= _count(shapes, found) - needed:
            return Verdict(Format(dates=DAY_FIRST), example)
        if late[1] > late[0] and late[0] <= _count(shapes, found) - needed:
            return Verdict(Format(dates=MONTH_FIRST), example)
        if all(match[2] == "." for match in found.values()):
            return Verdict(Format(dates=DAY_FIRST), example)
    if order is not None and not all(late):
        return Verdict(Format(dates=order), example)
    if all(late):
        return Verdict(example=example, hint="dates, some with the day and some with the month first: write them alike")
    return Verdict(
        example=example,
        hint=f"dates such as {example!r}: data.dates: {DAY_FIRST} (or {MONTH_FIRST}) reads them",
    )


def _clock(shapes: Shapes, needed: float) -> Verdict | None:
    found = [shape for shape in shapes.counts if _CLOCK.fullmatch(shape)]
    if found and _count(shapes, found) >= needed:
        return Verdict(Format(clock=True), shapes.examples[found[0]])
    return None


def _numbers(shapes: Shapes, needed: float, decimal: str | None, thousands: str | None) -> Verdict | None:
    bodies = {}  # by unit, by shape
    for shape in shapes.counts:
        match = _NUMBER.fullmatch(shape)
        unit = (match["before"] or match["after"] or "").strip() if match else ""
        both = match and match["before"] and match["after"]
        if match and not both and unit not in _ORDINALS and not (unit and match["body"][0] == _PADDING):
            bodies.setdefault(unit, {})[shape] = match["body"]
    if not bodies:
        return None
    unit = max(bodies, key=lambda unit: _count(shapes, bodies[unit]))
    found = bodies[unit]
    plain = 0 if unit else shapes.plain
    if _count(shapes, found) + plain < needed:
        total = sum(_count(shapes, of_unit) for of_unit in bodies.values()) + shapes.plain
        units = [unit for unit in bodies if unit]
        if total >= needed and units and len(bodies) <= MOST_UNITS:
            examples = [shapes.examples[next(iter(of_unit))] for of_unit in list(bodies.values())[:2]]
            return Verdict(
                example=examples[0],
                hint=f"numbers of different units ({', '.join(map(repr, examples))}): write them in one unit",
            )
        return None
    covered = {}
    for candidate in _candidates(decimal, thousands):
        fitting = [shape for shape, body in found.items() if _fits(body, *candidate)]
        covered.setdefault(_count(shapes, fitting), []).append((candidate, fitting))
    most = max(covered)
    if most + plain < needed:
        return None
    # The first, and simplest, of the candidates that read all shapes alike.
    readings = {}
    for candidate, fitting in covered[most]:
        readings.setdefault(_signature(candidate, [found[shape] for shape in fitting]), (candidate, fitting))
    example = shapes.examples[_telling(next(iter(readings.values()))[1], found)]
    return _of_readings(readings, unit, example, found, thousands)


def _of_readings(readings: dict, unit: str, example: str, found: dict, thousands: str | None) -> Verdict | None:
    with_thousands = next((key for key in readings if any(role == "thousands" for _, role in key)), None)
    if len(readings) > 1:
        if unit in _ENGLISH and with_thousands is not None and (",", "thousands") in with_thousands:
            readings = {with_thousands: readings[with_thousands]}
        elif (",", "decimal") in next(iter(readings)):
            return Verdict(
                example=example,
                hint=f"numbers with a comma such as {example!r}: data.thousands: ',' (or data.decimal: ',') reads them",
            )
    signature, ((decimal, mark), fitting) = next(iter(readings.items()))
    if not unit and set(signature) <= {(".", "decimal")}:
        return None  # plain numbers and stray texts
    is_grouped = any(role == "thousands" for _, role in signature)
    if mark in (" ", "'") and is_grouped and thousands is None and len({found[shape] for shape in fitting}) == 1:
        # Texts of one shape may also be telephone numbers.
        return Verdict(example=example, hint=f"numbers such as {example!r}: data.thousands: {mark!r} reads them")
    return Verdict(Format(decimal=decimal, thousands=mark if is_grouped else "", unit=unit), example)


def _candidates(decimal: str | None, thousands: str | None):
    for mark, point in itertools.product(_THOUSANDS, (".", ",")):
        if point in (mark, thousands) or decimal not in (None, point):
            continue
        if thousands is None or mark in ("", thousands):
            yield point, mark


def _fits(body: str, decimal: str, thousands: str) -> bool:
    """Whether the shape of a number is one with these marks."""
    digits = rf"{_DIGIT}+"
    if thousands:
        digits = rf"(?:{_DIGIT}+|[9{_LATE}]{{1,3}}(?:{re.escape(thousands)}999)+)"
    mark = re.escape(decimal)
    return bool(re.fullmatch(rf"{digits}(?:{mark}9*)?|{mark}9+", body))


def _signature(candidate: tuple[str, str], bodies: list[str]) -> tuple:
    """The role of each mark that occurs: decimal mark or thousands."""
    decimal, thousands = candidate
    occurring = set("".join(bodies))
    return tuple(
        (mark, role) for mark, role in ((decimal, "decimal"), (thousands, "thousands")) if mark in occurring and mark
    )


def _telling(fitting: list[str], found: dict[str, str]) -> str:
    """The shape with the most marks, which is the best example."""
    return max(fitting, key=lambda shape: sum(not re.match(_DIGIT, sign) for sign in found[shape]))


def _count(shapes: Shapes, chosen) -> int:
    return sum(shapes.counts[shape] for shape in chosen)
