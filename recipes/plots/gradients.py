"""Pictures of gradients and updates: do all layers learn, from the first to the last?"""

import numpy as np

from callbacks.watching.record import Record
from recipes.plots.axes import (
    BLUE,
    GREY,
    LABEL_SIZE,
    NOT_FINITE,
    ZERO,
    axes_or_new,
    bar_width,
    decades,
    heat_map,
    height_in_points,
    label_epochs,
    label_layers,
    log_x_axis,
    mark,
    measured,
    part_of_map,
    power_of_ten,
    require_record,
    short_names,
    title_and_legend,
    write_title,
)

CALLBACK = "GradientNormLogger"
# Updates change weights by about a thousandth of their size where learning rates are well chosen (Karpathy, CS231n,
# "Neural Networks Part 3: ratio of weights:updates").
USUAL_RATIO = 1e-3
_MOST_LINES = 8
_MOST_COLUMNS = 500


def gradient_norms(record: Record, ax=None, *, by: str | None = None):
    """Gradient norm of each layer over time, before clipping: a heat map on a log scale.

    A gradient of exactly zero is black; one that is not finite is hatched. Epochs in which a step was not finite are
    marked at the top.

    Args:
        record: Record with gradient norms.
        ax: Matplotlib axes. Default: new ones.
        by: Unit of the x axis: `"step"` for the traced steps, `"epoch"` for the mean of each epoch. Default: `"step"`,
            if steps were traced.

    Returns:
        The axes.

    Raises:
        ValueError: If `record` has no such gradient norms, and for an unknown `by`.
    """
    by, positions, values, names = _norms(record, by)
    group = -(-len(positions) // _MOST_COLUMNS)  # more columns than pixels would hide steps by chance
    starts = np.arange(0, len(positions), group)
    shown = np.fmax.reduceat(values, starts)
    ax = axes_or_new(ax, len(names))
    one = {"epoch": "mean of the epoch", "step": "of the step"}[by]
    kind = one if group == 1 else f"largest of {group} {by}s"
    colours = part_of_map("viridis", 0.1, 1.0)
    heat_map(ax, positions[starts], shown, decades(shown), colours, f"norm before clipping, {kind}")
    label_layers(ax, names)
    if by == "step":
        ax.set_xlabel("update")
    else:
        label_epochs(ax, positions)
        _mark_epochs_with_bad_steps(ax, record, positions)
    title_and_legend(ax, "gradient norm of each layer")
    return ax


def _mark_epochs_with_bad_steps(ax, record: Record, epochs: np.ndarray) -> None:
    if record.nonfinite_steps is None:
        return
    marked = np.intersect1d(epochs, record.epochs[record.nonfinite_steps > 0])
    if marked.size:
        label = "epoch with gradients that were not finite"
        top = np.full(marked.size, 1.0)
        ax.plot(
            marked, top, "v", color=NOT_FINITE, markersize=5, label=label, transform=ax.get_xaxis_transform(),
            clip_on=False,
        )  # fmt: skip


def gradient_flow(record: Record, ax=None, *, by: str | None = None):
    """Usual gradient norm of each layer: the median over time on a log scale, with quantiles.

    Args:
        record: Record with gradient norms.
        ax: Matplotlib axes. Default: new ones.
        by: Numbers that the quantiles are of: `"step"` for those of the traced steps, `"epoch"` for the means of
            epochs. Default: `"step"`, if steps were traced.

    Returns:
        The axes.

    Raises:
        ValueError: If `record` has no such gradient norms, and for an unknown `by`.
    """
    by, positions, values, names = _norms(record, by)
    ax = axes_or_new(ax, len(names))
    places = np.arange(len(names))
    quantiles = np.full((5, len(names)), np.nan)
    for place in places:
        column = values[np.isfinite(values[:, place]), place]
        if column.size:
            quantiles[:, place] = np.quantile(column, (0.05, 0.25, 0.5, 0.75, 0.95))
    low, high = decades(quantiles)
    log_x_axis(ax, low, high, "gradient norm, before clipping")
    label_layers(ax, names)
    lowest, lower, median, upper, highest = np.maximum(quantiles, low)
    several = len(positions) > 1
    unit = {"epoch": "epoch", "step": "traced step"}[by] + ("s" if several else "")
    amount = f"{len(positions):,} {unit}"
    ax.barh(
        places,
        median - low,
        bar_width(names),
        low,
        color=BLUE,
        alpha=0.55,
        label=f"median of {amount}" if several else amount,
    )
    if several:
        thick = min(4.0, 0.45 * height_in_points(ax) / len(names))
        ax.hlines(places, lowest, highest, color="black", linewidth=max(0.7, 0.2 * thick), label="5 to 95 %")
        ax.hlines(places, lower, upper, color="black", linewidth=thick, label="25 to 75 %")
    mark(ax, places[quantiles[2] == 0], low, "<", ZERO, "median of zero" if several else "zero")
    bad = np.isinf(values).any(axis=0)
    mark(ax, places[bad], high, "X", NOT_FINITE, f"not finite in some {unit}" if several else "not finite")
    title_and_legend(ax, "gradient flow, layer by layer")
    return ax


def update_ratio(record: Record, ax=None):
    """Relative change of each layer in an update, over the epochs; about a thousandth is usual.

    Up to eight layers are lines; more are a heat map, in which the usual ratio is white.

    Args:
        record: Record with update ratios.
        ax: Matplotlib axes. Default: new ones.

    Returns:
        The axes.

    Raises:
        ValueError: If `record` has no update ratios.
    """
    values = measured(record, "update_ratio", "update ratios", CALLBACK)
    epochs, values, names = _by_epoch(record, values)
    ax = axes_or_new(ax, len(names))
    draw = _ratio_lines if len(names) <= _MOST_LINES else _ratio_map
    draw(ax, epochs, values, names, "update norm / weight norm")
    label_epochs(ax, epochs)
    write_title(ax, "update ratio of each layer")
    return ax


def _ratio_map(ax, epochs, values, names, label) -> None:
    # With wider limits, everything but the extremes would be white.
    limits = (USUAL_RATIO / 1e3, USUAL_RATIO * 1e3)
    bar = heat_map(ax, epochs, values, limits, part_of_map("PuOr_r", 0.08, 0.92), label)
    exponents = range(-6, 1)
    bar.set_ticks([10.0**exponent for exponent in exponents], labels=[_power(exponent) for exponent in exponents])
    label_layers(ax, names)


def _ratio_lines(ax, epochs, values, names, label) -> None:
    low, high = decades(np.append(values, (USUAL_RATIO / 10, USUAL_RATIO * 10)))
    ax.axhspan(USUAL_RATIO / 10, USUAL_RATIO * 10, color=GREY, alpha=0.15, linewidth=0, label="usual: around 0.001")
    ax.axhline(USUAL_RATIO, color=GREY, linewidth=0.8)
    colours = part_of_map("viridis", 0.0, 0.9)(np.linspace(0, 1, len(names)))
    for column, name in enumerate(short_names(names)):
        ratios = values[:, column]
        line = np.where(np.isfinite(ratios), np.maximum(ratios, low), np.nan)
        style = {"color": colours[column], "marker": "osD^vP*X"[column], "markersize": 4}
        ax.plot(epochs, line, linewidth=1.2, markevery=max(1, len(epochs) // 12), label=name, **style)
    for there, height, marker, colour, what in (
        (values == 0, low, "v", ZERO, "zero"),
        (np.isinf(values), high, "X", NOT_FINITE, "not finite"),
    ):
        marked = epochs[there.any(axis=1)]
        if marked.size:
            heights = np.full(marked.size, height)
            ax.plot(marked, heights, marker, color=colour, linestyle="none", clip_on=False, zorder=3, label=what)
    ax.set(yscale="log", ylim=(low, high), ylabel=label)
    ax.yaxis.set_major_formatter(power_of_ten)
    ax.minorticks_off()  # laying them out takes a third of the time of the whole picture
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=LABEL_SIZE)


def _power(exponent: int) -> str:
    before = {-6: "≤ ", 0: "≥ "}.get(exponent, "")
    return before + power_of_ten(10.0**exponent) + (", usual" if exponent == -3 else "")


def _norms(record: Record, by: str | None):
    """The unit, "step" or "epoch"; numbers of these `(columns,)`; norms `(columns, layers)`; names of the layers."""
    if by not in (None, "step", "epoch"):
        raise ValueError(f"`by` must be 'step' or 'epoch'. Received: by={by!r}")
    require_record(record)
    traced = record.trace_gradient_norm is not None and np.isfinite(record.trace_gradient_norm).any()
    if by == "step" or (by is None and traced):
        values = measured(record, "trace_gradient_norm", "gradient norms of traced steps", CALLBACK)
        total = record.trace_total_gradient_norm
        bad = np.zeros(len(values), bool) if total is None else ~np.isfinite(total)
        values, names = _of_layers(record, values, bad)
        return "step", record.trace_step, values, names
    values = measured(record, "gradient_norm_mean", "gradient norms", CALLBACK)
    return "epoch", *_by_epoch(record, values)


def _by_epoch(record: Record, values: np.ndarray):
    """The epochs in which something was measured, `values` in them, and the names of the layers."""
    bad = np.zeros(len(values), bool) if record.nonfinite_steps is None else record.nonfinite_steps > 0
    there = bad | ~np.isnan(values).all(axis=1)
    values, names = _of_layers(record, values[there], bad[there])
    return record.epochs[there], values, names


def _of_layers(record: Record, values: np.ndarray, bad: np.ndarray):
    """The values of the layers that have any, and the names of these layers.

    A NaN becomes infinity where `bad` says that a step was not finite; elsewhere it means that nothing was measured.
    """
    there = ~np.isnan(values).all(axis=0)
    names = [name for name, kept in zip(record.layers, there, strict=True) if kept]
    values = values[:, there]
    return np.where(np.isnan(values) & bad[:, None], np.inf, values), names
