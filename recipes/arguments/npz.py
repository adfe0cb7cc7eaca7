"""Arrays in NPZ files."""

import os
from pathlib import Path

import numpy as np


def read_npz(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file, by name.

    Raises:
        FileNotFoundError, ValueError: If there is no such file, or it is damaged or holds Python objects.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with open(path, "rb") as stream:
            # Pickled objects could run code, so they are refused.
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # a damaged archive can fail in many ways
        objects = "Object arrays" in str(error)
        reason = "holds Python objects; save arrays of numbers or text" if objects else "is no readable NPZ file"
        raise ValueError(f"{path} {reason}") from None


def write_npz(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays by name into the compressed NPZ file `path`, whole or not at all."""
    # Each process writes a file of its own, which takes the name once it is whole.
    unfinished = Path(f"{path}.part{os.getpid()}")
    try:
        with unfinished.open("wb") as stream:  # `savez` would add its own ending to a path
            np.savez_compressed(stream, **arrays)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
