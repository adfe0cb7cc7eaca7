"""Elements of SVG: all text in them is escaped, and colours are classes of the style sheet."""

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from recipes.arguments.names import printable
from recipes.report.numbers import FORMS

_LONGEST_LABEL = 300  # characters


def picture(width: float, height: float, label: str, parts: Iterable[Markup], kind: str = "chart") -> Markup:
    """A whole picture.

    Args:
        width: Width in units of the drawing.
        height: Height.
        label: Alternative text: what the picture shows, in one sentence.
        parts: Elements from back to front.
        kind: Class in the style sheet.
    """
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        kind, _place(width), _place(height), printable(label, _LONGEST_LABEL), Markup("").join(parts)
    )


def line(xs: Sequence[float], ys: Sequence[float], kind: str) -> Markup:
    """A line through points, with gaps where a coordinate is NaN; a point between two gaps is a dot."""
    steps, previous, following = [], False, [*map(math.isfinite, ys[1:]), False]
    for x, y, continues in zip(xs, ys, following, strict=True):
        if not math.isfinite(y):
            previous = False
            continue
        steps.append(f"{'L' if previous else 'M'}{_place(x)} {_place(y)}")
        if not previous and not continues:
            steps.append("h0.01")  # with round ends of lines, a dot
        previous = True
    return Markup('<path class="{}" d="{}"/>').format(kind, "".join(steps))


def rectangle(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    """A rectangle by its upper left corner."""
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        kind, *map(_place, (x, y, max(0.0, width), max(0.0, height)))
    )


def dot(x: float, y: float, radius: float, kind: str) -> Markup:
    """A filled circle."""
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(kind, *map(_place, (x, y, radius)))


def text(x: float, y: float, content: str, anchor: str = "start", kind: str = "") -> Markup:
    """Text at a point: `anchor` is `"start"`, `"middle"` or `"end"`."""
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, _place(x), _place(y), anchor, content
    )


def value(x: float, y: float, amount: float, form: str, anchor: str = "start") -> Markup:
    """A number of a file of the run at a point."""
    shown = FORMS[form](amount).replace("-", "−")
    return Markup('<text x="{}" y="{}" text-anchor="{}" data-value="{}">{}</text>').format(
        _place(x), _place(y), anchor, repr(amount), shown
    )


def _place(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
