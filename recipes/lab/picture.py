"""The picture of an experiment: as a file, and as SVG that takes the colours and the width of the page around it."""

import io
import re
from collections.abc import Callable

from matplotlib import rc_context
from matplotlib.figure import Figure

from recipes.lab.result import Result
from recipes.plots.axes import BLUE, GREEN, GREY, NOT_FINITE, ORANGE
from recipes.plots.curves import PURPLE, SKY

# Colours of a drawing, and what they are on a page, whose reader may have set it to dark.
_COLOURS = {
    "#000000": "currentColor",
    BLUE: "var(--blue)",
    ORANGE: "var(--orange)",
    GREEN: "var(--green)",
    GREY: "var(--quiet)",
    PURPLE: "var(--purple)",
    SKY: "var(--sky)",
    NOT_FINITE: "var(--red)",
}
_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "axes.titlesize": 11,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "font.size": 9,
    "svg.fonttype": "none",  # texts stay texts, which are small and can be searched
    "font.sans-serif": ["DejaVu Sans"],  # written with each text
}


def write_picture(result: Result, file) -> None:
    """Write the picture as PNG.

    Args:
        result: Result of an experiment.
        file: Path, or a file opened for writing bytes.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=result.size, layout="constrained")
        result.plot(figure.subplots())
        figure.savefig(file, format="png", dpi=150)


def svgs_of(result: Result, name: str) -> list[str]:
    """The panels of the picture as SVG elements, for a page that defines the colours `--blue`, `--orange` and so on.

    Each panel is an element of its own, so that a page can put them one below the other where it is narrow.

    Args:
        result: Result of an experiment.
        name: Name that no other picture of the page has.
    """
    return [_svg(draw, result.panel, f"{name}-{number}") for number, draw in enumerate(result.panels(), start=1)]


def _svg(draw: Callable, size: tuple[float, float], name: str) -> str:
    file = io.StringIO()
    with rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # names that matplotlib gives in every picture anew
    text = re.sub(r' (d|x|y)="[^"]*"', _rounded, text)
    text = re.sub(r">\s+<", "><", text)
    while "<g></g>" in text:
        text = text.replace("<g></g>", "")
    text = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, themed in _COLOURS.items():
        text = re.sub(colour, themed, text, flags=re.IGNORECASE)
    # The element around the panels has a text for readers who do not see them.
    attributes = 'class="drawing" aria-hidden="true"'
    return re.sub(r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", rf"<svg {attributes} \g<1>>", text, count=1)


def _rounded(attribute: re.Match) -> str:
    """The attribute with two digits behind the point, a hundredth of a pixel, in place of matplotlib's six."""
    return re.sub(r"(\.\d\d)\d+", r"\1", attribute[0])
