"""The one way in which a file of a run is written: it has its name once all of it is on the disk."""

import contextlib
import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path

# Name of a file that is being written, or whose process was killed meanwhile.
UNFINISHED = re.compile(r"\.[0-9a-f]{8}-.+")


def write_whole(file: Path, write: Callable[[Path], object]) -> None:
    """Write `file` whole or not at all; an older file of that name stays until the new one is whole.

    The bytes are on the disk before the name is, so that power failure leaves the older file or the new one.

    Args:
        file: File to be written.
        write: Function that writes a file at the path it is given.

    Raises:
        OSError: If it cannot be written; the message names the file.
    """
    unfinished = file.with_name(f".{uuid.uuid4().hex[:8]}-{file.name}")
    try:
        write(unfinished)
        flush(unfinished)
        unfinished.replace(file)
    except BaseException as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        named = OSError(f"{file} could not be written: {error.strerror or ' '.join(str(error).split())}")
        named.errno = error.errno
        raise named from error
    flush(file.parent)


def write_text_whole(file: Path, text: str) -> None:
    """`write_whole` for a text, in UTF-8."""
    write_whole(file, lambda unfinished: unfinished.write_text(text, encoding="utf-8"))


def flush(path: Path) -> None:
    """Wait until a file is on the disk; or a folder, with the names in it, where the system can flush folders."""
    is_folder = path.is_dir()
    try:
        descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    except OSError:
        if is_folder:  # Windows opens no folders
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError:
        if not is_folder:
            raise
    finally:
        os.close(descriptor)
