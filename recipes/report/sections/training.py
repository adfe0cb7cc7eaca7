"""The course of the training: learning curves, the learning rate, and what was measured in each layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from callbacks.watching.record import Record
from recipes.report.charts.curves import curves, is_logarithmic, small_curve
from recipes.report.charts.scale import finite
from recipes.report.subjects import part
from recipes.runs.stored import Stored

# An update of about a thousandth of the weights is healthy (Karpathy 2015, CS231n, "Ratio of weights:updates").
HEALTHY_RATIO = (1e-4, 1e-2)
_RATE = "learning_rate"
_MOST_CHARTS = 6
_MOST_LAYERS = 60
_LAYER_FIELDS = (
    # Field of the record, title, and whether the scale may be logarithmic.
    ("gradient_norm_mean", "gradient norm", True),
    ("update_ratio", "update ratio", True),
    ("activation_std", "spread of outputs", True),
    ("activation_dead", "silent units", False),
    ("activation_saturated", "saturated outputs", False),
)


def learning_curves(stored: Stored) -> dict[str, Any] | None:
    """A chart for the loss and each metric that was validated, and one for the learning rate."""
    history = part(stored, "history")
    if not history or not next(iter(history.values())):
        return None
    epochs = list(range(1, len(next(iter(history.values()))) + 1))
    validated = [name for name in history if f"val_{name}" in history] or [
        name for name in ("loss",) if name in history
    ]
    shown = sorted(validated, key=lambda name: name != "loss")[:_MOST_CHARTS]
    kept = part(stored, "kept_epoch")
    charts = [_chart(name, epochs, history, kept) for name in shown]
    if _RATE in history:
        picture = curves(
            "Learning rate by epoch", epochs, {"rate": history[_RATE]}, part(stored, "kept_epoch"), height=130
        )
        charts.append(_described("learning rate", [history[_RATE]], picture, keys=()))
    if not charts:
        return None
    reason = (part(stored, "versions") or {}).get("kept_reason")
    return {"charts": charts, "kept": kept, "epochs": len(epochs), "reason": reason or None}


def loss_chart(history: dict[str, list[float]], kept: int | None) -> dict[str, Any] | None:
    """Chart of the loss by epoch; `None` where it is not known."""
    if not history.get("loss"):
        return None
    return _chart("loss", list(range(1, len(history["loss"]) + 1)), history, kept)


def _chart(metric: str, epochs: list[int], history: dict[str, list[float]], kept: int | None) -> dict[str, Any]:
    lines = {"training": history[metric]}
    if f"val_{metric}" in history:
        lines["validation"] = history[f"val_{metric}"]
    title = metric.replace("_", " ")
    picture = curves(f"{title} by epoch, for {' and '.join(lines)} rows", epochs, lines, kept)
    return _described(title, list(lines.values()), picture, keys=tuple(lines))


def _described(title: str, values: list[Sequence[float]], picture, keys: tuple[str, ...]) -> dict[str, Any]:
    return {"title": title, "picture": picture, "keys": keys, "logarithmic": is_logarithmic(values)}


def layers(stored: Stored) -> dict[str, Any] | None:
    """Gradient norms, update ratios and activations of each layer as small multiples, one scale for each column."""
    record = part(stored, "record")
    if record is None or not len(record.epochs):
        return None
    columns = [
        _column(record, field, title, may_be_logarithmic)
        for field, title, may_be_logarithmic in _LAYER_FIELDS
        if _is_measured(record, field)
    ]
    if not columns:
        return None
    places = [place for place in range(len(record.layers)) if any(column["cells"][place] for column in columns)]
    rows = [
        {"layer": record.layers[place], "cells": [column["cells"][place] for column in columns]}
        for place in places[:_MOST_LAYERS]
    ]
    return {
        "columns": columns,
        "rows": rows,
        "more": len(places) > _MOST_LAYERS,
        "has_band": any(column["field"] == "update_ratio" for column in columns),
        "total": _total(record),
    }


def _is_measured(record: Record, field: str) -> bool:
    values = getattr(record, field)
    return values is not None and bool(np.isfinite(values).any())


def _column(record: Record, field: str, title: str, may_be_logarithmic: bool) -> dict[str, Any]:
    """The cells of a column: a small curve and the last value for each layer, `None` where nothing was measured."""
    by_layer = getattr(record, field).astype(np.float64).T.tolist()
    known = finite(value for values in by_layer for value in values)
    logarithmic = may_be_logarithmic and is_logarithmic([finite(known, positive=True)])
    band = HEALTHY_RATIO if field == "update_ratio" else None
    logarithmic = logarithmic or band is not None
    known = [*finite(known, positive=logarithmic), *(band or ())] or [1.0]
    limits = (min(known), max(known)) if logarithmic else (0.0, max(*known, 1e-9))
    cells = []
    for layer, values in zip(record.layers, by_layer, strict=True):
        measured = finite(values)
        if not measured:
            cells.append(None)
            continue
        picture = small_curve(f"{title} of the layer {layer} by epoch", values, limits, logarithmic, band)
        # The last epochs of a falling learning rate are below it: what counts is the larger part of the training.
        side = "" if band is None else _side_of(band, float(np.median(measured)))
        cells.append({"picture": picture, "last": measured[-1], "side": side})
    form = "percent" if field in ("activation_dead", "activation_saturated") else "short"
    return {"field": field, "title": title, "cells": cells, "form": form, "logarithmic": logarithmic}


def _side_of(band: tuple[float, float], value: float) -> str:
    """Where a value lies beside a band; empty for one within it."""
    return "below the band" if value < band[0] else "above the band" if value > band[1] else ""


def _total(record: Record) -> dict[str, Any] | None:
    """Chart of the gradient norm of all layers together."""
    if not _is_measured(record, "total_gradient_norm_mean"):
        return None
    values = record.total_gradient_norm_mean.astype(np.float64)
    known = np.flatnonzero(np.isfinite(values))
    epochs = record.epochs[known[0] :].tolist()
    lines = {"training": values[known[0] :].tolist()}
    picture = curves("Gradient norm of all layers together by epoch", epochs, lines, height=150)
    return _described("gradient norm of all layers", list(lines.values()), picture, keys=())
