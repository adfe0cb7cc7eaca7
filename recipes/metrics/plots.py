"""Pictures of results. Each takes the axes to draw on, or makes some, and returns them."""

import numpy as np

from recipes.metrics.single_label import ClassificationReport


def confusion_matrix(report: ClassificationReport, ax=None):
    """Counts, coloured by the share of the true class: mistakes of rare classes show as clearly as of common ones."""
    ax = _axes(ax)
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


def learning_curves(history: dict[str, list[float]], ax=None, metric: str = "loss"):
    """`metric` on training and validation rows, epoch by epoch; the epoch of the lowest validation loss is marked."""
    ax = _axes(ax)
    epochs = range(1, len(history[metric]) + 1)
    ax.plot(epochs, history[metric], label="training")
    validation = history.get(f"val_{metric}")
    if validation:
        ax.plot(epochs, validation, label="validation")
        best = int(np.argmin(history["val_loss"]))
        ax.plot(best + 1, validation[best], "o", color="C1", label=f"kept: epoch {best + 1}, {validation[best]:.4g}")
    ax.set(xlabel="epoch", ylabel=metric.replace("_", " "))
    ax.legend()
    return ax


def _axes(ax):
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]
