"""Maxout, the learned convex activation of Goodfellow et al. (2013)."""

import keras

from custom_layers.pieces import LargestPiece, check_count, check_pieces, start


@keras.saving.register_keras_serializable(package="keras_recipes")
class Maxout(LargestPiece):
    """Largest of `pieces` affine maps of the input, unit by unit.

    `output[..., u] = max over p of (inputs @ kernel[:, p, u] + bias[p, u])`

    A unit is a convex, piecewise linear function of its input; a difference of two such functions can approximate any
    continuous function (Goodfellow et al. 2013, arXiv:1302.4389). The layer is used without an activation. A step costs
    about as much as with a `Dense` layer of `units * pieces` units and a ReLU.

    Args:
        units: Size of the last output axis.
        pieces: Number of affine maps per unit, at least 2: one would be a `Dense`. Default: 2.
        use_bias: Whether each map has a bias.
        kernel_initializer: Initializer of the kernel, `(features, pieces * units)`: the units of piece 0, then those of
            piece 1, and so on. Default: normal with variance 1 / (features E[max^2]), which preserves the second moment
            of the signal.
        bias_initializer: Initializer of the bias, `(pieces * units,)`.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        kernel_constraint: Constraint of the kernel, such as `keras.constraints.MaxNorm(2.0)`, which applies to each map
            by itself.
        bias_constraint: Constraint of the bias.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, ..., features)`. Output shape: `(batch, ..., units)`. Masks are passed on.

    Raises:
        ValueError: If `units` is less than 1, `pieces` less than 2, or either is not a whole number.
    """

    def __init__(
        self,
        units,
        pieces=2,
        use_bias=True,
        kernel_initializer=None,
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        check_count(units, "units", 1)
        check_pieces(pieces)
        affine = keras.layers.Dense(
            int(units * pieces),  # Keras takes no numbers of NumPy
            use_bias=use_bias,
            kernel_initializer=start(kernel_initializer, pieces),
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            dtype=kwargs.get("dtype"),
            name="affine",
        )
        super().__init__(affine, units, pieces, **kwargs)
        self.units = units
        self.supports_masking = True

    def get_config(self):
        return {**super().get_config(), "units": self.units}
