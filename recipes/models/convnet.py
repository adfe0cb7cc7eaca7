"""The plain convolutional network."""

import keras

from recipes.arguments.numbers import is_count, require_whole
from recipes.arguments.widths import resolve
from recipes.models import blocks

DOWNSAMPLING = {
    "max": keras.layers.MaxPooling2D,
    "max_first": keras.layers.MaxPooling2D,
    "average": keras.layers.AveragePooling2D,
    "stride": None,
    "none": None,
}
STEM_KERNEL = 5  # side of the kernels of a stem, in pixels
POOLING = {
    "flatten": keras.layers.Flatten,
    "average": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
}


def convnet(
    input_shape,
    num_outputs: int,
    *,
    widths=(32, 64),
    kernel_size: int = 3,
    convolutions: int = 1,
    separable: bool = False,
    strided_stem: bool = False,
    downsampling: str = "max",
    pooling: str = "flatten",
    dense_widths=(),
    max_parameters: int | None = None,
    activation="relu",
    negative_slope: float | None = None,
    pieces: int = 2,
    kernel_initializer=None,
    normalization: str | None = None,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
    noise: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    max_norm: float | None = None,
    bias_start: float = 0.0,
    scheduled_dropout: bool = False,
) -> keras.Model:
    """Stages of convolutions, each with its normalization and activation; dense layers; one layer for the logits.

    Args:
        input_shape: Shape of one image, `(height, width, channels)`.
        num_outputs: Number of units of the last layer: one for each class; 1 for two classes or for one number.
        widths: Number of channels of each stage, or a rule, such as `"16 * 2 x 4"` for 16, 32, 64, 128. Default:
            `(32, 64)`.
        kernel_size: Side of the convolution kernels, in pixels; the image is padded, so that it keeps its size.
            Default: 3.
        convolutions: Number of convolutions in each stage. Default: 1.
        separable: Whether convolutions filter each channel by itself, then mix the channels pixel by pixel (Howard et
            al. 2017, arXiv:1704.04861): fewer weights and multiplications. The first layer, of few channels, stays a
            plain one. Default: `False`.
        strided_stem: Whether the first stage is one convolution of 5 x 5 pixels with stride 2, without normalization:
            most of the time of a small network goes into its first layers, where the image is largest. Default:
            `False`.
        downsampling: Operation by which each stage halves the image: `"max"` or `"average"` pooling of 2 x 2 pixels at
            its end, or the `"stride"` of its first convolution. `"max_first"` is `"max"` in front of the normalization
            and the activation of its last convolution, which then take a quarter of the time. `"none"`: no halving,
            so that any number of stages fits. Default: `"max"`.
        pooling: Operation that makes one row of an image in front of the last layer: `"flatten"`; or the `"average"` or
            `"max"` over the whole image, after which the last layer has one weight for each channel and class. Default:
            `"flatten"`.
        dense_widths: Number of units of each dense layer between the stages and the last layer. Default: none.
        max_parameters: Largest number of parameters: the stages are made narrower, in the same proportions, until the
            model has no more. Default: no bound.
        activation: Activation of every hidden layer: a function of `keras.activations`, its name, or `"prelu"`,
            `"rrelu"`, `"maxout"` or `"parametric_selu"`, `"parametric_mish"` and so on, the layers of `custom_layers`;
            or any element-wise function of tensors. Default: `"relu"`.
        negative_slope: Slope of `"leaky_relu"` below 0, or initial slope of `"prelu"`. Default: 0.2 and 0.25.
        pieces: Number of linear maps in each unit of `"maxout"`. Default: 2.
        kernel_initializer: Initializer of the kernels of the hidden layers: a Keras initializer, or a name that
            `recipes.initialization.get` knows. Default: chosen from the activation, as `initializer_for` does.
        normalization: Kind of the normalization in front of each activation, `"batch"` or `"layer"`; for Maxout, which
            has its activation inside the layer, behind it. Default: none.
        dropout: Fraction of the hidden units dropped in training; as `AlphaDropout` for SELU. Default: 0.
        input_dropout: Fraction of the inputs dropped in training. Default: 0.
        noise: Standard deviation of normal noise on the inputs in training. Default: 0.
        l1: Weight of the absolute kernel values in the loss. Default: 0.
        l2: Weight of the squared kernel values in the loss. Default: 0.
        max_norm: Largest norm of the weights of each unit of every hidden layer; of each piece, for Maxout. Default: no
            bound.
        bias_start: Initial value of the biases of every hidden layer; slightly positive, such as 0.1, keeps ReLUs
            alive. Default: 0.
        scheduled_dropout: Whether dropout is a `ScheduledDropout`, which a callback can lower in the course of the
            training. Default: `False`.

    Returns:
        An uncompiled model from `(batch, height, width, channels)` to logits `(batch, num_outputs)`.

    Raises:
        ValueError: For an argument that is not allowed, with the value received.
    """
    input_shape = blocks.check(input_shape, num_outputs)
    widths = resolve(widths)
    hidden = blocks.Hidden(
        activation=activation,
        negative_slope=negative_slope,
        pieces=pieces,
        kernel_initializer=kernel_initializer,
        normalization=normalization,
        dropout=dropout,
        input_dropout=input_dropout,
        noise=noise,
        l1=l1,
        l2=l2,
        max_norm=max_norm,
        bias_start=bias_start,
        scheduled_dropout=scheduled_dropout,
    )
    check_images("convnet", input_shape, kernel_size)
    downsampling = blocks.choose("downsampling", downsampling, DOWNSAMPLING)
    pooling = blocks.choose("pooling", pooling, POOLING)
    blocks.check_flag("separable", separable)
    blocks.check_flag("strided_stem", strided_stem)
    dense_widths = resolve(dense_widths, "dense_widths")
    require_whole("convolutions", convolutions, least=1)
    side = min(input_shape[:2])
    if downsampling != "none" and side < 2 ** len(widths):
        raise ValueError(
            f"each of `widths` halves the image: one of shape {input_shape} takes at most {side.bit_length() - 1} "
            f"(`convolutions` makes them deeper, and `downsampling` none halves nothing). Received: {widths}"
        )

    def build(widths):
        inputs = x = keras.Input(input_shape, name="inputs")
        x = hidden.disturb(x)
        for stage, width in enumerate(widths, start=1):
            if strided_stem and stage == 1:
                x = hidden.activation_of(hidden.affine_conv(x, width, STEM_KERNEL, "stem", strides=2), "stem")
                continue
            for number in range(1, convolutions + 1):
                name = f"conv_{stage}" if convolutions == 1 else f"conv_{stage}_{number}"
                strides = 2 if downsampling == "stride" and number == 1 else 1
                x = hidden.affine_conv(x, width, kernel_size, name, strides, separable and (stage, number) != (1, 1))
                if downsampling == "max_first" and number == convolutions:
                    x = pool(x, stage)
                x = hidden.activated(x, name)
            if downsampling in ("max", "average"):
                x = pool(x, stage)
        x = hidden.drop(POOLING[pooling](name="features")(x), "features")
        for number, units in enumerate(dense_widths, start=1):
            x = hidden.drop(hidden.dense(x, units, f"dense_{number}"), f"dense_{number}")
        return keras.Model(inputs, hidden.logits(x, num_outputs), name="convnet")

    def pool(x, stage):
        return DOWNSAMPLING[downsampling](2, name=f"conv_{stage}_pool")(x)

    return blocks.shrink(widths, max_parameters, build)


def check_images(builder: str, input_shape: tuple[int, ...], kernel_size: int) -> None:
    """Refuse rows that are not images, and kernels that are larger than the images."""
    if len(input_shape) != 3:
        raise ValueError(f"{builder} takes images (height, width, channels). Received: rows of shape {input_shape}")
    if not is_count(kernel_size) or kernel_size > min(input_shape[:2]):
        raise ValueError(f"`kernel_size` must fit the image of shape {input_shape}. Received: {kernel_size!r}")
