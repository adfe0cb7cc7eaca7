"""Parts of data (train, validation, test) in pairs of arrays, in batches and in NPZ files."""

from pathlib import Path

import numpy as np

from recipes.arguments.npz import read_npz
from recipes.data import sequences
from recipes.data.arrays import batched

# Endings of the names of arrays in an NPZ file, by part.
_SUFFIXES = {"train": ("_train",), "validation": ("_validation", "_val"), "test": ("_test",), "all": ("",)}


def parts_of(data) -> dict[str, tuple]:
    """Inputs and targets by part: `"all"` for a single pair, otherwise `"train"` or `"all"`, `"validation"`, `"test"`.

    Args:
        data: `(x, y)`, or `((x, y), (x_validation, y_validation))`, also with a third pair, the test part; or batches
            in place of each pair, whose rows are drawn.

    Raises:
        ValueError: If `data` has another form.
    """
    if batched.is_batched(data):
        return {"all": batched.drawn(data)}
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        received = f"{len(data)} items" if isinstance(data, tuple | list) else type(data).__name__
    elif all(_is_pair(part) or batched.is_batched(part) for part in data):
        names = ("all", "validation") if len(data) == 2 else ("train", "validation", "test")
        return {
            name: batched.drawn(part, f"the {'training' if name in ('all', 'train') else name} data")
            if batched.is_batched(part)
            else tuple(part)
            for name, part in zip(names, data, strict=True)
        }
    elif len(data) == 2:
        return {"all": tuple(data)}
    else:
        received = "parts that are not pairs"
    raise ValueError(
        "data must be a dataset's name, the path of a file or folder, a frame, a Dataset, (x, y), batches of those, or "
        f"((x, y), (x_validation, y_validation)), also with a third pair (x_test, y_test). Received: {received}"
    )


def evaluated_part(parts: dict):
    """The value of the part that a model is evaluated on: the test part if there is one, else all rows."""
    return parts[next(part for part in ("test", "all", "train") if part in parts)]


def _is_pair(part) -> bool:
    """Whether `part` is `(x, y)`, rather than rows or targets written as a list."""
    if not isinstance(part, tuple | list) or len(part) != 2:
        return False
    return hasattr(part[0], "shape") or (isinstance(part[0], tuple | list) and isinstance(part[0][0], tuple | list))


def parts_of_npz(path: str | Path) -> tuple[dict[str, tuple], str | None]:
    """Inputs and targets of an NPZ file, by part.

    The file holds `x` and `y`, or `x_train` and `y_train`, with `x_validation` (or `x_val`) and `x_test` and their
    targets; of sequences of different length also `lengths`, or `lengths_train` and so on.

    Returns:
        The parts, and their kind: `"sequences"` if there are lengths, otherwise `None`.

    Raises:
        FileNotFoundError, ValueError: If there is no such file, or it is damaged or holds other arrays.
    """
    arrays = read_npz(path)
    parts = {}
    for part, suffixes in _SUFFIXES.items():
        for suffix in suffixes:
            if f"x{suffix}" in arrays and f"y{suffix}" in arrays:
                parts[part] = (input_of_npz(arrays, suffix), arrays[f"y{suffix}"])
    endings = [suffix for suffixes in _SUFFIXES.values() for suffix in suffixes]
    used = {f"{axis}{suffix}" for suffix in endings for axis in "xy"}
    half = [name for name in arrays if name[:2] in ("x", "y", "x_", "y_") and not _has_twin(name, arrays, used)]
    if half or ("all" in parts) == ("train" in parts):
        raise ValueError(
            f"{path} must hold the arrays x and y, or x_train and y_train (with x_validation, y_validation, x_test, "
            f"y_test where there are any). Received: {', '.join(arrays) or 'no arrays'}"
        )
    lengths = [suffix for suffix in endings if f"lengths{suffix}" in arrays]
    for suffix in lengths:
        if f"x{suffix}" not in arrays:
            raise ValueError(f"{path} has lengths{suffix}, but no x{suffix}. Received: {', '.join(arrays)}")
    return parts, "sequences" if lengths else None


def input_of_npz(arrays: dict[str, np.ndarray], suffix: str = "") -> np.ndarray:
    """The input of one part of an NPZ file; steps behind the length of a sequence become NaN.

    Args:
        arrays: Arrays of the file, by name.
        suffix: Ending of the names of the part's arrays, such as `"_train"`.
    """
    x, name = arrays[f"x{suffix}"], f"lengths{suffix}"
    return sequences.cut(x, arrays[name], f"x{suffix}", name) if name in arrays else x


def _has_twin(name: str, arrays: dict, known: set[str]) -> bool:
    """Whether an input has targets, or targets have an input."""
    return name in known and {"x": "y", "y": "x"}[name[0]] + name[1:] in arrays
