"""Preparation of sequences: scaled features of each step, and a mark for padded steps."""

from dataclasses import dataclass, field

import numpy as np

from recipes.data.preparation.preparation import Preparation, mean_and_scale, target_scaling
from recipes.data.sequences import is_padding

# Value of every feature of a padded step, which is exact in half precision. Scaled numbers do not reach it: in N steps,
# none is further from the mean than sqrt(N) standard deviations.
PADDING = -65504.0


@dataclass(frozen=True, eq=False, kw_only=True)
class SequencePreparation(Preparation):
    """Preparation of sequences.

    Attributes:
        padded: Whether there are padded steps, NaN in every feature, which become `PADDING`.
        rescaled: Offset and unit of the features that float32 would merge, as in `TablePreparation`; the first feature
            is called `"column_0"`.
    """

    padded: bool = False
    rescaled: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, task: str, padded: bool = False, rescaled=None) -> "SequencePreparation":
        """The preparation with constants computed from the training rows.

        Args:
            x: Sequences `(rows, steps, features)`, NaN in padded steps.
            y: Targets `(rows,)`.
            task: `"classification"` or `"regression"`.
            padded: Whether there are padded steps, in the training part or another one.
            rescaled: Offset and unit, by name of the feature.

        Raises:
            ValueError: If nothing varies in `x`, or nothing in the targets of a regression.
        """
        mean, scale, varies = mean_and_scale(x, lambda rows: rows[~is_padding(rows)])
        if not varies:
            raise ValueError(f"every feature is constant in the {len(x)} training sequences: nothing to learn from")
        scaling = target_scaling(y, task)
        constants = {"mean": mean, "scale": scale, "padded": padded, "rescaled": dict(rescaled or {})}
        return cls(input_shape=x.shape[1:], **constants, **scaling)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one prepared row."""
        return self.input_shape

    @property
    def mask_value(self) -> float | None:
        """Value of every feature of a padded step in a prepared row; `None` if there are no padded steps."""
        return PADDING if self.padded else None

    def constants(self) -> dict:
        """Arguments of the layer `custom_layers.SequencePreparation`."""
        return {
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "padding": self.mask_value,
            "rescaled": {name: list(constants) for name, constants in self.rescaled.items()},
        }

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Raw rows `(rows, steps, features)`, NaN in padded steps, as float32 of the same shape."""
        mean, scale = self.mean.astype(np.float32), self.scale.astype(np.float32)
        prepared = (x.astype(np.float32) - mean) / scale
        if self.padded:
            prepared[is_padding(x)] = PADDING
        return prepared
