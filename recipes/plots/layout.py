"""Places of the axes of a figure, from a few measured texts.

Matplotlib's constrained layout measures every artist twice, and runs through the whole drawing once more for it. The
pictures of a run need less: the sizes of titles, of the labels of axes, and of the longest numbers and names on them.
"""

from dataclasses import dataclass

_PAD = 4 / 72  # inches between numbers and the label of an axis, and from labels to the border of the figure
_EDGE = 0.12  # least inches on a side without labels
_BAR, _BAR_GAP = 0.15, 0.12  # inches of a colour bar, and of the gap before it
_HANDLE = 0.6  # inches of a legend beside the axes that are not its texts
_MOST_MEASURED = 3  # labels of an axis that are measured: those with the most characters
_LEAST = 0.3  # inches that axes keep where labels would take all the room


def new_figure(size: tuple[float, float], dpi: int = 100):
    """A figure without pyplot, which opens no window and stays in no global list.

    Args:
        size: Width and height in inches.
        dpi: Dots per inch.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=dpi)
    FigureCanvasAgg(figure)  # its renderer remembers the sizes of texts that are measured here and drawn later
    return figure


def arrange(figure) -> None:
    """Place the axes of a figure of `new_figure` so that their labels have room, after all has been drawn on them.

    Args:
        figure: Figure with axes in one grid, each with one colour bar at most.
    """
    groups = {}  # axes and their colour bar, by their place in the grid
    for ax in figure.axes:
        groups.setdefault(ax.get_subplotspec().get_topmost_subplotspec(), []).append(ax)
    margins = {place: _margins(*axes) for place, axes in groups.items()}
    grid = next(iter(groups)).get_gridspec()
    width, height = figure.get_size_inches()
    columns = _spans(grid.ncols, width, {place: place.colspan for place in groups}, margins, "left", "right")
    rows = _spans(grid.nrows, height, {place: place.rowspan for place in groups}, margins, "top", "bottom")
    for place, (ax, *bars) in groups.items():
        left, right = columns[place.colspan.start][0], columns[place.colspan.stop - 1][1]
        top, bottom = rows[place.rowspan.start][0], rows[place.rowspan.stop - 1][1]
        ax.set_position((left / width, 1 - bottom / height, (right - left) / width, (bottom - top) / height))
        ax.apply_aspect()
        _keep_title_inside(ax)
        box = ax.get_position()
        for bar in bars:
            bar.set_box_aspect(None)
            bar.set_position((box.x1 + _BAR_GAP / width, box.y0, _BAR / width, box.height))


def _keep_title_inside(ax) -> None:
    """Move a title that is wider than its axes away from the border of the figure."""
    box, edge = ax.title.get_window_extent(), _PAD * ax.figure.dpi
    shift = max(0.0, edge - box.x0) - max(0.0, box.x1 - ax.figure.bbox.x1 + edge)
    ax.title.set_x(0.5 + shift / ax.bbox.width)


@dataclass
class _Margins:
    """Inches that titles and labels need on each side of axes."""

    left: float = _EDGE
    right: float = _EDGE
    bottom: float = _EDGE
    top: float = _EDGE


def _spans(count: int, whole: float, spans: dict, margins: dict, first: str, last: str) -> list[tuple[float, float]]:
    """Start and end in inches of the axes in each of `count` columns or rows, which are equally wide.

    Args:
        count: Number of columns or rows.
        whole: Width or height of the figure in inches.
        spans: Range of columns or rows, by place in the grid.
        margins: Margins by place in the grid.
        first: Side on which a column or row starts, `"left"` or `"top"`.
        last: Side on which it ends.
    """
    before, after = [0.0] * count, [0.0] * count
    for place, span in spans.items():
        before[span.start] = max(before[span.start], getattr(margins[place], first))
        after[span.stop - 1] = max(after[span.stop - 1], getattr(margins[place], last))
    each = max(_LEAST, (whole - sum(before) - sum(after)) / count)
    found, position = [], 0.0
    for start, end in zip(before, after, strict=True):
        found.append((position + start, position + start + each))
        position += start + each + end
    return found


def _margins(ax, bar=None) -> _Margins:
    """The margins of axes with their colour bar, whose labels are put into their places."""
    margins = _Margins()
    if ax.axison:
        margins.left, margins.bottom = _room(ax, ax.yaxis, "left"), _room(ax, ax.xaxis, "bottom")
        along = _labels(ax.xaxis)  # half of the first and of the last one may lie beyond the ends of the axis
        margins.left = max([margins.left, *(_beyond(ax, label, "left") + 2 * _PAD for label in along[:1])])
        margins.right = max([margins.right, *(_beyond(ax, label, "right") + 2 * _PAD for label in along[-1:])])
        if ax.yaxis.get_major_formatter().get_offset():
            margins.top = 2 * _EDGE  # for a power of ten above the axis
    if ax.get_title():
        margins.top = max(margins.top, _beyond(ax, ax.title, "top") + _PAD)
    if bar is not None:
        margins.right = _BAR_GAP + _BAR + _room(bar, bar.yaxis, "right")
    legend = ax.get_legend()
    if legend is not None and legend.get_in_layout() and legend.get_bbox_to_anchor().x0 >= ax.bbox.x1 - 1:
        margins.right = _HANDLE + max(_width(text) for text in _longest(legend.get_texts()))
    return margins


def _room(ax, axis, side: str) -> float:
    """Inches that an axis needs on its side; its label is put beside its numbers or names."""
    from matplotlib.transforms import ScaledTranslation

    labels = _labels(axis)
    reach = max([0.0, *(_beyond(ax, label, side) for label in _longest(labels))])
    if side != "bottom" or not axis.get_major_formatter().get_offset():
        for label in labels:
            label.set_in_layout(False)  # else all are measured at each drawing
    if not axis.label.get_text():
        return max(_EDGE, reach + _PAD)
    shift, place = {
        "left": ((-reach - _PAD, 0), (0, 0.5)),
        "right": ((reach + _PAD, 0), (1, 0.5)),
        "bottom": ((0, -reach - _PAD), (0.5, 0)),
    }[side]
    # A place that is set is not searched for in all the labels at each drawing.
    axis.set_label_coords(*place, ax.transAxes + ScaledTranslation(*shift, ax.figure.dpi_scale_trans))
    return _beyond(ax, axis.label, side) + _PAD


def _labels(axis) -> list:
    """The numbers or names along an axis, as texts."""
    low, high = sorted(axis.get_view_interval())
    along = 0 if axis.axis_name == "x" else 1
    return [label for label in axis.get_majorticklabels() if low <= label.get_position()[along] <= high]


def _longest(texts: list) -> list:
    return sorted(texts, key=lambda text: len(text.get_text()))[-_MOST_MEASURED:]


def _beyond(ax, text, side: str) -> float:
    """Inches from the border of axes to the far end of a text beyond it."""
    box, border = text.get_window_extent(), ax.bbox
    pixels = {
        "left": border.x0 - box.x0,
        "right": box.x1 - border.x1,
        "bottom": border.y0 - box.y0,
        "top": box.y1 - border.y1,
    }[side]
    return pixels / ax.figure.dpi


def _width(text) -> float:
    return text.get_window_extent().width / text.figure.dpi
