import re
import shutil

import pytest

import recipes
from recipes.report.page import SECTIONS, page_of
from recipes.runs.stored import Stored


def sections_of(page):
    return re.findall(r'<section id="(\w+)"', page)


def test_sections_are_in_their_order_and_those_without_data_are_left_out(run):
    page = page_of(Stored(run.directory))
    keys = [section.key for section in SECTIONS]
    shown = sections_of(page)
    assert shown == [key for key in keys if key in shown]
    assert {"verdict", "curves", "layers", "classes", "confusion", "recipe", "origin", "usage"} <= set(shown)
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", page)


@pytest.mark.parametrize(
    ("file", "lacks", "section"),
    [
        ("report.json", "the scores", "verdict"),
        ("history.csv", "the learning curves", "curves"),
        ("record.npz", "gradients, updates and activations", "layers"),
        ("recipe.yaml", "the recipe", "recipe"),
        ("versions.json", "versions, seed and data", None),
    ],
)
def test_a_file_that_is_missing_is_named_and_the_rest_is_shown(run, tmp_path, file, lacks, section):
    folder = shutil.copytree(run.directory, tmp_path / "run")
    (folder / file).unlink()
    page = page_of(Stored(folder))
    assert f'<span class="name">{file}</span> is not there: {lacks} cannot be shown' in page
    assert section not in sections_of(page)
    assert len(sections_of(page)) > 5


def test_a_damaged_file_is_named_and_the_rest_is_shown(run, tmp_path):
    folder = shutil.copytree(run.directory, tmp_path / "run")
    (folder / "manifest.json").unlink()
    (folder / "history.csv").write_text("epoch,loss\n1,a")
    page = page_of(Stored(folder))
    assert "history.csv is damaged: it must hold a table of numbers" in page
    assert "curves" not in sections_of(page)
    assert "verdict" in sections_of(page)


def test_a_folder_that_is_no_run_is_refused_in_one_line(run, tmp_path):
    with pytest.raises(FileNotFoundError, match="is no run folder: it has no model.keras"):
        page_of(Stored(tmp_path))
    shutil.copy(run.directory / "model.keras", tmp_path)
    with pytest.raises(ValueError, match="lies in no run folder"):
        page_of(Stored(tmp_path))


def test_the_three_lines_that_load_the_model_predict(run, capsys):
    code = re.search(r'id="usage".*?<code>(.*?)</code>', page_of(Stored(run.directory)), re.DOTALL)[1]
    code = code.replace("&#39;", "'")
    assert len(code.splitlines()) == 3
    exec(code, {})
    assert capsys.readouterr().out.count("[") == 6  # an array of five rows
    assert recipes.load_model(run.directory) is not None


def test_a_training_writes_the_page_last(run):
    assert (run.directory / "report.html").read_text(encoding="utf-8") == page_of(Stored(run.directory))
