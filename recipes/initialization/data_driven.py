"""Data-driven initialization: kernels scaled unit by unit, and biases that put the bend of each unit among the rows.

Weights and he+5 biases of RealMLP (Holzmüller et al. 2024, arXiv:2407.04491), after Steinwart 2019 (arXiv:1903.11482).
"""

import numpy as np

from recipes.initialization.kernels import KernelStart, assign, kernels
from recipes.initialization.lsuv import Scaling, pre_activations
from recipes.initialization.variance import measured

POINTS = 5  # rows whose random mean is where a unit is 0


class DataDriven(Scaling):
    """As `Scaling`, in one pass: normal kernels, each unit divided by its own deviation over the rows, and biases.

    The bias of a unit is minus a random mean of its pre-activations in `POINTS` random rows, with weights that are
    exponential variables divided by their sum. So its activation bends within the range of the rows, where zeros put
    the bends of all units at one place.
    """

    def drawn(self, layer) -> list:
        bias = _bias(layer)
        return [*super().drawn(layer), *([] if bias is None else [bias])]

    def scale(self, layer, call, inputs) -> None:
        bias = _bias(layer)
        if bias is not None:
            assign(bias, np.zeros(bias.shape))
        for kernel in kernels(layer):
            last, matrix = kernel, kernel.normal(1.0, self.rng)
            kernel.write(matrix)
        values = _by_unit(layer, pre_activations(layer, call, inputs))
        if values.shape[1] != matrix.shape[1]:  # an EinsumDense whose units have several axes
            values = values.reshape(-1, 1)
        deviation = values.std(axis=0)
        if not np.isfinite(deviation).all() or not (deviation > 0).any():
            self.failed.append(layer.name)
            deviation = np.ones_like(deviation)
        deviation = np.where(deviation > 0, deviation, 1.0)  # of a unit whose inputs do not vary
        matrix = matrix / deviation
        last.write(matrix)
        values = values / deviation
        if bias is not None and bias.shape == values.shape[1:]:
            shares = self.rng.standard_exponential((POINTS, values.shape[1]))
            rows = self.rng.integers(len(values), size=shares.shape)
            points = np.take_along_axis(values, rows, axis=0)
            assign(bias, -(shares * points).sum(axis=0) / shares.sum(axis=0))
        signal = measured(pre_activations(layer, call, inputs))
        self.starts.append(KernelStart.of(layer.name, matrix.var(), signal))


def _bias(layer):
    """The bias of a kernel layer that is added to its pre-activations; `None` if it has none."""
    bias = getattr(getattr(layer, "affine", layer), "bias", None)
    return bias if bias is not None and bias.trainable else None


def _by_unit(layer, values: np.ndarray) -> np.ndarray:
    """Pre-activations as `(rows and positions, units)`."""
    if getattr(getattr(layer, "affine", layer), "data_format", None) == "channels_first":
        values = np.moveaxis(values, 1, -1)
    return values.reshape(-1, values.shape[-1])
