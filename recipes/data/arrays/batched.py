"""Rows of batches `(x, y)` of a `tf.data.Dataset`, a `PyDataset` or a PyTorch `DataLoader`, drawn once.

Split, preparation and report need the rows in one order. Beyond 64 MiB the rows are stored in a temporary file, so that
memory is bounded however many they are.
"""

from pathlib import Path

import numpy as np

from recipes.data.store import RowStore

_TEXT = "OSU"


def is_batched(data) -> bool:
    """Whether `data` consists of batches, rather than being rows, a pair, a path or a frame."""
    if isinstance(data, str | Path | dict | list | tuple) or hasattr(data, "shape") or hasattr(data, "__array__"):
        return False
    # A `PyDataset` cannot be iterated, and its `num_batches` may raise an error; a frame can, but has columns.
    return hasattr(type(data), "num_batches") or (hasattr(data, "__iter__") and not hasattr(data, "columns"))


def drawn(data, name: str = "data") -> tuple[np.ndarray, np.ndarray]:
    """All rows of the batches `data`, in their order.

    Args:
        data: Batches `(x, y)`: `x` `(batch, ...)`, and `y` `(batch,)` or `(batch, classes)`.
        name: Name of the data in messages.

    Returns:
        `x` `(rows, ...)` and `y` `(rows,)` or `(rows, classes)`; mapped from a temporary file if they are large.

    Raises:
        ValueError: If the batches are endless or without rows, rows are not batched, or batches differ in their form.
        OSError: If the temporary folder is full.
    """
    stores, texts = (RowStore(), RowStore()), []
    form = None
    for number, batch in enumerate(_batches(data, name)):
        x, y = _pair(batch, f"batch {number} of {name}")
        if not len(x):
            continue
        received = [(part.shape[1:], part.dtype.kind if part.dtype.kind in _TEXT else part.dtype) for part in (x, y)]
        form = form or received
        if received != form:
            raise ValueError(
                f"all batches of {name} must have rows of one shape and type. Received: {_form(form)}, and "
                f"{_form(received)} in batch {number}"
            )
        stores[0].append(x)
        if y.dtype.kind in _TEXT:
            texts.append(y)
        else:
            stores[1].append(y)
    if form is None:
        raise ValueError(f"{name} has no rows")
    return stores[0].finish(), np.concatenate(texts) if texts else stores[1].finish()


def _batches(data, name: str):
    if hasattr(data, "__next__"):
        raise ValueError(
            f"{name} is a generator, which can be read once and may have no end: give a tf.data.Dataset, a PyDataset, "
            "a DataLoader or arrays"
        )
    if hasattr(type(data), "num_batches"):
        try:
            count = data.num_batches
        except NotImplementedError:
            count = None
        if count is None:
            raise _endless(data, name)
        return (data[number] for number in range(count))
    if hasattr(data, "cardinality") and int(data.cardinality()) == -1:
        raise _endless(data, name)
    return iter(data)


def _endless(data, name: str) -> ValueError:
    return ValueError(
        f"{name} must come to an end, for its rows are split and counted. Received: a {type(data).__name__} without an "
        "end: leave out .repeat(), or cut it by .take(batches)"
    )


def _pair(batch, where: str) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(batch, tuple | list) and len(batch) == 3:
        raise ValueError(f"{where} has sample weights, which recipes do not use: give (x, y), and fit.class_weight")
    if not isinstance(batch, tuple | list) or len(batch) != 2 or any(isinstance(part, dict | tuple) for part in batch):
        parts = batch if isinstance(batch, tuple | list) else [batch]
        received = ", ".join(type(part).__name__ for part in parts)
        raise ValueError(f"{where} must be (x, y), of one array each. Received: {received}")
    x, y = map(_as_array, batch)
    if not x.ndim or not y.ndim or len(x) != len(y):
        raise ValueError(
            f"{where} must hold as many rows in x as in y. Received: shapes {x.shape} and {y.shape}: is the data "
            "batched (.batch(32))?"
        )
    return x, y


def _as_array(values) -> np.ndarray:
    """A copy, because the next batch may be written to the same memory."""
    if hasattr(values, "detach"):  # of PyTorch
        values = values.detach().cpu().numpy()
    array = np.array(values)
    if array.dtype.kind in "OS":  # of TensorFlow: text as bytes
        plain = [value.decode() if isinstance(value, bytes) else value for value in array.ravel().tolist()]
        array = np.array(plain, dtype=object).reshape(array.shape)
    return array


def _form(form) -> str:
    return " and ".join(f"{kind} of shape {('batch', *shape)}".replace("'", "") for shape, kind in form)
