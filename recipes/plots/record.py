"""All pictures of a training's record in one figure, for the run folder."""

import numpy as np

from callbacks.watching.record import Record
from recipes.plots.activations import activation_histograms, activation_scale, dead_and_saturated
from recipes.plots.axes import height_for, require_record
from recipes.plots.gradients import gradient_flow, gradient_norms, update_ratio
from recipes.plots.layout import arrange, new_figure

# Each picture with the fields that it needs: all fields of at least one of these groups.
_NORMS = (("gradient_norm_mean",), ("trace_gradient_norm",))
_GRADIENTS = ((gradient_norms, _NORMS), (gradient_flow, _NORMS), (update_ratio, (("update_ratio",),)))
_ACTIVATIONS = (
    (activation_histograms, (("activation_histogram", "activation_range"),)),
    (activation_scale, (("activation_std", "activation_mean"),)),
    (dead_and_saturated, (("activation_dead",), ("activation_saturated",))),
)


def record_figure(record: Record):
    """The pictures that `record` has numbers for: gradients in the first row, activations in the second.

    Args:
        record: Record of a training.

    Returns:
        A matplotlib `Figure`, made without pyplot, so that it needs no window system and need not be closed. Its size
        depends on the number of layers.

    Raises:
        ValueError: If `record` has neither gradient norms nor activations.
    """
    require_record(record)
    rows = [
        [draw for draw, groups in row if any(_has(record, fields) for fields in groups)]
        for row in (_GRADIENTS, _ACTIVATIONS)
    ]
    rows = [row for row in rows if row]
    if not rows:
        raise ValueError(
            "`record` must hold gradient norms or activations, which the callbacks GradientNormLogger and "
            "ActivationStatistics measure. Received: a record without them"
        )
    columns = max(map(len, rows))
    size = (6 * columns, height_for(len(record.layers)) * len(rows))
    figure = new_figure(size)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, places in zip(rows, axes, strict=True):
        for draw, ax in zip(row, places, strict=False):
            draw(record, ax)
        for ax in places[len(row) :]:
            ax.remove()
        _name_layers_once(places[: len(row)])
    arrange(figure)
    return figure


def _name_layers_once(row) -> None:
    """Leave out the names on a y axis that are those of the axes to the left."""
    shown = None
    for ax in row:
        names = ax.get_ylabel(), [label.get_text() for label in ax.get_yticklabels()]
        if names == shown:
            ax.tick_params(axis="y", labelleft=False)
            ax.set_ylabel("")
        shown = names


def _has(record: Record, fields: tuple[str, ...]) -> bool:
    values = [getattr(record, name) for name in fields]
    return all(field is not None and np.isfinite(field).any() for field in values)
