"""What the rules about data share: the scale of the columns, and lines of code that change it."""

from typing import NamedTuple

import numpy as np

from recipes.doctor.seen import InputFacts

# So many columns with one least value and a common range are measured by one scale, like pixels and counts of words:
# a column that is nearly constant says nothing then.
_FEWEST_ALIKE = 16
_SAME_LOW, _SAME_RANGE, _RANGE_FACTOR = 0.9, 0.7, 4.0


class Scales(NamedTuple):
    """Mean and spread of the columns that vary, `(columns,)`; one value each for columns of a common scale.

    Attributes:
        mean: Means.
        std: Standard deviations.
        columns: Numbers of the columns, empty where they have a common scale.
        is_bounded: Whether each column lies between 0 and 1.
    """

    mean: np.ndarray
    std: np.ndarray
    columns: np.ndarray
    is_bounded: np.ndarray

    @property
    def size(self) -> np.ndarray:
        """Root mean square of each column: its usual distance from 0."""
        return np.hypot(self.mean, self.std)


def scales(inputs: InputFacts) -> Scales:
    """The scales of the columns that vary."""
    varies = np.flatnonzero(inputs.std > 1e-9 * np.abs(inputs.mean))
    mean, std, low, high = (values[varies] for values in (inputs.mean, inputs.std, inputs.low, inputs.high))
    if have_common_scale(inputs):
        bounded = np.array([low.min() >= 0 and high.max() <= 1])
        return Scales(*together(mean, std), varies[:0], bounded)
    return Scales(mean, std, varies, (low >= 0) & (high <= 1))


def together(mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the values of all columns in one, `(1,)`."""
    return mean.mean(keepdims=True), np.sqrt(np.square(std).mean(keepdims=True) + mean.var(keepdims=True))


def have_common_scale(inputs: InputFacts) -> bool:
    """Whether the columns are measured by one scale, like pixels: many, of the same least value and similar range."""
    varies = inputs.std > 1e-9 * np.abs(inputs.mean)
    if varies.sum() < _FEWEST_ALIKE:
        return False
    low, reach = inputs.low[varies], (inputs.high - inputs.low)[varies]
    return bool(
        (low == np.median(low)).mean() >= _SAME_LOW and (reach * _RANGE_FACTOR >= reach.max()).mean() >= _SAME_RANGE
    )


def scaling_lines(inputs: InputFacts, *, validation: bool) -> str:
    """Code that brings inputs to a common scale."""
    names = ("x", "x_val") if validation else ("x",)
    if inputs.kind == "image" or have_common_scale(inputs):
        low, high = inputs.low.min(), inputs.high.max()
        if low >= 0:
            peak = 255 if 200 <= high <= 255 else high
            return "\n".join(f'{name} = {name}.astype("float32") / {peak:g}' for name in names)
    axes = 0 if inputs.kind == "table" else tuple(range(len(inputs.shape)))
    lines = [f'mean, std = x.mean(axis={axes}, dtype="float64"), x.std(axis={axes}, dtype="float64") + 1e-7']
    lines += [f'{name} = (({name} - mean) / std).astype("float32")' for name in names]
    return "\n".join(lines)
