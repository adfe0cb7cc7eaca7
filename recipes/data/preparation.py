"""From raw rows to what a network trains on: constants learnt once, from the training part alone."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Preparation:
    """Centre and scale the input; for regression, the target too.

    `recipes.models.serving_model` puts the same arithmetic into the saved model.

    Attributes:
        input_shape: Shape of one raw row.
        mean: Of each column of a table or each channel of images, `(features,)`, float64.
        scale: The standard deviation of the same, `(features,)`; 0 marks a constant column, which is left out.
        feature_names: Of the columns of a table; `None` for images.
        target_mean: Subtracted from regression targets; 0 for classes.
        target_scale: Divides regression targets; 1 for classes.
    """

    input_shape: tuple[int, ...]
    mean: np.ndarray
    scale: np.ndarray
    feature_names: tuple[str, ...] | None = None
    target_mean: float = 0.0
    target_scale: float = 1.0

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, task: str, feature_names: tuple[str, ...] | None) -> "Preparation":
        """Learn from the training rows `x` `(rows, ...)` and targets `y` `(rows,)`.

        Raises:
            ValueError: If nothing varies in `x`, or nothing in the targets of a regression.
        """
        # Images without a channel axis have one channel.
        features = x.shape[-1] if x.ndim != 3 else 1
        table = x.reshape(-1, features)
        mean = table.mean(axis=0, dtype=np.float64)
        scale = table.std(axis=0, dtype=np.float64)
        # Rounding leaves a constant column a tiny deviation, so constants are found by comparison.
        scale[table.min(axis=0) == table.max(axis=0)] = 0.0
        if not scale.any():
            raise ValueError(f"every column is constant in the {len(x)} training rows: nothing to learn from")
        if x.ndim != 2:
            scale[scale == 0.0] = 1.0  # a blank colour channel stays, so that images keep their shape
        target = {}
        if task == "regression":
            target = {"target_mean": float(y.mean(dtype=np.float64)), "target_scale": float(y.std(dtype=np.float64))}
            if y.min() == y.max():
                raise ValueError(f"every target of the {len(y)} training rows is {y[0]}: nothing to learn")
        return cls(x.shape[1:], mean, scale, feature_names, **target)

    @property
    def is_table(self) -> bool:
        return len(self.input_shape) == 1

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names of the constant columns."""
        if not self.is_table:
            return ()
        return tuple(name for name, scale in zip(self.feature_names, self.scale, strict=True) if scale == 0)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one prepared row."""
        if self.is_table:
            return (int(np.count_nonzero(self.scale)),)
        return self.input_shape if len(self.input_shape) == 3 else (*self.input_shape, 1)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Raw rows `(rows, *input_shape)` as float32 `(rows, *output_shape)`."""
        kept = self.scale != 0
        x = x[:, kept] if self.is_table else x.reshape(len(x), *self.output_shape)
        mean, scale = (constants[kept].astype(np.float32) for constants in (self.mean, self.scale))
        return (x.astype(np.float32) - mean) / scale

    def scale_target(self, y: np.ndarray) -> np.ndarray:
        """Targets as a network trains on them; class numbers unchanged."""
        if np.issubdtype(y.dtype, np.integer):
            return y
        return ((y - self.target_mean) / self.target_scale).astype(np.float32)
