"""What a training leaves in its run folder, the trained model first, since it is worth the most."""

import csv
import json
import warnings
from pathlib import Path

import keras

from callbacks.watching.csv_cells import without_formula
from recipes.data import Fingerprint
from recipes.disk.whole import write_text_whole, write_whole
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
        OSError: If the model, its recipe or `versions.json` cannot be saved. For history, record and digests of the
            rows there is a warning instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"kept_epoch": watched.kept_epoch, "kept_reason": watched.reason}
    data = {"fingerprint": fingerprint.to_dict(), "paths": data_paths.absolute_and_relative(recipe.data, folder)}
    try:
        write_whole(folder / files.MODEL, lambda file: save_model(model, file))
        write_text_whole(folder / files.RECIPE, recipe.to_yaml())
        write_json(folder / files.VERSIONS, {**facts, **kept, **data, **versions()})
    except Exception as error:  # libraries that write files raise errors of many kinds when the disk is full
        raise OSError(f"the trained model cannot be saved in {folder.parent}: {one_line(error)}") from error
    _write_watched(folder, watched, fingerprint)


def _write_watched(folder: Path, watched: Watched, fingerprint: Fingerprint) -> None:
    """Write what was seen of the training, as far as it can be written."""
    writers = {
        files.HISTORY: lambda file: _write_history(file, watched.history),
        files.RECORD: watched.record.save,
        files.RECORD_TABLE: watched.record.to_csv,
        files.ROWS: fingerprint.save,
    }
    failed = {}
    for name, write in writers.items():
        try:
            write_whole(folder / name, write)
        except Exception as error:
            failed[name] = error
    if failed:
        reason = one_line(next(iter(failed.values())))
        warnings.warn(f"the model is saved, without {', '.join(failed)}: {reason}", stacklevel=3)


def set_missing(directory: Path, parts: tuple[str, ...]) -> None:
    """Write into `versions.json` of a run folder which parts it still lacks; see `Stored.missing`."""
    facts = {name: value for name, value in Stored(directory).versions.items() if name != "missing"}
    write_json(directory / files.VERSIONS, {**facts, **({"missing": list(parts)} if parts else {})})


def write_json(file: Path, content: dict) -> None:
    """Write `content` as a JSON file, whole or not at all."""
    write_text_whole(file, json.dumps(content, indent=2) + "\n")


def one_line(error: BaseException) -> str:
    """Message of `error` on one line, or its class where it has no message."""
    return " ".join(str(error).split()) or type(error).__name__


def _write_history(file: Path, history: dict[str, list[float]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", *map(without_formula, history)])
        writer.writerows([epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True), start=1))
