"""The multi-layer perceptron."""

import keras

from recipes.arguments.widths import resolve
from recipes.models import blocks
from recipes.models.columns import embed_numbers, scale_columns
from recipes.models.members import check_members, finished, for_members


def mlp(
    input_shape,
    num_outputs: int,
    *,
    widths=(256, 128),
    max_parameters: int | None = None,
    embedded: tuple[int, ...] = (),
    number_embedding: str | None = None,
    numbers: int | None = None,
    bin_edges: list[list[float]] | None = None,
    feature_scale: bool = False,
    members: int | None = None,
    averaging: str | None = None,
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
    """Dense layers, each with its normalization, activation and dropout; then one linear layer for the logits.

    Args:
        input_shape: Shape of one row; images are flattened.
        num_outputs: Number of units of the last layer: one for each class; 1 for two classes or for one number.
        widths: Number of units of each hidden layer, or a rule: `"500 x 100"` for a hundred layers of 500,
            `"256 / 2 x 4"` for 256, 128, 64, 32. `()` is a linear model. Default: `(256, 128)`.
        max_parameters: Largest number of parameters: the layers are made narrower, in the same proportions, until the
            model has no more. Default: no bound.
        embedded: Number of codes in each of the last columns of a row, which hold categories of many kinds
            (`dataset.embedded`): their codes are replaced by learned vectors. Default: no such columns.
        number_embedding: Kind of the learned vectors in place of columns of numbers: `"periodic"` or `"piecewise"`, the
            layers `PeriodicEmbedding` and `PiecewiseLinearEmbedding`. Default: none, numbers stay as they are.
        numbers: Number of columns, from the first on, that hold numbers (`dataset.numbers`), for `number_embedding`.
            Default: all but those of `embedded`.
        bin_edges: Edges of the bins of each of these columns, for `"piecewise"`; those of training rows are
            `PiecewiseLinearEmbedding.quantile_edges(x)`.
        feature_scale: Whether each value in front of the first dense layer is multiplied by a learned scale, the layer
            `FeatureScale`. Default: `False`.
        members: Number of networks in one, at least 2, as in the mini version of TabM (arXiv:2410.24210): they share
            the hidden layers, and differ by random scales of their inputs, which are trained, and by their last layers.
            `fit` minimizes the mean of their losses; predictions are their average. Default: a single network.
        averaging: What is averaged over members: `"softmax"` for classes, `"sigmoid"` for two classes by one output or
            several labels, `"linear"` for numbers. Default: softmax, and sigmoid for one output.
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
        An uncompiled model from `(batch, *input_shape)` to logits `(batch, num_outputs)`.

    Raises:
        ValueError: For an argument that is not allowed, with the value received.
    """
    input_shape = blocks.check(input_shape, num_outputs)
    check_members(members, averaging)
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

    def build(widths):
        inputs = x = keras.Input(input_shape, name="inputs")
        if len(input_shape) > 1:
            x = keras.layers.Flatten(name="flatten")(x)
        x = hidden.embed(x, embedded)
        x = embed_numbers(x, number_embedding, numbers, bin_edges, input_shape, len(embedded))
        x = for_members(scale_columns(x, feature_scale), members, number_embedding is not None)
        for number, width in enumerate(widths, start=1):
            name = f"dense_{number}"
            x = hidden.drop(hidden.dense(x, width, name), name)
        return finished(inputs, x, num_outputs, hidden, members, averaging, name="mlp")

    return blocks.shrink(widths, max_parameters, build)
