"""Maxout of convolutions over a sequence."""

import keras

from custom_layers.maxout_conv import MaxoutConv


@keras.saving.register_keras_serializable(package="keras_recipes")
class MaxoutConv1D(MaxoutConv):
    """Largest of `pieces` convolutions over a sequence, filter by filter.

    `output[b, t, f] = max over p of (conv(inputs, kernel)[b, t, p, f] + bias[p, f])`

    Of Goodfellow et al. 2013, arXiv:1302.4389. It is used without an activation. A step costs about as much as one of
    a `Conv1D` with `filters * pieces` filters and a ReLU.

    Args:
        filters: Channels of the output.
        kernel_size: Length of the kernels, in steps.
        pieces: Convolutions for each filter, at least 2: one would be a `Conv1D`.
        strides: Steps from one output to the next. Default: 1.
        padding: `"valid"`, `"same"` or `"causal"`, which looks back only.
        data_format: `"channels_last"` or `"channels_first"`. Default: Keras's setting.
        dilation_rate: Distance of neighbouring kernel positions. Default: 1.
        use_bias: Whether each map has a bias.
        kernel_initializer: Of the kernel, `(kernel_size, channels, pieces * filters)`: the filters of
            piece 0, then those of piece 1, and so on. Default: normal with variance 1 / (fan_in E[max^2]), which keeps
            the signal's second moment.
        bias_initializer: Of the bias, `(pieces * filters,)`.
        kernel_regularizer: Of the kernel.
        bias_regularizer: Of the bias.
        kernel_constraint: Of the kernel.
        bias_constraint: Of the bias.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, steps, channels)`. Output shape: `(batch, new steps, filters)`. Steps may be unknown.

    Raises:
        ValueError: If `filters` is less than 1, `pieces` less than 2, either is no whole number, or an argument of the
            convolution is not allowed.
    """

    layer = keras.layers.Conv1D
