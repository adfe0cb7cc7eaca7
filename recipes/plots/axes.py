"""What all pictures share: new axes, layers from top to bottom, colours, names that fit, and zeros on log scales."""

import math
import re

import numpy as np

from callbacks.watching.record import Record

# Colours that colour-blind readers can distinguish, from Okabe & Ito 2008, "Color Universal Design".
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#999999"
ZERO, NOT_FINITE, MISSING = "black", "#D55E00", "#E8E8E8"
LABEL_SIZE = 8  # points
_MOST_LABELS = 40
_LONGEST_LABEL = 22
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def axes_or_new(ax=None, rows: int | None = None, size: tuple[float, float] | None = None):
    """The axes to draw on: `ax`, or new ones.

    Args:
        ax: Axes that are returned as they are, or `None`.
        rows: Number of layers or classes that new axes must have room for.
        size: Width and height of new axes in inches, in place of `rows`.
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    size = (7, height_for(rows)) if size is None and rows is not None else size
    return plt.subplots(figsize=size, layout="constrained")[1]


def height_for(rows: int) -> float:
    """Height in inches of a picture of `rows` layers or classes."""
    return min(8.0, max(3.6, 1.6 + 0.22 * rows))


def measured(record: Record, name: str, what: str, callback: str) -> np.ndarray:
    """A field of `record` in float64.

    Args:
        record: Record of a training.
        name: Name of the field.
        what: Words for the field in the error message.
        callback: Name of the callback that measures it.

    Raises:
        ValueError: If it was not measured, or no value of it is finite.
    """
    require_record(record)
    values = getattr(record, name)
    if values is None or not np.isfinite(values).any():
        received = (
            f"a record without `{name}`" if values is None else f"a record in which no value of `{name}` is finite"
        )
        raise ValueError(f"`record` must hold {what}, which the callback {callback} measures. Received: {received}")
    return values.astype(np.float64)


def require_record(record) -> None:
    """Refuse anything but a record, such as a run or a path."""
    if not isinstance(record, Record):
        raise ValueError(f"`record` must be a callbacks.Record. Received: {type(record).__name__}")


def label_layers(ax, names: list[str]) -> None:
    """Label the y axis with layers, the first on top: as many as there is room for, always the first and the last."""
    most = min(_MOST_LABELS, max(2, int(height_in_points(ax) / (1.6 * LABEL_SIZE))))
    step = -(-len(names) // most)
    ticks = np.arange(0, len(names), step)
    if len(names) - 1 - ticks[-1] >= 0.6 * step:
        ticks = np.append(ticks, len(names) - 1)
    else:
        ticks[-1] = len(names) - 1
    shortened = short_names(names)
    ax.set_yticks(ticks, [shortened[tick] for tick in ticks], fontsize=LABEL_SIZE, parse_math=False)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_ylabel("layer" if len(ticks) == len(names) else f"layer ({len(ticks)} of {len(names)} named)")


def height_in_points(ax) -> float:
    """Height of `ax` before the layout is calculated, which is accurate enough for the choice of sizes."""
    return ax.get_window_extent().height / ax.figure.dpi * 72


def width_in_points(ax) -> float:
    """Width of `ax` before the layout is calculated."""
    return ax.get_window_extent().width / ax.figure.dpi * 72


def short_names(names: list[str]) -> list[str]:
    """The names in at most 22 characters each: words are shortened from the left on, numbers identify layers and stay.

    >>> short_names(["dense_1", "stage_1_block_3_first_relu"])
    ['dense_1', 'sta_1_blo_3_first_relu']
    """
    return made_unique([_short(name) for name in names])


def made_unique(shortened: list[str]) -> list[str]:
    """The names, with their position, counted from 1, added to those that occur more than once."""
    return [
        f"{cut(name, _LONGEST_LABEL - 6)} ({place})" if shortened.count(name) > 1 else name
        for place, name in enumerate(shortened, start=1)
    ]


def _short(name: str) -> str:
    for word in re.findall(r"[A-Za-z]{4,}", name):
        if len(name) > _LONGEST_LABEL:
            name = name.replace(word, word[:3], 1)
    return cut(name, _LONGEST_LABEL)


def cut(name: str, length: int) -> str:
    """`name`, without its middle where it is longer than `length`."""
    return name if len(name) <= length else f"{name[: length // 2 - 1]}…{name[len(name) - length // 2 :]}"


def label_epochs(ax, epochs: np.ndarray) -> None:
    """Label the x axis with epochs, at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel("epoch")
    if len(epochs) <= 8:
        ax.set_xticks(epochs)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))


def decades(values: np.ndarray) -> tuple[float, float]:
    """Whole powers of ten around the positive finite ones of `values`; 0.01 and 1 if there are none."""
    positive = values[np.isfinite(values) & (values > 0)]
    if not positive.size:
        return 0.01, 1.0
    low, high = math.floor(math.log10(positive.min()) - 0.05), math.ceil(math.log10(positive.max()) + 0.05)
    return 10.0**low, 10.0**high


def heat_map(ax, positions: np.ndarray, values: np.ndarray, limits: tuple[float, float], colours, label: str):
    """Draw values of layers at `positions` as colours on a log scale.

    Zeros have the colour below the scale; infinite values the one above it, and are hatched; NaN has the colour of the
    background.

    Args:
        ax: Matplotlib axes.
        positions: Epochs or steps, ascending `(columns,)`.
        values: Values that are not negative, or NaN `(columns, layers)`.
        limits: Lowest and highest value of the scale; values beyond have the colour of the end.
        colours: Matplotlib colour map.
        label: Label of the colour bar.

    Returns:
        The colour bar.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LogNorm

    low, high = limits
    zero, infinite = values == 0, np.isinf(values)
    shown = np.where(zero, low / 2, np.where(infinite, high * 2, np.clip(values, low, high)))
    colours = colours.with_extremes(under=ZERO, over=NOT_FINITE, bad=MISSING)
    edges = _edges(positions)
    rows = np.arange(values.shape[1] + 1) - 0.5
    mesh = ax.pcolormesh(edges, rows, np.ma.masked_invalid(shown.T), norm=LogNorm(low, high), cmap=colours)
    mesh.set_rasterized(True)  # in vector formats, white lines would show between the cells
    if infinite.any():
        hatched = PolyCollection(
            _boxes(infinite, edges), facecolors="none", edgecolors="white", hatch="xxxx", linewidths=0
        )
        ax.add_collection(hatched, autolim=False)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    bar = ax.figure.colorbar(mesh, ax=ax, extend=extend[zero.any(), infinite.any()], extendfrac=0.06, aspect=25)
    bar.ax.yaxis.set_major_formatter(power_of_ten)
    bar.minorticks_off()
    bar.set_label(label)
    for there, height, text, side in ((zero, -0.075, "zero", "top"), (infinite, 1.075, "not finite", "bottom")):
        if there.any():
            bar.ax.text(0.5, height, text, transform=bar.ax.transAxes, ha="center", va=side, fontsize=LABEL_SIZE)
    return bar


def _edges(positions: np.ndarray) -> np.ndarray:
    """Borders of the columns at `positions`, halfway between neighbours."""
    if len(positions) == 1:
        return np.array([positions[0] - 0.5, positions[0] + 0.5])
    middles = (positions[1:] + positions[:-1]) / 2
    return np.array([2 * positions[0] - middles[0], *middles, 2 * positions[-1] - middles[-1]])


def _boxes(cells: np.ndarray, edges: np.ndarray) -> list[list[tuple[float, float]]]:
    """Corners of the boxes around consecutive true `cells` `(columns, layers)` of each layer."""
    boxes = []
    for row, there in enumerate(cells.T):
        borders = edges[np.flatnonzero(np.diff(there, prepend=False, append=False))]
        for left, right in borders.reshape(-1, 2):
            boxes.append([(left, row - 0.5), (right, row - 0.5), (right, row + 0.5), (left, row + 0.5)])
    return boxes


def bar_width(names: list[str]) -> float:
    """Width of the bar of a layer; without gaps for very many layers, where gaps would flicker."""
    return 0.8 if len(names) <= _MOST_LABELS else 1.0


def mark(ax, places: np.ndarray, position: float, marker: str, colour: str, label: str) -> None:
    """Draw marks for the layers at `places` on the border of the axes, for values that are not on a log scale."""
    if len(places):
        positions = np.full(len(places), position)
        ax.plot(positions, places, marker, color=colour, markersize=5, clip_on=False, zorder=3, label=label)


def unit_square(ax) -> None:
    """Let both axes reach from 0 to 1, a little beyond for lines on the border."""
    ticks = np.linspace(0, 1, 6)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=ticks, yticks=ticks, aspect="equal")


def log_x_axis(ax, low: float, high: float, label: str) -> None:
    """Make the x axis logarithmic, from `low` to `high`, with ticks at powers of ten only."""
    ax.set(xscale="log", xlim=(low, high), xlabel=label)
    ax.xaxis.set_major_formatter(power_of_ten)
    ax.minorticks_off()


def power_of_ten(value: float, _=None) -> str:
    """A number of a log scale, such as 10⁻³, in characters of the font: a formula takes ten times as long to draw."""
    return f"10{str(round(math.log10(value))).translate(_RAISED)}"


def write_title(ax, title: str, **options) -> None:
    """Write the title of `ax` just above it, at a fixed height: no upper axis has to be avoided."""
    ax.set_title(title, y=1.0, **options)


def title_and_legend(ax, title: str) -> None:
    """Write the title, and the legend between the title and the axes, where it hides nothing."""
    from matplotlib.container import BarContainer

    entries = list(zip(*ax.get_legend_handles_labels(), strict=True))
    if not entries:
        write_title(ax, title)
        return
    entries.sort(key=lambda entry: not isinstance(entry[0], BarContainer))
    widest = 28 + 0.55 * LABEL_SIZE * max(len(label) for _, label in entries)
    width = width_in_points(ax)
    columns = min(2 if len(entries) == 4 else 3, max(1, int(1.25 * width / widest)))
    lines = -(-len(entries) // columns)
    write_title(ax, title, pad=6 + 1.6 * LABEL_SIZE * lines)
    legend = ax.legend(
        *zip(*entries, strict=True), loc="lower center", bbox_to_anchor=(0.5, 1), borderaxespad=0.1, ncols=columns,
        frameon=False, fontsize=LABEL_SIZE, handlelength=1.5, columnspacing=1.2,
    )  # fmt: skip
    legend.set_in_layout(False)  # the title makes room for it


def part_of_map(name: str, start: float, end: float):
    """The colour map of matplotlib `name` between two shares of it, from 0 to 1."""
    import matplotlib
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(name, matplotlib.colormaps[name](np.linspace(start, end, 256)))
