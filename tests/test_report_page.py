import html
import json
import re
import shlex
import shutil
import time

import numpy as np
import pytest
from markupsafe import escape

from recipes.cli import main
from recipes.metrics import classification_report
from recipes.report.page import SECTIONS, page_of
from recipes.report.several import page_of_several
from recipes.runs.stored import Stored
from tests.pages_by_hand import HOSTILE, analysis, with_analysis, with_report

NUMBER = re.compile(
    r'<data(?P<kind> class="rule")? value="(?P<value>[^"]+)"(?: data-of="(?P<of>[^"]+)")?>(?P<text>.*?)</data>'
)
AXIS = re.compile(r'<text [^>]*data-value="(?P<value>[^"]+)">(?P<text>.*?)</text>')
# Text that is not a number of the run: code, names and sentences from its files, names of scores, digests, titles.
OTHER_TEXT = (
    r"<head>.*?</head>", r"<script>.*?</script>", r"<(code|pre)\b.*?</\1>", r'<span class="name">.*?</span>',
    r'<text class="rule".*?</text>', r"\b(F1|R²|SHA-256)",
)  # fmt: skip


@pytest.fixture
def folder(run, tmp_path):
    return shutil.copytree(run.directory, tmp_path / "run")


def sections_of(page):
    return re.findall(r'<section id="(\w+)"', page)


def test_sections_are_in_their_order_and_nothing_is_fetched_from_outside(folder):
    with_analysis(folder, analysis())
    (folder / "diagnosis.json").write_text('{"findings": []}')
    page = page_of(Stored(folder))
    assert sections_of(page) == [section.key for section in SECTIONS]
    assert 'class="missing"' not in page
    assert not re.search(r"(?:src|href)=\"(?!#|data:)|url\(|@import", page)


def test_sections_without_data_are_left_out(folder):
    with_analysis(folder, {})
    assert not {"advice", "groups", "importance", "cost"} & set(sections_of(page_of(Stored(folder))))


def numbers_of_files(folder):
    """Every number of the files that the page is made from."""

    def flat(value):
        if isinstance(value, dict | list):
            for part in value.values() if isinstance(value, dict) else value:
                yield from flat(part)
        elif isinstance(value, int | float):
            yield float(value)

    for name in ("report.json", "versions.json"):
        yield from flat(json.loads((folder / name).read_text()))
    for line in (folder / "history.csv").read_text().splitlines()[1:]:
        yield from map(float, line.split(","))
    with np.load(folder / "record.npz") as record:
        for values in record.values():
            if values.dtype.kind in "if":
                yield from values.astype(float).ravel().tolist()


def read(text):
    """The number that a text shows, and half of the unit of its last digit."""
    text = html.unescape(text).replace("−", "-").replace("\N{NO-BREAK SPACE}", " ").lstrip("= ")
    number, _, unit = text.replace(",", "").partition(" ")
    factor = {"": 1, "%": 0.01, "kB": 1e3, "MB": 1e6, "bytes": 1, "s": 1, "ms": 1}[unit]
    digits = number.partition("e")[0].partition(".")[2]
    exponent = int(number.partition("e")[2] or 0)
    return float(number) * factor, 0.500001 * 10.0 ** (exponent - len(digits)) * factor


def test_every_number_on_the_page_is_in_a_file_of_the_run(folder):
    with_analysis(folder, analysis())
    page, known = page_of(Stored(folder)), np.array(sorted(set(numbers_of_files(folder))))
    known = known[np.isfinite(known)]

    def is_known(value):
        return bool((np.abs(known - value) <= 1e-9 * abs(value)).any())

    found = [match for match in (*NUMBER.finditer(page), *AXIS.finditer(page)) if "rule" not in (match[0])]
    assert len(found) > 150
    for match in found:
        value, origin = float(match["value"]), match.groupdict().get("of")
        if origin:
            part, whole = map(float, origin.split("/"))
            # The rows of a class are the sum of a row of the confusion matrix, its support.
            assert is_known(part), match[0]
            assert is_known(whole), match[0]
            assert value == part / whole
        else:
            assert is_known(value), match[0]
        if "&lt; 0.001" in match["text"]:
            assert value < 0.001
            continue
        shown, half = read(match["text"])
        candidates = (value, 100 * value) if match["text"][0] in "+−" else (value,)  # points of a percentage
        assert min(abs(candidate - shown) for candidate in candidates) <= half + 1e-9 * abs(value), match[0]
    rest = AXIS.sub("", NUMBER.sub("", page))
    for pattern in OTHER_TEXT:
        rest = re.sub(pattern, "", rest, flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]*>", "\n", rest))
    assert re.findall(r".*\d.*", text) == []


def test_names_are_shown_as_text_whatever_is_in_them(folder):
    names = (HOSTILE, "</script><script>alert(1)</script>", "b\nc")
    report = classification_report(np.arange(30) % 3, np.arange(30) // 10, class_names=names)
    with_report(folder, report)
    with_analysis(folder, analysis(classes=names, columns=names))
    page = page_of(Stored(folder))
    assert 'class="missing"' not in page
    assert "<b>" not in page
    assert page.count("<script>") == 1
    assert "&lt;b&gt;&#34;bold&#34; &amp; &#39;x&#39;&lt;/b&gt;\\x1b[2J\\u202e" in page
    assert "b\\nc" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", page)


def test_a_thousand_classes_and_two_thousand_columns_are_a_page_of_less_than_two_megabytes(folder):
    generator = np.random.default_rng(0)
    labels, names = np.repeat(np.arange(1000), 4), tuple(f"class {n}" for n in range(1000))
    predicted = np.where(generator.random(4000) < 0.8, labels, generator.integers(0, 1000, 4000))
    with_report(folder, classification_report(labels, predicted, class_names=names))
    columns = tuple(f"column with a long name {n}" for n in range(2000))
    with_analysis(folder, analysis(columns=columns, groups=50))
    start = time.process_time()
    page = page_of(Stored(folder))
    assert time.process_time() - start < 5
    assert len(page.encode()) < 2_000_000
    assert page.count("class 999<") == 1
    assert page.count("column with a long name 1999<") == 1
    assert '<img class="matrix" src="data:image/png;base64,' in page


@pytest.mark.parametrize(
    ("file", "lacks", "section"),
    [
        ("report.json", "the scores", "verdict"),
        ("history.csv", "the learning curves", "curves"),
        ("record.npz", "gradients, updates and activations", "layers"),
        ("recipe.yaml", "the recipe", "recipe"),
        ("versions.json", "versions, seed, recipe and data", None),
    ],
)
def test_a_file_that_is_missing_is_named_and_the_rest_is_shown(folder, file, lacks, section):
    (folder / file).unlink()
    page = page_of(Stored(folder))
    assert f'<span class="name">{file}</span> is not there: {lacks} cannot be shown' in page
    assert section not in sections_of(page)
    expected = {"verdict", "curves", "layers", "origin", "usage"} - {section}
    assert expected <= set(sections_of(page))


def test_what_is_damaged_is_named_and_the_rest_is_shown(folder):
    with_analysis(folder, {**analysis(), "groups": [{"column": 3}], "importance": "x", "latency": {"one_row_ms": {}}})
    (folder / "history.csv").write_text("epoch,loss\n1,a")
    page = page_of(Stored(folder))
    assert "history.csv is damaged: it must hold a table of numbers" in page
    for title in ("Groups of rows", "Importance of columns"):
        assert f"<li>{title}: a file of the run is damaged.</li>" in page
    assert not {"curves", "groups", "importance"} & set(sections_of(page))
    assert {"verdict", "layers", "data", "usage"} <= set(sections_of(page))


def test_a_folder_that_is_no_run_is_refused_in_one_line(run, tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"keras-recipes: {tmp_path} is no run folder: it has no model.keras\n"
    shutil.copy(run.directory / "model.keras", tmp_path)
    assert main(["report", str(tmp_path)]) == 2
    assert capsys.readouterr().err.endswith("lies in no run folder: there is nothing but the model to show\n")


def test_the_three_lines_that_load_the_model_predict(run, capsys):
    code = re.search(r'id="usage".*?<code>(.*?)</code>', page_of(Stored(run.directory)), re.DOTALL)[1]
    code = html.unescape(code)
    assert len(code.splitlines()) == 3
    exec(code, {})
    assert capsys.readouterr().out.count("[") == 6  # an array of five rows


@pytest.mark.extensive
def test_the_command_on_the_page_trains_the_same_model_again(run, tmp_path, capsys):
    code = re.search(r'id="origin".*?<code>(.*?)</code>', page_of(Stored(run.directory)), re.DOTALL)[1]
    program, *arguments = shlex.split(html.unescape(code))
    assert program == "keras-recipes"
    assert main([*arguments, "--output", str(tmp_path), "--no-pictures"]) == 0
    again = Stored(tmp_path / f"{run.directory.name}-again")
    assert not (again.directory / "report.html").exists()
    assert again.history == run.history
    assert again.report.to_dict() == run.report.to_dict()


def test_the_advice_names_the_larger_problem_unless_the_doctor_found_a_fault(folder):
    found = analysis()
    for errors, words in (
        ({"training": 0.01, "validation": 0.12, "test": 0.13}, "Variance is the larger problem"),
        ({"training": 0.29, "validation": 0.30, "test": 0.31}, "Bias is the larger problem"),
        ({"training": 0.001, "validation": 0.004, "test": 0.003}, "There is little left to gain"),
        ({"training": 0.0, "validation": None, "test": None}, ""),
    ):
        with_analysis(folder, {**found, "baselines": [], "errors": {"measure": "error rate", **errors}})
        page = page_of(Stored(folder))
        assert words in page
        assert page.count("is the larger problem") == ("larger" in words)
        assert "There is no simple model to compare with" in page
    finding = {"sentence": "The learning rate is <too> great.", "remedy": "learning_rate=1e-3", "severity": "fault"}
    (folder / "diagnosis.json").write_text(json.dumps({"findings": [finding]}))
    with_analysis(folder, found)
    page = page_of(Stored(folder))
    assert "First mend what the doctor found" in page
    assert "The learning rate is &lt;too&gt; great." in page


def test_a_training_writes_the_page_last_and_the_command_writes_it_again(run, folder):
    first = (run.directory / "report.html").read_text(encoding="utf-8")
    assert first == page_of(Stored(run.directory))
    (folder / "report.html").write_text("another")
    assert main(["report", str(folder)]) == 0
    again = (folder / "report.html").read_text(encoding="utf-8")
    assert sections_of(again) == sections_of(first)
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    assert {"report.html", "MODEL_CARD.md"} <= set(listed)
    assert (folder / "MODEL_CARD.md").read_text(encoding="utf-8").startswith("---\nlibrary_name: keras\n")


def test_a_page_shows_a_diagnosis_that_is_made_later(folder):
    (folder / "manifest.json").unlink()
    recipe = folder / "recipe.yaml"
    recipe.write_text(re.sub(r"(?<=\blearning_rate: )[\d.e-]+", "50.0", recipe.read_text()))
    assert main(["diagnose", str(folder)]) == 0
    sentences = [finding["sentence"] for finding in Stored(folder).diagnosis["findings"]]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert sentences
    assert all(str(escape(sentence))[:60] in page for sentence in sentences)


def test_several_runs_stand_side_by_side_with_the_verdict_on_them(run, folder, tmp_path, capsys):
    file = tmp_path / "several.html"
    other = folder.rename(tmp_path / "other")
    recipe = other / "recipe.yaml"
    recipe.write_text(re.sub(r"(?<=\bdropout: )[\d.]+", "0.123", recipe.read_text()))
    (other / "manifest.json").unlink()
    (other / "history.csv").unlink()
    assert main(["report", str(run.directory), str(other), "--output", str(file)]) == 0
    page = file.read_text(encoding="utf-8")
    assert "No significant difference: accuracy" in page
    assert sections_of(page) == ["verdict", "scores", "settings", "curves", "facts"]
    assert "regularization.dropout" in page
    capsys.readouterr()
    assert main(["report", str(run.directory), str(other)]) == 2
    assert capsys.readouterr().err == "keras-recipes: a page of 2 runs needs --output FILE\n"
    with pytest.raises(ValueError, match="the runs must differ"):
        page_of_several([Stored(run.directory)] * 2, [])
