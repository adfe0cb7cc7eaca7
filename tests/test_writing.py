import errno
import json

import keras
import numpy as np
import pytest

import recipes
from recipes.models import saved
from recipes.runs import files, pictures, writing
from recipes.runs.stored import Stored
from recipes.runs.watched import Watched


def test_the_folder_holds_what_the_design_names(run):
    files = {path.name for path in run.directory.iterdir()}
    assert files == {
        "model.keras", "recipe.yaml", "versions.json", "history.csv", "report.json", "report.txt", "predictions.npz",
        "learning_curves.png", "record.png", "record.npz", "record.csv", "report.png", "confusion_matrix.png",
        "rows.npz", "manifest.json", "report.html", "MODEL_CARD.md",
    }  # fmt: skip
    assert run.directory.name == "tabular-seed0"


def test_names_of_files_that_are_written_elsewhere_are_those_of_the_run_folder():
    assert files.MODEL == saved.MODEL
    assert tuple(picture.file for picture in pictures.PICTURES) == files.PICTURES


def test_the_files_say_what_happened(run):
    assert recipes.Recipe.from_yaml(run.directory / "recipe.yaml") == run.recipe
    versions = json.loads((run.directory / "versions.json").read_text())
    assert versions["seed"] == 0
    assert versions["packages"]["keras"] == keras.__version__
    lines = (run.directory / "history.csv").read_text().splitlines()
    assert lines[0].split(",") == ["epoch", *run.history]
    assert len(lines) == 1 + len(run.history["loss"])
    report = json.loads((run.directory / "report.json").read_text())
    assert set(report.pop("analysis")) >= {"baselines", "errors", "calibration", "examples", "importance", "data"}
    assert report == run.report.to_dict()
    assert str(run.report) in (run.directory / "report.txt").read_text()


def test_predictions_add_up_to_the_report(run):
    with np.load(run.directory / "predictions.npz") as stored:
        label, predicted, probability = stored["label"], stored["predicted"], stored["probability"]
    assert (label == predicted).mean() == run.report.accuracy
    np.testing.assert_array_equal(predicted, probability > 0.5)
    np.testing.assert_array_equal(label, recipes.load_dataset("breast_cancer").test[1])


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    def half(file):
        file.write_text("ha")
        full_disk()

    writing.write_json(tmp_path / "a.json", {"a": 1})
    for file in ("a.json", "b.json"):
        with pytest.raises(OSError, match="No space left on device"):
            writing.write_whole(tmp_path / file, half)
    with pytest.raises(TypeError, match="not JSON serializable"):
        writing.write_json(tmp_path / "a.json", {"a": object()})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_a_model_is_worth_more_than_its_history(run, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "save_model", lambda model, file: file.write_text("model"))
    monkeypatch.setattr(writing, "_write_history", full_disk)
    watched = Watched(run.history, run.record, run.kept_epoch, "lowest validation loss")
    facts, fingerprint = {"seed": 0, "classes": run.report.class_names}, Stored(run.directory).fingerprint
    content = (run.model, run.recipe, watched, facts, fingerprint)
    with pytest.warns(UserWarning, match="the model is saved, without history.csv: .*could not be written: No space"):
        writing.save(tmp_path / "removed" / "run", *content)
    stored = Stored(tmp_path / "removed" / "run")
    assert stored.class_names == run.report.class_names
    assert (stored.kept_epoch, stored.versions["kept_reason"]) == (run.kept_epoch, "lowest validation loss")
    monkeypatch.setattr(writing, "save_model", full_disk)
    with pytest.raises(
        OSError,
        match="the trained model cannot be saved in .*removed: .*model.keras could not .*: No space",
    ):
        writing.save(tmp_path / "removed" / "run", *content)
