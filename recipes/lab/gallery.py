"""The gallery: all experiments on one page, a file without a reference to anything outside."""

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

from recipes.lab.picture import svgs_of
from recipes.lab.result import Result, written
from recipes.report.page import document

_POINTS = 72  # in an inch


def gallery_of(results: Mapping[str, Result]) -> str:
    """The page as HTML.

    Args:
        results: Results of experiments by name, in the order of the page.
    """
    experiments = [
        {
            "name": name,
            "title": result.title,
            "point": result.point,
            "explanation": _with_code(result.explanation),
            "panels": [Markup(svg) for svg in svgs_of(result, name)],
            "columns": result.grid[1],
            "width": round(_POINTS * result.panel[0]),
            "tables": [
                {
                    "title": table.title,
                    "columns": [(column, not table.is_text(place)) for place, column in enumerate(table.columns)],
                    "rows": [[written(cell) for cell in row] for row in table.rows],
                }
                for table in result.tables()
            ],
        }
        for name, result in results.items()
    ]
    return document("gallery.html", "The lab", experiments=experiments)


def _with_code(text: str) -> Markup:
    """A text whose names in backticks are code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
