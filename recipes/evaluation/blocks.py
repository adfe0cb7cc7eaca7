"""What a model says, block by block: however many the rows, their outputs are never held all at once."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from recipes.arguments.numbers import is_count
from recipes.data import Dataset
from recipes.data.store import MOST_IN_MEMORY, RowStore, is_on_disk
from recipes.evaluation.rows import is_rows, rescaled_rows
from recipes.metrics.inputs import as_array

# Each call of `predict` costs some hundredths of a second by itself: blocks are large enough not to feel that.
MOST_ROWS = 2**18
MOST_OUTPUTS = 2**21
# Bytes of the rows of a block that are in memory anyway: TensorFlow copies them.
MOST_COPIED = 4 * MOST_IN_MEMORY

Block = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def of_rows(model: keras.Model, x: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Outputs `(rows, outputs)` of `model`; rows on the disk are never in memory all at once."""
    step = _rows_of_a_block(model, x, batch_size, MOST_IN_MEMORY if is_on_disk(x) else MOST_COPIED)
    for start in range(0, len(x), step):
        # Without a name, so that a block is gone as soon as its taker has done with it.
        yield model.predict(x[start : start + step], batch_size=batch_size, verbose=0)


def of_pairs(model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int) -> Iterator[Block]:
    """Blocks of `(targets, outputs, None)`: these rows have no weights."""
    start = 0
    for outputs in of_rows(model, x, batch_size):
        yield y[start : start + len(outputs)], outputs, None
        start += len(outputs)


def is_batches(data) -> bool:
    """Whether `data` come in batches: a `tf.data.Dataset`, a `PyDataset`, a generator or a function that makes one."""
    if data is None or isinstance(data, str | Path | dict | Dataset) or is_rows(data):
        return False
    return hasattr(data, "__iter__") or callable(data)


def of_batches(model: keras.Model, data, batch_size: int, steps: int | None = None) -> Iterator[Block]:
    """Blocks of `(targets, outputs, weights or None)` from batches `(x, y)` or `(x, y, sample_weight)`.

    Args:
        model: Takes `x`.
        data: What `is_batches` takes for batches.
        batch_size: Rows for one step of the model.
        steps: Number of batches to take. Default: all.

    Raises:
        ValueError: If there are no batches or no end of them, or one is something else or does not fit the model.
    """
    for x, y, weights in _joined(model, batches_of(data, steps), batch_size):
        yield y, model.predict(x, batch_size=batch_size, verbose=0), weights


def batches_of(data, steps: int | None = None) -> Iterator:
    """The batches that `data` hold or make, or the first `steps` of them.

    Raises:
        ValueError: If `data` are known to be endless and there are no `steps`.
    """
    if steps is not None and not is_count(steps):
        raise ValueError(f"`steps` must be a whole number of at least 1. Received: {steps!r}")
    data = data if hasattr(data, "__iter__") else data()
    if steps is None and _is_endless(data):
        raise ValueError(
            f"`data` never ends: give `steps`, the number of batches to take. Received: a {type(data).__name__} "
            "without a number of batches"
        )
    return itertools.islice(data, steps)


def storing(blocks: Iterator[Block], store: RowStore, most: int) -> Iterator[Block]:
    """The same blocks; the outputs of the first `most` rows go into `store`, too."""
    for block in blocks:
        room = most - store.rows
        if room > 0:
            store.append(block[1] if room >= len(block[1]) else block[1][:room].copy())
        yield block


def check_row_shape(model: keras.Model, shape: tuple[int, ...]) -> None:
    """Refuse a model that does not take rows `x` of `shape` `(rows, ...)`."""
    if len(getattr(model, "inputs", None) or [shape]) != 1 or len(getattr(model, "outputs", None) or [shape]) != 1:
        raise ValueError(f"{model.name} must have one input and one output to be judged on rows x")
    expected = getattr(model, "input_shape", (None, *shape[1:]))[1:]
    wrong = (size not in (None, got) for size, got in zip(expected, shape[1:], strict=False))
    if len(expected) != len(shape) - 1 or any(wrong):
        reshape = None not in expected and np.prod(expected) == np.prod(shape[1:])
        fix = f": x.reshape(-1, {', '.join(map(str, expected))}) would fit" if reshape else ""
        wanted = ", ".join("any" if size is None else str(size) for size in expected)
        wanted = f"({wanted}{',' if len(expected) == 1 else ''})"
        raise ValueError(f"the model takes rows of shape {wanted}. Received: rows of shape {shape[1:]}{fix}")


def _rows_of_a_block(model, x: np.ndarray, batch_size: int, most_bytes: int = MOST_IN_MEMORY) -> int:
    """Whole batches: another size of a last batch would have to be compiled."""
    try:
        units = model.output_shape[-1]
    except (AttributeError, ValueError, RuntimeError, TypeError, IndexError):
        units = None  # of a model without a fixed output, as subclasses are
    most = min(MOST_ROWS, most_bytes // max(1, x[:1].nbytes), MOST_OUTPUTS // (units or 1024))
    return max(1, most // batch_size) * batch_size


def _is_endless(data) -> bool:
    """Whether `data` say that they have no end; a generator does not."""
    if isinstance(data, keras.utils.PyDataset):
        try:
            return data.num_batches is None
        except NotImplementedError:
            return True
    if isinstance(data, itertools.cycle | itertools.count | itertools.repeat):
        return True
    return hasattr(data, "cardinality") and int(data.cardinality()) == -1


def _joined(model, batches, batch_size: int) -> Iterator[tuple]:
    """Blocks of `(x, y, weights or None)` from batches of one row shape, in their order."""
    pending, rows = [], 0
    for number, batch in enumerate(batches):
        batch = parts_of_batch(batch, number)
        check_row_shape(model, batch[0].shape)
        batch = (rescaled_rows(model, batch[0]), *batch[1:])
        if pending and not _alike(pending[0], batch):
            yield _concatenated(pending)
            pending, rows = [], 0
        pending.append(batch)
        rows += len(batch[0])
        if rows >= _rows_of_a_block(model, batch[0], batch_size):
            block, rest = _concatenated(pending), rows % batch_size
            yield tuple(part if part is None else part[: rows - rest] for part in block)
            # A copy, so that the rows that were predicted are not kept alive by those that were not.
            pending = [tuple(part if part is None else part[rows - rest :].copy() for part in block)] if rest else []
            rows = rest
            del block
    if pending:
        yield _concatenated(pending)


def parts_of_batch(batch, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """`x`, `y` and weights of the batch of this number.

    Raises:
        ValueError: If it is something else, or the parts have different numbers of rows.
    """
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3) or isinstance(batch[0], dict | tuple | list):
        received = f"{len(batch)} items" if isinstance(batch, tuple | list) else type(batch).__name__
        raise ValueError(f"batches must be (x, y) or (x, y, sample_weight), of arrays. Received: {received}")
    names = ("x", "y", "sample_weight")
    x, y, weights = (
        None if part is None else as_array(part, name) for name, part in zip(names, (*batch, None)[:3], strict=True)
    )
    if y is None or not x.ndim or not y.ndim or len(x) != len(y) or (weights is not None and len(weights) != len(x)):
        shapes = ", ".join("none" if part is None else str(part.shape) for part in (x, y, weights))
        raise ValueError(f"the parts of a batch must have as many rows. Received: shapes {shapes} in batch {number}")
    return x, y, weights if weights is None or weights.ndim == 1 else weights.reshape(len(x), -1)[:, 0]


def _alike(first, second) -> bool:
    return all(
        (one is None) == (other is None) and (one is None or one.shape[1:] == other.shape[1:])
        for one, other in zip(first, second, strict=True)
    )


def _concatenated(batches: list[tuple]) -> tuple:
    return tuple(
        None if parts[0] is None else parts[0] if len(parts) == 1 else np.concatenate(parts)
        for parts in zip(*batches, strict=True)
    )
