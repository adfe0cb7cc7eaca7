"""The picture of a diagnosis: the evidence of its root cause, or the course of the training."""

import numpy as np

from recipes import plots
from recipes.arguments.names import printable
from recipes.doctor import drawings
from recipes.doctor.causes import CAUSES
from recipes.doctor.finding import Finding
from recipes.doctor.seen import Seen
from recipes.plots.axes import axes_or_new, cut, title_and_legend


def evidence(root: Finding | None, seen: Seen, ax=None):
    """Draw what shows the root cause best, or the course of the training where there is no fault.

    Args:
        root: Root cause; `None` for a healthy training.
        seen: Facts that it was drawn from.
        ax: Matplotlib axes. Default: new ones.

    Returns:
        The axes.
    """
    ax = axes_or_new(ax, size=(7.0, 4.2))
    cause = None if root is None else root.cause
    draw = next((draw for causes, has, draw in _PICTURES if cause in causes and has(seen)), None)
    if draw is not None:
        draw(seen, ax)
    elif _has_scores(seen):
        drawings.scores(seen, ax)
    elif _has_losses_by_epoch(seen):
        plots.learning_curves(seen.course.watched.history, ax, kept=seen.course.watched.kept_epoch)
        title_and_legend(ax, "loss, epoch by epoch")
    else:
        _numbers(root, ax)
    if root is not None:
        where = "" if root.layer is None else f", layer {cut(printable(root.layer), 30)}"
        ax.title.set_text(f"{root.cause}{where}\n{ax.get_title()}")
        ax.title.set_parse_math(False)
    return ax


def _gradients(seen: Seen, ax) -> None:
    plots.gradient_flow(seen.course.watched.record, ax, by="epoch")


def _activation_scale(seen: Seen, ax) -> None:
    plots.activation_scale(seen.course.watched.record, ax)


def _units(seen: Seen, ax) -> None:
    plots.dead_and_saturated(seen.course.watched.record, ax)


def _numbers(root: Finding | None, ax) -> None:
    """The evidence in words, where nothing was measured that a curve could show."""
    ax.set_axis_off()
    lines = ["no training was needed to be certain"] if root is not None else ["nothing was trained"]
    lines += [] if root is None else [cut(printable(part), 80) for part in root.evidence[:6]]
    for row, text in enumerate(lines):
        ax.text(0.02, 0.9 - 0.14 * row, text, transform=ax.transAxes, va="top", fontsize=10, parse_math=False)
    ax.set_title("" if root is None else CAUSES[root.cause])


def _has_scores(seen: Seen) -> bool:
    return seen.course is not None and bool(np.isfinite(seen.course.score).any())


def _has_losses_by_epoch(seen: Seen) -> bool:
    history = {} if seen.course is None else seen.course.watched.history
    return bool(np.isfinite(history.get("loss", np.zeros(0))).any())


def _has_losses(seen: Seen) -> bool:
    return seen.course is not None and not seen.course.is_finite and bool(np.isfinite(seen.course.losses).any())


def _has_columns(seen: Seen) -> bool:
    return seen.data is not None and bool(np.isfinite(seen.data.inputs.std).all()) and len(seen.data.inputs.std) > 0


def _has_ranges(seen: Seen) -> bool:
    has = seen.data is not None and seen.model.output_activation is not None
    return has and bool(np.isfinite([seen.data.targets.low, seen.data.targets.high]).all())


def _has_classes(seen: Seen) -> bool:
    return seen.data is not None and len(seen.data.targets.counts) > 0


def _measured(*names: str):
    """A function that tells whether one of these fields of the record was measured."""

    def has(seen: Seen) -> bool:
        fields = [] if seen.course is None else [getattr(seen.course.watched.record, name) for name in names]
        return any(field is not None and np.isfinite(field).any() for field in fields)

    return has


# Causes, whether there is what the picture shows, and the picture; the first that applies is drawn.
_PICTURES = (
    ({"input_unscaled", "constant_features"}, _has_columns, drawings.column_scales),
    ({"output_range_mismatch", "output_softmax_single_unit", "loss_task_mismatch"}, _has_ranges, drawings.ranges),
    ({"class_imbalance", "degenerate_labels", "validation_shift"}, _has_classes, drawings.class_shares),
    ({"lr_too_high", "exploding_gradient", "bad_init", "input_unscaled"}, _has_losses, drawings.losses),
    ({"bad_init"}, _measured("activation_std"), _activation_scale),
    ({"vanishing_gradient", "exploding_gradient", "bad_init"}, _measured("gradient_norm_mean"), _gradients),
    ({"dying_relu", "saturation"}, _measured("activation_dead", "activation_saturated"), _units),
)
