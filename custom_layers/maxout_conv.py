"""The base of the convolutional Maxout layers."""

from custom_layers.pieces import LargestPiece, check_count, check_pieces, start


class MaxoutConv(LargestPiece):
    """Largest of `pieces` convolutions of the input, filter by filter. The arguments are those of `MaxoutConv2D`."""

    ARGUMENTS = (*LargestPiece.ARGUMENTS, "kernel_size", "strides", "padding", "data_format", "dilation_rate")
    layer = None  # class of Keras's convolution

    def __init__(
        self,
        filters,
        kernel_size,
        pieces=2,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        use_bias=True,
        kernel_initializer=None,
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        check_count(filters, "filters", 1)
        check_pieces(pieces)
        affine = self.layer(
            int(filters * pieces),
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
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
        super().__init__(affine, filters, pieces, **kwargs)
        self.filters = filters

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}
