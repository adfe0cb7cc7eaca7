"""Preparation of images: scaled channels, in the order (height, width, channels)."""

from dataclasses import dataclass

import numpy as np

from recipes.data.preparation.preparation import Preparation, mean_and_scale, target_scaling


@dataclass(frozen=True, eq=False, kw_only=True)
class ImagePreparation(Preparation):
    """Preparation of images.

    Attributes:
        data_format: Order of the axes of raw images: `"channels_last"`, also for images without an axis of channels, or
            `"channels_first"`.
        background: Red, green and blue, from 0 to 255, of the colour behind transparent pixels of image files; `None`
            drops the alpha channel.
        depth: Bits of a pixel value of image files, as in `recipes.data.images.decoding.Form`.
    """

    data_format: str = "channels_last"
    background: tuple[int, int, int] | None = None
    depth: int | None = None

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, task: str, background=None, depth=None) -> "ImagePreparation":
        """The preparation with constants computed from the training rows.

        Args:
            x: Images `(rows, height, width[, channels])` or `(rows, channels, height, width)`.
            y: Targets `(rows,)`.
            task: `"classification"` or `"regression"`.
            background: Value of the attribute `background`.
            depth: Value of the attribute `depth`.

        Raises:
            ValueError: If nothing varies in `x`, or nothing in the targets of a regression.
        """
        data_format = "channels_first" if channels_first(x.shape) else "channels_last"
        channels = {3: 1, 4: x.shape[1 if data_format == "channels_first" else -1]}[x.ndim]
        mean, scale, varies = mean_and_scale(x, lambda rows: _channels_last(rows, data_format).reshape(-1, channels))
        if not varies:
            behind = background is not None and set(background) == {mean[0]}
            hint = "; if they are transparent, another data.background shows what is on it" if behind else ""
            raise ValueError(f"every pixel is {mean[0]:g} in the {len(x)} training images: nothing to learn from{hint}")
        files = {"data_format": data_format, "background": background, "depth": depth}
        return cls(input_shape=x.shape[1:], mean=mean, scale=scale, **files, **target_scaling(y, task))

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one prepared row."""
        return _channels_last(np.empty((0, *self.input_shape)), self.data_format).shape[1:]

    @property
    def raw_shape(self) -> tuple[int | None, ...]:
        """Shape of one raw row for the saved model, which takes images of any height and width."""
        if len(self.input_shape) == 2:
            return (None, None)
        if self.data_format == "channels_first":
            return (self.input_shape[0], None, None)
        return (None, None, self.input_shape[-1])

    def constants(self) -> dict:
        """Arguments of the layer `custom_layers.ImagePreparation`."""
        height, width, _ = self.output_shape
        mean, scale = self.mean.tolist(), self.scale.tolist()
        files = {"data_format": self.data_format, "background": self.background, "depth": self.depth}
        return {"height": height, "width": width, "mean": mean, "scale": scale, **files}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Raw images `(rows, *input_shape)` as float32 `(rows, *output_shape)`."""
        mean, scale = self.mean.astype(np.float32), self.scale.astype(np.float32)
        return (_channels_last(x, self.data_format).astype(np.float32) - mean) / scale


def channels_first(shape: tuple[int, ...]) -> bool:
    """Whether images of this shape are (rows, channels, height, width): 1, 3 or 4 channels in front, not at the end."""
    return len(shape) == 4 and shape[1] in (1, 3, 4) and shape[3] not in (1, 3, 4)


def _channels_last(x: np.ndarray, data_format: str) -> np.ndarray:
    if x.ndim == 3:
        return x[..., None]
    return np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
