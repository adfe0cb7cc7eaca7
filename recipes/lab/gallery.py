"""The gallery: all experiments on one page, a file without a reference to anything outside."""

from collections.abc import Mapping

from markupsafe import Markup

from recipes.lab.picture import svg_of
from recipes.lab.result import Result, written
from recipes.report.page import document


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
            "explanation": result.explanation,
            "picture": Markup(svg_of(result, name)),
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
