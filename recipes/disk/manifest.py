"""The manifest of a folder: size and SHA-256 of each of its files, by which a damaged one is detected.

It is written last, so that a folder that has one is complete. Folders without one, such as those of version 0.1.0, and
files that it does not list are not checked.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from recipes.disk.whole import write_text_whole

MANIFEST = "manifest.json"
_FORMAT = "keras-recipes manifest 1"
_LARGEST = 2**20  # bytes; one of a run has about two thousand


def write(folder: Path) -> None:
    """List all files of `folder` but hidden ones in its manifest.

    Raises:
        OSError: If the manifest cannot be written.
    """
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    _write(folder, _digests(folder, names - {MANIFEST}))


def read(folder: Path) -> dict[str, dict | None] | None:
    """Size (`bytes`) and `sha256` of each listed file, by name; `None` in place of those of one that may be changing.

    Returns:
        `None` where the folder has no manifest of ours.

    Raises:
        ValueError: If the manifest is damaged.
    """
    file = folder / MANIFEST
    if not file.is_file():
        return None
    try:
        with file.open("rb") as stream:
            content = json.loads(stream.read(_LARGEST + 1))
    except (ValueError, RecursionError):
        raise ValueError(f"{file} is damaged: it must hold a JSON object") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        return None  # of another program, beside a model file
    listed = content.get("files")
    if not isinstance(listed, dict) or not all(map(_is_entry, listed.values())):
        raise ValueError(f"{file} is damaged: it must hold the size and the SHA-256 of each file")
    return listed


def check(file: Path) -> None:
    """Check a file by the manifest of its folder, if there is one that lists it.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is cut off or damaged; or the manifest is.
    """
    while (listed := _listed(file)) is not None:
        error = _error(file, listed)
        if error is None:
            return
        if _listed(file) == listed:  # else another process has replaced the file in between
            raise error


@contextlib.contextmanager
def changing(folder: Path, names: Iterable[str]):
    """Allow files of a folder to be replaced or added during the work, and list them as they are afterwards.

    A process that is killed during the work leaves their names without size and SHA-256, so that no file looks damaged
    that is not. A folder without a manifest gets none.

    Args:
        folder: Folder of the files.
        names: Names of the files, whether they exist or not.
    """
    listed = read(folder)
    if listed is None:
        yield
        return
    names = tuple(names)
    _write(folder, {**listed, **dict.fromkeys(names)})
    others = {name: entry for name, entry in listed.items() if name not in names}
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # a full disk has its message already
            _write(folder, others | _digests(folder, names))
        raise
    _write(folder, others | _digests(folder, names))


def _write(folder: Path, listed: dict[str, dict | None]) -> None:
    content = {"format": _FORMAT, "files": dict(sorted(listed.items()))}
    write_text_whole(folder / MANIFEST, json.dumps(content, indent=2) + "\n")


def _digests(folder: Path, names: Iterable[str]) -> dict[str, dict]:
    return {name: digest(folder / name) for name in names if (folder / name).is_file()}


def digest(file: Path) -> dict[str, int | str]:
    """Size (`bytes`) and `sha256` of a file."""
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return {"bytes": stream.tell(), "sha256": sha256}


def _listed(file: Path) -> dict | None:
    return (read(file.parent) or {}).get(file.name)


def _is_entry(entry) -> bool:
    if entry is None:
        return True
    return isinstance(entry, dict) and isinstance(entry.get("bytes"), int) and isinstance(entry.get("sha256"), str)


def _error(file: Path, listed: dict) -> Exception | None:
    """What is wrong with a file, as an error to be raised; `None` if nothing is."""
    if not file.is_file():
        return FileNotFoundError(f"{file} is missing: the {MANIFEST} beside it lists it")
    size, expected = file.stat().st_size, listed["bytes"]
    if size < expected:
        return ValueError(f"{file} is damaged: it is cut off after {size:,} of {expected:,} bytes")
    if size > expected:
        return ValueError(f"{file} is damaged: it has {size:,} bytes instead of {expected:,}")
    if digest(file)["sha256"] != listed["sha256"]:
        return ValueError(f"{file} is damaged, or was changed: its SHA-256 is not the one in {MANIFEST}")
    return None
