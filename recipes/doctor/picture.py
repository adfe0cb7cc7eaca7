"""The picture of a diagnosis: the evidence of its root cause, or the course of the training."""

from recipes.doctor.finding import Finding
from recipes.doctor.seen import Seen
from recipes.plots.axes import axes_or_new


def evidence(root: Finding | None, seen: Seen, ax=None):
    """Draw what shows the root cause, or the course of the training where there is none.

    Args:
        root: Root cause; `None` for a healthy training.
        seen: Facts that it was drawn from.
        ax: Matplotlib axes. Default: new ones.

    Returns:
        The axes.
    """
    return axes_or_new(ax)
