"""What a model predicts, block by block, so that memory does not grow with the number of rows."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import keras
import numpy as np

from recipes.arguments.numbers import is_count
from recipes.data.store import MOST_IN_MEMORY, RowStore, is_on_disk
from recipes.evaluation.rows import checked_targets
from recipes.evaluation.units import in_units_of_model
from recipes.metrics.inputs import as_array
from recipes.models.outputs import Outputs

# Most rows, and most values, of a block. A call of `predict` takes some hundredths of a second by itself, which these
# sizes make negligible.
MOST_ROWS = 2**18
MOST_VALUES = 2**21
# Units assumed for a model that does not state them.
MANY_UNITS = 1024
# Most bytes of the rows of a block that lie in memory already: TensorFlow copies them.
MOST_COPIED = 4 * MOST_IN_MEMORY


class Block(NamedTuple):
    """Consecutive rows that were predicted.

    Attributes:
        targets: Targets of the rows, `(rows,)` or `(rows, labels)`.
        values: Outputs of the model, `(rows, units)`: probabilities, scores or numbers.
        weights: Weights of the rows, `(rows,)`; `None` where each row counts 1.
    """

    targets: np.ndarray
    values: np.ndarray
    weights: np.ndarray | None = None


def predicted_values(model: keras.Model, outputs: Outputs, x: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Outputs of `model` for rows `x`, block by block; rows on the disk are not in memory all at once.

    Args:
        model: Model that predicts.
        outputs: Facts about the model.
        x: Rows as the model takes them, `(rows, ...)`.
        batch_size: Number of rows for one step of the model.

    Returns:
        Arrays `(rows, units)`: probabilities, also of a model that gives logits; scores or numbers otherwise.

    Raises:
        ValueError: If the model does not take such rows, or gives something else.
    """
    check_row_shape(outputs, x.shape)
    step = _rows_per_block(outputs, x, batch_size, MOST_IN_MEMORY if is_on_disk(x) else MOST_COPIED)
    predict = _predictor(model, outputs, batch_size)
    return (predict(x[start : start + step]) for start in range(0, len(x), step))


def blocks_of_rows(
    model: keras.Model, outputs: Outputs, x: np.ndarray, y: np.ndarray, batch_size: int
) -> Iterator[Block]:
    """Blocks of rows `x` with targets `y`; see `predicted_values`."""
    values = predicted_values(model, outputs, x, batch_size)
    return _with_targets(values, y)


def blocks_of_batches(
    model: keras.Model, outputs: Outputs, data, batch_size: int, steps: int | None = None
) -> Iterator[Block]:
    """Blocks of rows that come in batches `(x, y)` or `(x, y, sample_weight)`.

    Args:
        model: Model that takes `x`.
        outputs: Facts about the model.
        data: Batches, as `rows.is_batches` recognizes them.
        batch_size: Number of rows for one step of the model.
        steps: Number of batches to take. Default: all.

    Raises:
        ValueError: If there are no batches or no end of them, or one is something else or does not fit the model.
    """
    predict = _predictor(model, outputs, batch_size)
    for x, y, weights in _joined(outputs, batches_of(data, steps), batch_size):
        yield Block(checked_targets(y, len(y)), predict(x), weights)


def batches_of(data, steps: int | None = None) -> Iterator:
    """Batches of `data`, or the first `steps` of them.

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
    """The same blocks, while the values of their first `most` rows are added to `store`."""
    for block in blocks:
        room = most - store.rows
        if room > 0:
            store.append(block.values if room >= len(block.values) else block.values[:room].copy())
        yield block


def check_row_shape(outputs: Outputs, shape: tuple[int, ...]) -> None:
    """Refuse a model that does not take rows `x` of `shape` `(rows, ...)`."""
    if not outputs.one_to_one:
        raise ValueError(f"{outputs.name} must have one input and one output to be evaluated on rows x")
    expected = outputs.row_shape
    if expected is None:
        return
    wrong = (size not in (None, received) for size, received in zip(expected, shape[1:], strict=False))
    if len(expected) != len(shape) - 1 or any(wrong):
        reshape = None not in expected and np.prod(expected) == np.prod(shape[1:])
        fix = f": x.reshape(-1, {', '.join(map(str, expected))}) would fit" if reshape else ""
        wanted = ", ".join("any" if size is None else str(size) for size in expected)
        wanted = f"({wanted}{',' if len(expected) == 1 else ''})"
        raise ValueError(f"the model takes rows of shape {wanted}. Received: rows of shape {shape[1:]}{fix}")


def check_finite(values: np.ndarray, rows_before: int = 0) -> None:
    """Refuse outputs `(rows, units)` that are not finite, as a model gives for rows far from those of its training.

    Args:
        values: Outputs of a model.
        rows_before: Number of rows in front of them, for the message.
    """
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        where = f" from row {rows_before:,} on" if rows_before else f", the first of them row {finite.argmin()}"
        raise ValueError(f"the model's outputs are not finite in {(~finite).sum()} of {len(finite)} rows{where}")


def parts_of_batch(batch, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """`x`, `y` and weights (or `None`) of a batch.

    Args:
        batch: Batch to be checked.
        number: Number of the batch from 0, for messages.

    Raises:
        ValueError: If it is something else, or its parts have different numbers of rows.
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


def _predictor(model: keras.Model, outputs: Outputs, batch_size: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from rows to values, of which those of the first call show whether the model gives logits."""
    are_logits = None

    def predict(x: np.ndarray) -> np.ndarray:
        nonlocal are_logits
        # Batches of one size, as JAX compiles the last one anew where it is shorter: the first rows fill it up.
        steps = math.ceil(len(x) / batch_size)
        size = math.ceil(len(x) / steps)
        filled = x if steps * size == len(x) else np.concatenate([x, x[: steps * size - len(x)]])
        values = model.predict(filled, batch_size=size, verbose=0)
        if not isinstance(values, np.ndarray) or values.ndim != 2:
            raise ValueError(f"{outputs.name} must give outputs of shape (rows, outputs) to be evaluated")
        values = as_array(values[: len(x)], "outputs")  # in single precision, also where the model computes in half
        if are_logits is None:
            are_logits = outputs.are_logits(values)
        return outputs.to_probabilities(values) if are_logits else values

    return predict


def _with_targets(values: Iterator[np.ndarray], y: np.ndarray) -> Iterator[Block]:
    start = 0
    for part in values:
        yield Block(y[start : start + len(part)], part)
        start += len(part)
        del part  # the next block is predicted without this one in memory


def _rows_per_block(outputs: Outputs, x: np.ndarray, batch_size: int, most_bytes: int = MOST_IN_MEMORY) -> int:
    """Rows of whole batches: another size of a last batch would have to be compiled."""
    most = min(MOST_ROWS, most_bytes // max(1, x[:1].nbytes), MOST_VALUES // (outputs.units or MANY_UNITS))
    return max(1, most // batch_size) * batch_size


def _is_endless(data) -> bool:
    """Whether `data` are known to have no end, which a generator does not show."""
    if isinstance(data, keras.utils.PyDataset):
        try:
            return data.num_batches is None
        except NotImplementedError:
            return True
    if isinstance(data, itertools.cycle | itertools.count | itertools.repeat):
        return True
    return hasattr(data, "cardinality") and int(data.cardinality()) == -1


def _joined(outputs: Outputs, batches, batch_size: int) -> Iterator[tuple]:
    """`(x, y, weights or None)` of several batches of one row shape together, in their order."""
    pending, rows = [], 0
    for number, batch in enumerate(batches):
        batch = parts_of_batch(batch, number)
        check_row_shape(outputs, batch[0].shape)
        batch = (in_units_of_model(outputs, batch[0]), *batch[1:])
        if pending and not _alike(pending[0], batch):
            yield _concatenated(pending)
            pending, rows = [], 0
        pending.append(batch)
        rows += len(batch[0])
        if rows >= _rows_per_block(outputs, batch[0], batch_size):
            block, rest = _concatenated(pending), rows % batch_size
            yield tuple(part if part is None else part[: rows - rest] for part in block)
            # A copy, so that the rows that were predicted are not kept alive by those that were not.
            pending = [tuple(part if part is None else part[rows - rest :].copy() for part in block)] if rest else []
            rows = rest
            del block
    if pending:
        yield _concatenated(pending)


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
