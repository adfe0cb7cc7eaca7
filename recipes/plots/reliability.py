"""The reliability diagram: whether predictions with a probability of 80 % are right in 80 of 100 rows."""

import numpy as np

from recipes.metrics.classes.calibration import BINS
from recipes.metrics.classes.intervals import wilson
from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.plots.axes import BLUE, GREY, axes_or_new, title_and_legend, unit_square
from recipes.plots.classes import called, has_several_labels, names_of_classes, require_probabilities

BIN_KINDS = ("width", "mass")


def reliability(report: ClassificationReport | MultiLabelReport, ax=None, *, bins: str = "width"):
    """Observed frequency over predicted probability in 15 bins, each with its interval.

    Points below the diagonal mean that the model is overconfident. For two classes, the probability is that of class 1;
    for more, that of the predicted class; for multi-label reports, that of all labels together.

    Args:
        report: Report with probabilities.
        ax: Matplotlib axes. Default: new ones.
        bins: Kind of bins. `"width"`: bins of equal width, with grey bars for their shares of the rows. `"mass"`: bins
            of nearly equal numbers of rows, which show more if most probabilities are near 0 or 1. Default: `"width"`.

    Returns:
        The axes.

    Raises:
        ValueError: If `report` has no probabilities, for unknown `bins`, and for `"mass"` of a report that was read
            from a file.
    """
    scores = require_probabilities(report)
    if bins not in BIN_KINDS:
        raise ValueError(f"`bins` must be 'width' or 'mass'. Received: bins={bins!r}")
    curve = scores.calibration if bins == "width" else scores.equal_mass_calibration
    if not len(curve.weight):
        raise ValueError("`bins` must be 'width' for a report that was read from a file. Received: bins='mass'")
    ax = axes_or_new(ax, size=(4.8, 4.8))
    if bins == "width":
        edges = np.linspace(0, 1, BINS + 1)
        ax.bar(edges[:-1], curve.weight, 1 / BINS, align="edge", color="#E2E2E2", edgecolor="white", linewidth=0.5,
               label="share of the rows")  # fmt: skip
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    filled = curve.weight > 0
    predicted, observed = curve.confidence[filled], curve.outcome[filled]
    low, high = wilson(observed, curve.weight[filled] * curve.rows, report.confidence)
    ax.vlines(
        predicted, low, high, color=BLUE, linewidth=1.2, alpha=0.6, label=f"{100 * report.confidence:g} % interval"
    )
    ax.plot(predicted, observed, color=BLUE, marker="o", markersize=4, linewidth=1.2, label="observed")
    if has_several_labels(report):
        x, y = "probability of a label", "share of the rows that have it"
    elif len(report.class_names) == 2:
        name = called(names_of_classes(report)[1])
        x, y = f"probability of {name}", f"share of the rows that are {name}"
    else:
        x, y = "probability of the predicted class", "share of the rows that are of this class"
    ax.set_xlabel(x, parse_math=False)
    ax.set_ylabel(y, parse_math=False)
    unit_square(ax)
    title_and_legend(ax, f"reliability: expected error {curve.expected_error:.3f}, by chance {curve.chance_error:.3f}")
    return ax
