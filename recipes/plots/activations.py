"""Pictures of the outputs of layers: does the signal keep its scale, and do the units still respond?"""

import numpy as np

from callbacks.watching.record import Record
from recipes.plots.axes import (
    BLUE,
    LABEL_SIZE,
    MISSING,
    NOT_FINITE,
    ORANGE,
    ZERO,
    axes_or_new,
    bar_width,
    decades,
    label_layers,
    log_x_axis,
    mark,
    measured,
    require_record,
    title_and_legend,
    write_title,
)

CALLBACK = "ActivationStatistics"
NOTHING = "no finite values"
_MOST_RIDGES = 30
_COLUMNS = 300  # columns of a heat map of histograms


def activation_histograms(
    record: Record, ax=None, *, epoch: int | None = None, layer: str | None = None, scale: str = "common"
):
    """Distribution of the outputs of each layer in one epoch, or of the outputs of one layer in each epoch.

    Up to 30 distributions are ridges, one above the other; more are the rows of a heat map. The height, or colour, is
    the square root of the share of outputs, relative to the highest in its row, so that a tall peak (the zeros of a
    ReLU) leaves the rest visible.

    Args:
        record: Record with activation histograms.
        ax: Matplotlib axes. Default: new ones.
        epoch: Number of the epoch in which all layers are drawn. Default: the last one that was measured.
        layer: Name of the layer that is drawn in all epochs instead.
        scale: Range of the x axis. `"common"` is one range for all rows, in which vanishing outputs shrink to a line;
            with `"each"`, each row reaches from its lowest to its highest output, which are written beside it.

    Returns:
        The axes.

    Raises:
        ValueError: If `record` has no activation histograms, or none for this epoch or layer; if both are given; and
            for an unknown `scale`.
    """
    if scale not in ("common", "each"):
        raise ValueError(f"`scale` must be 'common' or 'each'. Received: scale={scale!r}")
    if epoch is not None and layer is not None:
        raise ValueError(f"either `epoch` or `layer` can be given. Received: epoch={epoch!r}, layer={layer!r}")
    shares = measured(record, "activation_histogram", "activation histograms", CALLBACK)
    bounds = measured(record, "activation_range", "the range of activation histograms", CALLBACK)
    there = np.isfinite(shares).all(axis=2) & np.isfinite(bounds).all(axis=2)
    if layer is None:
        place = _place_of_epoch(record, there.any(axis=1), epoch)
        chosen, shares, bounds, there = there.any(axis=0), shares[place], bounds[place], there[place]
        names = [name for name, kept in zip(record.layers, chosen, strict=True) if kept]
        title = f"outputs of each layer, {_called(record.epochs[place])}"
    else:
        place = _place_of_layer(record, there.any(axis=0), layer)
        chosen, shares, bounds, there = there.any(axis=1), shares[:, place], bounds[:, place], there[:, place]
        names = [str(number) for number in record.epochs[chosen]]
        title = f"outputs of {layer}, by epoch"
    shares, bounds = np.where(there[:, None], shares, np.nan)[chosen], np.where(there[:, None], bounds, np.nan)[chosen]
    ax = axes_or_new(ax, len(names))
    limits = np.where(np.isnan(bounds), np.nan, [0.0, 1.0]) if scale == "each" else bounds
    draw = _ridges if len(names) <= _MOST_RIDGES else _histogram_map
    draw(ax, shares, limits)
    label_layers(ax, names)
    if layer is not None:
        ax.set_ylabel("epoch")
    label = "output, from the lowest to the highest of each row" if scale == "each" else "output"
    ridges = "\n(height: root of the share, relative to the row's peak)" if draw is _ridges else ""
    ax.set_xlabel(label + ridges)
    if scale == "each":
        ax.set_xticks([])
        _write_bounds(ax, bounds)
    else:
        ax.locator_params(axis="x", nbins=6)
        ax.ticklabel_format(axis="x", scilimits=(-3, 4))
    write_title(ax, title, parse_math=False)
    return ax


def _ridges(ax, shares: np.ndarray, limits: np.ndarray) -> None:
    left, right = _span(limits)
    for row, (share, (low, high)) in enumerate(zip(shares, limits, strict=True)):
        base = row + 0.42
        ax.plot([left, right], [base, base], color="#D0D0D0", linewidth=0.6, zorder=1)
        if np.isnan(low):
            ax.text((left + right) / 2, row, NOTHING, ha="center", va="center", fontsize=LABEL_SIZE, color=NOT_FINITE)
            continue
        heights = 0.84 * np.sqrt(share / max(share.max(), np.finfo(float).tiny))
        x = np.repeat(np.linspace(low, high, len(share) + 1), 2)
        y = base - np.concatenate([[0], np.repeat(heights, 2), [0]])
        ax.fill_between(x, base, y, color=BLUE, alpha=0.45, linewidth=0)
        ax.plot(x, y, color=BLUE, linewidth=0.9)  # where the outputs vanish there is no area, but still a line
    ax.set_xlim(left, right)


def _histogram_map(ax, shares: np.ndarray, limits: np.ndarray) -> None:
    from matplotlib.colors import PowerNorm

    left, right = _span(limits)
    borders = np.linspace(left, right, _COLUMNS + 1)
    # Bins of different rows have different widths. The share of outputs below each border of the columns is exact at
    # the ends of the row's own bins, and interpolated between them.
    cells = np.stack(
        [np.diff(_below(borders, share, low, high)) for share, (low, high) in zip(shares, limits, strict=True)]
    )
    cells /= np.maximum(cells.max(axis=1, keepdims=True), np.finfo(float).tiny)
    ax.set_facecolor(MISSING)
    rows = np.arange(len(cells) + 1) - 0.5
    mesh = ax.pcolormesh(borders, rows, np.ma.masked_invalid(cells), norm=PowerNorm(0.5, 0, 1), cmap="Blues")
    mesh.set_rasterized(True)
    ax.figure.colorbar(mesh, ax=ax, label="share of the outputs, highest of the row = 1", aspect=25)


def _below(borders: np.ndarray, share: np.ndarray, low: float, high: float) -> np.ndarray:
    if low == high:
        return (borders > low).astype(float)
    return np.interp(borders, np.linspace(low, high, len(share) + 1), np.concatenate([[0], np.cumsum(share)]))


def _span(limits: np.ndarray) -> tuple[float, float]:
    """Ends of an axis: the lowest and the highest limit with a margin, also where they are equal."""
    left, right = np.nanmin(limits), np.nanmax(limits)
    margin = 0.03 * (right - left) or abs(left) or 1.0
    return left - margin, right + margin


def _write_bounds(ax, bounds: np.ndarray) -> None:
    for row in ax.get_yticks().astype(int):
        low, high = bounds[row]
        text = "" if np.isnan(low) else f"{low:.2g} to {high:.2g}"
        ax.text(1.02, row, text, transform=ax.get_yaxis_transform(), va="center", fontsize=LABEL_SIZE)


def dead_and_saturated(record: Record, ax=None, *, epoch: int | None = None):
    """Share of units that are silent for every row, and share of saturated outputs, by layer.

    A short line shows the share in the first epoch that was measured.

    Args:
        record: Record with shares of dead units or of saturated outputs.
        ax: Matplotlib axes. Default: new ones.
        epoch: Number of the epoch. Default: the last one that was measured.

    Returns:
        The axes.

    Raises:
        ValueError: If `record` has neither, or neither for this epoch.
    """
    from matplotlib.ticker import MaxNLocator

    require_record(record)
    sides = []
    for name, side, colour, label in (
        ("activation_dead", -1, BLUE, "dead units"),
        ("activation_saturated", 1, ORANGE, "saturated outputs"),
    ):
        values = getattr(record, name)
        if values is not None and np.isfinite(values).any():
            sides.append((np.where(np.isfinite(values), values, np.nan), side, colour, label))
    if len(sides) == 1:
        sides = [(sides[0][0], 1, *sides[0][2:])]
    if not sides:
        measured(record, "activation_dead", "shares of dead units or saturated outputs", CALLBACK)
    there = np.any([~np.isnan(values) for values, *_ in sides], axis=0)
    first = int(np.argmax(there.any(axis=1)))
    last = _place_of_epoch(record, there.any(axis=1), epoch)
    kept = there.any(axis=0)
    names = [name for name, has in zip(record.layers, kept, strict=True) if has]
    ax = axes_or_new(ax, len(names))
    places = np.arange(len(names))
    for values, side, colour, label in sides:
        ax.barh(places, side * values[last, kept], bar_width(names), color=colour, label=label)
        if first != last:
            start = side * values[first, kept]
            before = _called(record.epochs[first]) if values is sides[-1][0] else None
            ax.vlines(start, places - 0.4, places + 0.4, color="black", linewidth=1.2, label=before)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.xaxis.set_major_locator(MaxNLocator("auto", steps=[2.5, 5, 10]))
    ax.xaxis.set_major_formatter(lambda share, _: f"{abs(share):.0%}")
    ax.set_xlim(sides[0][1] if len(sides) == 2 else 0, 1)
    units = "share of the units (dead), of the outputs (saturated)"
    ax.set_xlabel(units if len(sides) == 2 else f"share of {sides[0][3]}")
    label_layers(ax, names)
    shown = " and ".join(label for *_, label in sides)
    title_and_legend(ax, f"{shown}, {_called(record.epochs[last])}")
    return ax


def activation_scale(record: Record, ax=None):
    """Standard deviation and absolute mean of the outputs, layer by layer, in the first and the last epoch.

    Args:
        record: Record with means and standard deviations of activations.
        ax: Matplotlib axes. Default: new ones.

    Returns:
        The axes.

    Raises:
        ValueError: If `record` has no such numbers.
    """
    deviations = measured(record, "activation_std", "standard deviations of activations", CALLBACK)
    means = np.abs(measured(record, "activation_mean", "means of activations", CALLBACK))
    there = ~np.isnan(deviations)
    measured_epochs = np.flatnonzero(there.any(axis=1))
    kept = there.any(axis=0)
    names = [name for name, has in zip(record.layers, kept, strict=True) if has]
    ax = axes_or_new(ax, len(names))
    places = np.arange(len(names))
    size = 5.0 if len(names) <= 30 else 2.5
    epochs = [(measured_epochs[0], ORANGE, 1.3 * size), (measured_epochs[-1], BLUE, size)]
    epochs = epochs if len(measured_epochs) > 1 else epochs[1:]
    chosen = [place for place, *_ in epochs]
    low, high = decades(np.concatenate([deviations[chosen], means[chosen]]))
    for values, what, style, filled in ((deviations, "standard deviation", "-", True), (means, "|mean|", ":", False)):
        for place, colour, diameter in epochs:
            row = values[place, kept]
            # Zero has no place on a log scale: it is drawn at the left border.
            shown = np.where(np.isfinite(row), np.maximum(row, low), np.nan)
            label = f"{what}, {_called(record.epochs[place])}"
            face = colour if filled else "white"
            ax.plot(
                shown, places, style, marker="o", color=colour, markersize=diameter, markerfacecolor=face,
                linewidth=1.2, label=label, clip_on=False,
            )  # fmt: skip
    last = deviations[measured_epochs[-1], kept]
    mark(ax, places[last == 0], low, "<", ZERO, "deviation of zero")
    mark(ax, places[~np.isfinite(last)], high, "X", NOT_FINITE, "not finite")
    log_x_axis(ax, low, high, "output")
    label_layers(ax, names)
    title_and_legend(ax, "scale of the outputs, layer by layer")
    return ax


def _called(epoch: int) -> str:
    return "before training" if epoch == 0 else f"epoch {epoch}"


def _place_of_epoch(record: Record, measured_there: np.ndarray, epoch: int | None) -> int:
    places = np.flatnonzero(measured_there)
    if not places.size:
        raise ValueError("`record` must hold finite values of activations. Received: none in any epoch")
    if epoch is None:
        return int(places[-1])
    known = record.epochs[places]
    if epoch not in known.tolist():
        raise ValueError(f"`epoch` must be one of those measured, {_listed(known)}. Received: epoch={epoch!r}")
    return int(places[known == epoch][0])


def _place_of_layer(record: Record, measured_there: np.ndarray, layer: str) -> int:
    known = [name for name, has in zip(record.layers, measured_there, strict=True) if has]
    if layer not in known:
        raise ValueError(f"`layer` must be one of those measured, {_listed(known)}. Received: layer={layer!r}")
    return record.layers.index(layer)


def _listed(values) -> str:
    values = [str(value) for value in values]
    return ", ".join(values if len(values) <= 12 else [*values[:6], "...", *values[-5:]])
