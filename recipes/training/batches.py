"""The one source of training rows, in memory and from disk, on every backend.

The order of the rows is a pure function of the seed and the epoch, and what augmentation does to a row is one of the
seed, the epoch and the row. Keras would shuffle arrays with a global generator instead, so that an epoch could not be
repeated without those before it.
"""

import math

import keras
import numpy as np

from recipes.data import Dataset
from recipes.data.store import is_on_disk
from recipes.settings import Augmentation
from recipes.training.augmentation import augment

# Bytes of prepared rows above which they are prepared batch by batch.
MOST_PREPARED = 512 * 2**20
# Rows on the disk are mixed within windows of so many rows, or so many bytes of prepared rows if that is less. A window
# is read in this many runs from all over the part; the rows of a run lie side by side on the disk.
_WINDOW_ROWS = 2**16
_WINDOW_BYTES = 256 * 2**20
_RUNS = 256


def fits_in_memory(dataset: Dataset, limit: int | None = None) -> bool:
    """Whether the prepared rows of the training part, or the first `limit` of them, may be kept in memory."""
    rows = min(len(dataset.train[1]), limit or len(dataset.train[1]))
    small = rows * _row_bytes(dataset) <= MOST_PREPARED
    return small and not (is_on_disk(dataset.train[0]) and limit is None)


def _row_bytes(dataset: Dataset) -> int:
    return 4 * math.prod(dataset.input_shape)


def weights_of_rows(y: np.ndarray, class_weight: dict[int, float]) -> np.ndarray:
    """Weight of each row, `(rows,)`, from the weight of its class; `class_weight` has every class number.

    >>> weights_of_rows(np.array([1, 0, 1]), {0: 0.5, 1: 2.0})
    array([2. , 0.5, 2. ], dtype=float32)
    """
    table = np.array([class_weight[number] for number in range(len(class_weight))], keras.config.floatx())
    return table[y]


def permutation(seed: int, epoch: int, rows: int) -> np.ndarray:
    """Row numbers from 0 to `rows - 1` in the random order of an epoch, `(rows,)`."""
    return np.random.default_rng((seed, epoch)).permutation(rows)


class RowsInMemory:
    """Prepared rows in memory: each epoch has them in one random order.

    Args:
        x: Prepared rows, `(rows, ...)`.
        y: Targets, `(rows,)` or `(rows, outputs)`.
        weights: Sample weights, `(rows,)`; `None` for equal weights.
    """

    def __init__(self, x, y, weights=None):
        self.columns = tuple(_as_floatx(column) for column in (x, y, weights) if column is not None)
        if len({len(column) for column in self.columns}) > 1:
            lengths = ", ".join(str(len(column)) for column in self.columns)
            raise ValueError(f"rows, targets and weights must be equally many. Received: {lengths}")
        self._latest = None, None

    def __len__(self):
        return len(self.columns[0])

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """Row numbers of one epoch, `(rows,)`."""
        place, order = self._latest
        if place != (seed, epoch):
            order = permutation(seed, epoch, len(self))
            self._latest = (seed, epoch), order
        return order

    def read(self, seed: int, epoch: int, start: int, stop: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Row numbers and columns of the places from `start` to `stop` in one epoch."""
        numbers = self.order(seed, epoch)[start:stop]
        return numbers, tuple(column[numbers] for column in self.columns)


class RowsOnDisk:
    """Training rows that are too many to be prepared at once; memory does not grow with their number.

    Rows at random places of a disk are slow to read. So each epoch has runs of neighbouring rows in random order, and
    the rows of many such runs, a window, are mixed.

    Args:
        dataset: Raw rows and their preparation.
        class_weight: Weight of each class number; `None` for equal weights.
        limit: Number of rows to use, the first ones of the training part; `None` for all.
    """

    def __init__(self, dataset, class_weight=None, limit=None):
        self.x, self.y = dataset.train
        self.preparation, self.class_weight = dataset.preparation, class_weight
        self.rows = min(len(self.y), limit or len(self.y))
        self.window_rows = max(1, min(_WINDOW_ROWS, _WINDOW_BYTES // _row_bytes(dataset)))
        self.run_rows = max(1, self.window_rows // _RUNS)
        self._latest = None, None

    def __len__(self):
        return self.rows

    def read(self, seed: int, epoch: int, start: int, stop: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Row numbers and columns of the places from `start` to `stop` in one epoch."""
        stop = min(stop, self.rows)
        pieces = []
        for window in range(start // self.window_rows, (stop - 1) // self.window_rows + 1):
            first = window * self.window_rows
            chosen = slice(max(start - first, 0), stop - first)
            pieces.append([column[chosen] for column in self._read_window(seed, epoch, window)])
        numbers, *columns = pieces[0] if len(pieces) == 1 else map(np.concatenate, zip(*pieces, strict=True))
        return numbers, tuple(columns)

    def _read_window(self, seed, epoch, window):
        """Row numbers and columns of a window, which are kept until another one is asked for."""
        place, content = self._latest
        if place == (seed, epoch, window):
            return content
        content, self._latest = None, (None, None)  # makes room
        runs = self._runs(seed, epoch, window)
        numbers = np.concatenate([np.arange(run.start, run.stop) for run in runs])
        # Window 0 would have the stream of the order of the runs: NumPy reads a missing number of a seed as 0.
        mixed = np.random.default_rng((seed, epoch, window + 1)).permutation(len(numbers))
        x, y = (np.concatenate([rows[run] for run in runs])[mixed] for rows in (self.x, self.y))
        content = numbers[mixed], self.preparation(x), _as_floatx(self.preparation.scale_target(y))
        if self.class_weight is not None:
            content += (weights_of_rows(y, self.class_weight),)
        self._latest = (seed, epoch, window), content
        return content

    def _runs(self, seed, epoch, window) -> list[slice]:
        """The rows of a window, run by run; its first and last run may be parts of one."""
        count = math.ceil(self.rows / self.run_rows)
        order = np.random.default_rng((seed, epoch)).permutation(count)
        lengths = np.full(count, self.run_rows)
        lengths[order == count - 1] = self.rows - (count - 1) * self.run_rows  # the last run may be a short one
        starts = np.r_[0, np.cumsum(lengths)]  # places of the runs in the epoch
        first, last = window * self.window_rows, min((window + 1) * self.window_rows, self.rows)
        runs = []
        for place in range(np.searchsorted(starts, first, "right") - 1, np.searchsorted(starts, last, "left")):
            shift = order[place] * self.run_rows - starts[place]
            runs.append(slice(shift + max(first, starts[place]), shift + min(last, starts[place + 1])))
        return runs


def _as_floatx(column) -> np.ndarray:
    """Floating-point numbers as `fit` converts those of arrays; others unchanged."""
    column = np.asarray(column)
    return column.astype(keras.config.floatx(), copy=False) if np.issubdtype(column.dtype, np.floating) else column


class Batches(keras.utils.PyDataset):
    """Training batches without end: batch `i` follows from the seed and `i`, whatever was asked for before.

    Counted from batch `step` of epoch `epoch`, it is batch `i % steps_per_epoch` of epoch `i // steps_per_epoch`; the
    last batch of an epoch may be short.
    Nothing counts epochs here: Keras looks at batches before it trains, and ends an epoch that never began.

    Args:
        rows: `RowsInMemory` or `RowsOnDisk`.
        batch_size: Number of rows in a batch.
        seed: Seed of the order of the rows and of augmentation.
        epoch: Number of the first epoch, counted from 0, for a training that goes on.
        step: Number of the first batch in that epoch, counted from 0.
        augmentation: Random changes of images, an `Augmentation`; `None` for none.
        num_outputs: Number of units of the network's last layer, for targets that augmentation mixes.
        whole: Whether to leave out the short batch at the end of an epoch. Where there is no other, it stays.
    """

    num_batches = None

    def __init__(self, rows, batch_size, seed=0, epoch=0, step=0, *, augmentation=None, num_outputs=1, whole=False):
        super().__init__()
        self.rows, self.batch_size, self.seed, self.epoch, self.step = rows, batch_size, seed, epoch, step
        self.augmentation = None if augmentation == Augmentation() else augmentation
        self.num_outputs = num_outputs
        steps = len(rows) / batch_size
        self.steps_per_epoch = max(1, math.floor(steps)) if whole else math.ceil(steps)
        self._latest = None

    def __getitem__(self, index):
        rows = self.rows
        if rows is None:
            return self._latest
        epoch, step = divmod(self.step + index, self.steps_per_epoch)
        epoch, start = self.epoch + epoch, step * self.batch_size
        numbers, self._latest = rows.read(self.seed, epoch, start, start + self.batch_size)
        if self.augmentation is None:
            return self._latest
        x, y, *weights = self._latest
        options = {"num_outputs": self.num_outputs, "weights": weights[0] if weights else None}
        self._latest = augment(x, y, self.augmentation, self.seed, epoch, numbers, **options)
        return self._latest

    def release(self) -> None:
        """Let go of the rows: TensorFlow keeps the Python functions of a pipeline, and so this object, to the end.

        A thread that still reads ahead gets the latest batch again, which nothing trains on.
        """
        self.rows = None

    def fit_arguments(self) -> dict:
        """The keyword arguments with which `fit` trains on these batches."""
        plain = isinstance(self.rows, RowsInMemory) and self.augmentation is None
        on_tensorflow = keras.backend.backend() == "tensorflow"
        x = self._pipeline() if plain and on_tensorflow else self
        return {"x": x, "steps_per_epoch": self.steps_per_epoch, "shuffle": False}

    def _pipeline(self):
        """The same batches as a `tf.data.Dataset`, which takes rows without Python and so saves TensorFlow time."""
        import tensorflow as tf  # only where it is the backend

        seed, rows, size, steps = self.seed, len(self.rows), self.batch_size, self.steps_per_epoch

        def order(epoch):
            # TensorFlow keeps the Python functions of a graph until the process ends. So this one refers to numbers
            # alone; with `self` it would keep the rows of every training in memory.
            numbers = tf.numpy_function(lambda number: permutation(seed, int(number), rows), [epoch], tf.int64)
            return tf.ensure_shape(numbers, [rows])

        def split(order):
            whole = min(steps, rows // size) * size
            batches = tf.data.Dataset.from_tensor_slices(tf.reshape(order[:whole], [-1, size]))
            if whole == steps * size:
                return batches
            return batches.concatenate(tf.data.Dataset.from_tensors(order[whole:]))

        with tf.device("cpu"):  # a pipeline runs there, and would copy rows from a GPU again and again
            columns = [tf.constant(column) for column in self.rows.columns]
        epochs = tf.data.Dataset.range(self.epoch, tf.int64.max).map(order).prefetch(1)
        batches = (
            epochs.flat_map(split)
            .skip(self.step)
            .map(
                lambda numbers: tuple(tf.gather(column, numbers) for column in columns),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
        )
        # As Keras does for arrays: to optimize the graph of the pipeline, TensorFlow would serialize it with all rows.
        options = tf.data.Options()
        options.experimental_optimization.apply_default_optimizations = False
        return batches.with_options(options).prefetch(tf.data.AUTOTUNE)


def endless_batch(columns):
    """The rows of `columns` as one batch that comes again and again: a `tf.data.Dataset`.

    Of arrays, Keras makes two new iterators for each validation, which take longer than to validate small rows.
    """
    import tensorflow as tf  # only where it is the backend

    return tf.data.Dataset.from_tensors(tuple(map(_as_floatx, columns))).repeat()


class ValidationBatches(keras.utils.PyDataset):
    """The prepared rows of the validation part in their order, batch by batch, where they are too many for memory.

    Args:
        dataset: Raw rows and their preparation.
        batch_size: Number of rows in a batch.
        class_weight: Weight of each class number; `None` for equal weights.
        limit: Number of rows to use, the first ones; `None` for all.
    """

    def __init__(self, dataset, batch_size, class_weight=None, limit=None):
        super().__init__()
        self.x, self.y = dataset.validation
        self.rows = min(len(self.y), limit or len(self.y))
        self.preparation, self.batch_size, self.class_weight = dataset.preparation, batch_size, class_weight
        self._latest = None

    @property
    def num_batches(self):
        return math.ceil(self.rows / self.batch_size)

    def __getitem__(self, index):
        x = self.x
        if x is None:
            return self._latest
        chosen = slice(index * self.batch_size, min((index + 1) * self.batch_size, self.rows))
        y = self.y[chosen]
        batch = self.preparation(x[chosen]), _as_floatx(self.preparation.scale_target(y))
        self._latest = batch if self.class_weight is None else (*batch, weights_of_rows(y, self.class_weight))
        return self._latest

    def release(self) -> None:
        """Let go of the rows, as `Batches.release` does."""
        self.x = None
