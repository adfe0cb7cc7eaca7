import json
import re

import numpy as np
import pytest

import recipes
from recipes.cli import main
from recipes.data import summary


@pytest.fixture
def file(tmp_path):
    generator = np.random.default_rng(0)
    lines = ["age,job,hired,wage"]
    for row in range(200):
        age = "" if row % 20 == 0 else 20 + row % 40
        lines.append(f"{age},{['cook', 'clerk', ''][row % 3]},2024-01-{1 + row % 28:02},{generator.normal():.3f}")
    (tmp_path / "jobs.csv").write_text("\n".join(lines))
    return tmp_path / "jobs.csv"


def test_show_prints_what_was_understood(file, capsys):
    assert main(["show", "--data", str(file), "--target", "wage"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "jobs: 200 rows, 3 columns, one number to predict (wage)"
    assert lines[1] == "split at random, seed 0: train 140, validation 20, test 40"
    assert lines[3].split() == ["column", "kind", "missing", "values", "in", "the", "training", "part"]
    assert lines[4].split() == ["age", "number", "10", "21", "to", "59"]
    assert lines[5].startswith("job     category       66  3 categories: ")
    assert lines[6].endswith("2024-01-01 to 2024-01-28")
    assert lines[8].startswith("wage (training part): ")


def test_show_prints_classes_and_their_shares(file, capsys):
    assert main(["show", "--data", str(file), "--target", "job", "--data.missing", "[none]"]) == 2
    assert "the target 'job' of" in capsys.readouterr().err
    assert main(["show", "--data", "iris", "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "seed 3" in lines[1]
    assert lines[-2].split() == ["versicolor", "35", "5", "10", "33.3%"]


def test_show_as_json_holds_the_same(file, capsys):
    assert main(["show", "tabular", "--data", str(file), "--target=wage", "--json", "--no-network"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["rows"] == {"train": 140, "validation": 20, "test": 40}
    assert [column["kind"] for column in content["columns"]] == ["number", "category", "date"]
    assert content["columns"][0]["missing"] == 10
    assert content["targets"]["least"] < content["targets"]["mean"] < content["targets"]["greatest"]


def test_columns_that_are_left_out_are_shown_with_their_reason(tmp_path, capsys):
    rows = [f"{row},{'' if row % 5 else f'x{row}'},Rome,{row / 7 % 1:.4f}," for row in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["id,text,city,wage,none", *rows]))
    assert main(["show", "--data", str(tmp_path / "t.csv"), "--target", "wage", "--json"]) == 0
    found = {column["name"]: column for column in json.loads(capsys.readouterr().out)["columns"]}
    assert {column["left_out"] for column in found.values() if "left_out" in column} == {
        "constant", "no value in any row", "counts or names the rows (data.keep: [id] keeps it)",
    }  # fmt: skip
    assert main(["show", "--data", str(tmp_path / "t.csv"), "--target", "wage"]) == 0
    assert "city    category           left out: constant" in capsys.readouterr().out


def test_columns_are_shown_in_their_own_units(tmp_path, capsys):
    lines = "".join(
        f"{1_700_000_000 + row % 90},2024-05-03T12:00:{row % 50:02},{'ab'[row % 2]}\n" for row in range(100)
    )
    (tmp_path / "rows.csv").write_text("time,date,y\n" + lines)
    assert main(["show", "--data", str(tmp_path / "rows.csv"), "--target", "y"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"time .* 17000000\d\d to 17000000\d\d\n", printed)
    assert re.search(r"date .* 2024-05-03T12:00:\d\d to 2024-05-03T12:00:\d\d\n", printed)


def test_images_are_summarized_by_shape_and_channel():
    text = summary.to_text(recipes.load_dataset("digits"))
    assert "images of 8 x 8 x 1, pixels from 0 to 16" in text
    assert "channel 0: mean 4.8" in text


def test_many_classes_are_shortened():
    x, y = np.random.default_rng(0).normal(size=(300, 2)), np.arange(300) % 30
    assert "and 10 more: " in summary.to_text(recipes.load_dataset((x, y)))
