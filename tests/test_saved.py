import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import recipes
from recipes.arguments.npz import read_npz


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


@pytest.mark.parametrize("kind", ["model", "data"])
def test_random_damage_is_named_in_one_line(run, tmp_path, kind):
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
