"""Batches of rows that are too many to be prepared at once."""

import math

import keras
import numpy as np

from recipes.data import Dataset
from recipes.data.store import is_on_disk

# Bytes of prepared rows above which they are prepared batch by batch.
MOST_PREPARED = 512 * 2**20
# Rows are read in runs of this many, which lie side by side on the disk, and mixed among so many runs.
_RUN_ROWS = 256
_RUNS_MIXED = 256


def fits_in_memory(dataset: Dataset, limit: int | None = None) -> bool:
    """Whether the prepared rows of the training part, or `limit` of them, may be held at once."""
    rows = min(len(dataset.train[1]), limit or len(dataset.train[1]))
    small = rows * math.prod(dataset.input_shape) * 4 <= MOST_PREPARED
    return small and not (is_on_disk(dataset.train[0]) and limit is None)


class Batches(keras.utils.PyDataset):
    """The prepared rows of a part, batch by batch; memory does not grow with their number.

    In training the rows come in a new order in each epoch: runs of neighbouring rows are drawn at random, and the rows
    of many such runs are mixed.

    Args:
        dataset: Raw rows and their preparation.
        part: `"train"`, `"validation"` or `"test"`.
        batch_size: Rows of one batch.
        seed: Of the order.
        shuffle: Whether the order changes; otherwise it is that of the rows.
        weights: By class number, what a row counts; `None` for 1 each.
        limit: Rows used; `None` for all.
    """

    def __init__(self, dataset, part, batch_size, seed=0, shuffle=False, weights=None, limit=None):
        super().__init__()
        self.x, self.y = getattr(dataset, part)
        self.preparation = dataset.preparation
        self.rows = min(len(self.y), limit or len(self.y))
        self.batch_size, self.shuffle, self.weights = batch_size, shuffle, weights
        # A window is so many runs, rounded up to whole batches, so that each batch lies in one window.
        self.window_rows = math.ceil(_RUN_ROWS * _RUNS_MIXED / batch_size) * batch_size
        self.seed, self.epoch = seed, 0
        self._begin()

    @property
    def num_batches(self):
        return math.ceil(self.rows / self.batch_size)

    def on_epoch_end(self):
        self.epoch += 1
        self._begin()

    def __getitem__(self, index):
        start = index * self.batch_size
        window = start // self.window_rows
        if window != self._window:
            self._x, self._y = self._read(window)
            self._window = window
        start -= window * self.window_rows
        batch = slice(start, start + self.batch_size)
        x, y = self._x[batch], self._y[batch]
        if self.weights is None:
            return x, y
        return x, y, np.array([self.weights[label] for label in y], np.float32)

    def _begin(self):
        self._window = None
        runs = math.ceil(self.rows / _RUN_ROWS)
        self._runs = (
            np.random.default_rng((self.seed, self.epoch)).permutation(runs) if self.shuffle else np.arange(runs)
        )
        # The last run may be a short one, so that the place of a row follows from the lengths of those before it.
        lengths = np.full(runs, _RUN_ROWS)
        lengths[self._runs == runs - 1] = self.rows - (runs - 1) * _RUN_ROWS
        self._starts = np.r_[0, np.cumsum(lengths)]

    def _read(self, window):
        first, last = window * self.window_rows, min((window + 1) * self.window_rows, self.rows)
        chosen = range(
            np.searchsorted(self._starts, first, side="right") - 1, np.searchsorted(self._starts, last, side="left")
        )
        pieces = []
        for number in chosen:
            start = self._runs[number] * _RUN_ROWS - self._starts[number]
            pieces.append(slice(start + max(first, self._starts[number]), start + min(last, self._starts[number + 1])))
        x = np.concatenate([self.x[piece] for piece in pieces])
        y = np.concatenate([self.y[piece] for piece in pieces])
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch, window)).permutation(len(y))
            x, y = x[order], y[order]
        return self.preparation(x), self.preparation.scale_target(y)
