"""Calibration as a picture: how often each confidence came true."""

from collections.abc import Sequence

from markupsafe import Markup

from recipes.report.charts import svg
from recipes.report.charts.scale import Scale, finite

_SIZE, _LEFT, _BOTTOM, _TOP = 260, 34, 34, 10


def reliability(label: str, bins: Sequence[tuple[float, float, float]]) -> Markup:
    """Share of right answers by confidence, beside the diagonal on which both are equal.

    Args:
        label: Alternative text.
        bins: Mean confidence, share of right answers and number (or share) of rows of each bin with rows.
    """
    bins = [row for row in bins if len(finite(row)) == 3 and row[2] > 0]
    x, y = Scale(0, 1, _LEFT, _SIZE - _TOP), Scale(0, 1, _SIZE - _BOTTOM, _TOP)
    most = max((row[2] for row in bins), default=1)
    parts = [
        svg.line([x(0), x(1)], [y(0), y(0)], "axis"),
        svg.line([x(0), x(0)], [y(0), y(1)], "axis"),
        svg.line([x(0), x(1)], [y(0), y(1)], "reference"),
        *(svg.line([x(confidence)] * 2, [y(confidence), y(right)], "gap") for confidence, right, _ in bins),
        *(
            svg.dot(x(confidence), y(right), 2.5 + 5 * (rows / most) ** 0.5, "dot ours")
            for confidence, right, rows in bins
        ),
        svg.text(x(0), _SIZE - 18, "0", "middle", "rule"),
        svg.text(x(1), _SIZE - 18, "1", "end", "rule"),
        svg.text(x(0) - 8, y(1) + 8, "1", "end", "rule"),
        svg.text(x(0.5), _SIZE - 4, "confidence", "middle"),
        Markup('<g transform="rotate(-90 12 {0})">{1}</g>').format(
            round(y(0.5)), svg.text(12, y(0.5), "share of right answers", "middle")
        ),
    ]
    return svg.picture(_SIZE, _SIZE, label, parts, "square")
