"""Detection of columns that number the rows, such as the index that pandas writes: they predict nothing."""

import re

import numpy as np

# Fewer rows may have consecutive numbers by chance, such as the ages 20 to 29 of ten people.
FEWEST_ROWS = 20
# Number of values up to which those of a column called "id" are compared with each other; more of them must ascend.
MOST_COMPARED = 2**20
# Number of times that an index may start again.
MOST_RESTARTS = 5
_CHUNK = 2**20
_LARGEST = 2.0**53
_INDEX_NAME = re.compile(
    r"|unnamed: ?\d+|index|level_\d+|rows?|obs|observation|n[or]\.?|#|row[ _.-]?(no|nr|num|number|names?)"
    r"|(.*[ _.-])?(id|idx|index|uid)",
    re.IGNORECASE,
)
_CAMEL_CASE_ID = re.compile(r".*[a-z]I[Dd]")
# A year or a time step is unique in many small tables, and yet a useful feature.
_TIME_NAME = re.compile(
    r"(.*[ _.-])?(years?|quarter|month|week|day|hour|minute|second|seconds|date|time|t|timestamp|epoch|period|age)"
    r"([ _.-].*)?",
    re.IGNORECASE,
)


class RowNumbers:
    """Detects, batch by batch and in bounded memory, whether the values of a column number its rows.

    They do if they are consecutive whole numbers, each once, in any order. In a column with the name of an index or
    identifier, they may have gaps, or start again a few times, as the index of concatenated files does.

    Args:
        name: Name of the column.
    """

    def __init__(self, name: str):
        self._has_index_name = bool(_INDEX_NAME.fullmatch(name.strip()) or _CAMEL_CASE_ID.fullmatch(name.strip()))
        self._possible, self._exact = not _TIME_NAME.fullmatch(name.strip()), True
        self._rows, self._least, self._most, self._digest = 0, np.inf, -np.inf, 0
        self._last, self._restarts, self._compared = -np.inf, 0, []

    def update(self, numbers: np.ndarray) -> None:
        """Add the next values `(rows,)`, float64, NaN for those that are missing or text."""
        if not self._possible or not len(numbers):
            return
        # Most columns of whole numbers have a value twice among the first, which settles it.
        first = numbers[:1000]
        repeats = not self._has_index_name and len(np.unique(first)) < len(first)
        if repeats or not (np.isfinite(numbers) & (numbers == np.round(numbers))).all():
            self._possible = False
            return
        self._exact = self._exact and bool((np.abs(numbers) < _LARGEST).all())
        if not self._exact and not self._has_index_name:
            self._possible = False
            return
        self._rows += len(numbers)
        self._least, self._most = min(self._least, numbers.min()), max(self._most, numbers.max())
        if self._exact:
            self._digest += _digest(numbers.astype(np.int64))
        if self._has_index_name:
            self._restarts += int((np.diff(numbers, prepend=self._last) <= 0).sum())
            self._last = numbers[-1]
            if self._rows <= MOST_COMPARED:
                self._compared.append(numbers)

    @property
    def found(self) -> bool:
        """Whether the values so far number their rows."""
        if not self._possible or self._rows < FEWEST_ROWS:
            return False
        if self._has_index_name:
            ascends = self._restarts <= MOST_RESTARTS and self._rows >= FEWEST_ROWS * (self._restarts + 1)
            if ascends or self._are_distinct():
                return True
        if not self._exact or self._most - self._least != self._rows - 1:
            return False
        # The range has as many whole numbers as there are rows: equal sums of digests mean that each occurs once.
        expected = 0
        for start in range(int(self._least), int(self._most) + 1, _CHUNK):
            expected += _digest(np.arange(start, min(start + _CHUNK, int(self._most) + 1), dtype=np.int64))
        return expected % 2**64 == self._digest % 2**64

    def _are_distinct(self) -> bool:
        if self._rows > MOST_COMPARED:
            return False
        values = np.concatenate(self._compared)
        # Float64 merges some long identifiers.
        return len(np.unique(values)) >= (1.0 if self._exact else 0.99) * len(values)


def _digest(values: np.ndarray) -> int:
    """Sum of the hashes of the values (SplitMix64), modulo 2**64."""
    words = values.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return int((words ^ (words >> np.uint64(31))).sum(dtype=np.uint64))
