"""A table as lines of text."""

from collections.abc import Iterable, Sequence

from recipes.arguments.names import printable

# Characters of a cell; a longer name would make every row as long.
_MOST_CHARACTERS = 200


def text_of(lines: Iterable[str]) -> str:
    """Lines as one text, in which no name that stands in them begins a line or sends a command to the terminal."""
    return "\n".join(map(printable, lines))


def table_lines(
    rows: Iterable[Sequence[str]], *, left: Sequence[int] = (0,), least_widths: Sequence[int] = ()
) -> list[str]:
    r"""One line for each row: columns as wide as their longest cell, two spaces apart, without spaces at the end.

    Args:
        rows: Cells of each row, texts, as many in each row; a row of heads comes first, where there is one.
        left: Numbers of the columns of text, counted from 0. The others hold numbers and are aligned to the right.
        least_widths: Least widths of the first columns, for tables that must align with each other.

    >>> print("\n".join(table_lines([("part", "rows"), ("train", "1,437"), ("test", "360")])))
    part    rows
    train  1,437
    test     360
    """
    rows = [[printable(cell, _MOST_CHARACTERS) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[: len(least_widths)] = map(max, widths, least_widths)
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
