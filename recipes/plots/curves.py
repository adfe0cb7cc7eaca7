"""ROC and precision-recall curves of all classes, from the counts of rows by bins of their scores in a report."""

import numpy as np

from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.plots.axes import (
    BLUE,
    GREEN,
    GREY,
    LABEL_SIZE,
    NOT_FINITE,
    ORANGE,
    axes_or_new,
    height_in_points,
    unit_square,
    width_in_points,
    write_title,
)
from recipes.plots.classes import called, has_several_labels, names_of_classes, require_counts_by_score

PURPLE, SKY = "#CC79A7", "#56B4E9"  # from Okabe & Ito 2008 as well
_COLOURS = (BLUE, ORANGE, GREEN, NOT_FINITE, PURPLE, SKY)
_WORST, _BEST = (NOT_FINITE, ORANGE, PURPLE), GREEN  # colours of the named classes, where there are more than colours
_LEVELS = np.linspace(0, 1, 501)  # points of the mean curve, closer than pixels
_SIZE = (4.8, 4.8)


def roc_curves(report: ClassificationReport | MultiLabelReport, ax=None):
    """True positive rate over false positive rate of each class against the rest; for two classes, of class 1.

    Up to six classes have a colour each. Of more, thin lines show the spread, and the best and the three worst classes
    are named. The mean curve averages the true positive rates at equal false positive rates, so that its area is the
    mean area.

    Args:
        report: Report with probabilities.
        ax: Matplotlib axes. Default: new ones.

    Returns:
        The axes.

    Raises:
        ValueError: If `report` has no probabilities, or was read from a file.
    """
    scores, numbers = require_counts_by_score(report), _classes_with_curves(report)
    areas = {number: scores.ranking.roc_auc[number] for number in numbers}
    lines = {
        number: roc_points(scores.positives[number], scores.negatives[number])
        for number in numbers
        if not np.isnan(areas[number])
    }
    ax = axes_or_new(ax, size=_SIZE)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    mean = scores.mean("roc_auc")
    interval = None
    if len(numbers) == 1:
        interval = report.class_intervals[report.class_names[numbers[0]]]["roc_auc"]
    _draw(ax, report, lines, areas, mean=mean, interval=interval, kind="ROC", score="AUC")
    ax.set(xlabel="false positive rate", ylabel="true positive rate (recall)")
    return ax


def precision_recall_curves(report: ClassificationReport | MultiLabelReport, ax=None):
    """Precision over recall of each class against the rest, in steps; for two classes, of class 1.

    Classes are named and averaged as in `roc_curves`; the area is the average precision. The dashed line is the share
    of the class (for several classes, the mean share), which is the precision of guessing.

    Args:
        report: Report with probabilities.
        ax: Matplotlib axes. Default: new ones.

    Returns:
        The axes.

    Raises:
        ValueError: If `report` has no probabilities, or was read from a file.
    """
    scores, numbers = require_counts_by_score(report), _classes_with_curves(report)
    areas = {number: scores.ranking.average_precision[number] for number in numbers}
    lines = {
        number: precision_recall_points(scores.positives[number], scores.negatives[number])
        for number in numbers
        if not np.isnan(areas[number])
    }
    ax = axes_or_new(ax, size=_SIZE)
    if lines:
        hits, others = (part[list(lines)].sum(axis=1) for part in (scores.positives, scores.negatives))
        ax.axhline(np.mean(hits / (hits + others)), color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    mean = scores.mean("average_precision")
    _draw(ax, report, lines, areas, mean=mean, kind="precision-recall", score="average precision")
    ax.set(xlabel="recall", ylabel="precision")
    return ax


def roc_points(positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a ROC curve: false and true positive rates, from (0, 0) to (1, 1).

    Args:
        positives: Number of rows of the class, by bin of the score, ascending `(bins,)`.
        negatives: Number of other rows `(bins,)`.
    """
    x, y = (np.concatenate([[0.0], np.cumsum(part[::-1])]) / part.sum() for part in (negatives, positives))
    across, up = np.diff(x), np.diff(y)
    moves = np.flatnonzero((across > 0) | (up > 0))
    across, up = across[moves], up[moves]
    # Points inside of a straight line are left out.
    turns = across[:-1] * up[1:] != across[1:] * up[:-1]
    kept = np.concatenate([[0], moves[:-1][turns] + 1, [len(x) - 1]])
    return x[kept], y[kept]


def precision_recall_points(positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a precision-recall curve in steps, from recall 0 to 1; the arguments are those of `roc_points`.

    Each precision extends over the recall that its bin adds, as in the average precision.
    """
    hits, others = np.cumsum(positives[::-1]), np.cumsum(negatives[::-1])
    adds = np.flatnonzero(positives[::-1] > 0)
    of_bin, wrong_of_bin = positives[::-1][adds], negatives[::-1][adds]
    # The order of rows within a bin is unknown. As in the average precision, the middle row of the bin stands for all.
    middle = (of_bin - (1 if np.array_equal(of_bin, np.round(of_bin)) else 0)) / 2
    found, wrong = hits[adds] - middle, others[adds] - wrong_of_bin / 2
    precision = found / (found + wrong)
    steps = np.flatnonzero(np.diff(precision, append=np.nan) != 0)  # equal precisions make one step
    recall = np.concatenate([[0.0], np.repeat(hits[adds][steps] / hits[-1], 2)[:-1]])
    return recall, np.repeat(precision[steps], 2)


def _classes_with_curves(report) -> list[int]:
    """Numbers of the classes that have a curve; of two classes, the curve of one follows from that of the other."""
    several = has_several_labels(report) or len(report.class_names) != 2
    return list(range(len(report.class_names))) if several else [1]


def _draw(ax, report, lines: dict, areas: dict, *, mean: float, interval=None, kind: str, score: str) -> None:
    """Draw the curves and their legend.

    Args:
        ax: Matplotlib axes.
        report: Report with probabilities.
        lines: Corners of each curve, by number of the class.
        areas: Area under each curve, by number of the class.
        mean: Mean area.
        interval: Interval of the area of a single curve, or `None`.
        kind: Name of the curves.
        score: Name of the area.
    """
    from matplotlib.collections import LineCollection

    names = [called(name) for name in names_of_classes(report)]
    heights = np.array([np.interp(_LEVELS, *corners) for corners in lines.values()])
    ordered = sorted(lines, key=areas.get)
    if len(lines) <= len(_COLOURS):
        colours = dict(zip(lines, _COLOURS, strict=False))
    else:
        colours = {ordered[-1]: _BEST, **dict(zip(ordered, _WORST, strict=False))}
        spread = [np.column_stack(lines[number]) for number in lines if number not in colours]
        alpha = max(0.2, min(0.6, 12 / len(lines)))
        ax.add_collection(LineCollection(spread, colors=SKY, linewidths=0.8, alpha=alpha), autolim=False)
    handles, labels = [], []
    if len(lines) > 1:
        height = heights.mean(axis=0)
        start = [0.0] if kind == "ROC" else height[:1]
        x, y = np.append(0.0, _LEVELS), np.append(start, height)
        handles += ax.plot(x, y, color="black", linewidth=2, zorder=4)
        labels.append(f"{mean:.3f}  mean of {len(lines)} {'labels' if has_several_labels(report) else 'classes'}")
    for number in sorted(colours, key=areas.get, reverse=True) if len(lines) > len(_COLOURS) else colours:
        handles += ax.plot(*lines[number], color=colours[number], linewidth=1.4, zorder=3)
        known = interval is not None and not np.isnan(interval[0])
        between = f" ({interval[0]:.3f} to {interval[1]:.3f})" if known else ""
        labels.append(f"{areas[number]:.3f}{between}  {names[number]}")
    which = f" of {len(lines)} of {len(areas)} classes" if 0 < len(lines) < len(areas) else ""
    title = f"{kind} curve{'s' if len(areas) > 1 else ''}{which}"
    if handles:
        _title_and_legend(ax, title, handles, labels, score, heights)
    else:
        write_title(ax, title)
        ax.text(0.5, 0.5, "no class has rows\nbeside other rows", ha="center", va="center", color=GREY)
    unit_square(ax)
    ax.grid(color="#ECECEC", linewidth=0.7)
    ax.set_axisbelow(True)


def _title_and_legend(ax, title: str, handles: list, labels: list[str], score: str, heights: np.ndarray) -> None:
    """Write the title, and the legend in a corner without curves, or else between the title and the axes."""
    side = min(height_in_points(ax), width_in_points(ax))
    width = (40 + 0.55 * LABEL_SIZE * max(map(len, labels))) / side
    height = (20 + 1.75 * LABEL_SIZE * (len(labels) + 1)) / side
    corner = _free_corner(heights, width, height)
    style = {"fontsize": LABEL_SIZE, "handlelength": 1.4, "framealpha": 0.85, "edgecolor": "none"}
    style |= {"title": score, "title_fontsize": LABEL_SIZE}
    if corner:
        write_title(ax, title)
        _plain_legend(ax, handles, labels, loc=corner, alignment="left", **style)
        return
    lines = 1 + -(-len(labels) // 2)
    write_title(ax, title, pad=8 + 1.65 * LABEL_SIZE * lines)
    style |= {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "borderaxespad": 0.1, "ncols": 2}
    _plain_legend(ax, handles, labels, **style).set_in_layout(False)  # the title makes room for it


def _plain_legend(ax, *arguments, **options):
    """A legend in which dollar signs are not read as formulas, since its labels are names of classes."""
    legend = ax.legend(*arguments, **options)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return legend


def _free_corner(heights: np.ndarray, width: float, height: float) -> str | None:
    """Name of a corner in which a legend covers no curve; `None` if there is no such corner.

    Args:
        heights: Heights of the curves `(lines, levels)`.
        width: Width of the legend as a share of the width of the axes.
        height: Height of the legend as a share of the height of the axes.
    """
    for side, covered in (("lower", heights < height), ("upper", heights > 1 - height)):
        for end, from_end in (("right", 1 - _LEVELS), ("left", _LEVELS)):
            if not (covered & (from_end < width)).any():
                return f"{side} {end}"
    return None
