"""The rows of a training in whatever form `fit` takes them -> arrays, a bounded sample of what comes in batches."""

import contextlib
import copy
import dataclasses
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from recipes.data.arrays.batched import drawn, is_batched
from recipes.doctor.pairing import pass_length, share_mispaired
from recipes.training.state import random_state, set_random_state

# Bounds of what is read of batches in one pass: enough to see what is wrong, little enough to wait for.
MOST_ROWS, MOST_BYTES, MOST_SECONDS = 20_000, 2**28, 10.0
# Largest arrays of a `PyDataset` that are copied, so that its own order of rows stays as it is.
MOST_COPIED_BYTES = 2**28


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a training as arrays of numbers.

    Attributes:
        x: Inputs `(rows, ...)`.
        y: Targets `(rows, ...)`.
        validation: Inputs and targets of the validation rows, a pair; `None` without any.
        is_complete: Whether these are all training rows, rather than a sample.
        consumed: Number of batches that were taken from an iterator, which cannot be read again; 0 for other forms.
        mispaired: Share of the rows that came with another target when they were read again, as happens where inputs
            and targets are shuffled apart from each other; `None` where no rows came again.
    """

    x: np.ndarray
    y: np.ndarray
    validation: tuple[np.ndarray, np.ndarray] | None = None
    is_complete: bool = True
    consumed: int = 0
    mispaired: float | None = None


def rows_of(x, y=None, validation_data=None) -> Rows:
    """Read the rows of a training.

    Arrays are taken as they are. Batches are read up to 20,000 rows, 256 MiB or 10 seconds, and once more, where that
    is possible, to see whether rows keep their targets. A `PyDataset` of moderate size is copied for that, so that its
    order of rows does not change. A generator or another iterator goes on behind the batches that were taken; a
    `tf.data.Dataset` that shuffles gives another order after each reading. The global random generators of Python,
    NumPy, Keras and PyTorch are put back.

    Args:
        x: Inputs: an array, tensor, frame or nested list `(rows, ...)`; or batches `(x, y)` or `(x, y, sample_weight)`:
            a `tf.data.Dataset`, a `PyDataset`, a `DataLoader`, a generator, or a function that returns one.
        y: Targets `(rows, ...)`; `None` where they come with the batches.
        validation_data: Validation rows, `(x, y)` or `(x, y, sample_weight)`, or batches. Default: none.

    Raises:
        ValueError: For no rows, several inputs, values that are no numbers, and parts of different lengths, in one
            sentence.
    """
    with _random_state_kept():
        rows = _training(x, y)
        held = None if validation_data is None else _validation(validation_data)
    return rows if held is None else dataclasses.replace(rows, validation=(held.x, held.y))


def some_of(rows: Rows, most: int) -> Rows:
    """At most `most` rows of each part, evenly spaced.

    Args:
        rows: Rows of a training.
        most: Largest number of training rows, and of validation rows.
    """

    def chosen(x, y):
        places = np.linspace(0, len(x) - 1, min(len(x), most)).round().astype(int)
        return x[places], y[places]

    x, y = chosen(rows.x, rows.y)
    held = None if rows.validation is None else chosen(*rows.validation)
    return dataclasses.replace(rows, x=x, y=y, validation=held, is_complete=rows.is_complete and len(rows.x) <= most)


def _validation(data) -> Rows:
    if is_batched(data) or callable(data):
        return _rows_in_batches("`validation_data`", data() if callable(data) else data, again=False)
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise ValueError(f"`validation_data` must be (x, y) or batches of them. Received: {_described(data)}")
    return _rows_in_memory("the inputs of `validation_data`", "the targets of `validation_data`", *data[:2])


def _training(x, y) -> Rows:
    if callable(x) and not is_batched(x):
        x = x()
    if not is_batched(x):
        return _rows_in_memory("`x`", "`y`", x, y)
    if y is not None:
        raise ValueError(f"`y` must come with the batches of `x`. Received: {_described(y)}")
    return _rows_in_batches("`x`", x)


def _rows_in_memory(x_name, y_name, x, y) -> Rows:
    x, y = _array(x_name, x), _array(y_name, y)
    if not len(x):
        raise ValueError(f"{x_name} must have rows. Received: an array of shape {x.shape}")
    if len(x) != len(y):
        raise ValueError(f"{x_name} and {y_name} must have as many rows. Received: {len(x):,} and {len(y):,}")
    return Rows(x, y)


def _rows_in_batches(name, data, again: bool = True) -> Rows:
    given, once, data = data, hasattr(data, "__next__"), _copied(data)
    first = _Bounded(data, name)
    x, y = drawn(first, name)
    rows = _rows_in_memory(f"the inputs of {name}", f"the targets of {name}", x, y)
    x, y, is_complete = rows.x, rows.y, first.is_complete
    length = None if is_complete else pass_length(x, first.sizes)
    share = None
    if length is not None:
        share = share_mispaired((x[:length], y[:length]), (x[length : 2 * length], y[length : 2 * length]))
        x, y, is_complete = x[:length], y[:length], True
    elif again and not once and (data is not given or not isinstance(data, keras.utils.PyDataset)):
        for hook in ("on_epoch_end", "on_epoch_begin"):  # of a `PyDataset`, which shuffles there
            getattr(data, hook, lambda: None)()
        with contextlib.suppress(ValueError):  # of an object that gives nothing a second time
            share = share_mispaired((x, y), drawn(_Bounded(data, name), name))
    return Rows(x, y, None, is_complete, len(first.sizes) if once else 0, share)


class _Bounded:
    """The first batches of `data` as pairs, sample weights left out.

    Attributes:
        sizes: Number of rows of each batch that was taken.
        is_complete: Whether the end was reached.
    """

    def __init__(self, data, name):
        self.data, self.name = data, name
        self.sizes, self.is_complete = [], False

    def __iter__(self) -> Iterator[tuple]:
        start, values = time.monotonic(), 0
        for batch in self.data:
            x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
            if y is None:
                raise ValueError(f"batches of {self.name} must be (x, y). Received: {_described(x)} without targets")
            x = _only_input(x)
            yield x, y
            self.sizes.append(len(x))
            values += int(np.prod(np.shape(x)))
            is_late = time.monotonic() - start > MOST_SECONDS
            if sum(self.sizes) >= MOST_ROWS or 4 * values >= MOST_BYTES or is_late:
                return
        self.is_complete = True


def _copied(data):
    """A copy of a `PyDataset`, where it can be copied; else `data` itself."""
    if not isinstance(data, keras.utils.PyDataset):
        return data
    if sum(getattr(value, "nbytes", 0) for value in vars(data).values()) > MOST_COPIED_BYTES:
        return data
    try:
        return copy.deepcopy(data)
    except Exception:  # open files and the like
        return data


def _array(name, values) -> np.ndarray:
    """`values` as an array of numbers with an axis of rows."""
    if values is None:
        raise ValueError(f"{name} must be given. Received: None")
    values = _only_input(values)
    if hasattr(values, "detach"):  # of PyTorch
        values = values.detach().cpu()
    for method in ("toarray", "to_numpy"):  # of SciPy's sparse matrices, and of frames
        if hasattr(values, method):
            values = getattr(values, method)()
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} must be an array of numbers. Received: {error}") from None
    if array.dtype.kind not in "buif" and array.size:
        try:
            # Frames of several dtypes give objects, and short floats have a dtype that NumPy does not know.
            array = array.astype({"O": "float64", "V": "float32"}[array.dtype.kind])
        except (KeyError, ValueError, TypeError):
            first = array.reshape(-1).tolist()[0]
            raise ValueError(f"{name} must hold numbers. Received: {_described(first)}") from None
    if not array.ndim:
        raise ValueError(f"{name} must be an array with an axis of rows. Received: {_described(values)}")
    return array


def _only_input(x):
    """The one array of a model with one input, which may be in a list, tuple or dict."""
    parts = list(x.values()) if isinstance(x, dict) else x
    several = isinstance(x, dict) or (isinstance(x, list | tuple) and any(np.ndim(part) > 1 for part in _arrays(x)))
    if not several:
        return x
    if len(parts) != 1:
        raise ValueError(f"a diagnosis takes models of one input and one output. Received: {len(parts)} arrays of rows")
    return parts[0]


def _arrays(parts):
    return [part for part in parts if hasattr(part, "shape")]


def _described(value) -> str:
    text = repr(value) if isinstance(value, str | bytes | int | float) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


@contextlib.contextmanager
def _random_state_kept():
    before, torch = random_state(), sys.modules.get("torch")
    of_torch = None if torch is None else torch.get_rng_state()
    try:
        yield
    finally:
        set_random_state(before)
        if torch is not None:
            torch.set_rng_state(of_torch)
