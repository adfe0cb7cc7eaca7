"""Sequences `(rows, steps, features)`: the steps behind the end of a shorter one are NaN in every feature."""

import numpy as np

from recipes.data import precision
from recipes.data.store import chunks_of


def is_padding(x: np.ndarray) -> np.ndarray:
    """Mask `(rows, steps)` of the padded steps of `x` `(rows, steps, features)`."""
    return np.isnan(x).all(axis=-1)


def lengths(x: np.ndarray) -> np.ndarray:
    """Number of steps of each sequence of `x` `(rows, steps, features)`, `(rows,)`."""
    return np.concatenate([(~is_padding(rows)).sum(axis=1) for rows in chunks_of(x)])


def is_padded(x: np.ndarray) -> bool:
    """Whether a sequence of `x` `(rows, steps, features)` has padded steps at its end."""
    return any(is_padding(rows[:, -1:]).any() for rows in chunks_of(x))


def cut(x, steps, name: str = "x", lengths_name: str = "lengths") -> np.ndarray:
    """Sequences cut to their lengths, float32, or float64 if `x` has more digits; all later steps are NaN.

    Args:
        x: Sequences `(rows, steps, features)`, with any values behind their end.
        steps: Number of steps of each sequence, `(rows,)`.
        name: Name of `x` in messages.
        lengths_name: Name of `steps` in messages.

    Raises:
        ValueError: If `steps` are not whole numbers from 1 to the steps of `x`, one for each row.
    """
    x, steps = np.asarray(x), np.asarray(steps)
    if x.ndim != 3 or x.dtype.kind not in "buif":
        raise ValueError(
            f"`{lengths_name}` are for sequences: `{name}` must hold numbers of shape (rows, steps, features). "
            f"Received: {x.dtype} of shape {x.shape}"
        )
    if steps.shape != (len(x),):
        raise ValueError(f"`{lengths_name}` must hold one length for each of {len(x)} rows. Received: {steps.shape}")
    if steps.dtype.kind not in "uif":
        raise ValueError(f"`{lengths_name}` must be whole numbers. Received: {steps.dtype}")
    wrong = np.flatnonzero(~((steps >= 1) & (steps <= x.shape[1]) & (steps == np.floor(steps))))
    if len(wrong):
        raise ValueError(
            f"`{lengths_name}` must be whole numbers from 1 to {x.shape[1]}, the steps of `{name}`. "
            f"Received: {steps[wrong[0]]} at row {wrong[0]}"
        )
    x = x.astype(np.float64 if precision.has_more_digits(x.dtype) else np.float32)
    unknown = np.flatnonzero(is_padding(x)[np.arange(len(x)), steps.astype(int) - 1])
    if len(unknown):
        raise ValueError(
            f"`{name}` must be finite up to `{lengths_name}`. Received: only NaN at row {unknown[0]}, "
            f"step {int(steps[unknown[0]]) - 1}"
        )
    x[np.arange(x.shape[1]) >= steps[:, None]] = np.nan
    return x


def check(x: np.ndarray, name: str = "x") -> None:
    """Refuse sequences `(rows, steps, features)` with values that are not finite, except padded steps at the end.

    Raises:
        ValueError: With the first wrong row and step.
    """
    start = 0
    for rows in chunks_of(x):
        padding = is_padding(rows)
        ended = np.logical_and.accumulate(padding[:, ::-1], axis=1)[:, ::-1]  # padded, and so are all later steps
        wrong = np.argwhere(~np.isfinite(rows).all(axis=-1) & ~ended)
        if len(wrong):
            row, step = wrong[0]
            values = ", ".join(str(value) for value in rows[row, step][~np.isfinite(rows[row, step])][:3])
            raise ValueError(
                f"`{name}` must be finite up to the end of each sequence; only whole steps behind it may be NaN. "
                f"Received: {values} at row {start + row}, step {step}"
            )
        empty = np.flatnonzero(ended[:, 0])
        if len(empty):
            raise ValueError(
                f"`{name}` must have at least one step in each row. Received: none at row {start + empty[0]}"
            )
        start += len(rows)
