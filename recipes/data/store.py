"""Storage for arrays of rows that are made chunk by chunk: in memory, or in a temporary file once they are large."""

import contextlib
import tempfile

import numpy as np

# Largest array in memory, in bytes. Larger ones are mapped from a file, of which the operating system keeps in memory
# what is in use, and frees it when it must.
MOST_IN_MEMORY = 64 * 2**20
# Size of a chunk in bytes.
CHUNK_BYTES = 8 * 2**20


class RowStore:
    """Collects arrays of rows, which `finish` returns as one array.

    Beyond `MOST_IN_MEMORY` bytes, they are written to an unnamed file in the temporary folder (`TMPDIR`), which is
    deleted together with the array.

    Attributes:
        rows: Number of rows so far.
    """

    def __init__(self):
        self._pieces, self._bytes, self._file = [], 0, None
        self._shape, self._dtype, self.rows = None, None, 0

    def append(self, rows: np.ndarray) -> None:
        """Add `rows` `(count, ...)`, of the same dtype and shape of a row each time.

        Raises:
            OSError: If the temporary folder is full.
        """
        self._shape, self._dtype = rows.shape[1:], rows.dtype
        self.rows += len(rows)
        self._bytes += rows.nbytes
        if self._file is None:
            self._pieces.append(rows)
            if self._bytes > MOST_IN_MEMORY:
                self._spill()
        else:
            self._write(rows)

    def finish(self) -> np.ndarray:
        """All rows, `(rows, ...)`, as a plain array or one that is mapped from the file."""
        if self._file is None:
            return np.concatenate(self._pieces)
        with self._file:  # the mapping keeps the content of the closed file
            self._file.flush()
            return np.memmap(self._file, dtype=self._dtype, mode="r+", shape=(self.rows, *self._shape))

    def __del__(self):
        if self._file is not None:  # an error came before `finish`, perhaps because the disk is full
            with contextlib.suppress(OSError):
                self._file.close()

    def _spill(self):
        self._file = tempfile.TemporaryFile(prefix="keras-recipes-")  # noqa: SIM115  (`finish` or `__del__` closes it)
        for rows in self._pieces:
            self._write(rows)
        self._pieces = []

    def _write(self, rows):
        try:
            self._file.write(np.ascontiguousarray(rows).data)
        except OSError as error:
            raise OSError(
                f"cannot keep {self._bytes / 2**20:,.0f} MiB of rows in {tempfile.gettempdir()}: {error.strerror}; "
                "set the environment variable TMPDIR to a folder with room"
            ) from None


def chunks(rows: int, row_bytes: int):
    """Slices that cover `rows` rows, each of about `CHUNK_BYTES`."""
    step = max(1, CHUNK_BYTES // max(1, row_bytes))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def chunks_of(x: np.ndarray):
    """The rows of `x` in chunks of about `CHUNK_BYTES`, as views."""
    for chosen in chunks(len(x), x[:1].nbytes):
        yield x[chosen]


def take(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`x[rows]`; a large result is written to a file chunk by chunk rather than made in memory."""
    if len(rows) * x[:1].nbytes <= MOST_IN_MEMORY:
        return np.asarray(x)[rows]
    store = RowStore()
    for chosen in chunks(len(rows), x[:1].nbytes):
        store.append(np.asarray(x)[rows[chosen]])
    return store.finish()


def is_on_disk(x: np.ndarray) -> bool:
    """Whether `x` is mapped from a file, rather than being in memory."""
    while isinstance(x, np.ndarray):
        if isinstance(x, np.memmap):
            return True
        x = x.base
    return False
