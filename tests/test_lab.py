"""The lab as a whole: its command, its page, and what every experiment holds to."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

import recipes
from recipes.cli import main
from recipes.lab.gallery import gallery_of
from recipes.lab.picture import svgs_of
from recipes.lab.result import Table, written


def test_unknown_experiments_suggest_the_nearest():
    with pytest.raises(ValueError, match="unknown experiment 'activation': did you mean 'activations'"):
        recipes.lab.run("activation")


def test_running_leaves_the_global_generators_as_they_were():
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 (that of users)
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    recipes.lab.run("activations")
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_the_command_prints_the_numbers_and_writes_the_picture(tmp_path, capsys):
    assert main(["lab", "activations", "--output", str(tmp_path / "made")]) == 0
    assert "tanh" in capsys.readouterr().out
    assert (tmp_path / "made" / "activations.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_prints_json(tmp_path, capsys):
    assert main(["lab", "activations", "--output", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"][0]["columns"][0] == "activation"


def test_the_command_lists_all_experiments(capsys):
    assert main(["lab", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(recipes.lab.names())


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["lab", "all", "--output", str(tmp_path / "file")]) == 2
    assert "--output must be a folder that can be written to" in capsys.readouterr().err


def test_the_page_gives_no_name_twice_and_refers_to_nothing_outside():
    page = gallery_of({"first": recipes.lab.run("activations"), "second": recipes.lab.run("activations")})
    assert 'id="first-' in page
    assert 'href="#second-' in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_panels_take_the_place_of_axes():
    from matplotlib.figure import Figure

    figure = Figure()
    first, second = figure.subplots(1, 2)
    panels = recipes.lab.run("activations").plot(second)
    assert len(panels) == 14
    assert all(panel.get_position().x0 > first.get_position().x1 for panel in panels)
    with pytest.raises(ValueError, match="must be made by `subplots`"):
        recipes.lab.run("activations").plot(Figure().add_axes((0, 0, 1, 1)))


def test_numbers_of_a_table_are_aligned_and_short():
    table = Table("", ("name", "value"), [("a", 0.123456), ("long", 12_345.6), ("c", -0.0)])
    assert table.lines() == ["name   value", "a     0.1235", "long  12,346", "c          0"]
    assert written(8.2446e-9) == "8.245e-09"


def test_drawings_on_the_page_have_two_digits_and_texts_all_of_them():
    svg = svgs_of(recipes.lab.run("losses"), "losses")[0]
    assert "mean 1.026" in svg
    assert not re.search(r' (d|x|y)="[^"]*\.\d{3}', svg)


def test_the_page_in_the_documentation_has_every_experiment():
    page = (Path(__file__).parent.parent / "docs" / "gallery.html").read_text(encoding="utf-8")
    assert all(f'<section id="{name}"' in page for name in recipes.lab.names())
    assert len(page) < 3e6
