"""The residual network: blocks that are initialized to the identity, so that hundreds of them train."""

import dataclasses

import keras

from recipes.arguments.numbers import require_whole
from recipes.arguments.widths import resolve
from recipes.models import blocks
from recipes.models.convnet import POOLING, check_images


def residual(
    input_shape,
    num_outputs: int,
    *,
    widths=(64,),
    depth: int = 3,
    kernel_size: int = 3,
    pooling: str = "average",
    embedded: tuple[int, ...] = (),
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
    """A residual network (He et al. 2016, arXiv:1603.05027): of dense layers for rows, of convolutions for images.

    Every block adds to its input the output of a branch of two layers. Normalization and activation stand in front of
    each of the two (pre-activation), dropout between them, and the second is initialized to zero: a new block is the
    identity, whatever the depth (arXiv:1901.09321 for networks without normalization, arXiv:1706.02677).

    Args:
        input_shape: Shape of one row, `(columns,)`, or of one image, `(height, width, channels)`.
        num_outputs: Number of units of the last layer: one for each class; 1 for two classes or for one number.
        widths: Number of units or channels of each stage, or a rule, such as `"16 * 2 x 3"` for 16, 32, 64. Each stage
            of convolutions but the first halves the image. Default: `(64,)`.
        depth: Number of blocks in each stage. Default: 3.
        kernel_size: Side of the convolution kernels, in pixels. Default: 3.
        pooling: Operation that makes one row of an image in front of the last layer: the `"average"` or `"max"` over
            the whole image, or `"flatten"`. Default: `"average"`.
        embedded: Number of codes in each of the last columns of a row, which hold categories of many kinds
            (`dataset.embedded`): their codes are replaced by learned vectors. Default: no such columns.
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
        An uncompiled model from `(batch, *input_shape)` to logits `(batch, num_outputs)`. Layers are called
        `stage_1_block_2_first` and so on.

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
    if not widths:
        raise ValueError("`widths` must name one stage at least. Received: ()")
    require_whole("depth", depth, least=1)
    images = len(input_shape) == 3
    if len(input_shape) == 2 or len(input_shape) > 3:
        raise ValueError(f"residual takes rows of numbers, or images. Received: rows of shape {input_shape}")
    pooling = blocks.choose("pooling", pooling, POOLING)
    if images:
        check_images("residual", input_shape, kernel_size)
        side = min(input_shape[:2])
        if side < 2 ** (len(widths) - 1):
            raise ValueError(
                f"each of `widths` but the first halves the image: one of shape {input_shape} takes at most "
                f"{side.bit_length()}. Received: {widths}"
            )
    # The stem, the shortcuts and the end of a branch have no activation behind them.
    linear = dataclasses.replace(hidden, activation="linear", negative_slope=None, bias_start=0.0)
    last = dataclasses.replace(linear, kernel_initializer="zeros")

    def layer(kind, x, width, name, strides=1, size=kernel_size):
        return kind.affine_conv(x, width, size, name, strides) if images else kind.affine_dense(x, width, name)

    inputs = x = keras.Input(input_shape, name="inputs")
    x = layer(linear, hidden.embed(x, embedded), widths[0], "stem")
    for stage, width in enumerate(widths, start=1):
        for number in range(1, depth + 1):
            name = f"stage_{stage}_block_{number}"
            changes = stage > 1 and number == 1
            strides = 2 if changes and images else 1
            shortcut = layer(linear, x, width, f"{name}_shortcut", strides, 1) if changes else x
            branch = layer(hidden, hidden.activated(x, f"{name}_in"), width, f"{name}_first", strides)
            branch = hidden.drop(hidden.activated(branch, f"{name}_first"), name)
            branch = layer(last, branch, width, f"{name}_last")
            x = keras.layers.Add(name=name)([shortcut, branch])
    x = hidden.activated(x, "last")
    x = POOLING[pooling](name="features")(x) if images else x
    return keras.Model(inputs, hidden.logits(hidden.drop(x, "features"), num_outputs), name="residual")
