r"""Text of users in Markdown: names of classes, columns and files are shown as they are, whatever is in them.

In CommonMark a backslash makes the mark behind it text. HTML and the mark between two cells of a table are written as
entities, since some renderers know only these. What only means something at the beginning of a line is left as it is:
no template begins a line with a name.
"""

import math
import re

from recipes.arguments.names import printable

_MOST_CHARACTERS = 200  # of a name
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
_MARKS = re.compile(r"[\\`*_\[\]#~$&<>|]")


def text(value: object) -> str:
    r"""`value` as one line of Markdown that is shown character by character.

    Control characters, marks of the direction of writing and halves of characters are written as escapes; a name
    without any visible character is quoted.

    >>> print(text("a|b_c <i>"))
    a&#124;b\_c &lt;i&gt;
    """
    shown = printable(value, _MOST_CHARACTERS)
    shown = shown if shown.strip() else f"'{shown}'"
    return _MARKS.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), shown)


def fenced(value: str, language: str = "") -> str:
    """`value` as a block of code, whose fence is longer than any run of backticks in it."""
    longest = max(map(len, re.findall("`+", value)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = "\n".join(printable(line) for line in value.rstrip("\n").split("\n"))
    return f"{fence}{language}\n{lines}\n{fence}"


def number(value: float | None) -> str:
    """A score with four decimals, or five digits beyond 10; a dash where it is not defined."""
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) < 10:
        return f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.2g}"
    return f"{value:.5g}" if abs(value) < 1e5 or abs(value) >= 1e9 else f"{value:,.0f}"


def interval(bounds: tuple[float, float] | None) -> str:
    """An interval as text, such as `0.9717 to 0.9957`; empty where there is none."""
    if bounds is None or not all(map(math.isfinite, bounds)):
        return ""
    return f"{number(bounds[0])} to {number(bounds[1])}"
