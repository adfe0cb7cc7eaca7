"""Names from files send no commands to a terminal, add no lines to a report, and are no formulas in a spreadsheet."""

import ast
import csv
import io
from pathlib import Path

import numpy as np
import pytest

import recipes
from callbacks import Record
from callbacks.watching.csv_cells import with_formula, without_formula
from recipes.arguments.names import printable, shorten, unknown
from recipes.arguments.text_table import table_lines
from recipes.cli import main
from recipes.data import summary
from recipes.metrics.comparison.predictions import compare_predictions
from recipes.runs import stored_parts, writing

ROOT = Path(__file__).parent.parent
HOSTILE = "\x1b[2Jcat\naccuracy 1.0000\u202e\x9b\r\ud800"


def assert_harmless(text):
    assert all(line.isprintable() for line in text.split("\n"))
    assert not any(line.startswith("accuracy 1.0000") for line in text.split("\n"))
    assert r"\x1b[2Jcat\naccuracy 1.0000\u202e\x9b\r\ud800" in text


def test_names_of_any_language_are_printed_as_they_are():
    for name in ("Käse", "名前", "שלום", "a b", "👩\u200d🔬", "50 %"):
        assert printable(name) == name
    assert printable("x" * 300, 200) == "x" * 200 + " ..."


def test_lists_and_tables_hold_no_control_characters():
    assert_harmless(shorten([HOSTILE]))
    assert_harmless(str(unknown("class", "dog", [HOSTILE])))
    lines = table_lines([("name", "rows"), (HOSTILE, "1")])
    assert len(lines) == 2
    assert_harmless("\n".join(lines))


def test_a_report_has_no_lines_that_a_class_name_adds():
    names = (HOSTILE, "dog", "x")
    report = recipes.classification_report([0, 0, 1, 2], [1, 0, 1, 0], class_names=names)
    assert_harmless(str(report))
    assert report.to_dict()["classes"].keys() == set(names)
    scores = np.array([[0.2, 0.7, 0.1], [0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2]])
    assert_harmless(str(recipes.classification_report([0, 0, 1, 2], scores, class_names=names)))


def test_a_comparison_has_no_lines_that_a_run_name_adds():
    labels = np.array([0, 1] * 10)
    assert_harmless(str(compare_predictions(labels, {HOSTILE: labels, "b": labels[::-1]}, 2)))


def test_a_summary_has_no_lines_that_names_add(tmp_path):
    target, column = "income\x1b[2J", "age\x1b]0;mine\x07"
    (tmp_path / "rows.csv").write_text(f"{column},{target}\n" + "1,a\x1b[31m\n2,b\n3,a\x1b[31m\n4,b\n" * 10)
    dataset = recipes.load_dataset(tmp_path / "rows.csv", target=target)
    assert dataset.class_names == ("a\x1b[31m", "b")
    for text in (dataset.describe(), summary.to_text(dataset)):
        assert all(line.isprintable() for line in text.split("\n"))
        assert r"income\x1b[2J" in text


def test_an_error_of_the_command_sends_no_commands_to_the_terminal(capsys):
    assert main(["show", "no\x1b[2Jsuch\u202e\x9b.yaml", "--no-network"]) == 2
    error = capsys.readouterr().err
    assert error == "keras-recipes: there is no recipe file no\\x1b[2Jsuch\\u202e\\x9b.yaml\n"


FORMULAS = ["=1+1", "+1+1", "-1+cmd|'/C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", "--", "-"]
PLAIN = ["cat", "-1", "+1.5e3", "-.5", "-inf", "a=b", "", "'=1", 5, -5, -1.5, None]


def test_texts_that_begin_a_formula_get_an_apostrophe_and_numbers_do_not():
    assert [without_formula(cell) for cell in FORMULAS] == [f"'{cell}" for cell in FORMULAS]
    assert [without_formula(cell) for cell in PLAIN] == PLAIN
    assert [without_formula(cell, keep_formulas=True) for cell in FORMULAS] == FORMULAS
    assert [with_formula(without_formula(cell)) for cell in (*FORMULAS, "cat", "-1")] == [*FORMULAS, "cat", "-1"]


@pytest.mark.parametrize(("keep", "expected"), [(False, "'=layer"), (True, "=layer")])
def test_a_record_as_a_table_holds_no_formulas(keep, expected, tmp_path):
    record = Record(layers=("=layer",), epochs=np.array([1]), update_ratio=np.array([[-0.5]]))
    record.to_csv(tmp_path / "record.csv", keep_formulas=keep)
    with (tmp_path / "record.csv").open(newline="") as stream:
        assert list(csv.reader(stream))[1] == ["1", expected, "-0.5"]


def test_a_history_holds_no_formulas_and_is_read_back_as_it_was(tmp_path):
    history = {"loss": [1.0, -2.0], "=1+1": [0.0, float("nan")]}
    writing._write_history(tmp_path / "history.csv", history)
    assert (tmp_path / "history.csv").read_text().splitlines()[0] == "epoch,loss,'=1+1"
    assert str(stored_parts.read_history(tmp_path / "history.csv")) == str(history)


@pytest.mark.parametrize(
    ("flags", "is_terminal", "expected"),
    [
        ([], False, ["'=1", "\x1b[2J", "0.5", "-0.5"]),
        (["--keep-formulas"], False, ["=1", "\x1b[2J", "0.5", "-0.5"]),
        ([], True, ["'=1", "\\x1b[2J", "0.5", "-0.5"]),
    ],
)
def test_predictions_as_csv_hold_no_formulas(flags, is_terminal, expected, monkeypatch):
    from recipes.evaluation import prediction

    answer = ["file", "class", "a", "b"], [["=1", "\x1b[2J", 0.5, -0.5]]
    monkeypatch.setattr(prediction, "predict_file", lambda run, file: answer)
    output = io.StringIO()
    output.isatty = lambda: is_terminal
    monkeypatch.setattr("sys.stdout", output)
    assert main(["predict", "run", "rows.csv", *flags]) == 0
    output.seek(0)
    assert list(csv.reader(output)) == [["file", "class", "a", "b"], expected]


def test_nothing_in_the_package_unpickles_or_runs_text():
    for package in ("recipes", "callbacks", "custom_layers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                    assert not names & {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}, path
                if isinstance(node, ast.Call):
                    assert ast.unparse(node.func) not in ("eval", "exec", "__import__", "yaml.unsafe_load"), path
                    loads = [key for key in node.keywords if key.arg == "allow_pickle"]
                    assert all(key.value.value is False for key in loads), path
