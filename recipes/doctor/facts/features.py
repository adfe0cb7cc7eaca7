"""Rows in any shape -> a small standardized table of features, for simple models."""

import numpy as np

from recipes.doctor.facts.blocks import LARGEST

MOST_FEATURES = 256
# Tokens whose presence in a row is a feature.
MOST_TOKENS = 128
# Standardized values beyond this one are cut off, so that one outlier does not decide a linear model.
LARGEST_SCORE = 8.0


def table(x: np.ndarray, *, tokens: bool = False) -> np.ndarray:
    """A row of features for each row of inputs, `(rows, features)`, float64: images and sequences averaged in blocks.

    Args:
        x: Inputs `(rows, ...)`.
        tokens: Whether they are whole numbers that go into an embedding; then presence of the frequent ones is added.
    """
    x = np.asarray(x).astype(np.float64)
    flat = x.reshape(len(x), -1)
    if tokens:
        values, counts = np.unique(flat[np.isfinite(flat)], return_counts=True)
        frequent = values[np.argsort(-counts, kind="stable")[:MOST_TOKENS]]
        present = [(flat == token).any(axis=1) for token in frequent]
        return np.column_stack([flat, *present]) if flat.shape[1] <= MOST_TOKENS else np.column_stack(present) * 1.0
    if flat.shape[1] <= MOST_FEATURES or x.ndim < 3:
        return flat
    spatial = x.ndim - 2  # all axes of a row but the last one, the channels
    factor = int(np.ceil((flat.shape[1] / MOST_FEATURES) ** (1 / spatial)))
    for axis in range(1, 1 + spatial):
        size = min(factor, x.shape[axis])
        blocks = x.shape[axis] // size
        x = x.take(range(blocks * size), axis=axis)
        x = x.reshape(*x.shape[:axis], blocks, size, *x.shape[axis + 1 :]).mean(axis=axis + 1)
    return x.reshape(len(x), -1)


def usable(rows: np.ndarray) -> np.ndarray:
    """Mask of the rows `(rows,)` of a table whose values are all finite in float32."""
    return (np.abs(rows) <= LARGEST).all(axis=1)


def standardized(train: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both tables, standardized by the first; constant columns, and columns beyond `MOST_FEATURES`, are left out.

    Columns that vary most within their range are kept: without regard to the targets, so that no score is flattered.
    """
    low, high = train.min(axis=0), train.max(axis=0)
    mean, std = train.mean(axis=0), train.std(axis=0)
    spread = np.where(high > low, std / np.maximum(high - low, 1e-300), 0.0)
    spread[std <= 1e-9 * np.abs(mean)] = 0.0  # nothing but rounding
    columns = np.sort(np.argsort(-spread, kind="stable")[:MOST_FEATURES])
    columns = columns[spread[columns] > 0]
    return tuple(
        np.clip((part[:, columns] - mean[columns]) / std[columns], -LARGEST_SCORE, LARGEST_SCORE)
        for part in (train, held)
    )
