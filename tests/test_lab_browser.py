"""The gallery of the lab in headless Chromium, as a reader sees it."""

from dataclasses import dataclass

import numpy as np
import pytest
from browser import ABSENT, browser, programs

import recipes
from recipes.cli import main
from recipes.lab.gallery import gallery_of
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREEN, GREY, NOT_FINITE, ORANGE
from recipes.plots.curves import PURPLE, SKY

pytestmark = pytest.mark.skipif(programs() is None, reason=ABSENT)
A4, PHONE = 717, 390  # CSS pixels: between margins of a centimetre, and of a narrow screen
MOST_BYTES = 3_000_000


@dataclass(frozen=True)
class Drawn(Result):
    """What experiments may draw and tell: all colours, texts, an image, a single panel, wide tables and odd names."""

    title = "Shapes & <colours>"
    point = "One panel with whatever may be in one."
    explanation = "A paragraph: 1 < 2 & 3, as `a < b` says."

    def tables(self):
        return [
            Table("A wide table.", [f"column {number}" for number in range(12)], [("a", *range(11))]),
            Table("No number: 1 < 2.", ("name", "text"), [("<b>", "&amp;")]),
        ]

    def panels(self):
        return [self.draw]

    def draw(self, ax):
        for place, colour in enumerate((BLUE, ORANGE, GREEN, GREY, NOT_FINITE, PURPLE, SKY)):
            ax.plot([0, 1], [place, place], color=colour, label=f"line {place}")
            if colour in (BLUE, ORANGE, GREEN):
                ax.text(1, place, "text", color=colour)
        ax.imshow(np.eye(4), extent=(2, 3, 2, 3), aspect="auto")
        ax.set(xlabel=r"$\lambda$", title="a title", xlim=(0, 3), ylim=(-1, 7))
        ax.legend()


@pytest.fixture(scope="module")
def chromium():
    with browser() as window:
        yield window


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    file = tmp_path_factory.mktemp("lab") / "gallery.html"
    file.write_text(gallery_of({"activations": recipes.lab.run("activations"), "drawn": Drawn()}), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    assert main(["lab", "all", "--output", str(folder)]) == 0
    return folder / "gallery.html"


def test_the_gallery_is_whole_and_asks_for_nothing_outside_of_it(chromium, page):
    check_whole(chromium, page)
    texts = "return [...document.querySelectorAll(arguments[0])].map(element => element.textContent)"
    assert chromium.run(texts, "h2") == ["Activation functions", Drawn.title]
    assert chromium.run(texts, "#drawn tbody tr:last-child > *")[-2:] == ["<b>", "&amp;"]
    assert "1 < 2 & 3, as a < b says." in chromium.run(texts, "#drawn p")[1]
    assert chromium.run(texts, "#drawn p code")[0] == "a < b"
    assert len(chromium.run(texts, "#activations svg")) == 14


def test_the_gallery_fits_a_phone_and_paper_and_is_legible_in_light_and_in_dark(chromium, page):
    check_legible(chromium, page)


def test_panels_are_in_the_columns_of_the_picture_and_one_below_the_other_on_a_phone(chromium, page):
    columns = """
        const places = [...document.querySelectorAll(arguments[0] + " svg")].map(e => e.getBoundingClientRect().x);
        return new Set(places.map(Math.round)).size;
    """
    chromium.open(page)
    assert chromium.run(columns, "#activations") == 5
    chromium.open(page, width=PHONE)
    assert chromium.run(columns, "#activations") == 2


def test_the_numbers_are_opened_by_keyboard(chromium, page):
    chromium.open(page)
    shown = "return document.querySelector('#drawn table').checkVisibility()"
    assert not chromium.run(shown)
    chromium.element("#drawn summary").send_keys("\n")
    assert chromium.run(shown)
    assert chromium.errors() == []


@pytest.mark.extensive
def test_the_gallery_of_all_experiments_is_a_page_below_three_megabytes(chromium, whole):
    assert whole.stat().st_size < MOST_BYTES
    check_whole(chromium, whole)
    sections = "return [...document.querySelectorAll('main > section')].map(section => section.id)"
    assert chromium.run(sections) == recipes.lab.names()
    check_legible(chromium, whole)


def check_whole(chromium, page):
    chromium.open(page)
    assert chromium.errors() == []
    assert chromium.requests() == []
    assert chromium.undecoded() == []
    open_all(chromium)
    assert chromium.unlabelled() == []


def check_legible(chromium, page):
    for scheme, medium, width in (("light", "screen", PHONE), ("dark", "screen", PHONE), ("dark", "print", A4)):
        chromium.open(page, width=width, scheme=scheme, medium=medium)
        open_all(chromium)
        assert chromium.wide() == []
        assert chromium.faint() == []
        assert chromium.run(_SMALL) == []
    # On paper, no panel is cut in two.
    breaks = "return [...document.querySelectorAll('svg.drawing')].map(e => getComputedStyle(e).breakInside)"
    assert set(chromium.run(breaks)) == {"avoid"}
    assert chromium.print().startswith(b"%PDF")


def open_all(chromium):
    chromium.run("document.querySelectorAll('details').forEach(part => (part.open = true))")


# Texts of drawings that are smaller on the page than 6 CSS pixels, with their height.
_SMALL = """
    return [...document.querySelectorAll("svg.drawing text")].filter(text => {
        const scale = text.getScreenCTM();
        return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(scale.a, scale.b) < 6;
    }).map(text => text.textContent);
"""
