"""An activation whose strength is learned for each unit, from the identity to the activation and beyond."""

import keras


@keras.saving.register_keras_serializable(package="keras_recipes")
class ParametricActivation(keras.layers.Activation):
    """`x + alpha * (f(x) - x)` with a learned `alpha` for each unit: 0 is the identity, 1 the activation `f` itself.

    Holzmüller et al. 2024 (RealMLP, arXiv:2407.04491) use it with SELU for classes and Mish for numbers, with a tenth
    of the learning rate. Recipes exclude `alpha` from weight decay, which would pull it towards the identity; without a
    recipe, call `optimizer.exclude_from_weight_decay(var_names=["alpha"])` before `compile`.

    Args:
        activation: Activation `f`: a function of `keras.activations`, its name, or any element-wise function.
        alpha_initializer: Initializer of `alpha`. Default: 1, the activation itself.
        axis: Axis of the units or channels. Default: the last one.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: any, with an axis of fixed length. Output shape: the same. Masks are passed on.

    Raises:
        ValueError: For an unknown activation or initializer, and for inputs without the axis, or of unknown length
            along it.
    """

    def __init__(self, activation, alpha_initializer="ones", axis=-1, **kwargs):
        super().__init__(activation, **kwargs)
        self.alpha_initializer = keras.initializers.get(alpha_initializer)
        self.axis = axis

    def build(self, input_shape):
        rank = len(input_shape)
        if not -rank < self.axis < rank or self.axis == 0 or input_shape[self.axis] is None:
            raise ValueError(
                f"`axis` must be an axis of known length behind that of the batch. Received: axis={self.axis} and "
                f"input of shape {tuple(input_shape)}"
            )
        units = input_shape[self.axis]
        # Of as many axes as the axis has behind it, so that it is broadcast along the others.
        behind = rank - 1 - self.axis % rank
        self.alpha = self.add_weight(shape=(units, *[1] * behind), name="alpha", initializer=self.alpha_initializer)

    def call(self, inputs):
        return inputs + self.alpha * (self.activation(inputs) - inputs)

    def get_config(self):
        alpha_initializer = keras.initializers.serialize(self.alpha_initializer)
        return {**super().get_config(), "alpha_initializer": alpha_initializer, "axis": self.axis}
