"""A score with its interval as a mark on a line, for a cell of a table."""

from collections.abc import Iterable

from markupsafe import Markup

from recipes.report.charts import svg
from recipes.report.charts.scale import Scale, finite

_WIDTH, _HEIGHT, _MARGIN = 160, 18, 6


def limits_of(values: Iterable[float | None], *, least: float | None = None) -> tuple[float, float]:
    """The least and the greatest of values, for a scale that all marks of a column share.

    Args:
        values: Scores and bounds of intervals; those that are not known are left out.
        least: Value that the scale begins at, at the latest.
    """
    known = finite(value for value in values if value is not None)
    known += [least] if least is not None else []
    return (min(known), max(known)) if known else (0.0, 1.0)


def mark(
    label: str, value: float, bounds, limits: tuple[float, float], reference: float | None = None, kind: str = "ours"
) -> Markup:
    """A dot at a score, on the line of its interval.

    Args:
        label: Alternative text.
        value: Score.
        bounds: Bounds of its interval; empty or `None` where there is none.
        limits: Ends of the scale.
        reference: Value that is marked across, such as the score on all rows; `None` for none.
        kind: Class in the style sheet: `"ours"` or `"other"`.
    """
    x = Scale(*limits, _MARGIN, _WIDTH - _MARGIN)
    middle = _HEIGHT / 2
    parts = [svg.line([_MARGIN, _WIDTH - _MARGIN], [middle] * 2, "axis")]
    if reference is not None:
        parts.append(svg.line([x.clipped(reference)] * 2, [1, _HEIGHT - 1], "reference"))
    if bounds and len(finite(bounds)) == 2:
        parts.append(svg.line([x.clipped(bound) for bound in bounds], [middle] * 2, f"range {kind}"))
    parts.append(svg.dot(x.clipped(value), middle, 4, f"dot {kind}"))
    return svg.picture(_WIDTH, _HEIGHT, label, parts, "mark")
