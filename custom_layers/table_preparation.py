"""The first layer of a saved table model: raw columns in, the inputs of the trained network out."""

import keras
from keras import ops

from custom_layers.date_parts import PARTS, date_parts
from custom_layers.smooth_clip import smooth_clip


@keras.saving.register_keras_serializable(package="keras_recipes")
class TablePreparation(keras.layers.Layer):
    """Scale numbers, mark missing ones, and convert the codes of categories to columns of 0 and 1.

    A number becomes `(x - mean) / scale`, and a missing one (NaN) 0. Constant columns are left out: with
    `keras.layers.Normalization`, the slightest change of such a value becomes a huge number. Behind the numbers stand
    the parts of dates, such as the month, scaled alike. A column with few categories becomes one column per category,
    all 0 for a category that was not seen in training (code 0). The codes of a column with many categories are passed
    on, as the last columns, for `CategoryEmbedding`.

    Args:
        feature_names: Names of the raw columns, in their order.
        mean: Mean, or another centre such as the median, of each raw column.
        scale: Standard deviation, or another spread, of each raw column; 0 for a column that does not contain numbers,
            or a constant one.
        vocabularies: List of categories, by column. The first category has code 1. Columns with an empty list are left
            out. Text is converted to codes before the model, because jit, JAX and ONNX do not support tensors of text.
        indicators: Names of the columns of numbers for which there is a second column, 1 where the value is missing.
        dates: Names of the columns that contain days since 1970.
        most_one_hot: Largest number of categories of a column that are converted to columns of 0 and 1. Default: 16.
        rescaled: Offset and unit of each column whose values float32 would merge, such as seconds since 1970, by
            column. In place of these columns, the layer takes `(value - offset) / unit`, which must be calculated in
            float64, before rows are converted to tensors of float32; `recipes.predict` and `recipes.evaluate` do this.
        formats: Notation of numbers and dates in text, by column, including the target. Text is read before the model.
        date_parts: Mean and scale of each part of a date that is used beside its number, by part (year, month, weekday,
            hour), by column of `dates`. Default: no parts.
        smooth_clip: Bound of the scaled numbers, which are clipped as by `SmoothClip`. Default: `None`, no bound.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, raw columns)`. Output shape: `(batch, numbers + indicators + columns of 0 and 1 + codes)`.

    Raises:
        ValueError: For arguments of different lengths, for unknown columns and parts, for a table of which nothing is
            left, for a bound that is not above 0, and for inputs with another number of columns.
    """

    def __init__(
        self,
        feature_names,
        mean,
        scale,
        vocabularies=None,
        indicators=(),
        dates=(),
        most_one_hot=16,
        rescaled=None,
        formats=None,
        date_parts=None,
        smooth_clip=None,
        **kwargs,
    ):
        # In float32 by default, whatever the precision of the network: half precision would round large values before
        # their mean is subtracted.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        sizes = {"feature_names": len(feature_names), "mean": len(mean), "scale": len(scale)}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"`feature_names`, `mean` and `scale` must be of one length. Received: {sizes}")
        vocabularies, rescaled, date_parts = vocabularies or {}, rescaled or {}, date_parts or {}
        named = (*vocabularies, *indicators, *dates, *rescaled, *date_parts)
        strangers = [name for name in named if name not in feature_names]
        if strangers:
            raise ValueError(f"columns must be among {list(feature_names)}. Received: {strangers}")
        if not any(scale) and not any(vocabularies.values()) and not indicators:
            raise ValueError("`scale` must be more than 0 for at least one column. Received: all 0")
        unknown = [part for parts in date_parts.values() for part in parts if part not in PARTS]
        if unknown:
            raise ValueError(f"parts of dates must be among {', '.join(PARTS)}. Received: {unknown}")
        if smooth_clip is not None and not 0 < smooth_clip < float("inf"):
            raise ValueError(f"`smooth_clip` must be more than 0 and finite, or None. Received: {smooth_clip}")
        self.feature_names = list(feature_names)
        self.mean = [float(value) for value in mean]
        self.scale = [float(value) for value in scale]
        self.vocabularies = {name: list(categories) for name, categories in vocabularies.items()}
        self.indicators = list(indicators)
        self.dates = list(dates)
        self.rescaled = {name: [float(constant) for constant in constants] for name, constants in rescaled.items()}
        self.most_one_hot = most_one_hot
        self.formats = {name: dict(form) for name, form in (formats or {}).items()}
        self.date_parts = {
            name: {part: [float(constant) for constant in constants] for part, constants in parts.items()}
            for name, parts in date_parts.items()
        }
        self.smooth_clip = None if smooth_clip is None else float(smooth_clip)

    def build(self, input_shape):
        if input_shape[-1] != len(self.mean):
            raise ValueError(f"expected {len(self.mean)} columns. Received: input of shape {tuple(input_shape)}")

    def call(self, inputs):
        inputs = ops.cast(inputs, self.compute_dtype)
        pieces = self._numbers(inputs)
        if self.indicators:
            missing = ops.isnan(self._columns(inputs, [self.feature_names.index(name) for name in self.indicators]))
            pieces.append(ops.cast(missing, self.compute_dtype))
        few, many = self._categories()
        for column, size in few:
            codes = ops.arange(1, size + 1, dtype=self.compute_dtype)
            pieces.append(ops.cast(ops.equal(inputs[:, column : column + 1], codes), self.compute_dtype))
        if many:
            pieces.append(self._columns(inputs, [column for column, _ in many]))
        return ops.concatenate(pieces, axis=-1) if len(pieces) > 1 else pieces[0]

    def compute_output_shape(self, input_shape):
        few, many = self._categories()
        numbers = sum(scale != 0 for scale in self.scale) + sum(len(parts) for parts in self.date_parts.values())
        return (*input_shape[:-1], numbers + len(self.indicators) + sum(size for _, size in few) + len(many))

    def get_config(self):
        constants = (
            "feature_names", "mean", "scale", "vocabularies", "indicators", "dates", "most_one_hot", "rescaled",
            "formats", "date_parts", "smooth_clip",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in constants}}

    @property
    def unused(self):
        """Names of the raw columns that the output does not depend on."""
        return [
            name for name, scale in zip(self.feature_names, self.scale, strict=True)
            if not scale and not self.vocabularies.get(name) and name not in self.indicators
        ]  # fmt: skip

    def _numbers(self, inputs):
        """The scaled numbers and parts of dates in one tensor, or none, as a list."""
        values, mean, scale = [], [], []
        kept = [column for column, scale in enumerate(self.scale) if scale]
        if kept:
            values.append(self._columns(inputs, kept))
            mean, scale = ([constants[column] for column in kept] for constants in (self.mean, self.scale))
        for name, parts in self.date_parts.items():
            column = self.feature_names.index(name)
            found = date_parts(inputs[:, column : column + 1], *self.rescaled.get(name, (0.0, 1.0)))
            values += [found[part] for part in parts]
            mean += [constants[0] for constants in parts.values()]
            scale += [constants[1] for constants in parts.values()]
        if not values:
            return []
        mean, scale = (ops.convert_to_tensor(constants, dtype=self.compute_dtype) for constants in (mean, scale))
        numbers = ((ops.concatenate(values, axis=-1) if len(values) > 1 else values[0]) - mean) / scale
        numbers = ops.where(ops.isnan(numbers), ops.zeros_like(numbers), numbers)
        return [numbers if self.smooth_clip is None else smooth_clip(numbers, self.smooth_clip)]

    def _columns(self, inputs, columns):
        # Selecting columns copies them, which is not necessary in the common case of all columns.
        return inputs if len(columns) == len(self.mean) else ops.take(inputs, columns, axis=-1)

    def _categories(self):
        """Pairs of raw column and number of categories: those with few categories, and those with many."""
        sizes = [(self.feature_names.index(name), len(kinds)) for name, kinds in self.vocabularies.items() if kinds]
        few = [(column, size) for column, size in sizes if size <= self.most_one_hot]
        return few, [(column, size) for column, size in sizes if size > self.most_one_hot]
