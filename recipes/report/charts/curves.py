"""Curves by epoch: those of a training with the epoch that was kept, and small ones for a cell of a table."""

from collections.abc import Sequence

from markupsafe import Markup

from recipes.report.charts import svg
from recipes.report.charts.scale import Scale, finite, thinned

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 360, 60, 14, 12, 24
_LOGARITHMIC_FROM = 30.0  # ratio of the greatest and the least value
_SMALL_WIDTH, _SMALL_HEIGHT = 130, 34


def is_logarithmic(curves: Sequence[Sequence[float]]) -> bool:
    """Whether curves need a logarithmic scale: they are above 0, and go through more than an order of magnitude."""
    values = finite(value for curve in curves for value in curve)
    return bool(values) and min(values) > 0 and max(values) > _LOGARITHMIC_FROM * min(values)


def curves(
    label: str, epochs: Sequence[int], lines: dict[str, Sequence[float]], kept: int | None = None, height: int = 210
) -> Markup:
    """Curves over epochs, whose axes end at the least and the greatest value.

    Args:
        label: Alternative text.
        epochs: Numbers of the epochs.
        lines: Values of each epoch, by the class of the style sheet that draws the line.
        kept: Epoch that is marked; `None` for none.
        height: Height of the drawing, which is 360 wide.
    """
    values = finite(value for curve in lines.values() for value in curve)
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    bottom, right = height - _BOTTOM, _WIDTH - _RIGHT
    x = Scale(epochs[0], epochs[-1], _LEFT, right)
    y = Scale(low, high, bottom - 6, _TOP, is_logarithmic(list(lines.values())))
    parts = [svg.line([_LEFT, right], [bottom, bottom], "axis")]
    parts += [svg.value(_LEFT - 8, y(end) + 4, end, "short", "end") for end in dict.fromkeys((low, high)) if values]
    ends = dict.fromkeys((epochs[0], epochs[-1]))
    parts += [svg.value(x(end), height - 6, end, "count", "middle") for end in ends]
    if kept is not None and epochs[0] <= kept <= epochs[-1]:
        parts.append(svg.line([x(kept)] * 2, [_TOP, bottom], "kept"))
        if min(abs(x(kept) - x(end)) for end in ends) > 28:
            parts.append(svg.value(x(kept), height - 6, kept, "count", "middle"))
    places = [x(epoch) for epoch in thinned(epochs)]
    parts += [svg.line(places, [y(value) for value in thinned(curve)], kind) for kind, curve in lines.items()]
    return svg.picture(_WIDTH, height, label, parts)


def small_curve(
    label: str,
    values: Sequence[float],
    limits: tuple[float, float],
    logarithmic: bool = False,
    band: tuple[float, float] | None = None,
) -> Markup:
    """A curve without axes for a cell of a table.

    Args:
        label: Alternative text.
        values: Values by epoch.
        limits: Least and greatest value of the scale, which all cells of a column share.
        logarithmic: Whether the scale is logarithmic.
        band: Healthy values, which are shaded; `None` for no band.
    """
    y = Scale(*limits, _SMALL_HEIGHT - 4, 4, logarithmic)
    values = thinned(values, _SMALL_WIDTH)
    x = Scale(0, max(1, len(values) - 1), 3, _SMALL_WIDTH - 3)
    parts = []
    if band is not None:
        low, high = y.clipped(band[0]), y.clipped(band[1])
        parts.append(svg.rectangle(0, high, _SMALL_WIDTH, low - high, "band"))
    parts.append(svg.line([x(place) for place in range(len(values))], [y(value) for value in values], "training"))
    return svg.picture(_SMALL_WIDTH, _SMALL_HEIGHT, label, parts, "small")
