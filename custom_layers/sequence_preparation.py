"""The first layer of a saved model of sequences: raw steps in, scaled steps out, padding marked."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class SequencePreparation(keras.layers.Layer):
    """Standardize each feature, `(x - mean) / scale`, and set padded steps to `padding`.

    A step whose every feature is NaN is padding, which follows the end of a shorter sequence.

    Args:
        mean: Mean of each feature.
        scale: Standard deviation of each feature, more than 0.
        padding: Value of every feature of a padded step in the output, for `keras.layers.Masking`. `None` if there are
            no padded steps: NaN stays NaN.
        rescaled: Offset and unit of each feature whose values float32 would merge, by name: `"column_0"` for the first
            feature, and so on. In place of these features, the layer takes `(value - offset) / unit`, calculated in
            float64, as in `TablePreparation`.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, steps, len(mean))`, of any dtype. The steps may be unknown and differ from call to call.
    Output shape: the same.

    Raises:
        ValueError: For arguments out of range, and for inputs of another shape.
    """

    def __init__(self, mean, scale, padding=None, rescaled=None, **kwargs):
        # In float32 by default, whatever the precision of the network: half precision would round large values before
        # their mean is subtracted.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        sizes = {"mean": len(mean), "scale": len(scale)}
        if len(set(sizes.values())) > 1 or not len(mean):
            raise ValueError(f"`mean` and `scale` must be of one length, at least 1. Received: {sizes}")
        if not all(value > 0 for value in scale):
            raise ValueError(f"`scale` must be more than 0. Received: {[float(value) for value in scale]}")
        self.mean = [float(value) for value in mean]
        self.scale = [float(value) for value in scale]
        self.padding = None if padding is None else float(padding)
        self.rescaled = {name: [float(constant) for constant in pair] for name, pair in (rescaled or {}).items()}

    def build(self, input_shape):
        self._check(input_shape)

    def call(self, inputs):
        self._check(inputs.shape)
        steps = ops.cast(inputs, self.compute_dtype)
        mean = ops.convert_to_tensor(self.mean, dtype=self.compute_dtype)
        scale = ops.convert_to_tensor(self.scale, dtype=self.compute_dtype)
        prepared = (steps - mean) / scale
        if self.padding is None:
            return prepared
        return ops.where(ops.all(ops.isnan(steps), axis=-1, keepdims=True), self.padding, prepared)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        constants = {name: getattr(self, name) for name in ("mean", "scale", "padding", "rescaled")}
        return {**super().get_config(), **constants}

    def _check(self, shape):
        if len(shape) != 3 or shape[-1] != len(self.mean):
            raise ValueError(f"expected (batch, steps, {len(self.mean)}). Received: input of shape {tuple(shape)}")
