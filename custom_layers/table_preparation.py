"""The first layer of a saved table model: raw columns in, what the network was trained on out."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class TablePreparation(keras.layers.Layer):
    """Scale numbers, mark those that are missing, and turn codes of categories into columns of 0 and 1.

    Numbers become `(x - mean) / scale`, and a missing one (NaN) 0. Columns that do not vary are left out: in
    `keras.layers.Normalization`, the slightest change of such a value becomes a huge number. A category of few kinds
    becomes one column for each kind, all 0 for a value that was not seen in training (code 0). The codes of a category
    of many kinds pass through, at the end, for `CategoryEmbedding`.

    Args:
        feature_names: Of the raw columns, in their order.
        mean: Of each raw column.
        scale: Standard deviation of each raw column. 0 marks a column that holds no numbers, or constant ones.
        vocabularies: By column, its categories: code 1 is the first. Without any, the column is left out. Text becomes
            codes before the model, because tensors of text stop jit, JAX and ONNX.
        indicators: Columns of numbers that get a second one, 1 where the value is missing.
        dates: Columns that hold days since 1970.
        rescaled: Offset and unit, by column, of those whose values float32 would merge, such as seconds since 1970.
            The layer takes `(value - offset) / unit` in them, which must be calculated in float64, before rows become
            tensors of float32; `recipes.predict` and `recipes.evaluate` do it.
        formats: How numbers and dates are written, by column, the target included, where it is not plainly; read in
            front of the model, as text becomes codes.
        most_one_hot: Categories of a column beyond which its codes pass through.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, raw columns)`. Output shape: `(batch, numbers + indicators + columns of 0 and 1 + codes)`.
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
        **kwargs,
    ):
        # Raw columns may be huge: they are scaled in float32 whatever the precision of the network behind.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        sizes = {"feature_names": len(feature_names), "mean": len(mean), "scale": len(scale)}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"`feature_names`, `mean` and `scale` must be of one length. Received: {sizes}")
        vocabularies, rescaled = vocabularies or {}, rescaled or {}
        strangers = [name for name in (*vocabularies, *indicators, *dates, *rescaled) if name not in feature_names]
        if strangers:
            raise ValueError(f"columns must be among {list(feature_names)}. Received: {strangers}")
        if not any(scale) and not any(vocabularies.values()) and not indicators:
            raise ValueError("`scale` must be more than 0 for at least one column. Received: all 0")
        self.feature_names = list(feature_names)
        self.mean = [float(value) for value in mean]
        self.scale = [float(value) for value in scale]
        self.vocabularies = {name: list(categories) for name, categories in vocabularies.items()}
        self.indicators = list(indicators)
        self.dates = list(dates)
        self.rescaled = {name: [float(constant) for constant in constants] for name, constants in rescaled.items()}
        self.most_one_hot = most_one_hot
        self.formats = {name: dict(form) for name, form in (formats or {}).items()}

    def build(self, input_shape):
        if input_shape[-1] != len(self.mean):
            raise ValueError(f"expected {len(self.mean)} columns. Received: input of shape {tuple(input_shape)}")

    def call(self, inputs):
        inputs = ops.cast(inputs, self.compute_dtype)
        kept = [column for column, scale in enumerate(self.scale) if scale]
        pieces = []
        if kept:
            mean = ops.convert_to_tensor([self.mean[column] for column in kept], dtype=self.compute_dtype)
            scale = ops.convert_to_tensor([self.scale[column] for column in kept], dtype=self.compute_dtype)
            numbers = (self._columns(inputs, kept) - mean) / scale
            pieces.append(ops.where(ops.isnan(numbers), ops.zeros_like(numbers), numbers))
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
        numbers = sum(scale != 0 for scale in self.scale)
        return (*input_shape[:-1], numbers + len(self.indicators) + sum(size for _, size in few) + len(many))

    def get_config(self):
        constants = (
            "feature_names", "mean", "scale", "vocabularies", "indicators", "dates", "most_one_hot", "rescaled",
            "formats",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in constants}}

    @property
    def unused(self):
        """Raw columns that play no part in the output."""
        return [
            name for name, scale in zip(self.feature_names, self.scale, strict=True)
            if not scale and not self.vocabularies.get(name) and name not in self.indicators
        ]  # fmt: skip

    def _columns(self, inputs, columns):
        # All of them are a common case, and taking them costs a copy.
        return inputs if len(columns) == len(self.mean) else ops.take(inputs, columns, axis=-1)

    def _categories(self):
        """Raw column and number of categories: of those for columns of 0 and 1, and of those for an embedding."""
        sizes = [(self.feature_names.index(name), len(kinds)) for name, kinds in self.vocabularies.items() if kinds]
        few = [(column, size) for column, size in sizes if size <= self.most_one_hot]
        return few, [(column, size) for column, size in sizes if size > self.most_one_hot]
