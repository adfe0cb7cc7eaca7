"""What tells the members of one network apart where they share its weights: a scale for each input and member."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class RandomSigns(keras.initializers.Initializer):
    """Initializer of weights that are 1 or -1 with equal probability.

    Args:
        seed: Seed, a whole number. Default: a random one.
    """

    def __init__(self, seed=None):
        self.seed = seed

    def __call__(self, shape, dtype=None):
        return ops.where(keras.initializers.RandomUniform(-1, 1, seed=self.seed)(shape, dtype) < 0, -1.0, 1.0)

    def get_config(self):
        return {"seed": self.seed}


@keras.saving.register_keras_serializable(package="keras_recipes")
class MemberScale(keras.layers.Layer):
    """Multiply each column by a learned scale of each member: `x * r_k`, or `x * s_k + b_k` with biases.

    Several members are trained as one network, in which dense layers, activations and dropout act on tensors
    `(batch, members, units)`: the members share kernels, and differ by their scales (BatchEnsemble, Wen et al. 2020,
    arXiv:2002.06715; TabM, Gorishniy et al. 2025, arXiv:2410.24210). One such layer in front of the network is TabM's
    mini version. With one in front of each dense layer without biases, and one with biases behind it, a dense layer is
    that of BatchEnsemble, `((x * r_k) W) * s_k + b_k`. The last layers are `MemberDense` and `MemberAverage`.

    Args:
        members: Number of members.
        scale_initializer: Initializer of the scales: ones, or what makes members differ from the start, such as
            `RandomSigns()` in the first layer. Default: ones.
        use_bias: Whether to add a learned bias of each column and member, 0 at the start. Default: `False`.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, columns)`, which all members get, or `(batch, members, columns)`. Output shape:
    `(batch, members, columns)`.

    Raises:
        ValueError: For fewer than one member, an unknown initializer, and for inputs of another shape.
    """

    def __init__(self, members, scale_initializer="ones", use_bias=False, **kwargs):
        super().__init__(**kwargs)
        check_members(members)
        self.members = members
        self.scale_initializer = keras.initializers.get(scale_initializer)
        self.use_bias = use_bias

    def build(self, input_shape):
        if len(input_shape) == 2:
            input_shape = (input_shape[0], self.members, input_shape[1])
        check_input(self.members, input_shape)
        shape = tuple(input_shape[1:])
        self.scale = self.add_weight(shape=shape, name="scale", initializer=self.scale_initializer)
        self.bias = self.add_weight(shape=shape, name="bias", initializer="zeros") if self.use_bias else None

    def call(self, inputs):
        rows = inputs[:, None] if len(inputs.shape) == 2 else inputs
        return rows * self.scale + self.bias if self.use_bias else rows * self.scale

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.members, input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "members": self.members,
            "scale_initializer": keras.initializers.serialize(self.scale_initializer),
            "use_bias": self.use_bias,
        }


def check_members(members) -> None:
    """Refuse a number of members that is not a whole number of at least 1."""
    if isinstance(members, bool) or not isinstance(members, int) or members < 1:
        raise ValueError(f"`members` must be a whole number of at least 1. Received: {members!r}")


def check_input(members: int, input_shape) -> None:
    """Refuse anything but inputs of as many members."""
    if len(input_shape) != 3 or input_shape[1] != members or input_shape[2] is None:
        raise ValueError(f"expected inputs (batch, {members} members, columns). Received: shape {tuple(input_shape)}")
