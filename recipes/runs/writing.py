"""What a training leaves in its run folder, the trained model first, since it is worth the most."""

import csv
import json
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path

import keras

from recipes.data import Fingerprint
from recipes.models.saved import save_model
from recipes.runs import data_paths, files
from recipes.runs.environment import versions
from recipes.runs.stored import Stored
from recipes.runs.watched import Watched
from recipes.settings import Recipe


def save(
    folder: Path, model: keras.Model, recipe: Recipe, watched: Watched, facts: dict, fingerprint: Fingerprint
) -> None:
    """Write what was trained into `folder`, the model first.

    Args:
        folder: Folder to write into; it is made where it does not exist, or was removed during the training.
        model: Trained model that takes raw rows.
        recipe: Recipe with every change applied.
        watched: History, record and kept epoch of the training.
        facts: Further facts for `versions.json`: `seed`, `classes` (class names), `missing` (parts that are still to be
            written; see `Stored.missing`), and others.
        fingerprint: Fingerprint of the data.

    Raises:
        OSError: If the model cannot be saved. For history, record and digests of the rows there is a warning instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        save_model(model, folder / files.MODEL)
        (folder / files.RECIPE).write_text(recipe.to_yaml(), encoding="utf-8")
        kept = {"kept_epoch": watched.kept_epoch, "kept_reason": watched.reason}
        data = {
            "fingerprint": fingerprint.to_dict(),
            "paths": data_paths.absolute_and_relative(recipe.data, folder),
        }
        write_json(folder / files.VERSIONS, {**facts, **kept, **data, **versions()})
    except Exception as error:  # libraries that write files raise errors of many kinds when the disk is full
        raise OSError(f"the trained model cannot be saved in {folder.parent}: {one_line(error)}") from error
    try:
        _write_history(folder / files.HISTORY, watched.history)
        watched.record.save(folder / files.RECORD)
        watched.record.to_csv(folder / files.RECORD_TABLE)
        fingerprint.save(folder / files.ROWS)
    except Exception as error:
        names = f"{files.HISTORY}, {files.RECORD} and {files.ROWS}"
        warnings.warn(f"not all of {names} could be written: {one_line(error)}", stacklevel=2)


def set_missing(directory: Path, parts: tuple[str, ...]) -> None:
    """Write into `versions.json` of a run folder which parts it still lacks; see `Stored.missing`."""
    facts = {name: value for name, value in Stored(directory).versions.items() if name != "missing"}
    write_json(directory / files.VERSIONS, {**facts, **({"missing": list(parts)} if parts else {})})


def write_json(file: Path, content: dict) -> None:
    """Write `content` as a JSON file, whole or not at all."""
    text = json.dumps(content, indent=2) + "\n"
    write_whole(file, lambda unfinished: unfinished.write_text(text, encoding="utf-8"))


def write_whole(file: Path, write: Callable[[Path], None]) -> None:
    """Write `file` whole or not at all; an older file of that name stays until the new one is whole.

    Args:
        file: File to be written.
        write: Function that writes a file at the path it is given.
    """
    unfinished = file.with_name(f".{uuid.uuid4().hex[:8]}-{file.name}")
    try:
        write(unfinished)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def one_line(error: BaseException) -> str:
    """Message of `error` on one line, or its class where it has no message."""
    return " ".join(str(error).split()) or type(error).__name__


def _write_history(file: Path, history: dict[str, list[float]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", *history])
        writer.writerows([epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True), start=1))
