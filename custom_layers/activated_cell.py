"""A simple recurrent cell with an activation that has weights or random slopes: PReLU, RReLU or Maxout."""

import keras
from keras import ops

from custom_layers.pieces import check_count, check_pieces, largest_piece, largest_second_moment
from custom_layers.prelu import PReLU
from custom_layers.randomized_leaky_relu import RandomizedLeakyReLU

ACTIVATIONS = ("prelu", "rrelu", "maxout")


@keras.saving.register_keras_serializable(package="keras_recipes")
class ActivatedCell(keras.layers.Layer):
    """`h_t = f(x_t @ kernel + h_(t-1) @ recurrent_kernel + bias)`, for `keras.layers.RNN`; `f` is shared by all steps.

    `"prelu"` learns one negative slope for each unit. `"rrelu"` draws the slopes once for each sequence, as recurrent
    dropout draws its masks (Gal & Ghahramani 2016, arXiv:1512.05287), and uses their mean at inference. `"maxout"` is
    the largest of several affine maps, each with its own recurrent kernel.

    The recurrent kernels are initialized to orthogonal matrices, which neither enlarge nor shrink a state (Saxe et al.
    2014, arXiv:1312.6120). With Maxout they are divided by the root of E[max^2], so that the maximum does not enlarge a
    state either.

    Args:
        units: Size of the state, and of the output of a step.
        activation: `"prelu"`, `"rrelu"` or `"maxout"`.
        negative_slope: Initial slope of `"prelu"`. Default: 0.25.
        pieces: Affine maps per unit of `"maxout"`, at least 2. Default: 2.
        kernel_initializer: Initializer of the kernel, `(features, units)`; for Maxout `(features, pieces * units)`: the
            units of piece 0, then those of piece 1, and so on.
        bias_initializer: Initializer of the bias, which is as long as the last axis of the kernel.
        kernel_regularizer: Regularizer of the kernel.
        recurrent_regularizer: Regularizer of the recurrent kernel.
        kernel_constraint: Constraint of the kernel.
        recurrent_constraint: Constraint of the recurrent kernel.
        seed: Seed of the random slopes.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, features)` and a list of states `(batch, units)`, of which `"rrelu"` has two: the second one
        holds the slopes. Output shape: `(batch, units)` and the list of the next states.

    Raises:
        ValueError: For an unknown activation, for `units` below 1, and for `pieces` below 2.
    """

    def __init__(
        self,
        units,
        activation,
        negative_slope=0.25,
        pieces=2,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_count(units, "units", 1)
        check_pieces(pieces)
        if activation not in ACTIVATIONS:
            raise ValueError(f"`activation` must be one of {', '.join(ACTIVATIONS)}. Received: {activation!r}")
        self.units = int(units)
        self.activation = activation
        self.negative_slope = float(negative_slope)
        self.pieces = int(pieces)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.recurrent_constraint = keras.constraints.get(recurrent_constraint)
        self.seed = seed
        self.output_size = self.units
        self.state_size = [self.units]
        if activation == "prelu":
            self.slope = PReLU(self.negative_slope, dtype=self.dtype_policy, name="prelu")
        elif activation == "rrelu":
            self.slope = RandomizedLeakyReLU(dtype=self.dtype_policy, name="rrelu")
            self.seed_generator = keras.random.SeedGenerator(seed)
            self.state_size = [self.units, self.units]

    def build(self, input_shape):
        maps = self.units * (self.pieces if self.activation == "maxout" else 1)
        self.kernel = self.add_weight(
            shape=(input_shape[-1], maps),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, maps),
            initializer=self._orthogonal,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = self.add_weight(shape=(maps,), initializer=self.bias_initializer, name="bias")
        if self.activation == "prelu":
            self.slope.build((None, self.units))

    def call(self, inputs, states, training=False):
        maps = ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.recurrent_kernel) + self.bias
        if self.activation == "maxout":
            output = largest_piece(maps, self.pieces, -1)
        elif self.activation == "rrelu" and training:
            output = ops.where(maps > 0, maps, states[1] * maps)
        else:
            output = self.slope(maps)
        return output, [output, *states[1:]]

    def get_initial_state(self, batch_size=None):
        """The initial states: zeros, and for `"rrelu"` the slopes of each sequence.

        The slopes are drawn here, because the loop over steps cannot change the state of a random generator.
        """
        shape, dtype = (batch_size, self.units), self.compute_dtype
        states = [ops.zeros(shape, dtype=dtype)]
        if self.activation == "rrelu":
            lower, upper = self.slope.lower, self.slope.upper
            states.append(keras.random.uniform(shape, lower, upper, dtype=dtype, seed=self.seed_generator))
        return states

    def get_config(self):
        own = {name: getattr(self, name) for name in ("units", "activation", "negative_slope", "pieces", "seed")}
        for kind in ("initializer", "regularizer", "constraint"):
            serialize = getattr(keras, f"{kind}s").serialize
            for weight in ("kernel", "recurrent", "bias"):
                # The initializer of the recurrent kernel is fixed, and the bias has neither regularizer nor constraint.
                if hasattr(self, f"{weight}_{kind}"):
                    own[f"{weight}_{kind}"] = serialize(getattr(self, f"{weight}_{kind}"))
        return {**super().get_config(), **own}

    def _orthogonal(self, shape, dtype=None):
        """An orthogonal matrix for each piece, side by side."""
        count = shape[1] // self.units
        size = largest_second_moment(count) ** -0.5
        # One initializer for each piece, since an initializer draws the same numbers each time.
        starts = [keras.initializers.Orthogonal(size) for _ in range(count)]
        return ops.concatenate([start((self.units, self.units), dtype=dtype) for start in starts], axis=1)
