"""The plain convolutional network."""

import keras

from recipes.arguments.numbers import is_count
from recipes.arguments.widths import resolve
from recipes.models import blocks

DOWNSAMPLING = {
    "max": keras.layers.MaxPooling2D,
    "average": keras.layers.AveragePooling2D,
    "stride": None,
    "none": None,
}
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
    downsampling: str = "max",
    pooling: str = "flatten",
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
) -> keras.Model:
    """Stages of convolutions, each with its normalization and activation; dropout; one layer for the logits.

    Args:
        input_shape: Shape of one image, `(height, width, channels)`.
        num_outputs: Units of the last layer: one for each class; 1 for two classes or for one number.
        widths: Channels of each stage, or a rule, such as `"16 * 2 x 4"` for 16, 32, 64, 128.
        kernel_size: Side of the convolution kernels, in pixels; the image is padded, so that it keeps its size.
        convolutions: Of each stage.
        separable: Filter each channel by itself, then mix them pixel by pixel (Howard et al. 2017, arXiv:1704.04861):
            fewer weights and multiplications. The first layer, of few channels, stays as it is.
        downsampling: How each stage halves the image: by `"max"` or `"average"` pooling of 2 x 2 pixels at its end, or
            by the `"stride"` of its first convolution. `"none"`: not at all, so that any number of stages fits.
        pooling: How the image becomes a row in front of the last layer: `"flatten"`; or the `"average"` or `"max"` over
            the whole image, after which the last layer has one weight for each channel and class.
        max_parameters: The stages are made narrower, in the same proportions, until the model has no more.
        activation: Activation of every hidden layer: a function of `keras.activations`, its name, or `"prelu"`,
            `"rrelu"` or `"maxout"`, the layers of `custom_layers`; or any element-wise function of tensors.
        negative_slope: Slope below 0 of `"leaky_relu"` (default: 0.2), or initial slope of `"prelu"` (0.25).
        pieces: Number of maps of each unit of `"maxout"`.
        kernel_initializer: Initializer of the kernels of the hidden layers: a Keras initializer, or a name that
            `recipes.initialization.get` knows. Default: chosen from the activation, as `initializer_for` does.
        normalization: `"batch"` or `"layer"` normalization in front of each activation; behind Maxout, which has its
            own inside. `None` for none.
        dropout: Share of the hidden units to drop; as `AlphaDropout` for SELU.
        input_dropout: Share of the inputs to drop.
        noise: Standard deviation of normal noise on the inputs, in training.
        l1: Weight of the absolute kernel values in the loss.
        l2: Weight of the squared kernel values in the loss.
        max_norm: Largest norm of the weights of each unit of every hidden layer; of each piece, for Maxout.
        bias_start: Initial value of the biases of every hidden layer; slightly positive, such as 0.1, keeps ReLUs
            alive.

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
    )
    check_images("convnet", input_shape, kernel_size)
    downsampling = blocks.choose("downsampling", downsampling, DOWNSAMPLING)
    pooling = blocks.choose("pooling", pooling, POOLING)
    blocks.check_flag("separable", separable)
    blocks.check_count("convolutions", convolutions)
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
            for number in range(1, convolutions + 1):
                name = f"conv_{stage}" if convolutions == 1 else f"conv_{stage}_{number}"
                strides = 2 if downsampling == "stride" and number == 1 else 1
                x = hidden.conv(x, width, kernel_size, name, strides, separable and (stage, number) != (1, 1))
            if layer := DOWNSAMPLING[downsampling]:
                x = layer(2, name=f"conv_{stage}_pool")(x)
        x = POOLING[pooling](name="features")(x)
        return keras.Model(inputs, hidden.logits(hidden.drop(x, "features"), num_outputs), name="convnet")

    return blocks.shrink(widths, max_parameters, build)


def check_images(builder: str, input_shape: tuple[int, ...], kernel_size: int) -> None:
    """Refuse rows that are no images, and kernels that do not fit them."""
    if len(input_shape) != 3:
        raise ValueError(f"{builder} takes images (height, width, channels). Received: rows of shape {input_shape}")
    if not is_count(kernel_size) or kernel_size > min(input_shape[:2]):
        raise ValueError(f"`kernel_size` must fit the image of shape {input_shape}. Received: {kernel_size!r}")
