"""Scores by class, the confusion matrix in counts and rates, and the pairs that are confused most."""

from typing import Any

import numpy as np

from recipes.metrics import ClassificationReport, RegressionReport
from recipes.report.charts import png
from recipes.report.charts.marks import mark
from recipes.runs.stored import Stored

_MOST_ROWS = 2_000
_MOST_WITH_RATES = 12
_MOST_IN_A_TABLE = 25
_MOST_IN_A_PICTURE = 2_000
_COLUMNS = (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1"), ("roc_auc", "ROC AUC"))


def by_class(stored: Stored) -> dict[str, Any] | None:
    """Scores of each class; of thousands, those with the lowest F1."""
    report = stored.report
    if report is None or isinstance(report, RegressionReport):
        return None
    names = list(report.class_names)
    if len(names) > _MOST_ROWS:
        names = sorted(names, key=lambda name: report.classes[name]["f1"])[:_MOST_ROWS]
    rows = []
    for name in names:
        scores, bounds = report.classes[name], report.class_intervals[name].get("f1")
        picture = mark(f"F1 {scores['f1']:.3f}", scores["f1"], bounds, (0.0, 1.0), reference=report.macro["f1"])
        rows.append({"name": name, "scores": scores, "mark": picture})
    columns = [(key, title) for key, title in _COLUMNS if any(key in row["scores"] for row in rows)]
    left_out = len(names) < len(report.class_names)
    return {"rows": rows, "columns": columns, "left_out": left_out, "confidence": report.confidence}


def confusion(stored: Stored) -> dict[str, Any] | None:
    """The confusion matrix as a table where it is small, otherwise as a picture."""
    report = stored.report
    if not isinstance(report, ClassificationReport):
        return None
    matrix, names = report.confusion_matrix, list(report.class_names)
    support = matrix.sum(axis=1)
    rates = matrix / np.where(support > 0, support, 1)[:, None]
    context = {"names": names, "pairs": report.most_confused, "rows": None, "address": None}
    if len(names) <= _MOST_IN_A_TABLE:
        counts_and_rates = zip(matrix.tolist(), rates.tolist(), strict=True)
        context["rows"] = [
            {"name": name, "whole": support[place].item(), "cells": _cells(place, *line)}
            for place, (name, line) in enumerate(zip(names, counts_and_rates, strict=True))
        ]
        context["has_rates"] = len(names) <= _MOST_WITH_RATES
    elif len(names) <= _MOST_IN_A_PICTURE:
        context["address"] = png.shades(rates)
    elif not report.most_confused:
        return None
    return context


def _cells(place: int, counts: list[float], rates: list[float]) -> list[dict[str, Any]]:
    """The cells of a row of the matrix; shades go by the square root, so that an error of a percent is visible."""
    return [
        {"count": count, "shade": round(100 * rate**0.5), "is_right": other == place}
        for other, (count, rate) in enumerate(zip(counts, rates, strict=True))
    ]
