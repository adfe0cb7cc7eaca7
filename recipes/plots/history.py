"""The picture of a training's history: loss and metrics, epoch by epoch."""

import numpy as np

from recipes.arguments.numbers import is_count
from recipes.plots.axes import axes_or_new, label_epochs


def learning_curves(history: dict[str, list[float]], ax=None, metric: str = "loss", *, kept: str | int | None = "best"):
    """A metric on training and validation rows, epoch by epoch; the epoch whose weights were kept is marked.

    Args:
        history: One number for each epoch, by name of the metric, as in `Run.history` or Keras's `History.history`.
        ax: Matplotlib axes. Default: new ones.
        metric: Name of the metric on training rows. The curve on validation rows is drawn if `history` has it.
        kept: Epoch whose weights the training ended with: `"best"` for that with the lowest validation loss (nothing is
            marked without such a loss), `"last"`, a number counted from 1, or `None` to mark nothing.

    Returns:
        The axes.

    Raises:
        ValueError: For an unknown `metric` or `kept`, and for curves of different lengths.
    """
    if metric not in history:
        raise ValueError(f"`metric` must be one of {', '.join(history) or '(none)'}. Received: metric={metric!r}")
    training, validation = history[metric], history.get(f"val_{metric}")
    if validation and len(validation) != len(training):
        raise ValueError(
            f"`history` must have one number for each epoch. Received: {len(training)} of {metric}, {len(validation)} "
            f"of val_{metric}"
        )
    epoch = _kept_epoch(history, len(training), kept)
    ax = axes_or_new(ax)
    epochs = np.arange(1, len(training) + 1)
    marker = "o" if len(epochs) <= 10 else None  # a single epoch makes no line
    ax.plot(epochs, training, marker=marker, markersize=3, label="training")
    if validation:
        ax.plot(epochs, validation, marker=marker, markersize=3, label="validation")
    if epoch is not None:
        value, colour = (validation[epoch - 1], "C1") if validation else (training[epoch - 1], "C0")
        ax.plot(epoch, value, "o", color=colour, label=f"kept: epoch {epoch}, {value:.4g}")
    ax.set_ylabel(metric.replace("_", " "))
    label_epochs(ax, epochs)
    ax.legend()
    return ax


def _kept_epoch(history: dict[str, list[float]], epochs: int, kept: str | int | None) -> int | None:
    if kept is None:
        return None
    if kept == "last":
        return epochs
    if kept == "best":
        losses = np.array(history.get("val_loss", ()), np.float64)
        return None if np.isnan(losses).all() else int(np.nanargmin(losses)) + 1
    if not is_count(kept) or kept > epochs:
        raise ValueError(
            f"`kept` must be 'best', 'last', an epoch from 1 to {epochs}, or None. Received: kept={kept!r}"
        )
    return int(kept)
