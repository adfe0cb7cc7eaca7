"""Whether rows keep their targets from one reading of a pipeline to the next."""

import numpy as np

from recipes.data import row_digests

# Rows that must come again for anything to be said.
FEWEST_COMPARED = 20
# Share of known rows in a batch by which a new pass of an iterator is recognized.
KNOWN_SHARE = 0.9


def share_mispaired(first: tuple, second: tuple) -> float | None:
    """Share of the rows of `first` that have another target in `second`.

    Rows whose inputs occur several times in one of them are left out: two rows with equal inputs may well have
    different targets.

    Args:
        first: Inputs and targets of one reading, `(rows, ...)` each.
        second: Inputs and targets of another reading of the same pipeline, in whatever order.

    Returns:
        The share; `None` where fewer than 20 rows came again, as in pipelines that change each row at random.
    """
    if any(part.dtype.kind not in "buif" for part in (*first, *second)):
        return None
    if any(part.shape[1:] != again.shape[1:] for part, again in zip(first, second, strict=True)):
        return None
    (rows, targets), (other_rows, other_targets) = _single_rows(*first), _single_rows(*second)
    _, places, other_places = np.intersect1d(rows, other_rows, assume_unique=True, return_indices=True)
    if len(places) < FEWEST_COMPARED:
        return None
    return float(np.mean(targets[places] != other_targets[other_places]))


def pass_length(x: np.ndarray, sizes: list[int]) -> int | None:
    """Number of rows of one pass, where a long reading of an iterator holds the same rows over and over.

    Args:
        x: Inputs `(rows, ...)`.
        sizes: Number of rows of each batch.

    Returns:
        The number; `None` where rows of the first batches do not come again, or where equal rows are common in a pass,
        so that its end cannot be told.
    """
    rows, start = _digests(x), 0
    for size in sizes:
        stop = start + size
        if start and np.isin(rows[start:stop], rows[:start]).mean() > KNOWN_SHARE:
            return start if len(np.unique(rows[:start])) > start / 2 else None
        start = stop
    return None


def _single_rows(x, y):
    """Digests of the inputs that occur once, ascending, and of their targets."""
    rows, targets = _digests(x), _digests(y)
    single, places, counts = np.unique(rows, return_index=True, return_counts=True)
    return single[counts == 1], targets[places[counts == 1]]


def _digests(values):
    return row_digests.of_arrays(values, np.zeros(len(values)))
