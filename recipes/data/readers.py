"""The choice of the reader for data of any form: names, paths, frames, arrays and batches."""

import dataclasses
import os
from pathlib import Path

from recipes.arguments.names import normalize, unknown
from recipes.data import arrays
from recipes.data.images import image_folder
from recipes.data.images.pixels import color_of
from recipes.data.named import adding, bundled, idx, local, tfds, uci
from recipes.data.source import Source
from recipes.data.tables import table_file
from recipes.data.tables.matrix import read_tables
from recipes.data.tables.table import Table, from_frame, is_frame, with_column
from recipes.settings import Data

# Name of data given as arrays or frames, which a run cannot load again.
ARRAYS = "arrays"
NAMES = tuple(sorted((*bundled.NAMES, *idx.NAMES, *local.NAMES)))
OTHERS = (
    "tfds:NAME, uci:NAME, adding:STEPS, or the path of a file with a table (.csv, .tsv, .txt, .data, .parquet ...) or "
    "of arrays (.npz), or of a folder with one sub-folder of images per class"
)


def read(data, settings: Data, seed: int = 0, download: bool = True) -> Source:
    """Read data that were given to `load_dataset`.

    Args:
        data: Data in any form that `load_dataset` accepts but a `Dataset`.
        settings: Settings of the data.
        seed: Seed of generated rows.
        download: Whether a dataset that is not here may be downloaded.

    Raises:
        ValueError, OSError: If the data are unknown, are not there, or cannot be read.
    """
    if is_frame(data):
        opened = {_main_part(settings): from_frame(data), **_tables_of_settings(settings)}
        return read_tables(opened, settings, ARRAYS)
    if not isinstance(data, str | Path):
        return _refuse_files_of_parts(_arrays(data, settings), settings)
    folder, name = directory(settings), normalize(data)
    if table_file.is_table(data):
        opened = {_main_part(settings): table_file.open_table(data, settings), **_tables_of_settings(settings)}
        return read_tables(opened, settings, Path(data).name.split(".")[0])
    if str(data).lower().endswith(".npz"):
        return _npz(data, settings)
    return _refuse_files_of_parts(_named(data, name, folder, settings, seed, download), settings)


def _named(data, name: str, folder: Path | None, settings: Data, seed: int, download: bool) -> Source:
    if name in bundled.NAMES:
        return bundled.read(name)
    if name in idx.NAMES:
        found = idx.find(name, folder)
        if found:
            return idx.read(name, found)
        try:
            source = tfds.read(name.replace("-", "_"), settings, folder, download)
        except OSError:
            reason = "could not be downloaded" if download else "would be downloaded"
            raise FileNotFoundError(f"{name} is not here, and {reason}: {idx.where(name)}") from None
        source.name = name
        return source
    if name in local.NAMES:
        return local.read(name, folder, settings)
    kind, colon, rest = str(data).partition(":")
    if colon and kind.lower() == "tfds":
        return tfds.read(rest, settings, folder, download)
    if colon and kind.lower() == "uci":
        return uci.read(rest, folder, settings.fold)
    if colon and kind.lower() == "adding":
        return adding.read(rest, seed)
    if image_folder.is_image_folder(data):
        depth = "own" if settings.depth is None else None
        return image_folder.read(data, settings.image_size, settings.color, color_of(settings.background), depth)
    table_file.refuse_unreadable(data)
    raise unknown("dataset", str(data), [*NAMES, OTHERS])


def directory(settings: Data) -> Path | None:
    """The folder with local copies of datasets, of the settings or of KERAS_RECIPES_DATA; `None` if neither is set.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    named = settings.directory or os.environ.get("KERAS_RECIPES_DATA")
    if not named:
        return None
    if not Path(named).is_dir():
        raise FileNotFoundError(f"there is no data folder {named}")
    return Path(named)


def is_name(data) -> bool:
    """Whether `data` is the name of a dataset, rather than a path."""
    return normalize(data) in NAMES or normalize(data).startswith(("tfds:", "uci:", "adding:"))


def same_source(first, second) -> bool:
    """Whether two names, or paths of files, mean the same data."""
    if not isinstance(first, str | Path) or not isinstance(second, str | Path):
        return False
    if is_name(first) and normalize(first) == normalize(second):
        return True
    return Path(first).resolve() == Path(second).resolve()


def _main_part(settings: Data) -> str:
    return "train" if settings.validation_file and settings.test_file else "all"


def _tables_of_settings(settings: Data) -> dict[str, Table]:
    """The tables that `validation_file` and `test_file` of the settings name, by part."""
    files = {"validation": settings.validation_file, "test": settings.test_file}
    return {part: table_file.open_table(file, settings) for part, file in files.items() if file is not None}


def _npz(path: str | Path, settings: Data) -> Source:
    parts, kind = arrays.parts_of_npz(path)
    files = {"validation": settings.validation_file, "test": settings.test_file}
    for part, file in ((part, file) for part, file in files.items() if file is not None):
        if part in parts:
            raise ValueError(f"{path} has a {part} part: data.{part}_file={file!r} would be a second one")
        given, kind_of_part = arrays.parts_of_npz(file)
        kind = kind or kind_of_part
        parts[part] = given.get(part) or arrays.evaluated_part(given)
    if {"all", "validation", "test"} <= set(parts):
        parts["train"] = parts.pop("all")
    return _source(Path(path).stem, parts, kind, settings)


def _source(name: str, parts: dict, kind: str | None, settings: Data) -> Source:
    """A source of checked arrays; `kind` is the kind that a file states, which the settings must not contradict."""
    if kind and settings.kind not in (None, kind):
        raise ValueError(f"data.kind={settings.kind!r} does not fit {name}, which has lengths of sequences")
    kind = kind or settings.kind
    kind = kind if kind == "sequences" else None
    parts, rescaled = arrays.checked_parts(parts, kind)
    by_name = {f"column_{number}": constants for number, constants in rescaled.items()}
    return Source(name, parts, kind=kind, rescaled=by_name)


def _arrays(data, settings: Data) -> Source:
    """A source of arrays, or of frames with separate targets."""
    parts = arrays.parts_of(data)
    if not any(is_frame(x) for x, _ in parts.values()):
        return _source(ARRAYS, parts, None, settings)
    # The targets become a column of the frame, so that both are read in the same way.
    _, y = next(iter(parts.values()))
    target = str(getattr(y, "name", None) or settings.target or "target")
    opened = {part: _with_target(x, y, part, target) for part, (x, y) in parts.items()}
    return read_tables(opened, dataclasses.replace(settings, target=target), ARRAYS)


def _with_target(x, y, part: str, target: str) -> Table:
    where = "the frame" if part == "all" else f"the {part} frame"
    if not is_frame(x):
        raise ValueError(f"where one part is a frame, all must be. Received: {type(x).__name__} in {part}")
    return with_column(from_frame(x, where), target, y)


def _refuse_files_of_parts(source: Source, settings: Data) -> Source:
    """`source`; the settings must not name files of parts, which only go with files and frames."""
    for setting in ("validation_file", "test_file"):
        if getattr(settings, setting) is not None:
            raise ValueError(
                f"data.{setting} goes with a CSV or NPZ file or a frame. Received: "
                f"{getattr(settings, setting)!r} for {source.name!r}"
            )
    return source
