"""A dense layer of its own for each member of a network."""

import keras
from keras import ops

from custom_layers.member_scale import check_input, check_members


@keras.saving.register_keras_serializable(package="keras_recipes")
class MemberDense(keras.layers.Layer):
    """Give each member a dense layer of its own: `f(x_k W_k + b_k)`, as at the end of TabM (arXiv:2410.24210).

    Args:
        units: Number of outputs of each member.
        members: Number of members.
        activation: Activation `f`. Default: none.
        kernel_initializer: Initializer of the kernel of each member. Default: `"glorot_uniform"`.
        kernel_regularizer: Regularizer of all kernels together. Default: none.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, members, columns)`. Output shape: `(batch, members, units)`.

    Raises:
        ValueError: For fewer than one unit or member, unknown initializers and regularizers, and for inputs of another
            shape.
    """

    def __init__(
        self, units, members, activation=None, kernel_initializer="glorot_uniform", kernel_regularizer=None, **kwargs
    ):
        super().__init__(**kwargs)
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise ValueError(f"`units` must be a whole number of at least 1. Received: {units!r}")
        check_members(members)
        self.units = units
        self.members = members
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        check_input(self.members, input_shape)
        self.kernel = self.add_weight(
            shape=(self.members, input_shape[-1], self.units),
            name="kernel",
            initializer=self._kernels,
            regularizer=self.kernel_regularizer,
        )
        self.bias = self.add_weight(shape=(self.members, self.units), name="bias", initializer="zeros")

    def call(self, inputs):
        return self.activation(ops.einsum("bmc,mcu->bmu", inputs, self.kernel) + self.bias)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "members": self.members,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }

    def _kernels(self, shape, dtype=None):
        # One by one: the fan-in of all together would count each member as a position of a window. An initializer draws
        # the same numbers each time, and a clone of one without a seed draws others.
        return ops.stack([self.kernel_initializer.clone()(shape[1:], dtype) for _ in range(shape[0])])
