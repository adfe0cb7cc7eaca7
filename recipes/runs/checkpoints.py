"""Checkpoints of a training that may be interrupted at any moment, a kill or a power failure included.

A checkpoint is a tree of plain values and arrays: nothing in it can run. Two are kept in turn, so that one is whole
while the other is written, and so that there is another where the newest is damaged.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from recipes.arguments.npz import read_npz, write_npz
from recipes.arguments.numbers import is_whole
from recipes.arguments.regular_files import read_text
from recipes.disk.manifest import digest
from recipes.disk.whole import write_whole
from recipes.runs import files
from recipes.runs.writing import write_json

_TREE = "tree"
_NAMES = ("a", "b")
_MOST_BYTES = 2**16  # of a manifest, which has about two hundred
# A few arrays for each variable of the largest networks; each of them takes bytes of the file.
_MOST_ARRAYS = 10**6


class Checkpoints:
    """The checkpoints of one unfinished training.

    Args:
        folder: Folder of the unfinished run, in which the checkpoints have a folder of their own.
    """

    def __init__(self, folder: Path):
        self.folder = folder / files.CHECKPOINTS
        self._written = self._newest_number()

    def save(self, tree: dict[str, Any]) -> None:
        """Write a checkpoint in the place of the older one of the two.

        Args:
            tree: Nested dicts and lists of `None`, truth values, numbers, texts and NumPy arrays.

        Raises:
            OSError: If it cannot be written; the checkpoint before it is whole then.
            TypeError: For values of other kinds, as a callback of a user may have; nothing is written then.
        """
        arrays: list[np.ndarray] = []
        plain = json.dumps(_taken_apart(tree, arrays)).encode()
        self.folder.mkdir(parents=True, exist_ok=True)
        number = self._written + 1
        manifest, content = self._files(_NAMES[number % len(_NAMES)])
        manifest.unlink(missing_ok=True)  # what it describes is replaced
        named = {_TREE: np.frombuffer(plain, np.uint8), **{str(place): array for place, array in enumerate(arrays)}}
        write_whole(content, lambda file: write_npz(file, named, compressed=False))
        # The manifest is last: a checkpoint without one is not whole.
        write_json(manifest, {"number": number, "file": content.name, **digest(content)})
        self._written = number

    def latest(self) -> dict[str, Any] | None:
        """The newest checkpoint that is whole; `None` where there is none.

        Raises:
            ValueError: If there are checkpoints, but none of them is whole.
        """
        for manifest in self._manifests():
            content = self.folder / Path(str(manifest.get("file"))).name
            if not content.is_file() or digest(content)["sha256"] != manifest.get("sha256"):
                continue
            try:
                arrays = read_npz(content, _MOST_ARRAYS)
                tree = _put_together(json.loads(arrays.pop(_TREE).tobytes()), arrays)
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                continue  # written by something else, with the right digest
            if not isinstance(tree, dict):
                continue
            self._written = manifest["number"]  # the next one replaces the other, damaged or older
            return tree
        if any(self._files(name)[0].exists() for name in _NAMES):
            raise ValueError(f"the checkpoints in {self.folder} are damaged: the training has to begin anew")
        return None

    def discard(self) -> None:
        """Remove all checkpoints: nothing is left to go on with."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self, name: str) -> tuple[Path, Path]:
        """The manifest and the arrays of one of the two checkpoints."""
        return self.folder / f"{name}.json", self.folder / f"{name}.npz"

    def _manifests(self) -> list[dict]:
        """Manifests that can be read, the newest first."""
        found = []
        for name in _NAMES:
            try:
                content = json.loads(read_text(self._files(name)[0], _MOST_BYTES))
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(content, dict) and is_whole(content.get("number")):
                found.append(content)
        return sorted(found, key=lambda content: -content["number"])

    def _newest_number(self) -> int:
        return next((manifest["number"] for manifest in self._manifests()), 0)


def _taken_apart(tree: Any, arrays: list[np.ndarray]) -> Any:
    """`tree` with each array appended to `arrays`, and its place and dtype where it stood."""
    if isinstance(tree, dict) and all(isinstance(key, str | int) for key in tree):
        return {"dict": [[key, _taken_apart(value, arrays)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return [_taken_apart(value, arrays) for value in tree]
    if isinstance(tree, np.ndarray) and not tree.dtype.hasobject:
        arrays.append(_as_storable(tree))
        return {"array": len(arrays) - 1, "dtype": tree.dtype.name}
    value = tree.item() if isinstance(tree, np.generic) else tree
    if not isinstance(value, str | int | float | None):
        raise TypeError(f"a checkpoint holds plain values and arrays of numbers or texts. Received: {value!r:.100}")
    return value


def _put_together(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The reverse of `_taken_apart`."""
    if isinstance(tree, list):
        return [_put_together(value, arrays) for value in tree]
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        array = arrays[str(tree["array"])]
        return array if array.dtype.name == tree["dtype"] else array.view(tree["dtype"])
    return {key: _put_together(value, arrays) for key, value in tree["dict"]}


def _as_storable(array: np.ndarray) -> np.ndarray:
    """NPZ files hold NumPy's own dtypes: another, such as bfloat16, is stored as the bits that it is."""
    return array if array.dtype.isbuiltin == 1 else array.view(f"u{array.dtype.itemsize}")
