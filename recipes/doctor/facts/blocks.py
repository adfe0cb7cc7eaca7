"""Arrays of any numbers in blocks of float64 rows, so that facts of large data take bounded memory and time."""

import numpy as np

from recipes.data.store import chunks_of

# Values whose moments are taken: rows of more are represented by evenly spaced ones. Half a second on one core.
MOST_VALUES = 50_000_000
# Values beyond this one overflow in float32, in which a network computes.
LARGEST = float(np.finfo(np.float32).max)


def spaced(rows: np.ndarray, most: int) -> np.ndarray:
    """At most `most` evenly spaced rows, a view."""
    return rows[:: max(1, -(-len(rows) // max(1, most)))]


def flat_blocks(rows: np.ndarray):
    """Blocks of rows as float64, `(count, values of a row)`, in order."""
    for block in chunks_of(rows):
        yield np.asarray(block).reshape(len(block), -1).astype(np.float64)


def bounded(rows: np.ndarray) -> np.ndarray:
    """The rows whose moments are taken: all, or evenly spaced ones where there are more than `MOST_VALUES` values."""
    return spaced(rows, max(1000, MOST_VALUES // max(1, rows[:1].size)))


def finite_rows(rows: np.ndarray) -> tuple[float, tuple[int, int] | None]:
    """Share of rows whose values are all finite in float32, and row and place of the first value that is not."""
    if rows.dtype.kind in "bui" or not rows.size:
        return 1.0, None
    start, good, first = 0, 0, None
    for block in flat_blocks(rows):
        bad = ~(np.abs(block) <= LARGEST)  # not the reverse comparison, which is false for NaN
        is_bad = bad.any(axis=1)
        if first is None and is_bad.any():
            row = int(is_bad.argmax())
            first = (start + row, int(bad[row].argmax()))
        good += int((~is_bad).sum())
        start += len(block)
    return good / len(rows), first


class Moments:
    """Mean, standard deviation, least and greatest finite value of each column, added up block by block (Chan et al.).

    Attributes:
        mean: Mean `(columns,)`; 0 for a column without finite values.
        std: Standard deviation.
        low: Least value.
        high: Greatest value.
    """

    def __init__(self, columns: int):
        self._count = np.zeros(columns)
        self._squares = np.zeros(columns)
        self.mean = np.zeros(columns)
        self.low = np.full(columns, np.inf)
        self.high = np.full(columns, -np.inf)

    def add(self, block: np.ndarray) -> None:
        """Take in `block` `(rows, columns)`, float64."""
        if not block.size:
            return
        is_good = np.abs(block) <= LARGEST
        if is_good.all():
            count, total, low, high = len(block), block.sum(axis=0), block.min(axis=0), block.max(axis=0)
        else:
            count, total = is_good.sum(axis=0), np.where(is_good, block, 0.0).sum(axis=0)
            low = np.where(is_good, block, np.inf).min(axis=0)
            high = np.where(is_good, block, -np.inf).max(axis=0)
        mean = total / np.maximum(count, 1)
        squares = np.square(np.where(is_good, block - mean, 0.0)).sum(axis=0)
        together = np.maximum(self._count + count, 1)
        change = mean - self.mean
        self._squares += squares + np.square(change) * self._count * count / together
        self.mean += change * count / together
        self._count += count
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)

    @property
    def std(self) -> np.ndarray:
        """Standard deviation of each column."""
        return np.sqrt(self._squares / np.maximum(self._count, 1))
