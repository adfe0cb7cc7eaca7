"""How far a regression is off."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class RegressionReport:
    """Scores of a regression, in the units of its targets. Print it, or take `to_dict()`.

    Attributes:
        mean_error: Mean of prediction minus target: above 0 where predictions are too high.
        mae: Mean absolute error.
        mse: Mean squared error.
        rmse: Its root.
        r2: Share of the targets' variance that is explained: 1 is perfect, 0 is no better than their mean. Where all
            targets are equal: 1 for perfect predictions, otherwise 0, as in scikit-learn.
        rows: How many rows were judged.
    """

    mean_error: float
    mae: float
    mse: float
    rmse: float
    r2: float
    rows: int

    def to_dict(self) -> dict:
        """Everything as plain numbers, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        names = {"mean_error": "mean error", "mae": "MAE", "mse": "MSE", "rmse": "RMSE", "r2": "R2"}
        lines = [f"{title:<10}  {getattr(self, name):>12.6g}" for name, title in names.items()]
        return "\n".join([*lines, "", f"on {self.rows:,} rows"])


def regression_report(y_true, y_predicted) -> RegressionReport:
    """Judge predicted numbers, `(rows,)` or `(rows, 1)`, by the true ones.

    Raises:
        ValueError: If their shapes differ, there are no rows, or a number is not finite.
    """
    pair = []
    for name, values in (("y_true", y_true), ("y_predicted", y_predicted)):
        values = np.asarray(values)
        if values.dtype.kind not in "buif":
            raise ValueError(f"`{name}` must hold numbers. Received: {values.dtype}")
        values = values.astype(np.float64)
        if values.ndim == 0 or values.size == 0 or values.size != len(values):
            raise ValueError(f"`{name}` must have the shape (rows,). Received: {values.shape}")
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise ValueError(f"`{name}` has {bad.size} values that are not finite, the first at row {bad[0]}")
        pair.append(values.reshape(-1))
    targets, predicted = pair
    if len(targets) != len(predicted):
        raise ValueError(f"both must have as many rows. Received: {len(targets)} and {len(predicted)}")
    error = predicted - targets
    squared = np.mean(error**2)
    variance = np.mean((targets - targets.mean()) ** 2)
    r2 = 1 - squared / variance if variance else float(squared == 0)
    return RegressionReport(
        mean_error=float(error.mean()),
        mae=float(np.abs(error).mean()),
        mse=float(squared),
        rmse=float(np.sqrt(squared)),
        r2=float(r2),
        rows=len(targets),
    )
