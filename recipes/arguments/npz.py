"""Arrays in NPZ files, which may come from strangers: nothing is unpickled, and sizes are checked first.

`numpy.load` believes the header of an array, and unpacks whatever a small archive claims to hold.
"""

import math
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

from recipes.arguments.names import shown
from recipes.arguments.regular_files import is_bomb, require_regular

MOST_ARRAYS = 10_000
# Longest axis of an array without values, which takes no bytes of the file.
_MOST_EMPTY = 2**20
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class _RefusedError(Exception):
    """The reason why a file is refused."""


def read_npz(path: str | Path, most_arrays: int = MOST_ARRAYS) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file, by name.

    Args:
        path: Path of the file.
        most_arrays: Largest number of arrays that are read.

    Raises:
        FileNotFoundError, ValueError: If there is no such file, or it is damaged, holds Python objects or other things
            than arrays, or unpacks to far more than its size.
        OSError: If it is no regular file.
    """
    path = require_regular(path)
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            _check_archive(members, os.fstat(stream.fileno()).st_size, most_arrays)
            # The ending is that of `numpy.savez`, which adds it to each name.
            return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
    except _RefusedError as error:
        raise ValueError(f"{path} {error}") from None
    except Exception:  # a damaged archive can fail in many ways
        raise ValueError(f"{path} is no readable NPZ file") from None


def _check_archive(members: list[zipfile.ZipInfo], size: int, most_arrays: int) -> None:
    """Refuse an archive whose list of members does not fit its size in bytes; nothing is unpacked."""
    if len(members) > most_arrays:
        raise _RefusedError(f"is refused: it holds {len(members):,} arrays, where {most_arrays:,} are allowed")
    names = [member.filename.removesuffix(".npy") for member in members]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise _RefusedError(f"is refused: it holds two arrays called {shown(twice)}")
    packed, unpacked = (sum(getattr(member, part) for member in members) for part in ("compress_size", "file_size"))
    if packed > size:
        raise _RefusedError("is no readable NPZ file: its members overlap")
    if is_bomb(unpacked, size):
        raise _RefusedError(
            f"is refused: it unpacks to {unpacked:,} bytes, {unpacked // size:,} times its size; if it is your own, "
            "save it uncompressed (numpy.savez)"
        )


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """The array of one member, once its header is known to fit its size."""
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        shape, _, dtype = _HEADERS.get(version, np.lib.format.read_array_header_2_0)(stream)
        if dtype.hasobject:
            raise _RefusedError("holds Python objects; save arrays of numbers or text")
        left = member.file_size - stream.tell()
        is_shape = all(type(length) is int and length >= 0 for length in shape)
        longest = max(shape, default=0)
        if not is_shape or math.prod(shape) * dtype.itemsize != left or (not left and longest > _MOST_EMPTY):
            raise _RefusedError(
                f"is refused: the array {shown(member.filename)} has {left:,} bytes, and its header claims the shape "
                f"{shown(shape)} of {shown(dtype)}"
            )
    with archive.open(member) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
    if array.dtype.kind == "U" and array.dtype.itemsize:
        characters = np.atleast_1d(np.ascontiguousarray(array)).view(np.dtype("u4").newbyteorder(array.dtype.byteorder))
        # NumPy fails where it makes a text of them.
        if characters.max(initial=0) > sys.maxunicode:
            raise _RefusedError(f"is refused: the array {shown(member.filename)} holds texts that are not Unicode")
    return array


def write_npz(path: str | Path, arrays: dict[str, np.ndarray], *, compressed: bool = True) -> None:
    """Write arrays by name into the NPZ file `path`, whatever its ending; see `disk.whole` for a whole file."""
    with Path(path).open("wb") as stream:  # given a path, NumPy would add its own ending
        (np.savez_compressed if compressed else np.savez)(stream, **arrays)
