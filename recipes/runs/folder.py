"""The run folder, made whole or not at all: it takes its name once the trained model lies in it."""

import contextlib
import os
import shutil
import uuid
from pathlib import Path

from recipes.runs import files


class NameTakenError(FileExistsError):
    """Another run has taken the name of this one during its training.

    Attributes:
        directory: Folder that holds this run instead.
    """

    def __init__(self, message: str, directory: Path):
        super().__init__(message)
        self.directory = directory


@contextlib.contextmanager
def new_folder(output: str | Path, name: str, overwrite: bool = False):
    """Make the run folder `output/name`: yields a hidden folder beside it to write into, and renames that at the end.

    If the work in between fails, nothing is left behind, and an older run folder of that name stays as it was.

    Args:
        output: Folder that receives the run folder; it is made where it does not exist.
        name: Name of the run folder.
        overwrite: Whether an older run folder of that name may be replaced.

    Raises:
        FileExistsError: If there is a folder of that name that may not be overwritten, or is no run folder.
        NameTakenError: If another run takes the name during the work; this run is then kept under another name.
        OSError: If `output` cannot be written to.
    """
    output = Path(output)
    target = output / name
    _check_target(target, overwrite)
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


def _check_target(target: Path, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise FileExistsError(f"the run folder {target} exists: give another name, or say that it may be overwritten")
    is_folder = target.is_dir() and not target.is_symlink()
    if not (is_folder and ((target / files.MODEL).is_file() or not any(target.iterdir()))):
        raise FileExistsError(f"{target} exists and is no run folder: it is not overwritten; give another name")


def _take_name(staging: Path, target: Path, overwrite: bool) -> None:
    """Give the finished folder its name; whatever fails, either the old run or the new one has it afterwards."""
    if not os.path.lexists(target):
        staging.rename(target)
        return
    if not overwrite:
        # The other folder appeared while this run was trained: neither of the two may be lost.
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
