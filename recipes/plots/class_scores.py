"""One score of every class with its interval: which classes are difficult, and which have too few rows to know."""

import numpy as np

from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.plots.axes import BLUE, GREY, LABEL_SIZE, axes_or_new, height_in_points, title_and_legend
from recipes.plots.classes import names_of_classes, require_classes, require_probabilities

# Title of each score, and the reason why a class may have no value.
SCORES = {
    "precision": ("precision", "never predicted"),
    "recall": ("recall", "no rows"),
    "f1": ("F1", "no rows, never predicted"),
    "accuracy": ("accuracy", "no rows"),
    "specificity": ("specificity", "no other rows"),
    "roc_auc": ("ROC AUC", "no rows, or no others"),
    "average_precision": ("average precision", "no rows"),
}
ORDERS = (None, "class", "score")
MOST_IN_ORDER = 20  # most classes that stay in their order by default
MOST_ROWS = 40
_LOWEST, _HIGHEST = 25, 10  # numbers of named classes, where there are more classes than rows


def class_scores(
    report: ClassificationReport | MultiLabelReport, ax=None, *, score: str = "recall", order: str | None = None
):
    """A score of each class as a dot with its interval, and the mean over the classes with a value as a line.

    Of more than 40 classes in the order of the score, the 25 lowest and the 10 highest are named, and one row shows the
    range and the median of all classes between them. A class without a value shows the reason.

    Args:
        report: Report of a classifier.
        ax: Matplotlib axes. Default: new ones, as high as the classes need.
        score: Score to draw: `"precision"`, `"recall"`, `"f1"`, `"accuracy"` (this class against the rest),
            `"specificity"`, or, from probabilities, `"roc_auc"` or `"average_precision"` (which has no interval).
        order: Order of the classes: `"class"` for that of the report, `"score"` for the lowest score on top. Default:
            `"class"` for up to 20 classes, `"score"` for more.

    Returns:
        The axes.

    Raises:
        ValueError: For an unknown `score` or `order`, and if `score` needs probabilities that `report` does not have.
    """
    require_classes(report)
    if score not in SCORES:
        raise ValueError(f"`score` must be one of {', '.join(SCORES)}. Received: score={score!r}")
    if order not in ORDERS:
        raise ValueError(f"`order` must be 'class', 'score' or None. Received: order={order!r}")
    if score in ("roc_auc", "average_precision"):
        require_probabilities(report)
    values, low, high = _values(report, score)
    if order is None:
        order = "class" if len(values) <= MOST_IN_ORDER else "score"
    # `argsort` puts NaN last.
    chosen = np.arange(len(values)) if order == "class" else np.argsort(values, kind="stable")
    between = []
    if order == "score" and len(chosen) > MOST_ROWS:
        known = chosen[~np.isnan(values[chosen])]
        if len(known) > _LOWEST + _HIGHEST + 1:
            between = known[_LOWEST:-_HIGHEST]
            chosen = np.concatenate([known[:_LOWEST], known[-_HIGHEST:]])
    places = np.arange(len(chosen)) + (np.arange(len(chosen)) >= _LOWEST if len(between) else 0)
    rows = len(chosen) + (len(between) > 0)
    ax = axes_or_new(ax, rows)
    title, reason = SCORES[score]
    size = min(5.0, 0.7 * height_in_points(ax) / rows)
    ax.hlines(places, low[chosen], high[chosen], color=BLUE, linewidth=max(0.8, size / 3), alpha=0.55,
              label=f"{100 * report.confidence:g} % interval")  # fmt: skip
    ax.plot(values[chosen], places, "o", color=BLUE, markersize=size, clip_on=False, zorder=3)
    mean = np.nanmean(values) if not np.isnan(values).all() else np.nan
    ax.axvline(mean, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1, label=f"mean {mean:.3f}")
    least = np.nanmin([*low[chosen], *values[chosen], 1.0])
    left = 0.0 if least < 0.4 else np.floor(10 * least - 0.2) / 10
    ax.set_xlim(left - 0.01 * (1 - left), 1)
    for place in places[np.isnan(values[chosen])]:
        ax.text(0.01, place, reason, transform=ax.get_yaxis_transform(), va="center", fontsize=LABEL_SIZE, color=GREY)
    if len(between):
        part = values[between]
        ax.hlines(_LOWEST, part[0], part[-1], color=GREY, linewidth=2 * size, alpha=0.45)
        ax.plot(np.median(part), _LOWEST, "o", color=GREY, markersize=size, clip_on=False, zorder=3)
    _label(ax, report, chosen, places, len(between))
    missing = int(np.isnan(values).sum()) if len(between) else 0
    left_out = f" ({missing} without a value left out)" if missing else ""
    kind = "class" if isinstance(report, ClassificationReport) else "label"
    title_and_legend(ax, f"{title} by {kind}{left_out}")
    ax.set_xlabel(title)
    ax.locator_params(axis="x", nbins=6)
    ax.grid(axis="x", color="#ECECEC", linewidth=0.7)
    ax.set_axisbelow(True)
    return ax


def _values(report, score: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The score of each class and the bounds of its interval; NaN where there is none."""
    values = np.array([scores[score] for scores in report.classes.values()], np.float64)
    nothing = (np.nan, np.nan)
    bounds = [report.class_intervals[name].get(score, nothing) for name in report.class_names]
    low, high = np.array(bounds, np.float64).T
    if score in ("precision", "recall", "f1"):
        values = np.where(np.isnan(low), np.nan, values)  # the report has 0 there, for its means
    return values, low, high


def _label(ax, report, chosen: np.ndarray, places: np.ndarray, between: int) -> None:
    """Label the y axis with classes and their numbers of rows, as many as there is room for."""
    names = names_of_classes(report)
    support = [scores["support"] for scores in report.classes.values()]
    labels = [f"{names[number]}  ({support[number]:,.6g})" for number in chosen]
    rows = len(chosen) + (between > 0)
    step = max(1, int(np.ceil(1.25 * LABEL_SIZE * rows / height_in_points(ax))))
    ticks = dict(list(zip(places.tolist(), labels, strict=True))[::step])
    if between:
        ticks[_LOWEST] = f"{between} classes between"
    ax.set_yticks(list(ticks), list(ticks.values()), fontsize=LABEL_SIZE, parse_math=False)
    ax.set_ylim(rows - 0.4, -0.6)
    kind = "class" if isinstance(report, ClassificationReport) else "label"
    ax.set_ylabel(f"{kind} (and its rows)" if step == 1 else f"{kind} (and its rows), {len(ticks)} of {rows} named")
