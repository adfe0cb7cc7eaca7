"""The run folder: everything needed to trust, load and compare a trained model; whole or not there at all."""

import contextlib
import csv
import importlib.metadata
import json
import os
import platform
import re
import shutil
import tempfile
import uuid
import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np

import callbacks  # noqa: F401  (registers the schedule that a saved optimizer may hold)
import custom_layers  # noqa: F401  (registers the layers that a saved model may hold)
import recipes.confusion_metric
import recipes.losses
import recipes.optimizers
import recipes.schedules  # noqa: F401  (and what else a user's own compiled model may hold)
from recipes import plots
from recipes.data import Dataset
from recipes.data.preparation import ImagePreparation
from recipes.data.store import chunks_of
from recipes.metrics import decide
from recipes.plots.confusion import matrix_size
from recipes.plots.greatest_losses import are_images, grid_size
from recipes.settings import Data, Recipe

MODEL = "model.keras"
PREDICTIONS = "predictions.npz"
MOST_STORED_PREDICTIONS = 1_000_000


@contextlib.contextmanager
def new_folder(output: str | Path, name: str, overwrite: bool = False):
    """Make the run folder `output/name`: yields a folder beside it to write into, which takes its name at the end.

    If the work in between fails, nothing is left behind and an older folder of that name stays.

    Raises:
        FileExistsError: If there is a folder of that name and it may not be overwritten, or it is no run folder.
        OSError: If `output` cannot be written to.
    """
    output = Path(output)
    target = output / name
    _refuse_target(target, overwrite)
    made = [folder for folder in (output, *output.parents) if not folder.exists()]
    staging = output / f".{name}-{uuid.uuid4().hex[:8]}"
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise OSError(f"cannot write to the output folder {output}: {error.strerror}") from None
    try:
        yield staging
        _take_name(staging, target, overwrite)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for folder in made:
            with contextlib.suppress(OSError):  # not empty: others write there too
                folder.rmdir()
        raise


def _refuse_target(target: Path, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise FileExistsError(f"the run folder {target} exists: give another name, or say that it may be overwritten")
    is_run = target.is_dir() and not target.is_symlink() and ((target / MODEL).is_file() or not any(target.iterdir()))
    if not is_run:
        raise FileExistsError(f"{target} exists and is no run folder: it is not overwritten; give another name")


def _take_name(staging: Path, target: Path, overwrite: bool) -> None:
    """Give the finished folder its name; whatever fails, either the old run or the new one has it afterwards."""
    if not os.path.lexists(target):
        staging.rename(target)
        return
    if not overwrite:
        # It came while this run was trained: neither of the two is to be lost.
        kept = target.with_name(staging.name.lstrip("."))
        staging.rename(kept)
        raise FileExistsError(f"the run folder {target} has been made meanwhile: this run is in {kept}")
    replaced = staging.with_name(f"{staging.name}-replaced")
    target.rename(replaced)
    try:
        staging.rename(target)
    except BaseException:
        replaced.rename(target)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def write(
    folder: Path,
    run,
    dataset: Dataset,
    facts: dict,
    y_true: np.ndarray,
    outputs: np.ndarray,
    pictures: bool = True,
) -> None:
    """Write a finished run into `folder`.

    Args:
        folder: An existing, empty folder.
        run: The `Run`.
        dataset: What it was trained on.
        facts: What the recipe does not say: the seed, and whose model it is.
        y_true: Targets of the test part `(rows,)`.
        outputs: What the model said about them, `(rows, outputs)`, or about the first million.
        pictures: Whether to draw.
    """
    _save(run.model, folder / MODEL)
    (folder / "recipe.yaml").write_text(run.recipe.to_yaml(), encoding="utf-8")
    _write_json(folder / "versions.json", {**facts, **_versions()})
    _write_history(folder / "history.csv", run.history)
    run.record.save(folder / "record.npz")
    run.record.to_csv(folder / "record.csv")
    _write_json(folder / "report.json", run.report.to_dict())
    (folder / "report.txt").write_text(f"{dataset.describe()}\n\n{run.report}\n", encoding="utf-8")
    _write_predictions(folder / PREDICTIONS, dataset, y_true, outputs)
    if pictures:
        try:
            _draw(folder, run, dataset, y_true[: len(outputs)], outputs)
        except Exception as error:  # a training is worth more than its pictures
            warnings.warn(f"not all pictures of {run.directory} could be drawn: {error}", stacklevel=2)


def check_reloads(model: keras.Model) -> None:
    """Save and load `model` once, to refuse one that could not be used afterwards.

    Raises:
        ValueError: With what must be done.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            _save(model, Path(folder) / MODEL)
            load_model(folder)
        except Exception as error:  # whatever the user's own layers raise
            reason = " ".join(str(error).split()).replace(f"{folder}/", "")
            raise ValueError(
                "the model could not be loaded again after training: register its classes with "
                f"@keras.saving.register_keras_serializable(), and use no Lambda layer ({reason[:300]})"
            ) from error


def model_file(path: str | Path) -> Path:
    """The model file of a run folder, or `path` itself if it is a `.keras` file."""
    if not isinstance(path, str | Path):
        raise ValueError(f"a run folder or .keras file is named by its path. Received: {path!r}")
    path = Path(path)
    if path.is_dir():
        if not (path / MODEL).is_file():
            raise FileNotFoundError(f"{path} is no run folder: it has no {MODEL}")
        return path / MODEL
    if not path.exists():
        raise FileNotFoundError(f"there is no run folder or .keras file {path}")
    return path


def load_model(path: str | Path, custom_objects: dict | None = None) -> keras.Model:
    """Load a trained model: raw rows in, probabilities (or values) out.

    Args:
        path: A run folder, or a `.keras` file.
        custom_objects: Classes and functions of your own that the model uses, by name.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If it is no Keras model, is damaged, or holds Python code that would run while it loads, such as
            a Lambda layer.
    """
    file = model_file(path)
    try:
        with zipfile.ZipFile(file) as archive:
            known = "config.json" in archive.namelist()
    except Exception:  # a damaged file can fail in many ways
        known = False
    if not known:
        raise ValueError(f"{file} is no Keras model file (as `model.save` writes it), or is damaged")
    try:
        return keras.saving.load_model(file, custom_objects=custom_objects, safe_mode=True)
    except Exception as error:  # the same, in any of the libraries that read it
        text = " ".join(str(error).split())
        if "unsafe" in text or "Lambda" in text:
            raise ValueError(f"{file} is refused: it holds Python code that would run while it loads") from None
        unknown = re.search(r"Could not locate class '(.+?)'", text)
        if unknown:
            raise ValueError(
                f"{file} needs the class {unknown[1]!r}: import the module that registers it, or give it in "
                "`custom_objects`"
            ) from None
        raise ValueError(f"{file} cannot be loaded: {text[:300] or type(error).__name__}") from error


def class_names(path: str | Path) -> tuple[str, ...] | None:
    """The class names of the run that `path` (folder or model file) belongs to; `None` if they are not known."""
    report = model_file(path).with_name("report.json")
    classes = _read_json(report).get("classes") if report.is_file() else None
    return tuple(classes) if classes else None


def recipe_and_seed(path: str | Path) -> tuple[Recipe, int] | None:
    """How the run that `path` belongs to was trained; `None` for a model file outside a run folder."""
    folder = model_file(path).parent
    versions = folder / "versions.json"
    if not (folder / "recipe.yaml").is_file() or not versions.is_file():
        return None
    seed = _read_json(versions).get("seed")
    if not isinstance(seed, int):
        raise ValueError(f"{versions} is damaged: it must hold the seed")
    # A run that does not say how images are read dropped their transparency, and brought deep ones to 8 bits.
    before = Recipe(name="recipe", data=Data(background=None, depth=8))
    return Recipe.from_yaml(folder / "recipe.yaml", base=before), seed


def predictions(path: str | Path) -> dict[str, np.ndarray] | None:
    """`label`, `predicted` and, for classes, `probability` of the run that `path` belongs to, row by row of its test.

    `None` where they are not stored, or not all of them.

    Raises:
        ValueError: If the file is damaged.
    """
    file, report = (model_file(path).with_name(name) for name in (PREDICTIONS, "report.json"))
    if not file.is_file() or not report.is_file():
        return None
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
        rows = {len(arrays[name]) for name in ("label", "predicted")}
    except Exception:  # a damaged file can fail in many ways
        rows = set()
    if len(rows) != 1:
        raise ValueError(f"{file} is damaged: it must hold the arrays label and predicted")
    return arrays if rows == {_read_json(report).get("rows")} else None


def _read_json(file: Path) -> dict:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ValueError(f"{file} is damaged: it must hold a JSON object")
    return content


def _save(model: keras.Model, file: Path) -> None:
    """Save without the optimizer of the network inside: its state would triple the file and serve nobody."""
    inner = [(layer, layer.optimizer) for layer in model.layers if isinstance(layer, keras.Model) and layer.compiled]
    for network, _ in inner:
        network.optimizer, network.compiled = None, False
    try:
        model.save(file)
    finally:
        for network, optimizer in inner:
            network.optimizer, network.compiled = optimizer, True


def _write_json(file: Path, content: dict) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _versions() -> dict:
    from recipes import __version__

    backend = keras.backend.backend()
    packages = {"keras-recipes": __version__, "keras": keras.__version__}
    for package in (backend, "numpy", "scikit-learn"):
        packages[package] = importlib.metadata.version(package)
    system = {"python": platform.python_version(), "system": platform.platform()}
    return {"backend": backend, **system, "packages": packages}


def _write_history(file: Path, history: dict[str, list[float]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", *history])
        writer.writerows([epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True), start=1))


def _write_predictions(file: Path, dataset: Dataset, y_true: np.ndarray, outputs: np.ndarray) -> None:
    """`label`, `predicted` and, for classes, `probability`: of class 1 `(rows,)`, or of each `(rows, classes)`."""
    outputs = outputs[:MOST_STORED_PREDICTIONS]
    y_true = y_true[: len(outputs)]
    if dataset.task == "regression":
        np.savez_compressed(file, label=y_true, predicted=outputs[:, 0])
        return
    probability = outputs[:, 0] if outputs.shape[1] == 1 else outputs
    predicted = np.concatenate([decide(rows) for rows in chunks_of(outputs)])  # they may be on the disk
    np.savez_compressed(file, label=y_true, predicted=predicted, probability=probability)


def _draw(folder: Path, run, dataset: Dataset, y_true: np.ndarray, outputs: np.ndarray) -> None:
    from matplotlib.figure import Figure  # without pyplot: no window system, and no global state to leave behind

    metrics = sorted((name for name in run.history if f"val_{name}" in run.history), key=lambda name: name != "loss")
    figure = Figure(figsize=(5.5 * len(metrics), 4), layout="constrained")
    for ax, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        plots.learning_curves(run.history, ax, metric, kept=run.recipe.fit.keep)
    figure.savefig(folder / "learning_curves.png", dpi=120)
    plots.record_figure(run.record).savefig(folder / "record.png", dpi=100)
    plots.report_figure(run.report).savefig(folder / "report.png", dpi=100)
    if dataset.task == "regression":
        figure = Figure(figsize=(5.9, 5), layout="constrained")
        plots.predicted_values(y_true, outputs[:, 0], figure.subplots())
        figure.savefig(folder / "predictions.png", dpi=100)
        return
    figure = Figure(figsize=matrix_size(len(run.report.class_names)), layout="constrained")
    plots.confusion_matrix(run.report, figure.subplots())
    figure.savefig(folder / "confusion_matrix.png", dpi=120)
    x, probabilities = dataset.test[0][: len(y_true)], run.report.probabilities
    if isinstance(dataset.preparation, ImagePreparation) and probabilities is not None and are_images(x):
        figure = Figure(figsize=grid_size(x, len(probabilities.greatest_losses)), layout="constrained")
        plots.greatest_losses(run.report, x, figure.subplots())
        figure.savefig(folder / "greatest_losses.png", dpi=100)
