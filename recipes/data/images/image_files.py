"""Image files: finding them in folders, and reading many of them as one array."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recipes.arguments.names import printable
from recipes.data.images.decoding import Form, Header, UnreadableImageError, decode, header
from recipes.data.images.pixels import WHITE, fit
from recipes.data.store import RowStore, chunks

EXTENSIONS = (
    ".apng", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff",
    ".webp",
)  # fmt: skip

# Files and folders that other programs leave among images, in lower case, besides those whose names begin with a dot.
LEFT_BEHIND = {
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "thumbs.db", "ehthumbs.db",
    "desktop.ini",
}  # fmt: skip

# Number of unreadable files that an error names.
_MOST_NAMED = 10


def is_image_file(path: Path) -> bool:
    """Whether `path` has the name of an image file, and is not a folder."""
    return path.suffix.lower() in EXTENSIONS and not path.is_dir()


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or left behind by another program."""
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def files_below(folder, _above: tuple[str, ...] = ()) -> Iterator[Path]:
    """All files below `folder` in sorted order, through links too, without those that are passed over."""
    real = os.path.realpath(folder)
    if real in _above:  # a link to a folder above
        return
    with os.scandir(folder) as entries:
        visible = sorted((entry for entry in entries if not is_passed_over(entry.name)), key=lambda entry: entry.name)
    for entry in visible:
        if entry.is_dir():
            yield from files_below(entry.path, (*_above, real))
        else:
            yield Path(entry.path)


def files_in(path) -> list[Path]:
    """The image file `path` itself, or all image files below the folder `path`, sorted, as training finds them.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If it is no image file, or a folder without any.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {path}")
    if not path.is_dir():
        if not is_image_file(path):
            raise ValueError(f"{path} is no image file: its name must end with {', '.join(EXTENSIONS)}")
        return [path]
    files = [file for file in files_below(path) if is_image_file(file)]
    if not files:
        raise ValueError(f"{path} holds no image files: their names must end with {', '.join(EXTENSIONS)}")
    return files


def read_files(paths, form: Form) -> tuple[np.ndarray, list[Header]]:
    """Image files, in the order given, as `(files, height, width, channels)`, and their headers.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If no file is given, files hold no image or one of more than `decoding.MOST_PIXELS` (the first ten
            such files are named), or their depth does not fit that of `form`.
    """
    files = [Path(path) for path in paths]
    if not files:
        raise ValueError("expected at least one image file. Received: none")
    found, broken = headers(files, form.background)
    check_depth(found, form.depth)
    x = decode_all(list(found), form, broken)
    refuse_broken(broken, len(files))
    return x, list(found.values())


def headers(files: list[Path], background=WHITE) -> tuple[dict[Path, Header], dict[Path, Exception]]:
    """Headers of image files, and the errors of those that cannot be read; nothing is decoded.

    Args:
        files: Paths of the files.
        background: Background as in `Form`.
    """
    found, broken = {}, {}
    for file in files:
        with _collected(file, broken):
            found[file] = header(file, background)
    return found, broken


def check_depth(found: dict[Path, Header], depth: int | None) -> None:
    """Refuse floating point among whole numbers, which have no common scale.

    Args:
        found: Headers of the images, by file.
        depth: Depth to which all are converted, as in `Form`.

    Raises:
        ValueError: If images do not fit `depth`.
    """
    if depth is None:
        return
    wrong = [file for file, its in found.items() if (its.depth == 32) != (depth == 32)]
    if wrong:
        theirs, ours = ("whole numbers", "floating-point values") if depth == 32 else ("floating-point values", "bytes")
        ours = "whole numbers of 16 bits" if depth == 16 else ours
        raise ValueError(
            f"{wrong[0]} holds {theirs}{f' (and {len(wrong) - 1:,} more do)' if len(wrong) > 1 else ''}, where images "
            f"of {ours} are expected: no scale is common to both"
        )


def decode_all(files: list[Path], form: Form, broken: dict[Path, Exception]) -> np.ndarray | None:
    """Images `(files, height, width, channels)` of files whose headers are known, in memory chunk by chunk.

    Args:
        files: Paths of the files.
        form: Common form of the images.
        broken: Errors of unreadable files, to which further ones are added.

    Returns:
        The array, or `None` if any file is broken.
    """
    shape, dtype = (
        (form.height, form.width, form.channels),
        np.dtype(np.float32 if form.depth in (16, 32) else np.uint8),
    )
    store = RowStore()
    for chosen in chunks(len(files), int(np.prod(shape)) * dtype.itemsize):
        rows = np.empty((chosen.stop - chosen.start, *shape), dtype)
        for row, file in zip(rows, files[chosen], strict=True):
            with _collected(file, broken):
                row[:] = fit(decode(file, form), *shape)
        if not broken:
            store.append(rows)
    return None if broken else store.finish()


def refuse_broken(broken: dict[Path, Exception], total: int, folder: Path | None = None) -> None:
    """Refuse files that cannot be read.

    Args:
        broken: Errors of the unreadable files, by file.
        total: Number of all files.
        folder: Folder to which the names in the message are relative; default: names as they are.

    Raises:
        ValueError, OSError: If there are any, naming the first ten.
    """
    if not broken:
        return
    if len(broken) == 1:
        raise next(iter(broken.values()))
    named = [
        f"{printable(file if folder is None else file.relative_to(folder))} ({_reason(error)})"
        for file, error in sorted(broken.items())[:_MOST_NAMED]
    ]
    more = f" and {len(broken) - len(named):,} more" if len(broken) > len(named) else ""
    where = "" if folder is None else f" in {folder}"
    raise ValueError(f"{len(broken):,} of {total:,} image files{where} cannot be read: {', '.join(named)}{more}")


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "No such file"
    return getattr(error, "reason", None) or error.strerror or "no regular file"


@contextlib.contextmanager
def _collected(file, broken):
    """Add the error of a file that cannot be read to `broken`, and go on."""
    try:
        yield
    except (UnreadableImageError, OSError) as error:
        broken[file] = error
