"""The page of a run in headless Chromium, as a reader sees it."""

import ast
import re
import shlex

import pytest
import runs_by_hand
from browser import ABSENT, browser, programs

from recipes.arguments.names import printable
from recipes.report.page import page_of
from recipes.report.several import page_of_several
from recipes.runs.stored import Stored

pytestmark = pytest.mark.skipif(programs() is None, reason=ABSENT)
A4 = 717  # CSS pixels between margins of a centimetre
MAKERS = {
    "images": runs_by_hand.images,
    "hostile": runs_by_hand.table,
    "regression": runs_by_hand.regression,
    "classes": lambda folder: runs_by_hand.many_classes(folder, 200),
    "columns": lambda folder: runs_by_hand.table(folder, ("no", "yes"), columns=120),
}
# Names of run folders, where they are not those of the kinds.
RUNS = {"hostile": 'it\'s <b>"bold" & more'}


@pytest.fixture(scope="module")
def chromium():
    with browser() as window:
        yield window


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Files of the pages of runs of each kind."""
    folder, files = tmp_path_factory.mktemp("runs"), {}
    for kind, make in MAKERS.items():
        files[kind] = folder / f"{kind}.html"
        files[kind].write_text(page_of(Stored(make(folder / RUNS.get(kind, kind)))), encoding="utf-8")
    files["several"] = folder / "several.html"
    runs = [Stored(folder / RUNS.get(kind, kind)) for kind in ("hostile", "classes", "images")]
    files["several"].write_text(page_of_several(runs, [runs_by_hand.HOSTILE[0]]), encoding="utf-8")
    return files


@pytest.mark.parametrize("kind", [*MAKERS, "several"])
def test_a_page_is_whole_and_asks_for_nothing_outside_of_it(chromium, pages, kind):
    chromium.open(pages[kind])
    assert chromium.errors() == []
    assert chromium.requests() == []
    assert chromium.undecoded() == []
    assert chromium.unlabelled() == []
    title = f"{RUNS['hostile']}, classes, images" if kind == "several" else RUNS.get(kind, kind)
    assert chromium.run("return document.title") == title


def test_names_of_strangers_are_shown_as_text(chromium, pages):
    content = pages["hostile"].read_text(encoding="utf-8")
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e]", content)
    chromium.open(pages["hostile"])
    texts = "return [...document.querySelectorAll(arguments[0])].map(element => element.textContent)"
    assert len(chromium.run(texts, "script")) == 1
    assert chromium.run(texts, "title, h1") == [RUNS["hostile"]] * 2
    names = [printable(name, 200) for name in runs_by_hand.HOSTILE]
    assert chromium.run(texts, "#classes tbody th") == ["' '" if name == " " else name for name in names]
    # What is to be copied names the folder.
    (code,), (command,) = chromium.run(texts, "#usage code"), chromium.run(texts, "#origin pre code")
    strings = [part.value for part in ast.walk(ast.parse(code)) if isinstance(part, ast.Constant)]
    assert any(str(text).endswith(RUNS["hostile"]) for text in strings)
    assert any(RUNS["hostile"] in part for part in shlex.split(command))


@pytest.mark.parametrize("kind", [*MAKERS, "several"])
def test_a_page_fits_a_phone_and_is_legible_in_light_and_in_dark(chromium, pages, kind):
    for scheme in ("light", "dark"):
        chromium.open(pages[kind], width=390, scheme=scheme)
        assert chromium.wide() == []
        assert chromium.faint() == []


@pytest.mark.parametrize("kind", ["images", "hostile", "regression"])
def test_a_page_fits_on_paper_in_the_colours_of_paper(chromium, pages, kind):
    chromium.open(pages[kind], width=A4, medium="print", scheme="dark")
    assert chromium.wide() == []
    assert chromium.faint() == []
    assert chromium.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    chromium.run("window.countClosed = () => document.querySelectorAll('details:not([open])').length")
    chromium.run("addEventListener('beforeprint', () => (window.onPaper = countClosed()))")
    assert chromium.run("return countClosed()") > 0
    assert chromium.print().startswith(b"%PDF")
    assert (chromium.run("return onPaper"), chromium.run("return countClosed()") > 0) == (0, True)


def first_column(chromium, table):
    script = "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].filter(row => !row.hidden)"
    return chromium.run(f"{script}.map(row => row.cells[0].textContent)", table)


def press(chromium, selector, keys):
    """Type keys into an element, as a reader without a mouse does."""
    chromium.element(selector).send_keys(keys)


def test_tables_are_sorted_by_mouse_and_keyboard_and_searched(chromium, pages):
    chromium.open(pages["classes"])
    table = "#classes table"
    assert len(first_column(chromium, table)) == 50
    chromium.element(f"{table} th button").click()
    assert first_column(chromium, table)[:2] == ["class 0000", "class 0001"]
    press(chromium, f"{table} th button", "\n")
    assert first_column(chromium, table)[:2] == ["class 0199", "class 0198"]
    sorted_by = "return [...document.querySelectorAll(arguments[0] + ' th')].map(head => head.ariaSort)"
    assert chromium.run(sorted_by, table)[:2] == ["descending", None]
    press(chromium, "#classes input[type=search]", "CLASS 012")
    assert first_column(chromium, table) == [f"class 01{number}" for number in range(29, 19, -1)]
    assert chromium.run("return document.querySelector('#classes [role=status]').textContent") == "10 of 200 rows"
    # Numbers are sorted as numbers, and what is not known comes last.
    chromium.open(pages["columns"])
    heads = chromium.run("return [...document.querySelectorAll('#data th')].map(head => head.textContent.trim())")
    missing = f"#data th:nth-child({1 + heads.index('Missing')}) button"
    chromium.element(missing).click()
    assert first_column(chromium, "#data table")[:2] == ["column_119", "column_118"]
    chromium.element(missing).click()
    assert first_column(chromium, "#data table")[:3] == ["no", "column_0", "column_1"]
    assert chromium.errors() == []
