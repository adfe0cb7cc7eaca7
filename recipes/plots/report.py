"""Pictures of what a model got right and wrong."""

import numpy as np

from recipes.metrics.single_label import ClassificationReport
from recipes.plots.axes import axes_or_new


def confusion_matrix(report: ClassificationReport, ax=None):
    """Counts, coloured by the share of the true class: mistakes of rare classes show as clearly as of common ones.

    Args:
        report: Of a classifier.
        ax: Matplotlib axes. Default: new ones.

    Returns:
        The axes.
    """
    ax = axes_or_new(ax)
    counts, names = report.confusion_matrix, report.class_names
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    step = -(-len(names) // 40)  # at most 40 names fit an axis
    ticks = range(0, len(names), step)
    longest = max(map(len, names))
    ax.set_xticks(ticks, [names[tick] for tick in ticks], rotation=90 if longest * len(names) > 40 else 0)
    ax.set_yticks(ticks, [names[tick] for tick in ticks])
    if len(names) <= 20:
        for (true, predicted), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[true, predicted] > 0.5 else "black"
                ax.text(predicted, true, f"{count:,}", ha="center", va="center", color=colour, fontsize=8)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.set_title(f"accuracy {report.accuracy:.4f} on {report.rows:,} rows")
    return ax
