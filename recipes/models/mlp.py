"""The multi-layer perceptron."""

from typing import Unpack

import keras

from recipes.models import blocks
from recipes.widths import resolve


@blocks.builder()
def mlp(
    input_shape,
    num_outputs: int,
    *,
    widths=(256, 128),
    max_parameters: int | None = None,
    embedded: tuple[int, ...] = (),
    **hidden: Unpack[blocks.HiddenArguments],
) -> keras.Model:
    """Dense layers, each with its normalization, activation and dropout; then one linear layer for the logits.

    Args:
        input_shape: Shape of one row; images are flattened.
        num_outputs: Units of the last layer: one for each class; 1 for two classes or for one number.
        widths: Units of each hidden layer, or a rule: `"500 x 100"` for a hundred layers of 500, `"256 / 2 x 4"` for
            256, 128, 64, 32. `()` is a linear model.
        max_parameters: The layers are made narrower, in the same proportions, until the model has no more.
        embedded: Numbers of codes of the last columns of a row, which hold categories of many kinds
            (`dataset.embedded`): each gets learned vectors.
        **hidden: As in `Hidden`.

    Returns:
        An uncompiled model from `(batch, *input_shape)` to logits `(batch, num_outputs)`.

    Raises:
        ValueError: For an argument that is not allowed, with the value received.
    """
    input_shape = blocks.check(input_shape, num_outputs)
    widths, hidden = resolve(widths), blocks.Hidden.of(hidden, "mlp")

    def build(widths):
        inputs = x = keras.Input(input_shape, name="inputs")
        if len(input_shape) > 1:
            x = keras.layers.Flatten(name="flatten")(x)
        x = hidden.embed(x, embedded)
        for number, width in enumerate(widths, start=1):
            name = f"dense_{number}"
            x = hidden.drop(hidden.dense(x, width, name), name)
        return keras.Model(inputs, hidden.logits(x, num_outputs), name="mlp")

    return blocks.shrink(widths, max_parameters, build)
