"""What processes that died have left beside a run folder: recognized by its name, and cleaned at the next start."""

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

from recipes.disk import manifest
from recipes.disk.lock import locked
from recipes.disk.whole import UNFINISHED as FILE_BEING_WRITTEN
from recipes.runs import files

_UNFINISHED = "-unfinished"  # the folder of a training that goes on, or was stopped
_OVERWRITTEN = "-overwritten"  # an older run during an overwrite, where folders cannot be exchanged in one step
_LOCK = "-unfinished.lock"
_OURS = re.compile(rf"\.(.+)({_UNFINISHED}|{_OVERWRITTEN}|{re.escape(_LOCK)})")
MOST_ADDED = 1 + max(map(len, (_UNFINISHED, _OVERWRITTEN, _LOCK)))  # bytes that are added to the name of a run

# Version 0.1.0 wrote into `.NAME-<8 hexadecimal digits>`, without a lock, and renamed an older run to overwrite it.
_OLDER, _OLDER_REPLACED = "-[0-9a-f]{8}", "-[0-9a-f]{8}-replaced"
_BY_OLDER_VERSION = re.compile(rf"\.(.+?)({_OLDER}|{_OLDER_REPLACED})")
_OLDER_AT_WORK = 3600.0  # seconds since such a folder was changed, within which a process may still be writing


def unfinished_folder(output: Path, name: str) -> Path:
    """Folder of the run `name` until it is finished."""
    return output / f".{name}{_UNFINISHED}"


def overwritten_folder(output: Path, name: str) -> Path:
    """Folder of an older run `name` while a new one takes its name in two steps."""
    return output / f".{name}{_OVERWRITTEN}"


def lock_file(output: Path, name: str) -> Path:
    """Lock file of those that work on the run `name`."""
    return output / f".{name}{_LOCK}"


def is_hidden_name(name: str) -> bool:
    """Whether `name` is that of a file or folder that lies beside a run until it is finished."""
    return any(pattern.fullmatch(name) for pattern in (_OURS, _BY_OLDER_VERSION))


def has_checkpoint(folder: Path) -> bool:
    """Whether a training can be resumed from `folder`."""
    return any((folder / files.CHECKPOINTS).glob("[!.]*.json"))


def clean(output: Path, name: str) -> None:
    """Clean what dead processes have left in `output`, of all runs.

    Args:
        output: Folder of run folders.
        name: Name of a run whose lock is held. Those of other runs are taken for the moment.
    """
    matches = (pattern.fullmatch(entry.name) for pattern in (_OURS, _BY_OLDER_VERSION) for entry in output.iterdir())
    _clean_run(output, name)
    for other in {match[1] for match in matches if match} - {name}:
        with contextlib.suppress(OSError), locked(lock_file(output, other), other, patience=0):
            _clean_run(output, other)


def retire(older: Path, target: Path) -> None:
    """Remove the files of an older run from its hidden folder; files that it did not write move into `target`."""
    _remove_own(older)
    for entry in list(older.iterdir()):
        entry.rename(_free_name(target / entry.name))
    older.rmdir()


def remove_unfinished_files(folder: Path) -> None:
    """Remove the files that dead processes were writing in a run folder whose lock is held."""
    for entry in list(folder.iterdir()):
        if FILE_BEING_WRITTEN.fullmatch(entry.name) and entry.is_file():
            entry.unlink()


def _remove_own(folder: Path) -> None:
    remove_unfinished_files(folder)
    own = own_files(folder)
    for entry in list(folder.iterdir()):
        if entry.name in own:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def own_files(folder: Path) -> set[str]:
    """Names of what a run wrote into its folder: by its manifest, where it has one."""
    try:
        listed = manifest.read(folder)
    except ValueError:  # damaged
        listed = None
    return set(files.ALL) if listed is None else {*listed, files.MANIFEST, files.CHECKPOINTS}


def _clean_run(output: Path, name: str) -> None:
    target, unfinished = output / name, unfinished_folder(output, name)
    overwritten = overwritten_folder(output, name)
    older = [folder for folder in _older_folders(output, name, _OLDER_REPLACED) if _holds_run(folder)]
    for folder in filter(_is_folder, [overwritten, *older]):
        if not os.path.lexists(target) and (folder / files.MODEL).is_file():
            folder.rename(target)
        else:
            _discard(folder, target)
    if _is_folder(unfinished) and not has_checkpoint(unfinished):
        if (unfinished / files.MANIFEST).is_file() and not os.path.lexists(target):
            unfinished.rename(target)  # finished, and stopped before it took its name
        else:
            _discard(unfinished, target)  # after an exchange, it is the older run
    for folder in _older_folders(output, name, _OLDER):
        recent = time.time() - folder.stat().st_mtime < _OLDER_AT_WORK
        if not recent and _holds_run(folder):
            _discard(folder, target)


def _older_folders(output: Path, name: str, end: str) -> list[Path]:
    """Folders that version 0.1.0 has left of the run `name`, the youngest first."""
    pattern = re.compile(rf"\.{re.escape(name)}{end}")
    folders = [entry for entry in output.iterdir() if pattern.fullmatch(entry.name) and _is_folder(entry)]
    return sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _holds_run(folder: Path) -> bool:
    """Whether a folder holds a run, or what is left of one."""
    entries = {entry.name for entry in folder.iterdir()}
    return files.MODEL in entries or entries <= own_files(folder)


def _discard(folder: Path, target: Path) -> None:
    """`retire`, or where there is no run that could take files of others, leave these where they are."""
    if target.is_dir():
        retire(folder, target)
        return
    _remove_own(folder)
    with contextlib.suppress(OSError):  # not empty
        folder.rmdir()


def _free_name(place: Path) -> Path:
    """`place`, or the first of `place.1`, `place.2` ... that is free and that the run will not write."""
    number, free = 0, place
    while free.name in files.ALL or os.path.lexists(free):
        number += 1
        free = place.with_name(f"{place.name}.{number}")
    return free
