"""The plain convolutional network."""

import keras

from recipes.models import blocks


def convnet(
    input_shape,
    num_outputs: int,
    *,
    widths=(32, 64),
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
    kernel_size: int = 3,
) -> keras.Model:
    """Convolutions, each with its normalization, activation and 2 x 2 max-pooling; dropout; one layer for the logits.

    Args:
        input_shape: Shape of one image, `(height, width, channels)`.
        num_outputs: Units of the last layer: one for each class; 1 for two classes or for one number.
        widths: Channels of each convolution. Each halves the image.
        activation: Of every convolution: a function of `keras.activations`, its name, or `"prelu"`, `"rrelu"` or
            `"maxout"`, the layers of `custom_layers`; or any element-wise function of tensors.
        negative_slope: Slope below 0 of `"leaky_relu"` (default: 0.2), or that `"prelu"` begins with (0.25).
        pieces: Maps of each unit of `"maxout"`.
        kernel_initializer: Of every convolution: a Keras initializer, or a name that `recipes.initialization.get`
            knows. Default: chosen from the activation, as `initializer_for` does.
        normalization: `"batch"` or `"layer"` normalization in front of each activation; behind Maxout, which
            has its own inside. `None` for none.
        dropout: Share of the features to drop in front of the last layer; as `AlphaDropout` for SELU.
        input_dropout: Share of the inputs to drop.
        noise: Standard deviation of normal noise on the inputs, in training.
        l1: Weight of the absolute kernel values in the loss.
        l2: Weight of the squared kernel values in the loss.
        max_norm: Largest norm of the weights of each unit of every convolution; of each piece, for Maxout.
        bias_start: What the biases of every convolution begin at; slightly positive, such as 0.1, keeps ReLUs alive.
        kernel_size: Side of the convolution kernels, in pixels; the image is padded, so that it keeps its size.

    Returns:
        An uncompiled model from `(batch, height, width, channels)` to logits `(batch, num_outputs)`.

    Raises:
        ValueError: For an argument that is not allowed, with the value received.
    """
    blocks.check(input_shape, widths, num_outputs)
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
    if len(input_shape) != 3:
        raise ValueError(f"convnet takes images (height, width, channels). Received: rows of shape {input_shape}")
    side = min(input_shape[:2])
    if not 1 <= kernel_size <= side:
        raise ValueError(f"`kernel_size` must fit the image of shape {input_shape}. Received: {kernel_size}")
    if side < 2 ** len(widths):
        raise ValueError(
            f"each of `widths` halves the image: one of shape {input_shape} takes at most {side.bit_length() - 1}. "
            f"Received: {widths}"
        )
    inputs = x = keras.Input(input_shape, name="inputs")
    x = hidden.disturb(x)
    for number, width in enumerate(widths, start=1):
        name = f"conv_{number}"
        x = keras.layers.MaxPooling2D(name=f"{name}_pool")(hidden.conv(x, width, kernel_size, name))
    x = hidden.drop(keras.layers.Flatten(name="flatten")(x), "flatten")
    return keras.Model(inputs, hidden.logits(x, num_outputs), name="convnet")
