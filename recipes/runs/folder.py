"""The run folder: everything needed to trust, load and compare a trained model.

A folder takes its name once the trained model lies in it whole; the report and the pictures follow (`finishing`).
"""

import contextlib
import csv
import importlib.metadata
import json
import os
import platform
import shutil
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from callbacks.watching.record import Record
from recipes.data import ARRAYS, Fingerprint, is_name
from recipes.models.saved import MODEL, model_file, save_model
from recipes.settings import Data, Recipe
from recipes.version import __version__

VERSIONS = "versions.json"
HISTORY = "history.csv"
RECORD = "record.npz"
ROWS = "rows.npz"
REPORT = "report.json"
PREDICTIONS = "predictions.npz"


class NameTakenError(FileExistsError):
    """Another run has taken the name of this one meanwhile; `directory` is the folder that this one is in."""

    def __init__(self, message: str, directory: Path):
        super().__init__(message)
        self.directory = directory


@contextlib.contextmanager
def new_folder(output: str | Path, name: str, overwrite: bool = False):
    """Make the run folder `output/name`: yields a folder beside it to write into, which takes its name at the end.

    If the work in between fails, nothing is left behind and an older folder of that name stays.

    Raises:
        FileExistsError: If there is a folder of that name and it may not be overwritten, or it is no run folder.
        NameTakenError: If another run takes the name during the work; the folder is then kept under another name.
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
        raise NameTakenError(f"the run folder {target} has been made meanwhile: this run is in {kept}", kept)
    replaced = staging.with_name(f"{staging.name}-replaced")
    target.rename(replaced)
    try:
        staging.rename(target)
    except BaseException:
        replaced.rename(target)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def save(
    folder: Path,
    model: keras.Model,
    recipe: Recipe,
    facts: dict,
    history: dict[str, list[float]],
    record: Record,
    fingerprint: Fingerprint,
) -> None:
    """Write what was trained into `folder`, the model first.

    Args:
        folder: Existing, empty folder; it is made again where it was removed during the training.
        model: Trained model that takes raw rows.
        recipe: Recipe with every change applied.
        facts: Facts for `versions.json` that the recipe does not hold: the seed, the class names, and others.
        history: Values of each epoch, by name.
        record: What the watching callbacks saw.
        fingerprint: Fingerprint of the data.

    Raises:
        OSError: If the model cannot be saved. For the other files there is a warning: a trained model is worth more
            than they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        save_model(model, folder / MODEL)
        (folder / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
        known = {"fingerprint": fingerprint.to_dict(), "paths": _paths(recipe.data, folder)}
        write_json(folder / VERSIONS, {**facts, **known, **_versions()})
    except Exception as error:  # libraries that write files raise errors of many kinds when the disk is full
        raise OSError(f"the trained model cannot be saved in {folder.parent}: {one_line(error)}") from error
    try:
        _write_history(folder / HISTORY, history)
        record.save(folder / RECORD)
        record.to_csv(folder / "record.csv")
        fingerprint.save(folder / ROWS)
    except Exception as error:
        warnings.warn(f"not all of {HISTORY}, {RECORD} and {ROWS} could be written: {one_line(error)}", stacklevel=2)


def one_line(error: BaseException) -> str:
    """The message of `error` on one line, or its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def write_whole(file: Path, write: Callable[[Path], None]) -> None:
    """Write `file` so that it is there whole or not at all, and an older one stays until then.

    Args:
        file: File to be written.
        write: Function that writes the file at the path it is given.
    """
    unfinished = file.with_name(f".{uuid.uuid4().hex[:8]}-{file.name}")
    try:
        write(unfinished)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def class_names(path: str | Path) -> tuple[str, ...] | None:
    """The class names of the run that `path` (folder or model file) belongs to; `None` if they are not known."""
    facts = versions(path) or {}
    if "classes" not in facts:  # runs of older versions name their classes in the report alone
        report = model_file(path).with_name(REPORT)
        facts = _read_json(report) if report.is_file() else {}
    return tuple(facts.get("classes") or ()) or None


def versions(path: str | Path) -> dict | None:
    """Facts of the run that `path` belongs to, from `versions.json`; `None` for a model file outside a run folder."""
    file = model_file(path).with_name(VERSIONS)
    return _read_json(file) if file.is_file() else None


def fingerprint(path: str | Path) -> Fingerprint | None:
    """Fingerprint of the data of the run that `path` belongs to; `None` where an older version wrote the run.

    Raises:
        ValueError: If it is damaged.
    """
    facts = (versions(path) or {}).get("fingerprint")
    return None if facts is None else Fingerprint.read(facts, model_file(path).with_name(ROWS))


def missing(path: str | Path) -> tuple[str, ...]:
    """Which of `"report"`, `"predictions"` and `"pictures"` are still to be written into the run folder of `path`."""
    return tuple((versions(path) or {}).get("missing", ()))


def set_missing(directory: Path, parts: tuple[str, ...]) -> None:
    """Note in `versions.json` of a run folder what it still lacks; see `missing`."""
    facts = {name: value for name, value in versions(directory).items() if name != "missing"}
    write_json(directory / VERSIONS, {**facts, **({"missing": list(parts)} if parts else {})})


def kept_epoch(path: str | Path) -> int | None:
    """Epoch whose weights the model of the run has, counted from 1; `None` where an older run does not say."""
    return (versions(path) or {}).get("kept_epoch")


def history(path: str | Path) -> dict[str, list[float]]:
    """History of the run that `path` belongs to: values of each epoch, by name.

    Raises:
        FileNotFoundError, ValueError: If the file is not there, or is damaged.
    """
    file = model_file(path).with_name(HISTORY)
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            names, *rows = csv.reader(stream)
        columns = zip(*([float(value) for value in row] for row in rows), strict=True)
        return dict(zip(names[1:], map(list, list(columns)[1:]), strict=True))
    except ValueError:
        raise ValueError(f"{file} is damaged: it must hold a table of numbers") from None


def recipe_and_seed(path: str | Path) -> tuple[Recipe, int] | None:
    """How the run that `path` belongs to was trained; `None` for a model file outside a run folder.

    Paths of data in the recipe, which may be relative, are those where the files are now: where they were in the
    training, or where they are seen from the run folder (of a project that was moved), or as they are written.
    """
    file, facts = model_file(path).with_name("recipe.yaml"), versions(path)
    if not file.is_file() or facts is None:
        return None
    seed = facts.get("seed")
    if not isinstance(seed, int):
        raise ValueError(f"{file.with_name(VERSIONS)} is damaged: it must hold the seed")
    # A run that does not say how images are read dropped their transparency, and brought deep ones to 8 bits.
    before = Recipe(name="recipe", data=Data(background=None, depth=8))
    recipe = Recipe.from_yaml(file, base=before)
    return recipe.replace(data=_found_again(facts.get("paths", {}), file.parent)), seed


def _paths(settings: Data, folder: Path) -> dict[str, list[str]]:
    """By setting of the data that is a path: the absolute path, and the path relative to the run folder."""
    names = ("directory", "validation_file", "test_file")
    named = {name: getattr(settings, name) for name in names if getattr(settings, name) is not None}
    if settings.name != ARRAYS and not is_name(settings.name):
        named["name"] = settings.name
    paths = {}
    for name, path in named.items():
        absolute = Path(path).resolve()
        paths[name] = [str(absolute)]
        with contextlib.suppress(ValueError):  # another drive
            paths[name].append(Path(os.path.relpath(absolute, folder.resolve())).as_posix())
    return paths


def _found_again(paths: dict[str, list[str]], folder: Path) -> dict[str, str]:
    """By setting, the first of its paths where something is; settings of which nothing is there are left out."""
    places = {name: [folder.resolve() / path for path in known] for name, known in paths.items()}
    found = {name: next((place for place in known if place.exists()), None) for name, known in places.items()}
    return {name: str(place.resolve()) for name, place in found.items() if place is not None}


def predictions(path: str | Path) -> dict[str, np.ndarray] | None:
    """`label`, `predicted` and, for classes, `probability` of the run that `path` belongs to, row by row of its test.

    `None` where they are not stored, or not all of them.

    Raises:
        ValueError: If the file is damaged.
    """
    file, report = (model_file(path).with_name(name) for name in (PREDICTIONS, REPORT))
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


def write_json(file: Path, content: dict) -> None:
    """Write `content` as a JSON file, whole or not at all."""
    text = json.dumps(content, indent=2) + "\n"
    write_whole(file, lambda unfinished: unfinished.write_text(text, encoding="utf-8"))


def _versions() -> dict:
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
