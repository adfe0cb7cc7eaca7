"""The fixed rows on which activations are watched: chosen and checked once, then the same batches at each time."""

import math
from collections.abc import Iterator

import keras
import numpy as np


def chosen_rows(x, rows: int):
    """Of each array in `x` the same evenly spaced rows, floats as `fit` takes them.

    Raises:
        ValueError: Without rows, if the arrays differ in their number, or if a value is not finite.
    """
    arrays = keras.tree.map_structure(np.asarray, x)
    lengths = {len(array) if array.ndim else 0 for array in keras.tree.flatten(arrays)}
    if len(lengths) != 1 or 0 in lengths:
        shapes = keras.tree.map_structure(lambda array: array.shape, arrays)
        raise ValueError(f"`x` must have at least one row, and as many in each array. Received: shapes {shapes}")
    (length,) = lengths
    places = np.linspace(0, length - 1, min(rows, length)).round().astype(int)
    for array in keras.tree.flatten(arrays):
        broken = ~np.isfinite(array[places]) if array.dtype.kind == "f" else np.zeros(0, bool)
        if broken.any():
            row = places[np.argwhere(broken)[0][0]]
            raise ValueError(f"`x` must be finite. Received: {broken.sum()} values that are not, first in row {row}")
    return keras.tree.map_structure(lambda array: _as_fit_takes(array[places]), arrays)


def batches(x, size: int, is_fixed: bool) -> Iterator[tuple[object, int, int]]:
    """The rows in batches of one size, so that one program computes all: each with its used and its whole size.

    The last one is filled up with rows from the start. Sizes below `size` that need less of it are taken, but where the
    model `is_fixed` to that.
    """
    rows = len(keras.tree.flatten(x)[0])
    if not is_fixed:
        size = math.ceil(rows / math.ceil(rows / size))
    for start in range(0, rows, size):
        places = np.arange(start, start + size) % rows
        yield keras.tree.map_structure(lambda array: array[places], x), min(size, rows - start), size  # noqa: B023


def _as_fit_takes(array: np.ndarray) -> np.ndarray:
    return array.astype(keras.config.floatx()) if array.dtype.kind == "f" else array
