"""The error on training, validation and test rows, of which the differences show bias and variance."""

import numpy as np

from recipes.metrics import decide
from recipes.metrics.bias_variance import ERROR_RATE, UNEXPLAINED


def measure_of(task: str) -> str:
    """Name of the error of a task."""
    return UNEXPLAINED if task == "regression" else ERROR_RATE


def error_of(targets: np.ndarray, values: np.ndarray, task: str) -> float:
    """Error of predictions: 0 is perfect.

    Args:
        targets: Class numbers or numbers, `(rows,)`.
        values: Outputs of the model, `(rows, units)`.
        task: `"classification"` or `"regression"`.

    Returns:
        Share of wrong classes; or mean squared error divided by the variance of the targets, NaN where they are equal.

    >>> error_of(np.array([0, 1, 1]), np.array([[0.2], [0.9], [0.4]]), "classification")
    0.3333333333333333
    >>> error_of(np.array([1.0, 3.0]), np.array([[1.0], [2.0]]), "regression")
    0.5
    """
    if task != "regression":
        return float((decide(values) != targets).mean())
    variance = float(np.var(targets, dtype=np.float64))
    squared = float(np.square(values[:, 0].astype(np.float64) - targets).mean())
    return squared / variance if variance else np.nan
