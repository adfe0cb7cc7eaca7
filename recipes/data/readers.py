"""Which reader knows the data that somebody names or brings."""

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

# The name of data that came as arrays or frames: such a run cannot reload them.
ARRAYS = "arrays"
NAMES = tuple(sorted((*bundled.NAMES, *idx.NAMES, *local.NAMES)))
OTHERS = (
    "tfds:NAME, uci:NAME, adding:STEPS, or the path of a file with a table (.csv, .tsv, .txt, .data, .parquet ...) or "
    "of arrays (.npz), or of a folder with one sub-folder of images per class"
)


def read(data, settings: Data, seed: int = 0, download: bool = True) -> Source:
    """What `load_dataset` was given, as it was found; `seed` is that of rows that are generated.

    Raises:
        ValueError, OSError: If it is unknown, is not there, or cannot be read.
    """
    if is_frame(data):
        tables_of_parts = {_main_part(settings): from_frame(data), **_own_tables(settings)}
        return read_tables(tables_of_parts, settings, ARRAYS)
    if not isinstance(data, str | Path):
        return _refuse_own_files(_arrays(data, settings), settings)
    folder, name = directory(settings), normalize(data)
    if table_file.is_table(data):
        opened = {_main_part(settings): table_file.open_table(data, settings), **_own_tables(settings)}
        return read_tables(opened, settings, Path(data).name.split(".")[0])
    if str(data).lower().endswith(".npz"):
        return _npz(data, settings)
    return _refuse_own_files(_named(data, name, folder, settings, seed, download), settings)


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
    """The folder with local copies of datasets.

    Raises:
        FileNotFoundError: If one is named, and is not there.
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


def _own_tables(settings: Data) -> dict:
    """The tables of a user's own for validation and test."""
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
        parts[part] = given.get(part) or arrays.judged_part(given)
    if {"all", "validation", "test"} <= set(parts):
        parts["train"] = parts.pop("all")
    return _source(Path(path).stem, parts, kind, settings)


def _source(name: str, parts: dict, kind: str | None, settings: Data) -> Source:
    """Arrays, checked as what they are: of a `kind` by themselves, or by the settings."""
    if kind and settings.kind not in (None, kind):
        raise ValueError(f"data.kind={settings.kind!r} does not fit {name}, which has lengths of sequences")
    kind = kind or settings.kind
    kind = kind if kind == "sequences" else None
    parts, rescaled = arrays.checked_parts(parts, kind)
    by_name = {f"column_{number}": constants for number, constants in rescaled.items()}
    return Source(name, parts, kind=kind, rescaled=by_name)


def _arrays(data, settings: Data) -> Source:
    """Arrays, or frames with their targets beside them."""
    parts = arrays.parts_of(data)
    if not any(is_frame(x) for x, _ in parts.values()):
        return _source(ARRAYS, parts, None, settings)
    # As if the targets were a column of the frame.
    _, y = next(iter(parts.values()))
    target = str(getattr(y, "name", None) or settings.target or "target")
    opened = {part: _beside(x, y, part, target) for part, (x, y) in parts.items()}
    return read_tables(opened, dataclasses.replace(settings, target=target), ARRAYS)


def _beside(x, y, part: str, target: str) -> Table:
    where = "the frame" if part == "all" else f"the {part} frame"
    if not is_frame(x):
        raise ValueError(f"where one part is a frame, all must be. Received: {type(x).__name__} in {part}")
    return with_column(from_frame(x, where), target, y)


def _refuse_own_files(source: Source, settings: Data) -> Source:
    for setting in ("validation_file", "test_file"):
        if getattr(settings, setting) is not None:
            raise ValueError(
                f"data.{setting} goes with a CSV or NPZ file or a frame. Received: "
                f"{getattr(settings, setting)!r} for {source.name!r}"
            )
    return source
