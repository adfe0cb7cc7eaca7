"""Transfer learning: the features of a trained model, under a new head for another task."""

import os

import keras

from custom_layers import ImagePreparation
from custom_layers.image_preparation import CONVERSIONS
from recipes.arguments.widths import resolve
from recipes.keras_internals.private import all_layers
from recipes.models import applications, blocks
from recipes.models.body import check_body, is_application, new_body

# Number of axes between those of the batch and of the features -> layer that averages over them.
_POOLING = {
    1: keras.layers.GlobalAveragePooling1D,
    2: keras.layers.GlobalAveragePooling2D,
    3: keras.layers.GlobalAveragePooling3D,
}


def transfer(
    model: keras.Model | str | os.PathLike,
    num_outputs: int,
    *,
    input_shape=None,
    layer: str | None = None,
    widths=(),
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
    """The body of a trained model, frozen, and a new head for the logits (Yosinski et al. 2014, arXiv:1411.1792).

    The body is a copy, so that training the new model leaves `model` as it is. It always runs in inference mode, also
    when it is unfrozen (`recipes.fine_tune`): nothing in it is dropped out, and batch normalization keeps its
    statistics, which a few new rows would spoil.

    Args:
        model: A functional or `Sequential` model, such as one of `keras.applications` (which expects pixels that went
            through its own preprocessing, not scaled rows: a recipe with the builder `transfer` adds it); a run folder
            or a `.keras` file, by its path or as a `Run` or `Stored`; or the name of a run folder in `saved_models`,
            here or of this package. Of what `recipes.train` has saved, the network inside is taken, without preparation
            and softmax: it takes prepared rows.
        num_outputs: Number of units of the last layer: one for each class; 1 for two classes or for one number.
        input_shape: Shape of one row of the new data. Images are resized to the size that the body takes, bilinearly
            and antialiased, and converted to its colours; grey is repeated for three channels. Default: the shape that
            the body takes.
        layer: Name of the last layer of the body. Default: the one in front of the model's head, its last `Dense` (or
            convolution of a single pixel) with nothing trained behind it; without such a head, the model's last layer.
        widths: Number of units of each hidden layer of the head, or a rule, as in `mlp`. Maps are averaged over all
            their pixels (or steps) in front of it. Default: `()`, just the logits.
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
        An uncompiled model from `(batch, *input_shape)` to logits `(batch, num_outputs)`, whose layer `body` is the
        frozen model.

    Raises:
        ValueError: For a model without a graph of layers, or with several inputs or outputs; for an unknown layer; and
            for a shape of rows that the body cannot take.
        FileNotFoundError: If there is no such run folder or file.
    """
    blocks.check((1,) if input_shape is None else input_shape, num_outputs)
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
    body = new_body(model, layer)
    shape = tuple(body.inputs[0].shape[1:])
    input_shape = shape if input_shape is None else tuple(input_shape)
    bridge = _bridge(input_shape, shape)

    inputs = x = keras.Input(input_shape, dtype=body.inputs[0].dtype, name="inputs")
    x = hidden.disturb(x)
    x = body(bridge(x) if bridge else x)
    axes = len(x.shape) - 2
    if axes:
        x = _POOLING[axes](name="features")(x)
    # Weights are identified by their own name and that of their layer: layers of head and body must differ in name.
    taken = {inner.name for inner in all_layers(body)}
    for number, width in enumerate(widths, start=1):
        name = _free(f"dense_{number}", taken)
        x = hidden.drop(hidden.dense(x, width, name), name)
    x = x if widths else hidden.drop(x, "features")
    return keras.Model(inputs, hidden.logits(x, num_outputs, _free("logits", taken)), name="transfer")


def from_settings(
    input_shape,
    num_outputs: int,
    *,
    body: str | None = None,
    body_layer: str | None = None,
    weights: str | None = None,
    pixels: tuple | None = None,
    widths=(),
    **hidden,
) -> keras.Model:
    """`transfer` as a builder like the others: for rows of `input_shape`, with the names of the settings.

    Args:
        input_shape: Shape of one prepared row.
        num_outputs: Number of units of the last layer.
        body: A run folder or `.keras` file, as `model` of `transfer`, or the name of a network of `keras.applications`.
        body_layer: Name of the last layer of the body. Default: the one in front of its head.
        weights: Path of a file of weights of a network of `keras.applications`. Default: the one in Keras's cache.
        pixels: Mean and standard deviation of the pixels, as in `applications.network`.
        widths: Number of units of each hidden layer of the head, or a rule. Default: `()`, just the logits.
        **hidden: Further arguments of `transfer`.
    """
    check_body(body, weights)
    if is_application(body):
        body = applications.network(body, tuple(input_shape), weights, pixels)
        body_layer = body_layer or body.layers[-1].name
    return transfer(body, num_outputs, input_shape=input_shape, layer=body_layer, widths=widths, **hidden)


def _bridge(given: tuple, wanted: tuple) -> keras.layers.Layer | None:
    """The layer that converts rows of shape `given` to those that a body takes, `wanted`; `None` if they are alike."""
    if None in given:
        raise ValueError(f"`input_shape` is needed, for the body takes rows of any shape {wanted}. Received: None")
    if len(given) == len(wanted):
        wanted = tuple(new if own is None else own for own, new in zip(wanted, given, strict=True))
        if wanted == given:
            return None
        if len(wanted) == 3 and given[2] == 4 and wanted[2] in (1, 3):
            raise ValueError(
                f"the body takes {wanted[2]} channels, and alpha cannot be told apart once rows are scaled: set "
                f"data.color to rgb or grey. Received: {given}"
            )
        if len(wanted) == 3 and (wanted[2] == given[2] or (given[2], wanted[2]) in CONVERSIONS):
            height, width, channels = wanted
            return ImagePreparation(height, width, [0.0] * channels, [1.0] * channels, name="resize")
    raise ValueError(f"the body takes rows of shape {wanted}, and these cannot be converted to it. Received: {given}")


def _free(name: str, taken: set[str]) -> str:
    return f"head_{name}" if name in taken else name
