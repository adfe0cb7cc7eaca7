import errno
import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import recipes
from recipes.arguments.npz import read_npz
from recipes.runs import folder as runs
from recipes.runs import writing


def test_the_folder_holds_what_the_design_names(run):
    files = {path.name for path in run.directory.iterdir()}
    assert files == {
        "model.keras", "recipe.yaml", "versions.json", "history.csv", "report.json", "report.txt", "predictions.npz",
        "learning_curves.png", "record.png", "record.npz", "record.csv", "report.png", "confusion_matrix.png",
        "rows.npz",
    }  # fmt: skip
    assert run.directory.name == "tabular-seed0"


def test_the_files_say_what_happened(run):
    assert recipes.Recipe.from_yaml(run.directory / "recipe.yaml") == run.recipe
    versions = json.loads((run.directory / "versions.json").read_text())
    assert versions["seed"] == 0
    assert versions["packages"]["keras"] == keras.__version__
    lines = (run.directory / "history.csv").read_text().splitlines()
    assert lines[0].split(",") == ["epoch", *run.history]
    assert len(lines) == 1 + len(run.history["loss"])
    assert json.loads((run.directory / "report.json").read_text()) == run.report.to_dict()
    assert str(run.report) in (run.directory / "report.txt").read_text()


def test_predictions_add_up_to_the_report(run):
    with np.load(run.directory / "predictions.npz") as stored:
        label, predicted, probability = stored["label"], stored["predicted"], stored["probability"]
    assert (label == predicted).mean() == run.report.accuracy
    np.testing.assert_array_equal(predicted, probability > 0.5)
    np.testing.assert_array_equal(label, recipes.load_dataset("breast_cancer").test[1])


@pytest.mark.extensive
def test_the_model_takes_raw_rows_and_gives_the_same_in_a_new_process(run, tmp_path):
    x, _ = recipes.load_dataset("breast_cancer").test
    np.save(tmp_path / "x.npy", x)
    program = (
        "import sys, numpy, recipes\n"
        "model = recipes.load_model(sys.argv[1])\n"
        "numpy.save(sys.argv[2], model.predict(numpy.load(sys.argv[3]), verbose=0))\n"
    )
    command = [sys.executable, "-c", program, run.directory, tmp_path / "y.npy", tmp_path / "x.npy"]
    subprocess.run(command, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), run.model.predict(x, verbose=0), atol=1e-6)


@pytest.mark.backend
def test_keras_own_evaluate_works_on_a_loaded_model(run):
    model = recipes.load_model(run.directory / "model.keras")
    _, accuracy = model.evaluate(*recipes.load_dataset("breast_cancer").test, verbose=0)
    assert accuracy == pytest.approx(run.report.accuracy, abs=1e-6)


def test_the_optimizer_is_not_in_the_file(run):
    weights = sum(weight.shape.num_elements() if hasattr(weight.shape, "num_elements") else np.prod(weight.shape)
                  for weight in run.model.weights)  # fmt: skip
    with zipfile.ZipFile(run.directory / "model.keras") as archive:
        assert archive.getinfo("model.weights.h5").file_size < 4 * weights + 60_000


def fail_while_writing(output, name):
    with runs.new_folder(output, name, overwrite=True) as folder:
        (folder / "model.keras").write_text("half")
        raise RuntimeError


def test_a_failure_leaves_nothing_behind_and_an_older_run_as_it_was(tmp_path):
    (tmp_path / "runs" / "old").mkdir(parents=True)
    (tmp_path / "runs" / "old" / "model.keras").write_text("old")
    for name, output in (("old", tmp_path / "runs"), ("new", tmp_path / "made" / "deeper")):
        with pytest.raises(RuntimeError):
            fail_while_writing(output, name)
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "runs", "runs/old", "runs/old/model.keras",
    ]  # fmt: skip
    assert (tmp_path / "runs" / "old" / "model.keras").read_text() == "old"


def write_run(output, text, overwrite=True):
    with runs.new_folder(output, "mine", overwrite) as folder:
        (folder / "model.keras").write_text(text)


def test_a_run_is_replaced_only_when_that_is_said(tmp_path):
    write_run(tmp_path, "first")
    write_run(tmp_path, "second")
    assert (tmp_path / "mine" / "model.keras").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    with pytest.raises(FileExistsError, match="the run folder .*mine exists"), runs.new_folder(tmp_path, "mine"):
        pytest.fail("the work began")


def test_what_is_no_run_is_never_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match="mine exists and is no run folder"):
        write_run(tmp_path, "run")
    (tmp_path / "mine" / "thesis.tex").unlink()
    (tmp_path / "mine").rmdir()
    (tmp_path / "mine").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match="mine exists and is no run folder"):
        write_run(tmp_path, "run")


def test_a_run_that_appears_meanwhile_and_this_one_are_both_kept(tmp_path):
    with pytest.raises(FileExistsError, match="has been made meanwhile: this run is in"):
        write_run_during_another(tmp_path)
    assert sorted(path.read_text() for path in tmp_path.glob("*/model.keras")) == ["other", "this"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def write_run_during_another(output):
    with runs.new_folder(output, "mine") as folder:
        (folder / "model.keras").write_text("this")
        write_run(output, "other", overwrite=False)


def test_the_old_run_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    write_run(tmp_path, "old")
    rename = runs.Path.rename

    def failing(path, target):
        if path.name.startswith(".") and not path.name.endswith("-replaced"):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(runs.Path, "rename", failing)
    with pytest.raises(KeyboardInterrupt):
        write_run(tmp_path, "new")
    assert (tmp_path / "mine" / "model.keras").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_output_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OSError, match="cannot write to the output folder .*file"),
        runs.new_folder(tmp_path / "file", "mine"),
    ):
        pytest.fail("the work began")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused_before_the_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="Permission denied"), runs.new_folder(tmp_path, "mine"):
        pytest.fail("the work began")


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    def half(file):
        file.write_text("ha")
        full_disk()

    runs.write_json(tmp_path / "a.json", {"a": 1})
    for file in ("a.json", "b.json"):
        with pytest.raises(OSError, match="No space left on device"):
            runs.write_whole(tmp_path / file, half)
    with pytest.raises(TypeError, match="not JSON serializable"):
        runs.write_json(tmp_path / "a.json", {"a": object()})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_a_model_is_worth_more_than_its_history(run, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "save_model", lambda model, file: file.write_text("model"))
    monkeypatch.setattr(writing, "_write_history", full_disk)
    facts, fingerprint = {"seed": 0, "classes": run.report.class_names}, runs.fingerprint(run.directory)
    content = (run.model, run.recipe, facts, run.history, run.record, fingerprint)
    with pytest.warns(UserWarning, match=r"not all of history.csv, .* could be written: .*No space left"):
        runs.save(tmp_path / "removed" / "run", *content)
    assert runs.class_names(tmp_path / "removed" / "run") == run.report.class_names
    monkeypatch.setattr(writing, "save_model", full_disk)
    with pytest.raises(OSError, match="the trained model cannot be saved in .*removed: .*No space left on device"):
        runs.save(tmp_path / "removed" / "run", *content)


def test_history_and_class_names_are_known_without_the_report(run, tmp_path):
    for name in ("model.keras", "versions.json", "history.csv", "report.json"):
        (tmp_path / name).write_bytes((run.directory / name).read_bytes())
    assert runs.history(tmp_path) == run.history
    older = {name: value for name, value in runs.versions(tmp_path).items() if name != "classes"}
    runs.write_json(tmp_path / "versions.json", older)
    assert runs.class_names(tmp_path) == run.report.class_names
    (tmp_path / "report.json").unlink()
    assert runs.class_names(tmp_path) is None
    assert runs.class_names(run.directory) == run.report.class_names


def test_what_is_no_model_is_refused(tmp_path, run):
    with pytest.raises(FileNotFoundError, match="there is no run folder or .keras file"):
        recipes.load_model(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"is no run folder: it has no model.keras"):
        recipes.load_model(tmp_path)
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(ValueError, match="text.keras is no Keras model file"):
        recipes.load_model(tmp_path / "text.keras")
    np.savez(tmp_path / "arrays.npz", x=np.ones(3))
    with pytest.raises(ValueError, match="arrays.npz is no Keras model file"):
        recipes.load_model(tmp_path / "arrays.npz")
    whole = (run.directory / "model.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut.keras is no Keras model file .* or is damaged"):
        recipes.load_model(tmp_path / "cut.keras")


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_a_model_damaged_inside_is_refused_in_one_line(tmp_path, run, member):
    with (
        zipfile.ZipFile(run.directory / "model.keras") as source,
        zipfile.ZipFile(tmp_path / "damaged.keras", "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[: len(content) // 2] if name == member else content)
    with pytest.raises(ValueError, match="damaged.keras cannot be loaded: ") as error:
        recipes.load_model(tmp_path / "damaged.keras")
    assert "\n" not in str(error.value)


def test_code_inside_a_model_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(ValueError, match="lambda.keras is refused: it holds Python code that would run"):
        recipes.load_model(tmp_path / "lambda.keras")


def test_files_of_a_run_that_are_damaged_are_named(run, tmp_path):
    for name in ("model.keras", "recipe.yaml", "versions.json", "report.json", "history.csv", "predictions.npz"):
        (tmp_path / name).write_bytes((run.directory / name).read_bytes())
    for name, text, read in (
        ("report.json", "[]", runs.predictions),
        ("report.json", '{"a": ', runs.predictions),
        ("predictions.npz", "PK", runs.predictions),
        ("history.csv", "epoch,loss\n1,a", runs.history),
        ("history.csv", "", runs.history),
        ("versions.json", "{}", recipes.evaluate),
        ("versions.json", "[]", recipes.evaluate),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=f"{name} is damaged"):
            read(tmp_path)
        (tmp_path / name).write_bytes((run.directory / name).read_bytes())


@pytest.mark.parametrize("kind", ["model", "data"])
def test_random_damage_is_told_in_one_line(run, tmp_path, kind):
    generator = np.random.default_rng(0)
    if kind == "model":
        whole, damaged, load = (run.directory / "model.keras").read_bytes(), tmp_path / "d.keras", recipes.load_model
    else:
        np.savez_compressed(tmp_path / "whole.npz", x=np.random.default_rng(0).normal(size=(300, 2)), y=np.arange(300))
        whole, damaged, load = (tmp_path / "whole.npz").read_bytes(), tmp_path / "d.npz", read_npz
    messages = []
    for trial in range(60):
        content = bytearray(whole)
        # The end holds the archive's table of contents, where damage shows in the most ways.
        start = generator.integers(0, len(content) - 40) if trial % 2 else len(content) - 400 + 6 * trial
        content[start : start + 8] = generator.bytes(8)
        damaged.write_bytes(content)
        messages += message_of(load, damaged)
    assert len(messages) > 10
    assert all(message.startswith(str(damaged)) and "\n" not in message for message in messages)


def message_of(load, path):
    """What `load` says about a damaged file; nothing if the damage does not matter."""
    try:
        load(path)
    except ValueError as error:
        return [str(error)]
    return []


def test_runs_of_before_read_images_as_they_were_trained(tmp_path):
    (tmp_path / "model.keras").touch()
    (tmp_path / "versions.json").write_text('{"seed": 3}')
    (tmp_path / "recipe.yaml").write_text("data: {name: photos}")
    recipe, seed = runs.recipe_and_seed(tmp_path)
    assert (recipe.data.name, recipe.data.background, recipe.data.depth, seed) == ("photos", None, 8, 3)
    (tmp_path / "recipe.yaml").write_text(recipe.replace(data={"background": "black", "depth": None}).to_yaml())
    recipe, _ = runs.recipe_and_seed(tmp_path)
    assert (recipe.data.background, recipe.data.depth) == ("black", None)
