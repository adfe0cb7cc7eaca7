"""The run folder, made whole or not at all: it takes its name once the trained model lies in it.

Until then it is called `.NAME-unfinished`. One process at a time works on a name: it holds a lock, which the system
frees when the process ends, however it ends. So whatever is left of a name that nobody has locked is of a dead process.
"""

import contextlib
import os
import shutil
import uuid
import warnings
from collections.abc import Iterable
from pathlib import Path

from recipes.disk import manifest
from recipes.disk.exchange import exchange
from recipes.disk.lock import LockedError, locked
from recipes.disk.whole import flush
from recipes.runs import files, leftovers


class NameTakenError(FileExistsError):
    """Another run has taken the name of this one during its training.

    Attributes:
        directory: Folder that holds this run instead.
    """

    def __init__(self, message: str, directory: Path):
        super().__init__(message)
        self.directory = directory


@contextlib.contextmanager
def new_folder(output: str | Path, name: str, overwrite: bool = False, resume: bool = False):
    """Make the run folder `output/name`: yields the folder `.name-unfinished` to write into, renamed at the end.

    If the work in between fails, nothing is left behind but a folder whose `.checkpoints/` holds a checkpoint, and an
    older run folder of that name stays as it was. Left-overs of processes that died are removed.

    Args:
        output: Folder that receives the run folder; it is made where it does not exist.
        name: Name of the run folder.
        overwrite: Whether an older run folder of that name may be replaced, and an unfinished one discarded. Of the
            older run, only its own files are removed: files that it did not write are in the new folder afterwards.
        resume: Whether the unfinished folder of a training that was stopped is yielded as it is. Where there is none,
            an empty one is.

    Raises:
        FileExistsError: If there is a folder of that name that may not be overwritten, or is no run folder; or an
            unfinished one with a checkpoint that is neither resumed nor overwritten; and (LockedError) if another
            process works on that name.
        NameTakenError: If another run takes the name during the work; this run is then kept under another name.
        ValueError: If the name is too long for the disk, or is one of an unfinished run.
        OSError: If `output` cannot be written to.
    """
    output = Path(output)
    target, unfinished = output / name, leftovers.unfinished_folder(output, name)
    made = [folder for folder in (output, *output.parents) if not folder.exists()]
    _check_name(name, made[-1].parent if made else output)
    try:
        with _lock(output, name):
            leftovers.clean(output, name)
            _check_target(target, overwrite)
            with _unfinished(unfinished, overwrite, resume):
                yield unfinished
                _list_files(unfinished)
            _take_name(unfinished, target, overwrite)
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError):  # not empty: others write there too
                folder.rmdir()
        raise


@contextlib.contextmanager
def changing_results(directory: Path, names: Iterable[str] = files.RESULTS):
    """Work on the results of a finished run: under its lock, and with a manifest that says what they are afterwards.

    Args:
        directory: Run folder.
        names: Names of the files that may be written or replaced.

    Raises:
        FileExistsError: If another process works on the run.
        OSError: If the manifest cannot be written.
    """
    place = directory.resolve()
    with contextlib.ExitStack() as lock:
        with contextlib.suppress(PermissionError):  # in a folder that others own, none of them has the lock either
            lock.enter_context(locked(leftovers.lock_file(place.parent, place.name), f"the run folder {directory}"))
        leftovers.remove_unfinished_files(place)
        shutil.rmtree(place / files.CHECKPOINTS, ignore_errors=True)
        with manifest.changing(place, names):
            yield


def _lock(output: Path, name: str) -> contextlib.ExitStack:
    """Make the output folder and lock a name in it."""
    lock = contextlib.ExitStack()
    try:
        output.mkdir(parents=True, exist_ok=True)
        purpose = f"the run folder {output / name}: wait until it has ended, or give another name"
        lock.enter_context(locked(leftovers.lock_file(output, name), purpose))
    except LockedError:
        raise
    except OSError as error:
        raise OSError(f"cannot write to the output folder {output}: {error.strerror}") from None
    return lock


def _check_name(name: str, place: Path) -> None:
    """Refuse a name that the disk of the folder `place` does not take with all that is added to it meanwhile."""
    if "\0" in name or leftovers.is_hidden_name(name):
        raise ValueError(f"`name` must be the name of a folder, and none of an unfinished run. Received: {name!r}")
    try:
        longest = os.pathconf(place, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, or a disk that does not tell
        longest = 255
    most = longest - leftovers.MOST_ADDED
    size = len(os.fsencode(name))
    if size > most:
        raise ValueError(f"`name` may have at most {most} bytes here. Received: {size} bytes, {name[:40]!r} ...")


def _check_target(target: Path, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise FileExistsError(f"the run folder {target} exists: give another name, or say that it may be overwritten")
    if not _may_be_replaced(target):
        raise FileExistsError(f"{target} exists and is no run folder: it is not overwritten; give another name")


def _may_be_replaced(target: Path) -> bool:
    if not target.is_dir() or target.is_symlink():
        return False
    names = {entry.name for entry in target.iterdir()}
    return not names or files.MODEL in names or names <= leftovers.own_files(target)


@contextlib.contextmanager
def _unfinished(folder: Path, overwrite: bool, resume: bool):
    """Make the unfinished folder, or go on with it; one that holds a checkpoint outlives a failure."""
    if any(place.is_symlink() for place in (folder, folder / files.CHECKPOINTS)):
        raise FileExistsError(f"{folder} is or holds a link to another folder, and is none that a training has left")
    if leftovers.has_checkpoint(folder) and not resume:
        if not overwrite:
            raise FileExistsError(
                f"an unfinished training is in {folder}: `resume` goes on with it, `overwrite` discards it"
            )
        shutil.rmtree(folder)
    try:
        folder.mkdir(exist_ok=True)
        (folder / files.MANIFEST).unlink(missing_ok=True)  # the run is not complete any more
    except OSError as error:
        raise OSError(f"cannot write to the output folder {folder.parent}: {error.strerror}") from None
    try:
        yield
    except BaseException:
        if not leftovers.has_checkpoint(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _list_files(folder: Path) -> None:
    try:
        manifest.write(folder)
    except OSError as error:  # a trained model is worth more than its manifest
        warnings.warn(f"the files of the run cannot be verified later: {error}", stacklevel=4)


def _take_name(folder: Path, target: Path, overwrite: bool) -> None:
    """Give the finished folder its name. At each moment one of the two runs has it, or the next start sees to that."""
    flush(folder)
    try:
        if overwrite and _may_be_replaced(target):
            _replace(folder, target)
        else:
            _take_free_name(folder, target)
    except NameTakenError:
        raise
    except OSError as error:
        raise OSError(f"the run folder {target} cannot be made ({error.strerror}): the run is in {folder}") from error
    flush(target.parent)
    shutil.rmtree(target / files.CHECKPOINTS, ignore_errors=True)


def _take_free_name(folder: Path, target: Path) -> None:
    try:
        if not os.path.lexists(target):
            folder.rename(target)
            return
    except OSError:
        if not os.path.lexists(target):
            raise
    # The other folder appeared while this run was trained: neither of the two may be lost.
    kept = target.with_name(f"{target.name}-{uuid.uuid4().hex[:8]}")
    folder.rename(kept)
    shutil.rmtree(kept / files.CHECKPOINTS, ignore_errors=True)
    raise NameTakenError(f"the run folder {target} has been made meanwhile: this run is in {kept}", kept)


def _replace(folder: Path, target: Path) -> None:
    older = folder
    if not exchange(folder, target):
        older = leftovers.overwritten_folder(target.parent, target.name)
        target.rename(older)
        try:
            folder.rename(target)
        except BaseException:
            older.rename(target)
            raise
    with contextlib.suppress(OSError):  # the new run has its name, and the next start removes what is left of the older
        leftovers.retire(older, target)
