"""A learned scale for each column, by which a network can weigh its inputs."""

import keras


@keras.saving.register_keras_serializable(package="keras_recipes")
class FeatureScale(keras.layers.Layer):
    """Multiply each column by a learned scale, 1 at the start.

    In front of a dense layer it adds no function that the kernel cannot have, but it selects columns softly where it is
    learned faster than the kernel: RealMLP (Holzmüller et al. 2024, arXiv:2407.04491) multiplies its learning rate by
    6. Recipes exclude `scale` from weight decay.

    Args:
        scale_initializer: Initializer of the scales. Default: 1.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, ..., columns)`. Output shape: the same. Masks are passed on.

    Raises:
        ValueError: For an unknown initializer, and for inputs of an unknown number of columns.
    """

    def __init__(self, scale_initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.scale_initializer = keras.initializers.get(scale_initializer)
        self.supports_masking = True

    def build(self, input_shape):
        if input_shape[-1] is None:
            raise ValueError(f"the number of columns must be known. Received: input of shape {tuple(input_shape)}")
        self.scale = self.add_weight(shape=(input_shape[-1],), name="scale", initializer=self.scale_initializer)

    def call(self, inputs):
        return inputs * self.scale

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "scale_initializer": keras.initializers.serialize(self.scale_initializer)}
