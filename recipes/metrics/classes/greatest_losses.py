"""The rows with the greatest losses: those worth looking at, in bounded memory."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LossRow:
    """A row with a great loss.

    Attributes:
        row: Number of the row, counted from 0.
        loss: Log loss of the row.
        true: True class; of a multi-label row, the label with the greatest loss.
        predicted: Predicted class; of a multi-label row, whether that label was predicted.
        probability: Predicted probability of the true class; of a multi-label row, that of the label.
    """

    row: int
    loss: float
    true: str
    predicted: str | bool
    probability: float


class GreatestLosses:
    """Keeps the `size` rows with the greatest losses; among equals, those that came first.

    Args:
        size: Number of rows that are kept. 0 keeps none.
    """

    def __init__(self, size: int = 20):
        self.size = size
        # Columns: loss, row, true, predicted, probability. A float64 holds row numbers up to 2^53.
        self.rows = np.empty((0, 5))

    def update(self, losses: np.ndarray, first_row: int, *columns: np.ndarray) -> None:
        """Add rows, numbered from `first_row` on; `columns`: true, predicted, probability."""
        if self.size == 0:
            return
        floor = self.rows[-1, 0] if len(self.rows) == self.size else -np.inf
        rows = np.flatnonzero(losses > floor)
        if len(rows) > self.size:
            least = np.partition(losses[rows], -self.size)[-self.size]
            above, equal = rows[losses[rows] > least], rows[losses[rows] == least]
            rows = np.concatenate([above, equal[: self.size - len(above)]])
        new = np.stack([losses[rows], rows + first_row, *(column[rows] for column in columns)], axis=1, dtype=float)
        self._keep(np.concatenate([self.rows, new]))

    def merge(self, rows: np.ndarray, offset: int) -> None:
        """Add the rows that another one kept, whose row 0 is row `offset` here."""
        self._keep(np.concatenate([self.rows, rows + np.array([0, offset, 0, 0, 0])]))

    def _keep(self, rows: np.ndarray) -> None:
        self.rows = rows[np.lexsort((rows[:, 1], -rows[:, 0]))][: self.size]
