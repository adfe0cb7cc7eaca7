"""From raw rows to what a network trains on: constants learnt once, from the training part alone.

`custom_layers` has a layer of the same name for each, with the same arithmetic, for the saved model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from recipes.data.sequences import is_padding
from recipes.data.store import chunks_of

# Categories become a column each up to this number; beyond it, a learned vector.
MOST_ONE_HOT = 16
# What each feature of a padded step becomes: exact in half precision, too. Scaled numbers do not reach it: of N steps,
# none is further from the mean than sqrt(N) standard deviations.
PADDING = -65504.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Preparation:
    """What tables, images and sequences share: the scaling of regression targets.

    Attributes:
        input_shape: Shape of one raw row.
        mean: Subtracted from each column of a table, each channel of an image or each feature of a sequence,
            `(features,)`, float64.
        scale: Divides the same, `(features,)`.
        target_mean: Subtracted from regression targets; 0 for classes.
        target_scale: Divides regression targets; 1 for classes.
    """

    input_shape: tuple[int, ...]
    mean: np.ndarray
    scale: np.ndarray
    target_mean: float = 0.0
    target_scale: float = 1.0

    def scale_target(self, y: np.ndarray) -> np.ndarray:
        """Targets as a network trains on them; class numbers unchanged."""
        if np.issubdtype(y.dtype, np.integer):
            return y
        return ((y - self.target_mean) / self.target_scale).astype(np.float32)


def target_scaling(y: np.ndarray, task: str) -> dict[str, float]:
    """The constants of `Preparation` for the targets `(rows,)`.

    Raises:
        ValueError: If the targets of a regression do not vary.
    """
    if task != "regression":
        return {}
    if y.min() == y.max():
        raise ValueError(f"every target of the {len(y)} training rows is {y[0]}: nothing to learn")
    return {"target_mean": float(y.mean(dtype=np.float64)), "target_scale": float(y.std(dtype=np.float64))}


@dataclass(frozen=True, eq=False, kw_only=True)
class TablePreparation(Preparation):
    """Scaled numbers, a 0/1 column for each number that may be missing, and categories as columns of 0 and 1 or codes.

    A missing number becomes the mean, which is 0 when scaled. In this order: numbers, their missing values, categories
    of few kinds as one column for each kind, and the codes of categories of many kinds, for an embedding.

    Attributes:
        feature_names: Of the raw columns.
        vocabularies: By column, the categories that have a code, counted from 1; 0 is every other value. Empty: the
            column is left out.
        indicators: Columns of numbers with missing values.
        dates: Columns that hold days.
        rescaled: Offset and unit, by column, of those that float32 would merge: raw rows hold `(value - offset) /
            unit`, calculated in float64 (`recipes.data.precision`).
        formats: How numbers and dates are written, by column, the target included, where it is not plainly.
        left_out: By column, why it does not take part.
        scale: 0 marks a column of numbers that does not vary, and columns of categories.
    """

    feature_names: tuple[str, ...]
    vocabularies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    indicators: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    rescaled: dict[str, tuple[float, float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    formats: dict[str, dict] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        x: np.ndarray,
        y: np.ndarray,
        task: str,
        feature_names,
        *,
        vocabularies=None,
        dates=(),
        rescaled=None,
        left_out=None,
        formats=None,
    ):
        """Learn from the training rows.

        Args:
            x: `(rows, columns)`: numbers, NaN where they are missing, and codes.
            y: `(rows,)`.
            task: `"classification"` or `"regression"`.
            feature_names: Of the columns.
            vocabularies: Of the columns of codes.
            dates: Names of the columns of days.
            rescaled: Offset and unit of the columns that have them.
            left_out: By column, why it does not take part.
            formats: How numbers and dates are written, by column.

        Raises:
            ValueError: If nothing varies in `x`, or nothing in the targets of a regression.
        """
        vocabularies, left_out = dict(vocabularies or {}), dict(left_out or {})
        mean, scale, missing, varies = _moments(x)
        for column, name in enumerate(feature_names):
            if name in vocabularies:
                mean[column], scale[column] = 0.0, 0.0
            if name not in left_out and not varies[column] and not missing[column]:
                left_out[name] = "constant"
            if name in left_out:
                scale[column] = 0.0
                if name in vocabularies:
                    vocabularies[name] = ()
        # A column without any value says nothing, and neither does the fact that they are missing.
        indicators = tuple(
            name for column, name in enumerate(feature_names)
            if 0 < missing[column] < len(x) and name not in vocabularies and name not in left_out
        )  # fmt: skip
        for column, name in enumerate(feature_names):
            if missing[column] == len(x) and name not in vocabularies:
                left_out.setdefault(name, "no value in the training rows")
        if not scale.any() and not any(vocabularies.values()) and not indicators:
            reasons = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:5])
            raise ValueError(
                f"no column is left to learn from in the {len(x)} training rows ({reasons}"
                f"{'; ...' if len(left_out) > 5 else ''})"
            )
        return cls(
            input_shape=x.shape[1:],
            mean=mean,
            scale=scale,
            feature_names=tuple(feature_names),
            vocabularies=vocabularies,
            indicators=indicators,
            dates=tuple(dates),
            rescaled=dict(rescaled or {}),
            left_out=left_out,
            formats=dict(formats or {}),
            **target_scaling(y, task),
        )

    @property
    def embedded(self) -> tuple[int, ...]:
        """Numbers of codes, 0 included, of the columns at the end of a prepared row that wait for an embedding."""
        return tuple(len(names) + 1 for names in self.vocabularies.values() if len(names) > MOST_ONE_HOT)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one prepared row."""
        one_hot = sum(len(names) for names in self.vocabularies.values() if len(names) <= MOST_ONE_HOT)
        return (int(np.count_nonzero(self.scale)) + len(self.indicators) + one_hot + len(self.embedded),)

    def constants(self) -> dict:
        """What the layer `custom_layers.TablePreparation` is made of."""
        return {
            "feature_names": list(self.feature_names),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "vocabularies": {name: list(categories) for name, categories in self.vocabularies.items()},
            "indicators": list(self.indicators),
            "dates": list(self.dates),
            "rescaled": {name: list(constants) for name, constants in self.rescaled.items()},
            "formats": self.formats,
            "most_one_hot": MOST_ONE_HOT,
        }

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Raw rows `(rows, columns)` as float32 `(rows, *output_shape)`."""
        kept = self.scale != 0
        mean, scale = (constants[kept].astype(np.float32) for constants in (self.mean, self.scale))
        numbers = (x[:, kept].astype(np.float32) - mean) / scale
        pieces = [np.nan_to_num(numbers, copy=False, nan=0.0)]
        where = {name: column for column, name in enumerate(self.feature_names)}
        pieces += [np.isnan(x[:, [where[name] for name in self.indicators]])]
        few = [name for name, categories in self.vocabularies.items() if len(categories) <= MOST_ONE_HOT]
        pieces += [x[:, [where[name]]] == np.arange(1, len(self.vocabularies[name]) + 1) for name in few]
        pieces += [x[:, [where[name] for name in self.vocabularies if name not in few]]]
        return np.concatenate(pieces, axis=1, dtype=np.float32)


def _moments(x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of each column: mean, standard deviation (0 where it is constant), number of missing values, whether it varies.

    By chunks and in float64: the rows may be many, and their offsets large.
    """
    missing, total = np.zeros(x.shape[1], np.int64), np.zeros(x.shape[1])
    least, most = np.full(x.shape[1], np.inf), np.full(x.shape[1], -np.inf)
    for rows in chunks_of(x):
        gaps = np.isnan(rows)
        missing += gaps.sum(axis=0)
        total += np.where(gaps, 0.0, rows).sum(axis=0, dtype=np.float64)
        least = np.minimum(least, np.where(gaps, np.inf, rows).min(axis=0))
        most = np.maximum(most, np.where(gaps, -np.inf, rows).max(axis=0))
    count = np.maximum(1, len(x) - missing)
    mean, squares = total / count, np.zeros(x.shape[1])
    for rows in chunks_of(x):
        squares += np.square(np.where(np.isnan(rows), mean, rows) - mean).sum(axis=0)
    # Rounding leaves a constant column a tiny deviation, so constants are found by comparison.
    varies = least < most
    return mean, np.where(varies, np.sqrt(squares / count), 0.0), missing, varies


def _spread(x: np.ndarray, values_of: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray, bool]:
    """Mean and standard deviation of each channel or feature, and whether any varies.

    By chunks and in float64, as `_moments`. Of what is constant, the deviation is 1: a blank colour channel stays, so
    that rows keep their shape.

    Args:
        x: Rows.
        values_of: Gives the values `(count, channels)` of a chunk of rows.
    """
    count, total, squares, least, most = 0, 0.0, 0.0, np.inf, -np.inf
    for values in map(values_of, chunks_of(x)):
        count += len(values)
        total = total + values.sum(axis=0, dtype=np.float64)
        least, most = np.minimum(least, values.min(axis=0)), np.maximum(most, values.max(axis=0))
    mean = total / count
    for values in map(values_of, chunks_of(x)):
        squares = squares + np.square(values - mean).sum(axis=0)
    varies = least < most
    return mean, np.where(varies, np.sqrt(squares / count), 1.0), bool(varies.any())


@dataclass(frozen=True, eq=False, kw_only=True)
class ImagePreparation(Preparation):
    """Scaled channels, in the order (height, width, channels).

    Attributes:
        data_format: Order of the axes of raw images: `"channels_last"` or `"channels_first"`; either may have no axis
            of channels.
        background: Red, green and blue, 0 to 255, behind transparent pixels of image files; `None`: alpha is dropped.
        depth: Bits of the pixel values that image files are read with, as in `image_files.Form`.
    """

    data_format: str = "channels_last"
    background: tuple[int, int, int] | None = None
    depth: int | None = None

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, task: str, background=None, depth=None) -> "ImagePreparation":
        """Learn from the training rows.

        Args:
            x: `(rows, height, width[, channels])`, or with channels first.
            y: `(rows,)`.
            task: `"classification"` or `"regression"`.
            background: As the attribute.
            depth: As the attribute.

        Raises:
            ValueError: If nothing varies in `x`, or nothing in the targets of a regression.
        """
        data_format = "channels_first" if channels_first(x.shape) else "channels_last"
        channels = {3: 1, 4: x.shape[1 if data_format == "channels_first" else -1]}[x.ndim]
        mean, scale, varies = _spread(x, lambda rows: _channels_last(rows, data_format).reshape(-1, channels))
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
        """What the layer `custom_layers.ImagePreparation` is made of."""
        height, width, _ = self.output_shape
        mean, scale = self.mean.tolist(), self.scale.tolist()
        files = {"data_format": self.data_format, "background": self.background, "depth": self.depth}
        return {"height": height, "width": width, "mean": mean, "scale": scale, **files}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Raw images `(rows, *input_shape)` as float32 `(rows, *output_shape)`."""
        mean, scale = self.mean.astype(np.float32), self.scale.astype(np.float32)
        return (_channels_last(x, self.data_format).astype(np.float32) - mean) / scale


@dataclass(frozen=True, eq=False, kw_only=True)
class SequencePreparation(Preparation):
    """Scaled features of each step; padded steps are marked.

    Attributes:
        padded: Whether there are padded steps, NaN in every feature, which become `PADDING`.
        rescaled: Offset and unit of the features that float32 would merge, as in `TablePreparation`; the first feature
            is `"column_0"`.
    """

    padded: bool = False
    rescaled: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, task: str, padded: bool = False, rescaled=None) -> "SequencePreparation":
        """Learn from the training rows: `x` `(rows, steps, features)`, NaN in padded steps, and `y`.

        Raises:
            ValueError: If nothing varies in `x`, or nothing in the targets of a regression.
        """
        mean, scale, varies = _spread(x, lambda rows: rows[~is_padding(rows)])
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
        """What every feature of a padded step is in a prepared row; `None` where there are no padded steps."""
        return PADDING if self.padded else None

    def constants(self) -> dict:
        """What the layer `custom_layers.SequencePreparation` is made of."""
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


def channels_first(shape: tuple[int, ...]) -> bool:
    """Whether images are (rows, channels, height, width): one, three or four channels in front, and not at the end."""
    return len(shape) == 4 and shape[1] in (1, 3, 4) and shape[3] not in (1, 3, 4)


def _channels_last(x: np.ndarray, data_format: str) -> np.ndarray:
    if x.ndim == 3:
        return x[..., None]
    return np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
