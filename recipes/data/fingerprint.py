"""The fingerprint of the data of a run, by which its test rows are found again in data that have changed since."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.arguments.npz import read_npz
from recipes.arguments.numbers import is_whole
from recipes.data.store import chunks_of

# Largest number of digests that are stored, 8 bytes each. Of more rows, those with small digests are a random sample.
MOST_STORED = 1_000_000


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Number and digests of the rows of each part: train, validation and test.

    Attributes:
        columns: Names of the columns of a table from which the digests are made; `()` for other data.
        rows: Number of rows, by part.
        digests: Digest of a whole part as text, by part: equal for equal rows in the same order.
        row_digests: Digests of the rows in their order, uint64 `(rows,)`, by part. They may be a sample if they were
            stored; the mapping is empty if they are unknown.
    """

    columns: tuple[str, ...]
    rows: dict[str, int]
    digests: dict[str, str]
    row_digests: dict[str, np.ndarray]

    @classmethod
    def of(cls, digests: dict[str, np.ndarray], columns: tuple[str, ...] = ()) -> "Fingerprint":
        """The fingerprint of rows with the given digests.

        Args:
            digests: Digests of the rows, uint64 `(rows,)`, by part.
            columns: Names of the columns of a table from which the digests are made.
        """
        digests = {part: digests[part] for part in ("train", "validation", "test") if part in digests}
        rows = {part: len(values) for part, values in digests.items()}
        return cls(tuple(columns), rows, {part: _digest(values) for part, values in digests.items()}, dict(digests))

    @classmethod
    def read(cls, facts: dict, file: Path) -> "Fingerprint":
        """The fingerprint that `to_dict` and `save` have stored.

        Args:
            facts: Values of `to_dict`.
            file: Path given to `save`; if there is no such file, the digests of rows are unknown.

        Raises:
            ValueError: If one of them is damaged.
        """
        stored = {}
        if not _is_fingerprint(facts):
            raise ValueError(f"the fingerprint of the data beside {file} is damaged")
        if os.path.lexists(file):
            try:
                content = read_npz(file)
            except ValueError as error:
                reason = str(error).removeprefix(f"{file} ")
                raise ValueError(f"{file} is damaged: it must hold digests of rows, and {reason}") from None
            stored = {part: content[part] for part in facts["rows"] if part in content}
            fits = all(digests.ndim == 1 and digests.dtype == np.uint64 for digests in stored.values())
            if len(stored) < len(facts["rows"]) or not fits:
                raise ValueError(f"{file} is damaged: it must hold digests of rows")
        return cls(tuple(facts["columns"]), facts["rows"], facts["digests"], stored)

    def to_dict(self) -> dict:
        """Rows, columns and digests of the parts as plain values, ready for JSON."""
        return {"rows": self.rows, "columns": list(self.columns), "digests": self.digests}

    def save(self, file: Path) -> None:
        """Write the digests of rows to an NPZ file, or a random sample of about `MOST_STORED` if there are more."""
        share = MOST_STORED / max(1, sum(self.rows.values()))
        sample = self.row_digests
        if share < 1:
            largest = np.uint64(share * 2**64)
            sample = {part: values[values < largest] for part, values in sample.items()}
        np.savez(file, **sample)

    @property
    def is_complete(self) -> bool:
        """Whether the digests of all test rows are known, rather than those of a sample or none."""
        return len(self.row_digests.get("test", ())) == self.rows["test"]

    def find_test_rows(self, digests: np.ndarray) -> np.ndarray:
        """Numbers of the rows that are test rows, ascending; of equal rows, at most as many as in the test part.

        Args:
            digests: Digests of the rows among which the test rows are searched, `(rows,)`.
        """
        known, counts = np.unique(self.row_digests["test"], return_counts=True)
        if not len(known):
            return np.zeros(0, np.int64)
        places = np.minimum(np.searchsorted(known, digests), len(known) - 1)
        rows = np.flatnonzero(known[places] == digests)
        rows = rows[np.argsort(places[rows], kind="stable")]
        ordered = places[rows]
        occurrence = np.arange(len(rows)) - np.searchsorted(ordered, ordered)  # number among equal rows, from 0
        return np.sort(rows[occurrence < counts[ordered]])


def _is_fingerprint(facts) -> bool:
    """Whether `facts` are plain values as `to_dict` gives them."""
    if not isinstance(facts, dict) or {"rows", "columns", "digests"} - set(facts):
        return False
    rows, columns, digests = facts["rows"], facts["columns"], facts["digests"]
    if not isinstance(columns, list) or not isinstance(rows, dict) or not isinstance(digests, dict):
        return False
    parts = {"train", "validation", "test"}
    are_counts = set(rows) == parts and all(is_whole(count) and count >= 0 for count in rows.values())
    are_texts = all(isinstance(text, str) for text in (*columns, *digests.values()))
    return are_counts and are_texts and set(digests) == parts


def _digest(values: np.ndarray) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for piece in chunks_of(values):
        digest.update(np.ascontiguousarray(piece))
    return digest.hexdigest()
