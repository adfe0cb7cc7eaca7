"""What an experiment returns: numbers as tables, one paragraph of what to see, and a picture of several panels."""

import dataclasses
import math
import textwrap
from collections.abc import Callable, Sequence
from typing import ClassVar

from recipes.arguments.text_table import table_lines
from recipes.plots.axes import axes_or_new

_LINE = 100  # characters of a line of text
_PANEL = (4.2, 3.2)  # width and height of a panel in inches


@dataclasses.dataclass(frozen=True)
class Table:
    """Numbers of an experiment.

    Attributes:
        title: What the table shows.
        columns: Heads of the columns; the first column holds the names of the rows.
        rows: Cells of each row: texts and numbers.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float]]

    def lines(self) -> list[str]:
        """The table as lines of text: columns of text to the left, numbers to the right."""
        left = [column for column in range(len(self.columns)) if self.is_text(column)]
        return table_lines([self.columns, *([written(cell) for cell in row] for row in self.rows)], left=left)

    def is_text(self, column: int) -> bool:
        """Whether a column holds texts alone."""
        return all(isinstance(row[column], str) for row in self.rows)


class Result:
    """Base of the results, which are frozen dataclasses with the numbers of their experiment.

    A result has these attributes and methods, beside whatever else was measured.

    Attributes:
        title: Title of the experiment.
        point: What the experiment shows, in one sentence that is understood before the picture is.
        grid: Number of rows and of columns of panels in the picture.
        panel: Width and height of a panel in inches.
        explanation: One paragraph of what to see in the picture and the tables.
    """

    title: ClassVar[str]
    point: ClassVar[str]
    grid: ClassVar[tuple[int, int]] = (1, 1)
    panel: ClassVar[tuple[float, float]] = _PANEL

    @property
    def explanation(self) -> str:
        raise NotImplementedError

    def tables(self) -> list[Table]:
        """The numbers as tables."""
        raise NotImplementedError

    def panels(self) -> list[Callable]:
        """Functions that draw one panel each on the matplotlib axes given, in reading order."""
        raise NotImplementedError

    def plot(self, ax=None) -> list:
        """Draw the picture.

        Args:
            ax: Matplotlib axes, made by `subplots`, whose place the panels take. Default: a new figure.

        Returns:
            The axes of the panels.

        Raises:
            ValueError: For axes that are not in a grid, where there are several panels.
        """
        draws = self.panels()
        ax = axes_or_new(ax, size=self.size)
        if len(draws) == 1:
            draws[0](ax)
            return [ax]
        place = ax.get_subplotspec()
        if place is None:
            raise ValueError(
                "`ax` must be made by `subplots`, as the panels share its place. Received: axes of no grid"
            )
        figure = ax.figure
        ax.remove()
        grid = place.subgridspec(*self.grid)
        axes = [figure.add_subplot(grid[number]) for number in range(len(draws))]
        for draw, panel in zip(draws, axes, strict=True):
            draw(panel)
        return axes

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the picture in inches."""
        return self.panel[0] * self.grid[1], self.panel[1] * self.grid[0]

    def __str__(self) -> str:
        """Title, explanation and tables as text."""
        tables = ["\n".join([table.title, *table.lines()]) for table in self.tables()]
        texts = (textwrap.fill(text, _LINE) for text in (self.point, self.explanation))
        return "\n\n".join([self.title, *texts, *tables])

    def to_dict(self) -> dict:
        """Plain values for JSON: title, explanation and tables; numbers that are not finite are texts."""
        tables = [
            {
                "title": table.title,
                "columns": list(table.columns),
                "rows": [[_plain(cell) for cell in row] for row in table.rows],
            }
            for table in self.tables()
        ]
        return {"title": self.title, "point": self.point, "explanation": self.explanation, "tables": tables}


def written(value: str | float) -> str:
    """A cell as text: whole numbers in full, others with four digits."""
    if isinstance(value, str):
        return value
    value = value + 0.0  # no -0
    if value.is_integer() and abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"


def _plain(cell):
    if isinstance(cell, str):
        return cell
    value = cell.item() if hasattr(cell, "item") else cell
    return value if math.isfinite(value) else written(value)
