"""Maxout of convolutions over a sequence."""

import keras

from custom_layers.maxout_conv import MaxoutConv


@keras.saving.register_keras_serializable(package="keras_recipes")
class MaxoutConv1D(MaxoutConv):
    """Largest of `pieces` convolutions over a sequence, filter by filter.

    `output[b, t, f] = max over p of (conv(inputs, kernel)[b, t, p, f] + bias[p, f])`

    From Goodfellow et al. 2013, arXiv:1302.4389. It is used without an activation. A step costs about as much as with
    a `Conv1D` with `filters * pieces` filters and a ReLU.

    Args:
        filters: Number of output channels.
        kernel_size: Length of the kernels, in steps.
        pieces: Number of convolutions per filter, at least 2: one would be a `Conv1D`. Default: 2.
        strides: Distance from one output to the next, in steps. Default: 1.
        padding: `"valid"`, `"same"`, or `"causal"`, which uses the current and earlier steps only. Default: `"valid"`.
        data_format: Order of the axes, `"channels_last"` or `"channels_first"`. Default: Keras's setting.
        dilation_rate: Distance of neighbouring kernel positions, in steps. Default: 1.
        use_bias: Whether each convolution has a bias.
        kernel_initializer: Initializer of the kernel, `(kernel_size, channels, pieces * filters)`: the
            filters of piece 0, then those of piece 1, and so on. Default: normal with variance 1 / (fan_in E[max^2]),
            which preserves the second moment of the signal.
        bias_initializer: Initializer of the bias, `(pieces * filters,)`.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        kernel_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, steps, channels)`. Output shape: `(batch, new steps, filters)`. Steps may be unknown.

    Raises:
        ValueError: If `filters` is less than 1, `pieces` less than 2, either is not a whole number, or an argument of
            the convolution is not allowed.
    """

    layer = keras.layers.Conv1D
