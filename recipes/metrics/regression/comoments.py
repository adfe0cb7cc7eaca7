"""Means, variances and covariances of any number of rows, in one pass."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Comoments:
    """Weight, means and sums of products about the means, which are combined without loss of digits.

    The formula is that of Chan, Golub & LeVeque (1983, The American Statistician 37(3)).

    Attributes:
        weight: Sum of the weights.
        mean: Weighted means, `(columns,)`.
        products: Weighted sums of products of the differences from the means, `(columns, columns)`.
    """

    weight: float
    mean: np.ndarray
    products: np.ndarray

    @classmethod
    def none(cls, columns: int) -> "Comoments":
        """The moments of no rows."""
        return cls(0.0, np.zeros(columns), np.zeros((columns, columns)))

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray) -> "Comoments":
        """The moments of `values` `(rows, columns)`, float64, with `weights` `(rows,)`, each above 0."""
        total = weights.sum()
        mean = (weights[:, None] * values).sum(axis=0) / total
        residuals = values - mean
        # The rounding error of the mean is the mean of the residuals.
        error = (weights[:, None] * residuals).sum(axis=0) / total
        products = (weights[:, None] * residuals).T @ residuals - total * np.outer(error, error)
        return cls(float(total), mean + error, products)

    def joined(self, other: "Comoments") -> "Comoments":
        """The moments of the rows of both."""
        if not self.weight or not other.weight:
            return self if self.weight else other
        total = self.weight + other.weight
        difference = other.mean - self.mean
        share = other.weight / total
        products = self.products + other.products + self.weight * share * np.outer(difference, difference)
        return Comoments(total, self.mean + share * difference, products)

    def mapped(self, matrix: np.ndarray, offset: np.ndarray) -> "Comoments":
        """The moments of the rows `matrix @ row + offset`."""
        return Comoments(self.weight, matrix @ self.mean + offset, matrix @ self.products @ matrix.T)

    def about(self, point: np.ndarray) -> np.ndarray:
        """Sums of products of the differences from `point` `(columns,)` instead of the means."""
        difference = self.mean - point
        return self.products + self.weight * np.outer(difference, difference)
