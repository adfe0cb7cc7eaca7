"""What is known of the data of a run: rows, columns, and rows that stand in more than one part."""

import itertools

import numpy as np

from recipes.data import Dataset, row_digests, summary
from recipes.data.dataset import PARTS

# Largest size of images and sequences in bytes whose rows are compared by their values.
_MOST_BYTES = 2**28


def facts_of(dataset: Dataset) -> dict:
    """Rows of each part, columns of a table, and duplicate rows.

    Returns:
        `parts`: number of rows by part. `columns`, for tables: `name`, `kind` (`"number"`, `"category"` or `"date"`),
        `missing` (missing values in all parts, `None` for a column that is left out) and `left_out` (the reason, or
        `None`). `duplicates`: see `duplicates`; missing for data too large to be compared.
    """
    content = summary.summarize(dataset)
    facts = {"parts": content["rows"]}
    if "columns" in content:
        facts["columns"] = [
            {
                "name": column["name"],
                "kind": column["kind"],
                "missing": None if "left_out" in column else column.get("missing", 0),
                "left_out": column.get("left_out"),
            }
            for column in content["columns"]
        ]
    digests = _digests(dataset)
    return facts if digests is None else {**facts, "duplicates": duplicates(digests)}


def duplicates(digests: dict[str, np.ndarray]) -> dict[str, int]:
    """Rows of a part that repeat an earlier row of it, and rows of a later part that also stand in an earlier one.

    Args:
        digests: Digests of the rows, uint64 `(rows,)`, by part in their order.

    >>> duplicates({"train": np.array([1, 1, 2], np.uint64), "test": np.array([2, 3, 1], np.uint64)})
    {'within train': 1, 'within test': 0, 'train and test': 2}
    """
    counts = {f"within {part}": len(rows) - len(np.unique(rows)) for part, rows in digests.items()}
    for first, second in itertools.combinations(digests, 2):
        counts[f"{first} and {second}"] = row_digests.count_known(digests[second], digests[first])
    return counts


def _digests(dataset: Dataset) -> dict[str, np.ndarray] | None:
    known = {} if dataset.fingerprint is None else dataset.fingerprint.row_digests
    if dataset.train[0].ndim == 2 and set(known) == set(PARTS):
        return {part: known[part] for part in PARTS}
    if sum(getattr(dataset, part)[0].nbytes for part in PARTS) > _MOST_BYTES:
        return None
    # Not the digests of the fingerprint, which are those of files: two files may hold the same image.
    return {part: row_digests.of_arrays(*getattr(dataset, part)) for part in PARTS}
