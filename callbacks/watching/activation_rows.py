"""The fixed rows on which activations are watched: chosen and checked once, then the same batches each time."""

import contextlib
import itertools
import math
from collections.abc import Iterator

import keras
import numpy as np


def chosen_rows(x, rows: int):
    """Up to `rows` rows of `x`, the same ones of each of its arrays, as `fit` would pass them to the model.

    Args:
        x: Array, or list or dict of arrays, of which evenly spaced rows are taken; or batches, of which the first rows
            are taken.
        rows: Largest number of rows.

    Returns:
        Arrays in the structure of `x`.

    Raises:
        ValueError: Without rows, if the arrays differ in their number of rows, or if a value is not finite.
    """
    x = _first_rows(x, rows) if _is_batched(x) else x
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
    """The rows in batches of equal size, so that one compiled program computes all of them.

    The last batch is filled up with rows from the start.

    Args:
        x: Arrays, as from `chosen_rows`.
        size: Largest number of rows of a batch.
        is_fixed: Whether each batch must have exactly `size` rows. Otherwise a smaller size is chosen where it needs
            less filling.

    Yields:
        Batch, number of rows in it that are no filling, number of rows in it.
    """
    rows = len(keras.tree.flatten(x)[0])
    if not is_fixed:
        size = math.ceil(rows / math.ceil(rows / size))
    for start in range(0, rows, size):
        places = np.arange(start, start + size) % rows
        yield keras.tree.map_structure(lambda array: array[places], x), min(size, rows - start), size  # noqa: B023


def _is_batched(x) -> bool:
    """Whether `x` gives batches (`tf.data.Dataset`, `PyDataset`, `DataLoader`), rather than being rows."""
    if isinstance(x, list | tuple | dict) or hasattr(x, "shape") or hasattr(x, "__array__"):
        return False
    return hasattr(type(x), "num_batches") or hasattr(x, "__iter__")


def _first_rows(data, rows: int):
    """The first `rows` rows of the batches `data`, which are `x` or `(x, y)` or `(x, y, sample_weight)`."""
    if hasattr(data, "__next__"):
        raise ValueError("`x` must be rows, or batches that can be read again. Received: a generator")
    source, most = data, None
    if hasattr(type(data), "num_batches"):  # a `PyDataset` cannot be iterated, and may have no end
        source = (data[number] for number in itertools.count())
        with contextlib.suppress(NotImplementedError):
            most = data.num_batches
    taken, count = [], 0
    for batch in itertools.islice(source, most):
        x, *others = batch if isinstance(batch, list | tuple) else [batch]
        x = keras.tree.map_structure(_as_array, x)
        first = keras.tree.flatten(x)[0]
        if not first.ndim or any(not np.ndim(part) for part in others if not isinstance(part, dict | list | tuple)):
            raise ValueError("`x` must give batches. Received: rows one by one; batch them (.batch(32))")
        taken.append(x)
        count += len(first)
        if count >= rows:
            break
    if not taken:
        raise ValueError("`x` must have at least one row. Received: no batch")
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts)[:rows], *taken)


def _as_array(values) -> np.ndarray:
    """A copy, because the next batch may be written into the same memory."""
    return np.array(values.detach().cpu().numpy() if hasattr(values, "detach") else values)


def _as_fit_takes(array: np.ndarray) -> np.ndarray:
    return array.astype(keras.config.floatx()) if array.dtype.kind == "f" else array
