"""The fingerprint of the data of a run: enough to find its test rows again in data that have changed since."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.arguments.npz import read_npz
from recipes.data.store import chunks_of

# Digests of rows that are stored, 8 bytes each. Of more rows, a random sample of all parts: those of small digests.
MOST_STORED = 1_000_000


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What data consisted of, by part (train, validation, test).

    Attributes:
        columns: Columns of a table whose values the digests are made of; `()` for other data.
        rows: Number of rows of each part.
        digests: Digest of each part, a text: equal for equal rows in the same order.
        row_digests: Digests of the rows of each part in their order, uint64 `(rows,)`; stored ones may be a sample.
            Empty if they are not known.
    """

    columns: tuple[str, ...]
    rows: dict[str, int]
    digests: dict[str, str]
    row_digests: dict[str, np.ndarray]

    @classmethod
    def of(cls, digests: dict[str, np.ndarray], columns: tuple[str, ...] = ()) -> "Fingerprint":
        """The fingerprint of rows with these `digests`, by part."""
        digests = {part: digests[part] for part in ("train", "validation", "test") if part in digests}
        rows = {part: len(values) for part, values in digests.items()}
        return cls(tuple(columns), rows, {part: _digest(values) for part, values in digests.items()}, dict(digests))

    @classmethod
    def read(cls, facts: dict, file: Path) -> "Fingerprint":
        """What `to_dict` and `save` have stored; without the digests of rows where there is no `file`.

        Raises:
            ValueError: If they are damaged.
        """
        stored = {}
        if not isinstance(facts, dict) or {"rows", "columns", "digests"} - set(facts):
            raise ValueError(f"the fingerprint of the data beside {file} is damaged")
        if file.is_file():
            try:
                content = read_npz(file)
                stored = {part: content[part].astype(np.uint64, casting="equiv") for part in facts["rows"]}
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"{file} is damaged: it must hold digests of rows") from None
        return cls(tuple(facts["columns"]), facts["rows"], facts["digests"], stored)

    def to_dict(self) -> dict:
        """Rows, columns and digests of the parts as plain values, ready for JSON."""
        return {"rows": self.rows, "columns": list(self.columns), "digests": self.digests}

    def save(self, file: Path) -> None:
        """Write the digests of rows; a random sample of them where there are more than `MOST_STORED`."""
        share = MOST_STORED / max(1, sum(self.rows.values()))
        sample = self.row_digests
        if share < 1:
            largest = np.uint64(share * 2**64)
            sample = {part: values[values < largest] for part, values in sample.items()}
        np.savez(file, **sample)

    @property
    def is_complete(self) -> bool:
        """Whether the digests of all test rows are known, rather than a sample or none."""
        return len(self.row_digests.get("test", ())) == self.rows["test"]

    def find_test_rows(self, digests: np.ndarray) -> np.ndarray:
        """Numbers of the rows that are test rows, ascending: of equal rows, as many as the test part has.

        Args:
            digests: Digests of rows, `(rows,)`, in which the test rows are looked for.
        """
        known, counts = np.unique(self.row_digests["test"], return_counts=True)
        if not len(known):
            return np.zeros(0, np.int64)
        places = np.minimum(np.searchsorted(known, digests), len(known) - 1)
        rows = np.flatnonzero(known[places] == digests)
        rows = rows[np.argsort(places[rows], kind="stable")]
        ordered = places[rows]
        occurrence = np.arange(len(rows)) - np.searchsorted(ordered, ordered)  # of equal rows, from 0
        return np.sort(rows[occurrence < counts[ordered]])


def _digest(values: np.ndarray) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for piece in chunks_of(values):
        digest.update(np.ascontiguousarray(piece))
    return digest.hexdigest()
