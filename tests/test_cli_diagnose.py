import hashlib
import json
import math
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from seen_by_hand import course, seen

from recipes.cli import main
from recipes.cli.train import write_diagnosis
from recipes.disk import manifest
from recipes.doctor.rules import run as run_rules
from recipes.doctor.stored import diagnose_run
from recipes.runs.stored import Stored

SHIPPED = Path(__file__).parent.parent / "saved_models"


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A copy of the run folder that ships."""
    return shutil.copytree(SHIPPED / "digits", tmp_path_factory.mktemp("runs") / "digits")


def test_a_shipped_run_is_healthy_and_keeps_its_diagnosis_beside_its_report(digits, capsys):
    before = digests(digits)
    assert main(["diagnose", str(digits)]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        "No fault was found.\n\n"
        "After 8 epochs, the accuracy on held-out rows is 0.989; the best constant prediction reaches 0.103.\n"
    )
    assert captured.err == ""
    after = digests(digits)
    assert {name for name in after if after[name] != before.get(name)} == {
        "diagnosis.json", "diagnosis.png", "manifest.json", "report.html",
    }  # fmt: skip
    listed = manifest.read(digits)
    assert {"diagnosis.json", "diagnosis.png"} <= set(listed)
    for name in listed:
        manifest.check(digits / name)
    assert [path.name for path in digits.parent.iterdir() if not path.name.startswith(".")] == ["digits"]


def test_json_is_that_of_the_run_folder(digits, capsys):
    assert main(["diagnose", "--json", str(digits)]) == 0

    def refuse(constant):
        raise AssertionError(constant)

    printed = json.loads(capsys.readouterr().out, parse_constant=refuse)
    stored = json.loads((digits / "diagnosis.json").read_text())
    assert printed == stored
    assert (printed["healthy"], printed["root"], printed["score"]) == (True, None, "accuracy")
    assert printed["course"]["epochs"] == 8
    assert not [finding for finding in printed["findings"] if finding["severity"] == "fault"]


def test_a_run_without_record_and_predictions_is_diagnosed_by_what_it_has():
    diagnosis = diagnose_run(SHIPPED / "mnist-small")
    assert diagnosis.is_healthy
    assert "the accuracy on held-out rows is 0.989" in str(diagnosis)


def with_history(run, folder, **columns):
    """A copy of a run whose history is another."""
    shutil.copytree(run, folder)
    names = list(columns)
    rows = [",".join(map(str, (epoch, *row))) for epoch, row in enumerate(zip(*columns.values(), strict=True), start=1)]
    (folder / "history.csv").write_text("\n".join([",".join(["epoch", *names]), *rows]) + "\n")
    manifest.write(folder)
    return folder


def test_where_something_is_wrong_a_training_prints_one_line(digits, tmp_path, capsys):
    losses = [math.nan] * 3
    run = with_history(digits, tmp_path / "my run", loss=losses, val_loss=losses, accuracy=losses, val_accuracy=losses)
    write_diagnosis(Stored(run))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(
        rf"keras-recipes: note: The training stopped .* `keras-recipes diagnose '{run}'` tells more\n", captured.err
    )
    assert json.loads((run / "diagnosis.json").read_text())["root"] == "exploding_gradient"
    (run / "model.keras").unlink()
    write_diagnosis(SimpleNamespace(directory=run, __fspath__=lambda: str(run)))
    assert capsys.readouterr().err.startswith(f"keras-recipes: note: there is no diagnosis of {run}: ")


@pytest.mark.extensive
def test_a_training_that_goes_wrong_says_so_in_one_line_that_names_the_command(tmp_path, capsys):
    flags = ["--epochs", "1", "--optimizer.learning_rate", "1e-9", "--model.widths", "[4]", "--output", str(tmp_path)]
    assert main(["train", "digits", *flags, "--json"]) == 0
    captured = capsys.readouterr()
    run = Path(json.loads(captured.out)["directory"])
    assert captured.err == (
        "keras-recipes: note: The model predicts no better than a constant; the run folder alone cannot tell why. "
        f"`keras-recipes diagnose {run}` tells more\n"
    )
    assert json.loads((run / "diagnosis.json").read_text())["root"] == "no_signal"
    assert (run / "diagnosis.png").stat().st_size > 1000
    diagnosis = diagnose_run(run)
    assert diagnosis.root.remedy.endswith(f"\nkeras-recipes diagnose {run / 'recipe.yaml'}")
    assert not Stored(run).missing


def test_of_a_run_at_chance_it_says_that_only_a_training_can_tell_the_cause():
    root = run_rules.at_chance(seen(course=course((0.33, 0.33, 0.33, 0.33))))
    assert (root.cause, root.confidence) == ("no_signal", 0.5)
    assert root.sentence.endswith("the run folder alone cannot tell why.")
    assert "The cause is not known yet" in root.remedy


def test_a_run_that_was_still_improving_gets_a_note(digits, tmp_path):
    rising = list(np.linspace(0.3, 0.9, 60))
    losses = list(np.linspace(2, 0.5, 60))
    run = with_history(digits, tmp_path / "short", loss=losses, val_loss=losses, accuracy=rising, val_accuracy=rising)
    diagnosis = diagnose_run(run)
    assert [finding.cause for finding in diagnosis.notes] == ["too_few_epochs"]
    assert diagnosis.is_healthy


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["diagnose", str(SHIPPED / "digits"), "--human_error", "2"],
            "`human_error` must be from 0 to 1. Received: 2.0",
        ),
        (["diagnose"], "diagnose needs the name of a recipe"),
        (["diagnose", "digit"], "unknown recipe, and no run folder, 'digit': did you mean 'digits'?"),
        (["diagnose", "none.yaml"], "there is no recipe file none.yaml"),
        (["diagnose", "here"], "here is no run folder: it has no model.keras"),
        (["diagnose", "here", "--epochs", "3"], "unknown flag --epochs"),
        (["diagnose", "digits", "--seconds", "soon"], "--seconds must be a number. Received: soon"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_model_file_alone_does_not_say_how_it_was_trained(digits, tmp_path):
    shutil.copy(digits / "model.keras", tmp_path / "other.keras")
    with pytest.raises(ValueError, match="lies in no run folder, which says how it was trained: recipes.diagnose"):
        diagnose_run(tmp_path / "other.keras")
