import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import recipes
from recipes import runs


def test_the_folder_holds_what_the_design_names(run):
    files = {path.name for path in run.directory.iterdir()}
    assert files == {
        "model.keras", "recipe.yaml", "versions.json", "history.csv", "report.json", "report.txt", "predictions.npz",
        "learning_curves.png", "confusion_matrix.png",
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
        (folder / "report.txt").write_text("half")
        raise RuntimeError


def test_a_failure_leaves_nothing_behind_and_an_older_run_as_it_was(tmp_path):
    (tmp_path / "runs" / "old").mkdir(parents=True)
    (tmp_path / "runs" / "old" / "report.txt").write_text("old")
    for name, output in (("old", tmp_path / "runs"), ("new", tmp_path / "made" / "deeper")):
        with pytest.raises(RuntimeError):
            fail_while_writing(output, name)
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "runs", "runs/old", "runs/old/report.txt",
    ]  # fmt: skip
    assert (tmp_path / "runs" / "old" / "report.txt").read_text() == "old"


def test_a_run_is_replaced_only_when_that_is_said(tmp_path):
    for text in ("first", "second"):
        with runs.new_folder(tmp_path, "mine", overwrite=True) as folder:
            (folder / "report.txt").write_text(text)
    assert (tmp_path / "mine" / "report.txt").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    with pytest.raises(FileExistsError, match="the run folder .*mine exists"), runs.new_folder(tmp_path, "mine"):
        pytest.fail("the work began")


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
