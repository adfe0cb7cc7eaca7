"""Drawings of what a diagnosis rests on, each on the axes given: scores, scales, ranges, classes, losses."""

import numpy as np

from recipes.arguments.names import printable
from recipes.doctor.seen import Seen
from recipes.doctor.text import score_name
from recipes.plots.axes import (
    BLUE,
    GREEN,
    GREY,
    LABEL_SIZE,
    NOT_FINITE,
    ORANGE,
    ZERO,
    cut,
    decades,
    label_epochs,
    title_and_legend,
)

PURPLE = "#CC79A7"  # of the same colours as those of recipes.plots.axes
HEALTHY_SCALE = 0.1, 10.0  # standard deviations of columns that a training copes with
_MOST_BARS = 40
# Values that an activation can give, of those whose outputs are bounded on a side.
_REACHED = {
    "sigmoid": (0.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, np.inf),
    "exponential": (0.0, np.inf),
    "elu": (-1.0, np.inf),
    "selu": (-1.758, np.inf),
}


def scores(seen: Seen, ax) -> None:
    """Scores of the training by epoch, those of trials, and what simple models and chance reach."""
    course, name = seen.course, score_name(seen)
    rows = "held-out rows" if seen.data is None or seen.data.validation_rows else "training rows"
    lines = [(course.score, rows, BLUE, "-", 1.8)]
    if rows != "training rows":
        lines.insert(0, (course.train_score, "training rows", ORANGE, "-", 1.4))
    styles = ("--", ":", "-.")
    for number, (change, trial) in enumerate(sorted(seen.trials.items())):
        lines.append((trial.score, f"trial: {cut(printable(change), 30)}", PURPLE, styles[number % 3], 1.2))
    lowest, last = 0.0, 1
    for values, label, colour, style, width in lines:
        epochs = np.arange(len(values))
        there = np.isfinite(values)
        if there.any():
            marker = {"marker": "o", "markersize": 3} if there.sum() <= 10 else {}
            ax.plot(epochs[there], values[there], style, color=colour, linewidth=width, label=label, **marker)
            lowest, last = min(lowest, values[there].min()), max(last, len(values) - 1)
    for value, label, colour in _yardsticks(seen):
        ax.axhline(value, color=colour, linestyle=(0, (4, 2)), linewidth=1.2, label=label)
    # Far below 0, R2 says no more than that the constant prediction is better.
    ax.set_ylim(max(lowest, -1.0) - 0.04, 1.04)
    ax.set_ylabel(name if lowest >= -1 else f"{name}, from -1 on")
    label_epochs(ax, np.arange(last + 1))
    title_and_legend(ax, f"{name}, epoch by epoch")


def _yardsticks(seen: Seen) -> list[tuple[float, str, str]]:
    """Scores to compare with, as value, label and colour."""
    reference = seen.reference
    if reference is None:
        return []
    simple = [score for score in (reference.linear, reference.trees) if np.isfinite(score)]
    values = [(reference.chance, "best constant prediction", GREY)]
    values += [(max(simple), "simple models", GREEN)] if simple else []
    return [(max(value, -1.0), label, colour) for value, label, colour in values if np.isfinite(value)]


def column_scales(seen: Seen, ax) -> None:
    """Standard deviation and absolute mean of each input column, on a log scale, with the scales that do no harm."""
    spread, offset = seen.data.inputs.std.astype(np.float64), np.abs(seen.data.inputs.mean).astype(np.float64)
    low, high = decades(np.concatenate([spread, offset, np.array(HEALTHY_SCALE)]))
    ax.axhspan(*HEALTHY_SCALE, color=GREEN, alpha=0.15, linewidth=0, label="scale that does no harm")
    count = len(spread)
    if count <= _MOST_BARS:
        places = np.arange(1, count + 1)
        ax.bar(places, np.maximum(spread, low) - low, 0.8, low, color=BLUE, label="standard deviation")
        ax.plot(places, np.maximum(offset, low), "o", color=ORANGE, markersize=4, label="|mean|")
        ax.plot(places[spread == 0], spread[spread == 0] + low, "^", color=ZERO, markersize=5, label="constant")
        ax.set_xlim(0.4, count + 0.6)
        _whole_numbers(ax)
        ax.set_xlabel("input column")
    else:
        # Sorted, since more bars than pixels would hide columns by chance.
        share = (np.arange(count) + 0.5) / count
        ax.fill_between(
            share, low, np.maximum(np.sort(spread), low), color=BLUE, linewidth=0, label="standard deviation"
        )
        ax.plot(share, np.maximum(np.sort(offset), low), color=ORANGE, label="|mean|")
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        ax.set_xlabel(f"share of the {count:,} input columns, each curve sorted")
    ax.set(yscale="log", ylim=(low, high), ylabel="value in units of the input")
    title_and_legend(ax, "scale of the input columns")


def ranges(seen: Seen, ax) -> None:
    """Range of the targets beside that of the outputs."""
    targets = seen.data.targets
    low, high = reached_by(seen.model.output_activation, seen.model.units)
    finite = [value for value in (low, high, targets.low, targets.high) if np.isfinite(value)]
    margin = 0.15 * (max(finite) - min(finite)) or 1.0
    left, right = min(finite) - margin, max(finite) + margin
    what = printable(seen.model.output_activation, 20)
    for place, (start, end), colour in ((1, (targets.low, targets.high), ORANGE), (0, (low, high), BLUE)):
        start, end = max(start, left), min(end, right)
        if start == end:
            ax.plot(start, place, "D", color=colour, markersize=9)
        else:
            ax.barh(place, end - start, 0.5, start, color=colour)
    ax.set_yticks([0, 1], [f"outputs\n({what})", "targets"], parse_math=False)
    ax.set(xlim=(left, right), ylim=(-0.6, 1.6), xlabel="value")
    for value, is_left in ((low, True), (high, False)):
        if np.isinf(value):
            ax.text(left if is_left else right, 0, " … " if is_left else "… ", va="center", color="white", fontsize=14,
                    ha="left" if is_left else "right")  # fmt: skip
    ax.set_title("what the outputs can reach, and where the targets lie")


def reached_by(activation: str | None, units: int) -> tuple[float, float]:
    """Lowest and highest output of an activation; without bounds where the activation has none, or is not known.

    Args:
        activation: Name of the activation in lower case.
        units: Number of outputs, since a softmax over one gives 1 alone.
    """
    name = (activation or "").replace("_", "")
    return (1.0, 1.0) if (name, units) == ("softmax", 1) else _REACHED.get(name, (-np.inf, np.inf))


def class_shares(seen: Seen, ax) -> None:
    """Share of each class in the training rows, and in the validation rows."""
    parts = [(seen.data.targets, "training rows", BLUE)]
    if seen.data.validation_targets is not None and len(seen.data.validation_targets.counts):
        parts.append((seen.data.validation_targets, "validation rows", ORANGE))
    width, most = 0.8 / len(parts), 0
    for number, (targets, label, colour) in enumerate(parts):
        counts = targets.counts[:_MOST_BARS]
        shares = counts / max(targets.counts.sum(), 1)
        places = np.arange(len(shares)) + width * (number - (len(parts) - 1) / 2)
        ax.bar(places, shares, width, color=colour, label=f"{targets.counts.sum():,} {label}")
        if len(parts) == 1 and len(counts) <= 12:
            for place, share, count in zip(places, shares, counts, strict=True):
                ax.annotate(f"{count:,}", (place, share), (0, 2), textcoords="offset points", ha="center",
                            fontsize=LABEL_SIZE)  # fmt: skip
        most = max(most, len(shares))
    ax.set_xlim(-0.6, most - 0.4)
    ax.margins(y=0.1)
    _whole_numbers(ax)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    left_out = len(seen.data.targets.counts) - _MOST_BARS
    ax.set_xlabel("class" if left_out <= 0 else f"class, the first {_MOST_BARS}")
    ax.set_ylabel("share of the rows")
    title_and_legend(ax, "rows of each class")


def losses(seen: Seen, ax) -> None:
    """Training loss before the first step and of each epoch, up to the first that is not finite."""
    values = np.asarray(seen.course.losses, np.float64)
    epochs, there = np.arange(len(values)), np.isfinite(values)
    marker = {"marker": "o", "markersize": 3} if there.sum() <= 30 else {}
    ax.plot(epochs[there], values[there], color=BLUE, label="training loss", **marker)
    if there.any() and values[there].min() > 0 and values[there].max() > 100 * values[there].min():
        ax.set_yscale("log")
    if not there.all():
        ax.axvline(epochs[~there][0], color=NOT_FINITE, label=f"epoch {epochs[~there][0]}: not finite")
    ax.set(xlabel="epoch", ylabel="loss")
    _whole_numbers(ax)
    title_and_legend(ax, "training loss")


def _whole_numbers(ax) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
