"""A bounded number of rows of a part, so that the analysis of large data takes no longer than that of smaller ones."""

import numpy as np

from recipes.data.store import take

SEED = 0


def sample(part: tuple[np.ndarray, np.ndarray], most: int, limit: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` rows of a part, drawn at random by a fixed seed, in their order.

    Args:
        part: Rows `(x, y)`.
        most: Largest number of rows.
        limit: Number of rows at the start of the part among which they are drawn. Default: all.
    """
    x, y = part
    count = len(y) if limit is None else min(limit, len(y))
    if count <= most:
        return x[:count], y[:count]
    rows = sampled_rows(count, most)
    return take(x, rows), y[rows]


def sampled_rows(count: int, most: int) -> np.ndarray:
    """Numbers of at most `most` of `count` rows, ascending."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).choice(count, most, replace=False))
