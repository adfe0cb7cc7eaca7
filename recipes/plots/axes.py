"""What all pictures share: axes where none are given, layers from top to bottom, colours, and zeros on log scales."""

import math
import re

import numpy as np

from callbacks.record import Record

# Of Okabe & Ito 2008, "Color Universal Design": told apart by colour-blind readers, too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#999999"
ZERO, NOT_FINITE, MISSING = "black", "#D55E00", "#E8E8E8"
LABEL_SIZE = 8  # points
_MOST_LABELS = 40
_LONGEST_LABEL = 22


def axes_or_new(ax=None, rows: int | None = None):
    """`ax`, or new axes, as high as `rows` layers need."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    size = None if rows is None else (7, height_for(rows))
    return plt.subplots(figsize=size, layout="constrained")[1]


def height_for(rows: int) -> float:
    """Inches for a picture of so many layers."""
    return min(8.0, max(3.2, 1.6 + 0.22 * rows))


def measured(record: Record, name: str, what: str, callback: str) -> np.ndarray:
    """The field `name` of `record` in float64.

    Raises:
        ValueError: If nobody measured it, with the `callback` that does.
    """
    if not isinstance(record, Record):
        raise ValueError(f"`record` must be a Record of a training. Received: {type(record).__name__}")
    values = getattr(record, name)
    if values is None or np.isnan(values).all():
        received = f"a record without `{name}`" if values is None else f"a record in which all of `{name}` is NaN"
        raise ValueError(f"`record` must hold {what}, which the callback {callback} measures. Received: {received}")
    return values.astype(np.float64)


def label_layers(ax, names: list[str]) -> None:
    """Layers on the y axis, the first on top; as many are named as there is room for, first and last among them."""
    points = ax.get_window_extent().height / ax.figure.dpi * 72
    most = min(len(names), _MOST_LABELS, max(2, int(points / (1.4 * LABEL_SIZE))))
    ticks = np.unique(np.linspace(0, len(names) - 1, most).round().astype(int))
    shortened = short_names(names)
    ax.set_yticks(ticks, [shortened[tick] for tick in ticks], fontsize=LABEL_SIZE, parse_math=False)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_ylabel("layer" if len(ticks) == len(names) else f"layer ({len(ticks)} of {len(names)} named)")


def short_names(names: list[str]) -> list[str]:
    """`names` of at most 22 characters: words are cut from the left on, and numbers stay, since they tell layers apart.

    >>> short_names(["dense_1", "stage_1_block_3_first_relu"])
    ['dense_1', 'sta_1_blo_3_first_relu']
    """
    shortened = [_short(name) for name in names]
    return [
        f"{_cut(name, _LONGEST_LABEL - 6)} ({place})" if shortened.count(name) > 1 else name
        for place, name in enumerate(shortened, start=1)
    ]


def _short(name: str) -> str:
    for word in re.findall(r"[A-Za-z]{4,}", name):
        if len(name) > _LONGEST_LABEL:
            name = name.replace(word, word[:3], 1)
    return _cut(name, _LONGEST_LABEL)


def _cut(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length // 2 - 1]}…{name[len(name) - length // 2 :]}"


def label_epochs(ax, epochs: np.ndarray) -> None:
    """Epochs on the x axis, at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel("epoch")
    if len(epochs) <= 8:
        ax.set_xticks(epochs)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def decades(values: np.ndarray) -> tuple[float, float]:
    """Whole powers of ten around the positive finite `values`, whatever else there is."""
    positive = values[np.isfinite(values) & (values > 0)]
    if not positive.size:
        return 0.1, 1.0
    low, high = math.floor(math.log10(positive.min()) - 0.05), math.ceil(math.log10(positive.max()) + 0.05)
    return 10.0**low, 10.0**high


def heat_map(ax, positions: np.ndarray, values: np.ndarray, limits: tuple[float, float], colours, label: str):
    """Layers x `positions`, coloured on a log scale.

    Zeros take the colour below the scale; infinite values that above it, and are hatched; where there is nothing (NaN),
    the background is seen.

    Args:
        ax: Axes.
        positions: Epochs or steps, ascending `(columns,)`.
        values: Not negative `(columns, layers)`.
        limits: Of the colours; what lies beyond takes the colour of the end.
        colours: A matplotlib colour map.
        label: Of the colour bar.

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
    bar.set_label(label)
    for there, height, text, side in ((zero, -0.075, "zero", "top"), (infinite, 1.075, "not finite", "bottom")):
        if there.any():
            bar.ax.text(0.5, height, text, transform=bar.ax.transAxes, ha="center", va=side, fontsize=LABEL_SIZE)
    return bar


def _edges(positions: np.ndarray) -> np.ndarray:
    """Borders of the columns around `positions`: halfway between neighbours."""
    if len(positions) == 1:
        return np.array([positions[0] - 0.5, positions[0] + 0.5])
    middles = (positions[1:] + positions[:-1]) / 2
    return np.array([2 * positions[0] - middles[0], *middles, 2 * positions[-1] - middles[-1]])


def _boxes(cells: np.ndarray, edges: np.ndarray) -> list[list[tuple[float, float]]]:
    """Corners around the runs of true `cells` `(columns, layers)`."""
    boxes = []
    for row, there in enumerate(cells.T):
        borders = edges[np.flatnonzero(np.diff(there, prepend=False, append=False))]
        for left, right in borders.reshape(-1, 2):
            boxes.append([(left, row - 0.5), (right, row - 0.5), (right, row + 0.5), (left, row + 0.5)])
    return boxes


def title_and_legend(ax, title: str, columns: int = 3) -> None:
    """The title, and below it, above the axes, what the colours mean: there it hides nothing."""
    handles, labels = ax.get_legend_handles_labels()
    lines = -(-len(handles) // columns)
    ax.set_title(title, pad=6 + 1.6 * LABEL_SIZE * lines)
    if handles:
        ax.legend(
            handles, labels, loc="lower center", bbox_to_anchor=(0.5, 1), borderaxespad=0.1, ncols=min(columns, len(handles)),
            frameon=False, fontsize=LABEL_SIZE, handlelength=1.5, columnspacing=1.2,
        )  # fmt: skip


def part_of_map(name: str, start: float, end: float):
    """The colours of matplotlib's map `name` between two shares of it."""
    import matplotlib
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(name, matplotlib.colormaps[name](np.linspace(start, end, 256)))
