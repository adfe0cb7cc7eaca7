"""What the columns of a table tell: groups of rows, the importance of each column, and the data themselves."""

from typing import Any

from recipes.metrics import RegressionReport
from recipes.report.charts.marks import limits_of, mark
from recipes.report.numbers import FORMS
from recipes.report.subjects import basis_of, part, subject
from recipes.runs.stored import Stored

_PARTS = ("train", "validation", "test")
_MOST_COLUMNS = 5_000


def groups(stored: Stored) -> dict[str, Any] | None:
    """Score by the values of each categorical column, the worst first."""
    found = subject(stored, "groups")
    if not found:
        return None
    is_regression = isinstance(stored.report, RegressionReport)
    overall = stored.report.mae if is_regression else stored.report.accuracy
    limits = limits_of([overall, *_values(found, "score")])
    rows = [
        {**group, "mark": _mark(f"{group['column']} {group['value']}", group, "score", limits, overall)}
        for group in found
    ]
    basis = basis_of(stored, "groups")
    title = basis.get("score", "mean absolute error" if is_regression else "accuracy")
    form = "score" if is_regression else "percent"
    return {"rows": rows, "overall": overall, "title": title, "form": form, "fewest": basis.get("fewest_rows")}


def importance(stored: Stored) -> dict[str, Any] | None:
    """How much the score drops when the values of a column are shuffled, the most important first."""
    found = subject(stored, "importance")
    if not found:
        return None
    limits = limits_of(_values(found, "drop"), least=0.0)
    rows = [{**column, "mark": _mark(column["column"], column, "drop", limits, 0.0)} for column in found]
    basis = basis_of(stored, "importance")
    is_r2 = isinstance(stored.report, RegressionReport)
    return {"rows": rows, "title": "R²" if is_r2 else "the accuracy", "basis": basis}


def _values(found: list[dict], key: str) -> list[float]:
    """Scores and bounds of their intervals."""
    return [value for entry in found for value in (entry[key], *(entry["interval"] or ()))]


def _mark(what: str, entry: dict, key: str, limits: tuple[float, float], reference: float):
    return mark(f"{what}: {FORMS['score'](entry[key])}", entry[key], entry["interval"], limits, reference)


def data(stored: Stored) -> dict[str, Any] | None:
    """The data: size of each part, columns, and rows that are in more than one part."""
    found = subject(stored, "data") or {}
    fingerprint, recipe = part(stored, "fingerprint"), part(stored, "recipe")
    sizes = found.get("parts") or (fingerprint.rows if fingerprint is not None else {})
    if not found and not sizes and recipe is None:
        return None
    columns = found.get("columns", ())
    return {
        "name": None if recipe is None else recipe.data.name,
        "parts": [(name, sizes[name]) for name in _PARTS if sizes.get(name)],
        "columns": columns[:_MOST_COLUMNS],
        "left_out": any(column.get("left_out") for column in columns),
        "more": len(columns) > _MOST_COLUMNS,
        "duplicates": list((found.get("duplicates") or {}).items()),
    }
