import json
import shutil

import numpy as np
import pytest

import recipes
from recipes.disk import manifest
from recipes.runs.stored import Stored
from recipes.runs.writing import write_json


def test_each_part_of_a_run_folder_is_read(run):
    stored = Stored(run.directory)
    assert stored.is_run
    assert (stored.recipe, stored.seed, stored.kept_epoch) == (run.recipe, 0, run.kept_epoch)
    assert (stored.class_names, stored.history, stored.missing) == (run.report.class_names, run.history, ())
    assert stored.fingerprint.rows == {"train": 399, "validation": 57, "test": 113}
    assert stored.record.layers == run.record.layers
    np.testing.assert_array_equal(stored.record.gradient_norm_mean, run.record.gradient_norm_mean)
    assert (stored.watched.history, stored.watched.kept_epoch) == (run.history, run.kept_epoch)
    assert (stored.predictions["label"] == stored.predictions["predicted"]).mean() == run.report.accuracy
    assert stored.report.to_dict() == run.report.to_dict()
    assert stored.model.name == run.model.name
    assert stored.model is stored.model


def test_a_run_a_stored_one_and_paths_name_the_same_model(run):
    stored = Stored(run.directory)
    assert Stored.of(stored) is stored
    for given in (run, stored, run.directory, str(run.directory), run.directory / "model.keras"):
        assert Stored.of(given).directory == run.directory
        assert Stored.of(given).class_names == run.report.class_names
        assert recipes.load_model(given).name == run.model.name
    for given in (None, run.model, 3):
        with pytest.raises(ValueError, match="a run is given as a `Run`, a `Stored`, or the path of .*Received: "):
            Stored.of(given)
    with pytest.raises(FileNotFoundError, match="there is no run folder or .keras file nowhere"):
        Stored("nowhere")


def test_a_model_file_outside_a_run_folder_has_a_model_alone(run, tmp_path):
    shutil.copy(run.directory / "model.keras", tmp_path / "other.keras")
    stored = Stored(tmp_path / "other.keras")
    assert (stored.is_run, stored.missing, stored.model.name) == (False, (), run.model.name)
    for part in ("versions", "recipe", "seed", "class_names", "fingerprint", "kept_epoch", "history", "record"):
        assert getattr(stored, part) is None
    assert (stored.watched, stored.report, stored.predictions) == (None, None, None)


def test_class_names_are_known_without_the_report_and_from_it(run, tmp_path):
    for name in ("model.keras", "versions.json", "report.json"):
        shutil.copy(run.directory / name, tmp_path)
    older = {name: value for name, value in Stored(tmp_path).versions.items() if name != "classes"}
    write_json(tmp_path / "versions.json", older)
    assert Stored(tmp_path).class_names == run.report.class_names
    (tmp_path / "report.json").unlink()
    assert Stored(tmp_path).class_names is None
    assert Stored(run.directory).class_names == run.report.class_names


def test_the_analysis_is_part_of_the_report_and_its_images_lie_beside_it(run, tmp_path):
    for name in ("model.keras", "versions.json", "report.json"):
        shutil.copy(run.directory / name, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    write_json(tmp_path / "report.json", {**report, "analysis": {"errors": {"test": 0.1}}})
    np.savez(tmp_path / "examples.npz", images=np.zeros((2, 4, 4), np.uint8))
    stored = Stored(tmp_path)
    assert stored.analysis == {"errors": {"test": 0.1}}
    assert stored.report.to_dict() == run.report.to_dict()
    assert stored.examples["images"].shape == (2, 4, 4)
    write_json(tmp_path / "report.json", {**report, "analysis": [1]})
    np.savez(tmp_path / "examples.npz", images=np.zeros((2, 4, 4, 2), np.uint8))
    for part in ("analysis", "examples"):
        with pytest.raises(ValueError, match="is damaged: "):
            getattr(Stored(tmp_path), part)


def test_files_of_a_run_that_are_damaged_are_named(run, tmp_path):
    for name in ("model.keras", "recipe.yaml", "versions.json", "report.json", "history.csv", "predictions.npz"):
        shutil.copy(run.directory / name, tmp_path)
    for name, text, part in (
        ("report.json", "[]", "predictions"),
        ("report.json", '{"a": ', "predictions"),
        ("predictions.npz", "PK", "predictions"),
        ("report.json", "[]", "report"),
        ("report.json", '{"confusion_matrix": [[1, 2], [3]], "classes": {}}', "report"),
        ("history.csv", "epoch,loss\n1,a", "history"),
        ("history.csv", "", "history"),
        ("versions.json", "{}", "seed"),
        ("versions.json", "[]", "seed"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=f"{name} is damaged"):
            getattr(Stored(tmp_path), part)
        shutil.copy(run.directory / name, tmp_path)


def test_each_part_of_a_run_is_checked_by_the_manifest_before_it_is_read(run, tmp_path):
    parts = {
        "model.keras": "model", "recipe.yaml": "recipe", "versions.json": "seed", "history.csv": "history",
        "record.npz": "watched", "rows.npz": "fingerprint", "report.json": "report", "predictions.npz": "predictions",
    }  # fmt: skip
    copy = shutil.copytree(run.directory, tmp_path / "run")
    for name, part in parts.items():
        content = (copy / name).read_bytes()
        changed = bytes([content[0] ^ 1]) + content[1:]
        for damaged, message in ((content[:-1], "is cut off after"), (changed, f"{name} is damaged, or was changed")):
            (copy / name).write_bytes(damaged)
            with pytest.raises(ValueError, match=message):
                getattr(Stored(copy), part)
        (copy / name).unlink()
        with pytest.raises(FileNotFoundError, match=f"{name} is missing|is no run folder: it has no model.keras"):
            getattr(Stored(copy), part)
        (copy / name).write_bytes(content)
        assert getattr(Stored(copy), part) is not None
    (copy / "model.keras").write_bytes(b"PK")
    for read in (recipes.load_model, recipes.evaluate, lambda path: recipes.predict(path, np.zeros((1, 30)))):
        with pytest.raises(ValueError, match="model.keras is damaged: it is cut off after 2 of"):
            read(copy)


def test_a_file_is_checked_once_and_again_after_it_was_written_anew(run, monkeypatch):
    checked = []
    monkeypatch.setattr(manifest, "check", lambda file: checked.append(file.name))
    stored = Stored(run.directory)
    for _ in range(2):
        assert stored.report is not None
        assert stored.predictions is not None
    assert sorted(checked) == ["predictions.npz", "report.json", "versions.json"]  # which has the classes
    stored.forget_results()
    assert stored.report is not None
    assert checked.count("report.json") == 2


def test_older_runs_read_images_as_they_were_trained(tmp_path):
    (tmp_path / "model.keras").touch()
    (tmp_path / "versions.json").write_text('{"seed": 3}')
    (tmp_path / "recipe.yaml").write_text("data: {name: photos}")
    stored = Stored(tmp_path)
    settings = stored.recipe.data
    assert (settings.name, settings.background, settings.depth, stored.seed) == ("photos", None, 8, 3)
    (tmp_path / "recipe.yaml").write_text(stored.recipe.replace(data={"background": "black", "depth": None}).to_yaml())
    settings = Stored(tmp_path).recipe.data
    assert (settings.background, settings.depth) == ("black", None)
