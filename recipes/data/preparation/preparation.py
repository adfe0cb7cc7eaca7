"""What the preparations of tables, images and sequences share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recipes.data.store import chunks_of

# Least standard deviation of what is divided by it in float32: backends replace numbers near the least ones by 0.
LEAST_SCALE = 2.0**-100


@dataclass(frozen=True, eq=False, kw_only=True)
class Preparation:
    """Base of the preparations: constants that scale inputs and regression targets.

    Attributes:
        input_shape: Shape of one raw row.
        mean: Mean of each column of a table, channel of an image or feature of a sequence, `(features,)`, float64.
        scale: Standard deviation of the same, `(features,)`, float64.
        target_mean: Mean of regression targets; 0 for classes.
        target_scale: Standard deviation of regression targets; 1 for classes.
    """

    input_shape: tuple[int, ...]
    mean: np.ndarray
    scale: np.ndarray
    target_mean: float = 0.0
    target_scale: float = 1.0

    def scale_target(self, y: np.ndarray) -> np.ndarray:
        """Regression targets scaled to float32, or class numbers unchanged, `(rows,)`."""
        if np.issubdtype(y.dtype, np.integer):
            return y
        return ((y - self.target_mean) / self.target_scale).astype(np.float32)


def target_scaling(y: np.ndarray, task: str) -> dict[str, float]:
    """The constants of `Preparation` for the targets `(rows,)`, by name.

    Raises:
        ValueError: If the targets of a regression do not vary, or hardly.
    """
    if task != "regression":
        return {}
    if y.min() == y.max():
        raise ValueError(f"every target of the {len(y)} training rows is {y[0]}: nothing to learn")
    scale = float(y.std(dtype=np.float64))
    if scale < LEAST_SCALE:
        raise ValueError(
            f"the targets of the {len(y)} training rows, from {y.min():g} to {y.max():g}, differ by less than float32 "
            "resolves: multiply them by a constant"
        )
    return {"target_mean": float(y.mean(dtype=np.float64)), "target_scale": scale}


def mean_and_scale(x: np.ndarray, values_of: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray, bool]:
    """Mean and standard deviation of each channel or feature, and whether any of them varies.

    They are computed chunk by chunk and in float64, because rows may be many and offsets large. The deviation of a
    constant channel is set to 1: unlike a constant column of a table it is kept, so that rows keep their shape.

    Args:
        x: Rows `(rows, ...)`.
        values_of: Function from a chunk of rows to its values `(count, channels)`.

    Raises:
        ValueError: If a channel varies, but hardly.
    """
    count, total, squares, least, most = 0, 0.0, 0.0, np.inf, -np.inf
    for values in map(values_of, chunks_of(x)):
        count += len(values)
        total = total + values.sum(axis=0, dtype=np.float64)
        least, most = np.minimum(least, values.min(axis=0)), np.maximum(most, values.max(axis=0))
    mean = total / count
    for values in map(values_of, chunks_of(x)):
        squares = squares + np.square(values - mean).sum(axis=0)
    varies = least < most
    scale = np.where(varies, np.sqrt(squares / count), 1.0)
    if (scale < LEAST_SCALE).any():
        raise ValueError(
            f"the values of the training rows, from {least.min():g} to {most.max():g}, differ by less than float32 "
            "resolves: multiply them by a constant"
        )
    return mean, scale, bool(varies.any())
