"""What the columns of a table tell: groups of rows, the importance of each column, and the data themselves."""

from typing import Any

from recipes.report.charts.marks import limits_of, mark
from recipes.report.subjects import subject
from recipes.runs.stored import Stored

_PARTS = ("train", "validation", "test")
_MOST_COLUMNS = 5_000


def groups(stored: Stored) -> dict[str, Any] | None:
    """Score by the values of each categorical column, the worst first."""
    found = subject(stored, "groups")
    if not found:
        return None
    report = stored.report
    overall = getattr(report, "accuracy", getattr(report, "r2", None))
    limits = limits_of([bound for group in found for bound in (group["score"], *(group["interval"] or ()))] + [overall])
    rows = [
        {
            **group,
            "mark": mark(
                f"score of the rows with {group['column']} {group['value']}: {group['score']:.3f}",
                group["score"], group["interval"], limits, reference=overall,
            ),
        }
        for group in found
    ]  # fmt: skip
    return {"rows": rows, "overall": overall, "has_accuracy": hasattr(report, "accuracy")}


def importance(stored: Stored) -> dict[str, Any] | None:
    """How much the score drops when the values of a column are shuffled, the most important first."""
    found = subject(stored, "importance")
    if not found:
        return None
    limits = limits_of(
        [bound for column in found for bound in (column["drop"], *(column["interval"] or ()))], least=0.0
    )
    rows = [
        {
            **column,
            "mark": mark(
                f"drop without {column['column']}: {column['drop']:.3f}",
                column["drop"], column["interval"], limits, reference=0.0,
            ),
        }
        for column in found
    ]  # fmt: skip
    return {"rows": rows}


def data(stored: Stored) -> dict[str, Any] | None:
    """The data: size of each part, columns, and rows that are in more than one part."""
    found = subject(stored, "data") or {}
    fingerprint, recipe = stored.fingerprint, stored.recipe
    sizes = found.get("parts") or (fingerprint.rows if fingerprint is not None else {})
    if not found and not sizes and recipe is None:
        return None
    columns = found.get("columns", ())
    return {
        "name": None if recipe is None else recipe.data.name,
        "parts": [(part, sizes[part]) for part in _PARTS if sizes.get(part)],
        "columns": columns[:_MOST_COLUMNS],
        "left_out": any(column.get("left_out") for column in columns),
        "more": len(columns) > _MOST_COLUMNS,
        "duplicates": list((found.get("duplicates") or {}).items()),
    }
