"""Templates of the page: whatever they are given is shown as text, unless it was made for the page."""

from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from recipes.arguments.names import printable
from recipes.report import numbers

_FOLDER = Path(__file__).parent / "templates"
_LONGEST_NAME, _LONGEST_SENTENCE = 200, 1000  # characters


def render(template: str, **context) -> Markup:
    """A template filled with a context."""
    return Markup(_TEMPLATES.get_template(template).render(context))


def source(name: str) -> Markup:
    """The text of a style sheet or a script, to be put into the page as it is."""
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))


def name(text: object) -> Markup:
    """A name that comes from the files of a run, marked as such; one that nobody sees is quoted."""
    shown = printable(text, _LONGEST_NAME)
    return Markup('<span class="name">{}</span>').format(shown if shown.strip() else f"'{shown}'")


def said(text: object) -> Markup:
    """A sentence that comes from the files of a run, marked as such."""
    return Markup('<span class="name">{}</span>').format(printable(text, _LONGEST_SENTENCE))


def lines(text: str) -> Markup:
    """A text of several lines as it is, with control characters written as escapes."""
    return escape("\n".join(map(printable, text.rstrip("\n").split("\n"))))


def _safe(value):
    """What is put into a page: text in one line, in which control characters are visible; markup as it is."""
    return value if isinstance(value, Markup) else printable(value)


_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER),
    autoescape=True,
    finalize=_safe,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"name": name, "said": said, "lines": lines}
_TEMPLATES.globals |= {
    "number": numbers.number,
    "share": numbers.share,
    "interval": numbers.interval,
}
