"""Files and folders of the data of a run, found again after one of them was moved."""

import contextlib
import os
from pathlib import Path

from recipes.data import ARRAYS, is_name
from recipes.settings import Data


def absolute_and_relative(settings: Data, folder: Path) -> dict[str, list[str]]:
    """Paths of the data: for each setting that is one, the absolute path and the path relative to the run folder.

    Args:
        settings: Settings of the data, whose relative paths start at the working directory.
        folder: Run folder, or one beside it.
    """
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


def named_by(settings: Data, paths: dict[str, list[str]]) -> dict[str, list[str]]:
    """Those of the `paths` that `absolute_and_relative` gave whose settings are paths in the recipe, too.

    A run folder may come from a stranger: what its recipe calls by name is not read from a file instead.
    """
    return {name: known for name, known in paths.items() if name in absolute_and_relative(settings, Path())}


def candidates(paths: dict[str, list[str]], folder: Path) -> dict[str, list[Path]]:
    """Absolute paths where the data may be now, by setting and most likely first.

    Args:
        paths: Paths that `absolute_and_relative` gave.
        folder: Run folder as it lies now.
    """
    return {name: [(folder / path).resolve() for path in known] for name, known in paths.items()}


def existing(paths: dict[str, list[str]], folder: Path) -> dict[str, str]:
    """First candidate of each setting that exists; settings without one are left out."""
    found = {
        name: next((place for place in places if place.exists()), None)
        for name, places in candidates(paths, folder).items()
    }
    return {name: str(place) for name, place in found.items() if place is not None}
