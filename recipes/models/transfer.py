"""Transfer learning: what a trained model has learnt to see, under a new head for another task."""

from pathlib import Path

import keras

from custom_layers import ImagePreparation, InferenceModel
from custom_layers.image_preparation import CONVERSIONS
from recipes.arguments.names import unknown
from recipes.arguments.widths import resolve
from recipes.models import applications, blocks
from recipes.models.saved import find, load_model
from recipes.models.serving import core_of

# The layer that is the body.
BODY = "body"
# By the number of axes between those of the batch and of the features.
_POOLING = {
    1: keras.layers.GlobalAveragePooling1D,
    2: keras.layers.GlobalAveragePooling2D,
    3: keras.layers.GlobalAveragePooling3D,
}


def transfer(
    model: keras.Model | str | Path,
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
) -> keras.Model:
    """The body of a trained model, frozen, and a new head for the logits (Yosinski et al. 2014, arXiv:1411.1792).

    The body is a copy, so that `model` stays as it is whatever becomes of the new one. It works in inference mode
    always, unfrozen too (`recipes.fine_tune`): nothing in it is dropped out, and batch normalization keeps the
    statistics it has, which a few new rows would spoil.

    Args:
        model: A functional or `Sequential` model, such as one of `keras.applications` (which wants pixels through its
            own preprocessing, not scaled rows: the builder of recipes sees to that); a run folder or a `.keras` file;
            or the name of a run folder in `saved_models`, here or of this package. Of what `recipes.train` has saved,
            the network inside is taken, without preparation and softmax: it takes prepared rows.
        num_outputs: Units of the last layer: one for each class; 1 for two classes or for one number.
        input_shape: Shape of one row of the new data. Images are brought to the size and colours that the body takes,
            bilinearly and antialiased; grey is repeated for three channels. Default: the shape that the body takes.
        layer: The last layer of the body, by name. Default: the one in front of the model's head, its last `Dense` (or
            convolution of a single pixel) with nothing trained behind it; without such a head, the model's last one.
        widths: Units of the hidden layers of the head, or a rule, as in `mlp`. Maps are averaged over all their pixels
            (or steps) before. Default: none, just the logits.
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
    )
    body = _body(_trained(model), layer)
    shape = tuple(body.inputs[0].shape[1:])
    input_shape = shape if input_shape is None else tuple(input_shape)
    bridge = _bridge(input_shape, shape)

    inputs = x = keras.Input(input_shape, dtype=body.inputs[0].dtype, name="inputs")
    x = hidden.disturb(x)
    x = body(bridge(x) if bridge else x)
    axes = len(x.shape) - 2
    if axes:
        x = _POOLING[axes](name="features")(x)
    # A weight is known by the names of its layer and its own: those of the head and of the body must differ.
    taken = {inner.name for inner in body._flatten_layers()}
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
    """`transfer` as a builder like the others: for rows of `input_shape`, with the names that the settings have.

    Args:
        input_shape: Shape of one prepared row.
        num_outputs: As in `transfer`.
        body: A run folder or `.keras` file, as in `transfer`, or the name of a network of `keras.applications`.
        body_layer: Name of the last layer of the body. Default: the one in front of its head.
        weights: Path of a file of weights of a network of `keras.applications`. Default: that of Keras's cache.
        pixels: As in `applications.network`.
        widths: As in `transfer`.
        **hidden: Further arguments of `transfer`.
    """
    check_body(body, weights)
    if is_application(body):
        body = applications.network(body, tuple(input_shape), weights, pixels)
        body_layer = body_layer or body.layers[-1].name
    return transfer(body, num_outputs, input_shape=input_shape, layer=body_layer, widths=widths, **hidden)


def check_body(body: str | None, weights: str | None = None) -> None:
    """Refuse settings of a body that is not there, before any work.

    Raises:
        ValueError: If no body is named, or weights for another one than a network of `keras.applications`.
        FileNotFoundError: If there is no such body, or there are no weights for it.
    """
    if body is None:
        raise ValueError(
            "model.body must name a run folder, a .keras file or a network of keras.applications, for the builder "
            "transfer. Received: None"
        )
    if is_application(body):
        applications.weights_file(body, weights)
    else:
        find(body)
        if weights is not None:
            raise ValueError(f"model.weights is for networks of keras.applications. Received: {weights!r} with {body}")


def is_application(body: str) -> bool:
    """Whether `body` is the name of a network of `keras.applications`, rather than of a run folder or file."""
    return body in applications.NETWORKS and not Path(body).exists()


def body_of(model: keras.Model) -> keras.Model:
    """The body of a model that `transfer` made.

    Raises:
        ValueError: If it is no such model.
    """
    layers = getattr(model, "layers", [])
    body = next((layer for layer in layers if layer.name == BODY and isinstance(layer, InferenceModel)), None)
    if body is None:
        raise ValueError(f"only a model of `recipes.transfer` has a body to fine-tune. Received: {model!r}")
    return body


def _trained(model) -> keras.Model:
    """The network to take the body of."""
    if isinstance(model, str | Path):
        model = load_model(find(model))
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a Keras model, a run folder or a .keras file. Received: {model!r}")
    model = core_of(model)
    inputs, outputs = (getattr(model, side, None) for side in ("inputs", "outputs"))
    if not inputs or not outputs:
        raise ValueError(
            f"a body can be taken of functional and Sequential models that are built, and {model.name} "
            f"({type(model).__name__}) is none: give the functional model that is in it"
        )
    if len(inputs) > 1 or len(outputs) > 1:
        raise ValueError(
            f"a head needs a body with one input and one output. Received: {model.name} with {len(inputs)} and "
            f"{len(outputs)}; keras.Model(inputs, outputs) of some of them has less"
        )
    return model


def _body(model: keras.Model, layer: str | None) -> InferenceModel:
    """A frozen copy of `model` up to its `layer`."""
    names = [own.name for own in model.layers if not isinstance(own, keras.layers.InputLayer)]
    if layer is not None and layer not in names:
        raise unknown(f"layer of {model.name}:", layer, names)
    copy = _copy(model)
    end = _features(copy) if layer is None else copy.get_layer(layer).output
    if not hasattr(end, "shape") or not 2 <= len(end.shape) <= 5 or end.shape[-1] is None:
        raise ValueError(f"`layer` must give rows or maps of features. Received: {layer or model.name}, giving {end}")
    body = InferenceModel(copy.inputs[0], end, name=BODY)
    if not body.weights:
        raise ValueError(f"{model.name} has no weights up to its layer {layer}: there is nothing to transfer")
    body.trainable = False
    return body


def _copy(model: keras.Model) -> keras.Model:
    networks = [inner for inner in model._flatten_layers() if isinstance(inner, keras.Model)]
    compiled = [network.compiled for network in networks]
    try:
        # What is compiled would be compiled again, with an optimizer and its slots.
        for network in networks:
            network.compiled = False
        copy = keras.models.clone_model(model, clone_function=_clone, recursive=True)
        copy.set_weights(model.get_weights())
    except Exception as error:  # whatever the user's own layers raise
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{model.name} cannot be copied, as its layers must have `get_config`: {reason}") from error
    finally:
        for network, state in zip(networks, compiled, strict=True):
            network.compiled = state
    return copy


def _clone(layer):
    return type(layer).from_config(layer.get_config())


def _features(model: keras.Model):
    """What goes into the head of `model`; what comes out of it, if it has none."""
    operations = getattr(model, "operations", model.layers)
    tensor = model.outputs[0]
    while True:
        maker = next(operation for operation in operations if operation.output is tensor)
        if _is_head(maker):
            return maker.input
        if getattr(maker, "weights", None) or isinstance(maker, keras.layers.InputLayer | keras.Model):
            return model.outputs[0]
        tensor = maker.input
        if not hasattr(tensor, "shape"):  # of several branches
            return model.outputs[0]


def _is_head(operation) -> bool:
    """Whether it weighs features: a dense layer, or its like on an image that was averaged to one pixel."""
    if isinstance(operation, keras.layers.Conv2D):
        return operation.kernel_size == (1, 1) and tuple(operation.input.shape[1:3]) == (1, 1)
    return isinstance(operation, keras.layers.Dense)


def _bridge(given: tuple, wanted: tuple) -> keras.layers.Layer | None:
    """The layer that makes rows of shape `given` fit a body that takes `wanted`; `None` where they do."""
    if None in given:
        raise ValueError(f"`input_shape` is needed, for the body takes rows of any shape {wanted}. Received: None")
    if len(given) == len(wanted):
        wanted = tuple(new if own is None else own for own, new in zip(wanted, given, strict=True))
        if wanted == given:
            return None
        if len(wanted) == 3 and given[2] == 4 and wanted[2] in (1, 3):
            raise ValueError(
                f"the body takes {wanted[2]} channels, and alpha cannot be told from others once rows are scaled: set "
                f"data.color to rgb or grey. Received: {given}"
            )
        if len(wanted) == 3 and (wanted[2] == given[2] or (given[2], wanted[2]) in CONVERSIONS):
            height, width, channels = wanted
            return ImagePreparation(height, width, [0.0] * channels, [1.0] * channels, name="resize")
    raise ValueError(f"the body takes rows of shape {wanted}, and these cannot be brought to it. Received: {given}")


def _free(name: str, taken: set[str]) -> str:
    return f"head_{name}" if name in taken else name
