"""The recurrent network, whose outputs do not depend on the number of padded steps behind a sequence."""

import keras

from custom_layers import ActivatedCell
from custom_layers.activated_cell import ACTIVATIONS as OWN_CELL
from recipes.arguments.numbers import is_count, require_finite
from recipes.arguments.widths import resolve
from recipes.models import blocks

CELLS = {"simple_rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def recurrent(
    input_shape,
    num_outputs: int,
    *,
    widths=(64,),
    cell: str = "lstm",
    bidirectional: bool = False,
    mask_value: float | None = None,
    activation="tanh",
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
    """Recurrent layers, each with normalization and dropout behind it; the last state goes to a layer for the logits.

    The recurrent kernels are initialized orthogonal (Saxe et al. 2014, arXiv:1312.6120), those of all gates as one
    matrix, and the bias of LSTM's forget gates to 1, so that they are open (Jozefowicz et al. 2015, PMLR 37).
    `cell="simple_rnn"` with `activation="relu"` is much like the IRNN (Le et al. 2015, arXiv:1504.00941).

    Args:
        input_shape: Shape of one sequence, `(steps, features)`. The model takes any number of steps, whatever number or
            `None` is given.
        num_outputs: Number of units of the last layer: one for each class; 1 for two classes or for one number.
        widths: Number of units of each recurrent layer, in each direction, or a rule, such as `"64 x 2"`. Default:
            `(64,)`.
        cell: Kind of the recurrent layers: `"lstm"` (Hochreiter & Schmidhuber 1997), `"gru"` (Cho et al. 2014,
            arXiv:1406.1078) or `"simple_rnn"`. `activation` is that of its state; gates are sigmoids. `"prelu"`,
            `"rrelu"` and `"maxout"` work with `"simple_rnn"` only. Default: `"lstm"`.
        bidirectional: Whether each sequence is also read backwards, by a layer of its own (Schuster & Paliwal 1997).
            Default: `False`.
        mask_value: Value of padding (`dataset.mask_value`): steps whose every feature equals it have no effect.
            Default: no padding.
        activation: Activation of every hidden layer: a function of `keras.activations`, its name, or `"prelu"`,
            `"rrelu"` or `"maxout"`, the layers of `custom_layers`; or any element-wise function of tensors. Default:
            `"tanh"`.
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
        An uncompiled model from `(batch, steps, features)` to logits `(batch, num_outputs)`. Layers are called
        `lstm_1`, `lstm_1_norm`, `lstm_1_dropout` and so on. `l1`, `l2` and `max_norm` apply to recurrent kernels, too.

    Raises:
        ValueError: For an argument that is not allowed, with the value received.
    """
    features = _features(input_shape)
    blocks.check((features,), num_outputs)
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
        raise ValueError("`widths` must name one layer at least. Received: ()")
    cell = blocks.choose("cell", cell, CELLS)
    blocks.check_flag("bidirectional", bidirectional)
    if mask_value is not None:
        require_finite("mask_value", mask_value)
    if hidden.name in OWN_CELL and cell != "simple_rnn":
        raise ValueError(f"{hidden.name} is an activation of the cell simple_rnn. Received: {hidden.name} with {cell}")
    if hidden.is_parametric:
        raise ValueError(f"the cells of recurrent have no parametric activations. Received: {hidden.name}")

    inputs = x = keras.Input((None, features), name="inputs")
    if mask_value is not None:
        # In front of all that changes values: behind it, padding could no longer be recognized.
        x = keras.layers.Masking(mask_value, name="mask")(x)
    x = hidden.disturb(x)
    for number, width in enumerate(widths, start=1):
        name = f"{cell}_{number}"
        layer = _layer(cell, width, hidden, name, return_sequences=number < len(widths))
        x = keras.layers.Bidirectional(layer, name=name)(x) if bidirectional else layer(x)
        x = hidden.drop(hidden.normalized(x, name), name)
    return keras.Model(inputs, hidden.logits(x, num_outputs), name="recurrent")


def _features(input_shape) -> int:
    if isinstance(input_shape, tuple | list) and len(input_shape) == 2:
        steps, features = input_shape
        if (steps is None or is_count(steps)) and is_count(features):
            return int(features)
    raise ValueError(f"recurrent takes sequences (steps, features), such as (50, 2). Received: {input_shape!r}")


def _layer(cell: str, width: int, hidden: blocks.Hidden, name: str, return_sequences: bool) -> keras.layers.Layer:
    arguments = hidden.weights(rank=0)
    arguments |= {"recurrent_regularizer": hidden.penalty(), "recurrent_constraint": hidden.constraint()}
    outer = {"return_sequences": return_sequences, "name": name}
    if hidden.name in OWN_CELL:
        if hidden.negative_slope is not None:
            arguments["negative_slope"] = hidden.negative_slope
        return keras.layers.RNN(ActivatedCell(width, hidden.name, pieces=hidden.pieces, **arguments), **outer)
    function = hidden.function()
    if hidden.name == "leaky_relu" and hidden.negative_slope is not None:
        function = keras.layers.LeakyReLU(hidden.negative_slope)
    if cell == "lstm":
        arguments["unit_forget_bias"] = True
    return CELLS[cell](width, activation=function, recurrent_initializer="orthogonal", **arguments, **outer)
