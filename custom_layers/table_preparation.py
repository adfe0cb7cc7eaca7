"""The first layer of a saved table model: raw columns in, scaled columns out."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class TablePreparation(keras.layers.Layer):
    """Leave out constant columns; centre and scale the others: `(x - mean) / scale`.

    It knows the names of the columns, and differs from `keras.layers.Normalization` in leaving constant columns out:
    there, the slightest change of such a value becomes a huge number.

    Args:
        feature_names: Of the raw columns, in their order.
        mean: Of each raw column.
        scale: Standard deviation of each raw column. 0 marks a constant column, which is left out.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, columns)`. Output shape: `(batch, columns with a scale)`.
    """

    def __init__(self, feature_names, mean, scale, **kwargs):
        # Raw columns may be huge: they are scaled in float32 whatever the precision of the network behind.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        sizes = {"feature_names": len(feature_names), "mean": len(mean), "scale": len(scale)}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"`feature_names`, `mean` and `scale` must be of one length. Received: {sizes}")
        if not any(scale):
            raise ValueError("`scale` must be more than 0 for at least one column. Received: all 0")
        self.feature_names = list(feature_names)
        self.mean = [float(value) for value in mean]
        self.scale = [float(value) for value in scale]

    def build(self, input_shape):
        if input_shape[-1] != len(self.mean):
            raise ValueError(f"expected {len(self.mean)} columns. Received: input of shape {tuple(input_shape)}")
        self.kept = [column for column, scale in enumerate(self.scale) if scale]

    def call(self, inputs):
        inputs = ops.cast(inputs, self.compute_dtype)
        if len(self.kept) < len(self.scale):
            inputs = ops.take(inputs, self.kept, axis=-1)
        mean = ops.convert_to_tensor([self.mean[column] for column in self.kept], dtype=self.compute_dtype)
        scale = ops.convert_to_tensor([self.scale[column] for column in self.kept], dtype=self.compute_dtype)
        return (inputs - mean) / scale

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], sum(scale != 0 for scale in self.scale))

    def get_config(self):
        constants = {"feature_names": self.feature_names, "mean": self.mean, "scale": self.scale}
        return {**super().get_config(), **constants}
