"""Rows that stand in two parts: a test on them tells nothing about new rows."""

import numpy as np

from recipes.data.store import chunks_of


def count_duplicates(train: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> int:
    """How many rows of `other` stand in `train`, target included.

    By 64-bit digests, 8 bytes a row: that two different rows share one is a matter of 1 in 10**19 for each pair.
    """
    known, asked = np.sort(_digests(*train)), _digests(*other)
    places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return int((known[places] == asked).sum())


def _digests(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    digests, start = np.empty(len(x), np.uint64), 0
    for rows in chunks_of(x):
        stop = start + len(rows)
        digests[start:stop] = _mixed(rows) + _mixed(y[start:stop].reshape(-1, 1)) * np.uint64(0x9E3779B97F4A7C15)
        start = stop
    return digests


def _mixed(rows: np.ndarray) -> np.ndarray:
    """A number for each row, `(rows,)`, uint64: the sum of its words, each scrambled by a multiplier of its place."""
    content = np.ascontiguousarray(rows).reshape(len(rows), -1).view(np.uint8)
    padding = -content.shape[1] % 8
    if padding:
        content = np.pad(content, ((0, 0), (0, padding)))
    words = content.view(np.uint64)
    # Fixed, and odd, so that no word is lost.
    multipliers = np.random.default_rng(0).integers(0, 2**63, (2, words.shape[1]), dtype=np.uint64) * np.uint64(
        2
    ) + np.uint64(1)
    words = (words ^ (words >> np.uint64(32))) * multipliers[0]
    words = (words ^ (words >> np.uint64(29))) * multipliers[1]
    return (words ^ (words >> np.uint64(32))).sum(axis=1, dtype=np.uint64)
