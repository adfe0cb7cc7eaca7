"""Numbers as text on the page: each carries its exact value, so that it can be traced to a file of the run.

Every number goes through this module. A number of a file is a `<data value="...">`; a quotient of two numbers of files
names both in `data-of`.
"""

import math

from markupsafe import Markup, escape

from recipes.arguments.numbers import is_whole

NONE = Markup('<span class="none">–</span>')
_LEAST_OF_FOUR_DECIMALS = 0.001


def number(value: float | None, form: str = "score") -> Markup:
    """A number of a file of the run.

    Args:
        value: Value as the file has it; `None` and NaN are shown as a dash.
        form: How it is written, a key of `FORMS`.
    """
    return _data(value, FORMS[form](value), "") if _is_finite(value) else NONE


def share(part: float, whole: float) -> Markup:
    """The quotient of two numbers of files, as a percentage; a dash for one of nothing."""
    if not _is_finite(part) or not _is_finite(whole) or not whole:
        return NONE
    return _data(part / whole, percent(part / whole), f"{part!r}/{whole!r}")


def interval(bounds, form: str = "score") -> Markup:
    """An interval as text, such as `0.9717 to 0.9957`; empty where there is none, or it is not defined."""
    if not bounds or not all(map(_is_finite, bounds)):
        return Markup("")
    return Markup("{} to {}").format(*(number(bound, form) for bound in bounds))


def score(value: float) -> str:
    """Four decimals, or five digits beyond 10."""
    if is_whole(value):
        return f"{value:,}"
    if abs(value) >= 10:
        return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.5g}"
    return f"{value:.4f}" if value == 0 or abs(value) >= _LEAST_OF_FOUR_DECIMALS else f"{value:.2g}"


def percent(value: float) -> str:
    """A share as a percentage; with more decimals close to 0 and to 1, where they matter."""
    close = min(abs(value), abs(1 - value))
    decimals = 1 if close == 0 or close >= 0.0005 else 2 if close >= 0.00005 else 3
    return f"{100 * value:.{decimals}f}\N{NO-BREAK SPACE}%"


def points(value: float) -> str:
    """A difference of two shares, in percentage points."""
    return f"{100 * value:+.1f}"


def signed(value: float) -> str:
    """A difference, with its sign."""
    return f"{value:+.3f}" if abs(value) < 10 else f"{value:+.5g}"


def level(value: float) -> str:
    """The confidence level of intervals."""
    return f"{100 * value:g}\N{NO-BREAK SPACE}%"


def short(value: float) -> str:
    """Three digits, for the ends of axes and for losses."""
    if 100 <= abs(value) < 1e7 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3g}"


def p_value(value: float) -> str:
    """A p-value, with the sign between the letter and the number."""
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"


def count(value: float) -> str:
    """A number of rows, whole or weighted."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def size(value: float) -> str:
    """A number of bytes, in kB, MB or GB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= factor:
            return f"{value / factor:.3g}\N{NO-BREAK SPACE}{unit}"
    return f"{value:,.0f}\N{NO-BREAK SPACE}bytes"


def milliseconds(value: float) -> str:
    """A time that was given in milliseconds."""
    return f"{value / 1000:.3g}\N{NO-BREAK SPACE}s" if value >= 1000 else f"{value:.3g}\N{NO-BREAK SPACE}ms"


def seconds(value: float) -> str:
    """A time that was given in seconds."""
    return f"{value:.3g}\N{NO-BREAK SPACE}s"


FORMS = {
    "score": score, "percent": percent, "points": points, "signed": signed, "level": level, "short": short,
    "p": p_value, "count": count, "size": size, "milliseconds": milliseconds, "seconds": seconds,
}  # fmt: skip


def _is_finite(value) -> bool:
    # A truth value is none: Python counts it among the whole numbers.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _data(value: float, text: str, of: str) -> Markup:
    # As a plain number: NumPy's own have another repr.
    value = value.item() if hasattr(value, "item") else value
    origin = Markup(' data-of="{}"').format(of) if of else ""
    # A sign that screen readers know, of the width of a plus; and no line begins with a unit.
    text = text.replace("-", "−").replace(" ", "\u00a0")
    return Markup('<data value="{}"{}>{}</data>').format(repr(value), origin, escape(text))
