"""Preparation of tables: scaled numbers, and categories as columns of 0 and 1 or as codes."""

from dataclasses import dataclass, field

import numpy as np

from recipes.data.preparation.preparation import Preparation, target_scaling
from recipes.data.store import chunks_of

# Largest number of categories that become a column each; more of them are embedded in a learned vector.
MOST_ONE_HOT = 16


@dataclass(frozen=True, eq=False, kw_only=True)
class TablePreparation(Preparation):
    """Preparation of tables.

    The columns of a prepared row are, in this order: scaled numbers, in which a missing number is 0, the mean; a column
    of 0 and 1 for each column with missing numbers; one-hot columns of the categories of each column that has at most
    `MOST_ONE_HOT` of them; and the codes of all other categories, for an embedding.

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
        scale: Standard deviation of each column; 0 for constant columns and for columns of categories.
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
            dates=tuple(dates),
            rescaled=dict(rescaled or {}),
            left_out=left_out,
            formats=dict(formats or {}),
            **target_scaling(y, task),
        )

    @property
    def numbers(self) -> int:
        """Number of columns of numbers, which a prepared row begins with."""
        return int(np.count_nonzero(self.scale))

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
    """Mean, standard deviation (0 if constant), number of missing values and whether it varies, of each column.

    They are computed chunk by chunk and in float64, because rows may be many and offsets large.
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
    # Not by the deviation: rounding may leave a tiny one to a constant column.
    varies = least < most
    return mean, np.where(varies, np.sqrt(squares / count), 0.0), missing, varies
