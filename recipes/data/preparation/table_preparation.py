"""Preparation of tables: scaled numbers and parts of dates, and categories as columns of 0 and 1 or as codes."""

from dataclasses import dataclass, field

import numpy as np

from recipes.data.preparation.date_parts import PARTS, date_parts
from recipes.data.preparation.preparation import Preparation, target_scaling
from recipes.data.preparation.table_scaling import columns_of

# Largest number of categories that become a column each; more of them are embedded in a learned vector.
MOST_ONE_HOT = 16
# Beyond this multiple, a smoothly clipped number is its bound in float32; squares of larger ones would overflow.
_FARTHEST_RATIO = np.float32(1e4)


@dataclass(frozen=True, eq=False, kw_only=True)
class TablePreparation(Preparation):
    """Preparation of tables.

    The columns of a prepared row are, in this order: scaled numbers, in which a missing number is 0, the centre; scaled
    parts of dates; a column of 0 and 1 for each column with missing numbers; one-hot columns of the categories of each
    column that has at most `MOST_ONE_HOT` of them; and the codes of all other categories, for an embedding.

    Attributes:
        feature_names: Names of the raw columns.
        vocabularies: Categories in the order of their codes, by column of categories. Codes count from 1; 0 is every
            other value. An empty vocabulary means that the column is left out.
        indicators: Names of the columns of numbers with missing values.
        dates: Names of the columns that hold days.
        rescaled: Offset and unit, by column, of those that float32 would merge: raw rows hold `(value - offset) /
            unit`, calculated in float64 (`recipes.data.precision`).
        left_out: Reason why a column does not take part, by column.
        formats: Formats of numbers and dates, by column and with that of the target, unless plain.
        mean: Mean or median of each column, by the setting `data.scaling`.
        scale: Standard deviation of each column, or the spread of its quartiles; 0 for constant columns and for columns
            of categories.
        date_parts: Centre and scale of each part of a date that varies, by part, by column of days.
        smooth_clip: Bound of the scaled numbers, `None` for none.
    """

    feature_names: tuple[str, ...]
    vocabularies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    indicators: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    rescaled: dict[str, tuple[float, float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    formats: dict[str, dict] = field(default_factory=dict)
    date_parts: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    smooth_clip: float | None = None

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
        scaling="standard",
        smooth_clip=None,
        with_date_parts=True,
    ):
        """The preparation with constants computed from the training rows.

        Args:
            x: Rows `(rows, columns)`: numbers, NaN where they are missing, and codes.
            y: Targets `(rows,)`.
            task: `"classification"` or `"regression"`.
            feature_names: Names of the columns.
            vocabularies: Categories, by column of codes.
            dates: Names of the columns of days.
            rescaled: Offset and unit, by column that has them.
            left_out: Reason why a column does not take part, by column.
            formats: Formats of numbers and dates, by column.
            scaling: `"standard"` or `"robust"`, as in `table_scaling.columns_of`.
            smooth_clip: Bound of the scaled numbers, `None` for none.
            with_date_parts: Whether the parts of dates are used beside their numbers.

        Raises:
            ValueError: If nothing varies in `x`, or nothing in the targets of a regression.
        """
        vocabularies, left_out = dict(vocabularies or {}), dict(left_out or {})
        rescaled, dates = dict(rescaled or {}), tuple(dates)
        derived = [name for name in dates if name not in left_out] if with_date_parts else []
        columns = columns_of(x, scaling, lambda rows: _with_parts(rows, feature_names, derived, rescaled))
        mean, scale, missing, varies = columns.center, columns.scale, columns.missing, columns.varies
        parts = {
            name: {
                part: (float(mean[place]), float(scale[place]))
                for place, part in enumerate(PARTS, x.shape[1] + number * len(PARTS))
                if scale[place]
            }
            for number, name in enumerate(derived)
        }
        mean, scale = mean[: x.shape[1]], scale[: x.shape[1]]
        for column, name in enumerate(feature_names):
            if name in vocabularies:
                mean[column], scale[column] = 0.0, 0.0
            if name not in left_out and not varies[column] and not missing[column]:
                left_out[name] = "constant"
            if name in left_out:
                scale[column] = 0.0
                if name in vocabularies:
                    vocabularies[name] = ()
        # A column without any value needs no indicator of missing values.
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
            dates=dates,
            rescaled=rescaled,
            left_out=left_out,
            formats=dict(formats or {}),
            date_parts={name: found for name, found in parts.items() if found},
            smooth_clip=smooth_clip,
            **target_scaling(y, task),
        )

    @property
    def numbers(self) -> int:
        """Number of scaled numbers, including parts of dates, with which a prepared row begins."""
        return int(np.count_nonzero(self.scale)) + sum(map(len, self.date_parts.values()))

    @property
    def embedded(self) -> tuple[int, ...]:
        """Number of codes, including 0, of each column at the end of a prepared row that needs an embedding."""
        return tuple(len(names) + 1 for names in self.vocabularies.values() if len(names) > MOST_ONE_HOT)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one prepared row."""
        one_hot = sum(len(names) for names in self.vocabularies.values() if len(names) <= MOST_ONE_HOT)
        return (self.numbers + len(self.indicators) + one_hot + len(self.embedded),)

    def constants(self) -> dict:
        """Arguments of the layer `custom_layers.TablePreparation`."""
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
            "date_parts": {
                name: {part: list(constants) for part, constants in parts.items()}
                for name, parts in self.date_parts.items()
            },
            "smooth_clip": self.smooth_clip,
        }

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Raw rows `(rows, columns)` as float32 `(rows, *output_shape)`."""
        where = {name: column for column, name in enumerate(self.feature_names)}
        pieces = [self._numbers(x)]
        pieces += [np.isnan(x[:, [where[name] for name in self.indicators]])]
        few = [name for name, categories in self.vocabularies.items() if len(categories) <= MOST_ONE_HOT]
        pieces += [x[:, [where[name]]] == np.arange(1, len(self.vocabularies[name]) + 1) for name in few]
        pieces += [x[:, [where[name] for name in self.vocabularies if name not in few]]]
        return np.concatenate(pieces, axis=1, dtype=np.float32)

    def _numbers(self, x: np.ndarray) -> np.ndarray:
        """Scaled numbers and parts of dates of raw rows, `(rows, numbers)`, float32."""
        kept = self.scale != 0
        values, mean, scale = [x[:, kept].astype(np.float32)], [*self.mean[kept]], [*self.scale[kept]]
        for name, parts in self.date_parts.items():
            found = date_parts(x[:, self.feature_names.index(name)], self.rescaled.get(name, (0.0, 1.0)))
            values += [found[part][:, None] for part in parts]
            mean += [constants[0] for constants in parts.values()]
            scale += [constants[1] for constants in parts.values()]
        numbers = np.concatenate(values, axis=1) if len(values) > 1 else values[0]
        numbers = (numbers - np.asarray(mean, np.float32)) / np.asarray(scale, np.float32)
        numbers = np.nan_to_num(numbers, copy=False, nan=0.0)
        return numbers if self.smooth_clip is None else _smooth_clip(numbers, np.float32(self.smooth_clip))


def _with_parts(rows: np.ndarray, feature_names, dates, rescaled) -> np.ndarray:
    """`rows` with all parts of the columns `dates` as further columns, `(rows, columns + 4 * dates)`."""
    parts = [
        part
        for name in dates
        for part in date_parts(rows[:, feature_names.index(name)], rescaled.get(name, (0.0, 1.0))).values()
    ]
    return np.column_stack([rows, *parts]) if parts else rows


def _smooth_clip(numbers: np.ndarray, bound: np.float32) -> np.ndarray:
    """As the layer `custom_layers.SmoothClip`, with its bound for the ratio."""
    ratio = np.clip(numbers / bound, -_FARTHEST_RATIO, _FARTHEST_RATIO)
    return bound * ratio / np.sqrt(1 + np.square(ratio))
