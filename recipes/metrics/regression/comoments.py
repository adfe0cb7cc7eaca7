"""Means, variances and covariances of any number of rows, in one pass."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Comoments:
    """Weight, means and sums of products about the means; two of them are joined without loss of digits.

    The joining is that of Chan, Golub & LeVeque (1983, The American Statistician 37(3)).

    Attributes:
        weight: Sum of the weights.
        mean: `(columns,)`.
        products: Weighted sums of products of the differences from the means, `(columns, columns)`.
    """

    weight: float
    mean: np.ndarray
    products: np.ndarray

    @classmethod
    def none(cls, columns: int) -> "Comoments":
        """Of no rows."""
        return cls(0.0, np.zeros(columns), np.zeros((columns, columns)))

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray) -> "Comoments":
        """Of `values` `(rows, columns)`, float64, that count `weights` `(rows,)`, each above 0."""
        total = weights.sum()
        mean = (weights[:, None] * values).sum(axis=0) / total
        apart = values - mean
        # What rounding left of the means is taken out again.
        rest = (weights[:, None] * apart).sum(axis=0) / total
        products = (weights[:, None] * apart).T @ apart - total * np.outer(rest, rest)
        return cls(float(total), mean + rest, products)

    def joined(self, other: "Comoments") -> "Comoments":
        """Of the rows of both."""
        if not self.weight or not other.weight:
            return self if self.weight else other
        total = self.weight + other.weight
        apart = other.mean - self.mean
        share = other.weight / total
        products = self.products + other.products + self.weight * share * np.outer(apart, apart)
        return Comoments(total, self.mean + share * apart, products)

    def mapped(self, matrix: np.ndarray, offset: np.ndarray) -> "Comoments":
        """Of rows `matrix @ row + offset`."""
        return Comoments(self.weight, matrix @ self.mean + offset, matrix @ self.products @ matrix.T)

    def about(self, point: np.ndarray) -> np.ndarray:
        """Sums of products of the differences from `point` `(columns,)` instead of the means."""
        apart = self.mean - point
        return self.products + self.weight * np.outer(apart, apart)
