"""One prediction of several members: the average of their probabilities, or of their numbers."""

import math

import keras
from keras import ops

AVERAGING = ("softmax", "sigmoid", "linear")


@keras.saving.register_keras_serializable(package="keras_recipes")
class MemberAverage(keras.layers.Layer):
    """Average members at prediction; in training, pass their outputs on, so that each has a loss of its own.

    Inputs and outputs are logits, and what is averaged are the probabilities that they stand for: the softmax of the
    outputs is the mean of the softmax of the members' outputs.

    Args:
        averaging: Activation whose values are averaged: `"softmax"` for classes that exclude each other, `"sigmoid"`
            for two classes by a single output or several labels, `"linear"` for numbers.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments: `training`: Whether members are passed on. Input shape: `(batch, members, outputs)`. Output shape:
    `(batch, outputs)`; in training that of the input.

    Raises:
        ValueError: For an unknown `averaging`.
    """

    def __init__(self, averaging, **kwargs):
        super().__init__(**kwargs)
        if averaging not in AVERAGING:
            raise ValueError(f"`averaging` must be softmax, sigmoid or linear. Received: {averaging!r}")
        self.averaging = averaging

    def build(self, input_shape):
        if len(input_shape) != 3 or input_shape[1] is None:
            raise ValueError(f"expected inputs (batch, members, outputs). Received: shape {tuple(input_shape)}")

    def call(self, inputs, training=False):
        return inputs if training else average(inputs, self.averaging)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])

    def get_config(self):
        return {**super().get_config(), "averaging": self.averaging}


def average(outputs, averaging: str):
    """The average of members' `outputs` `(batch, members, outputs)`, as logits where they are averaged as such."""
    if averaging == "linear":
        return ops.mean(outputs, axis=1)
    # In logarithms, in which probabilities near 0 and 1 keep their digits.
    if averaging == "softmax":
        return _log_mean_exp(ops.log_softmax(outputs, axis=-1))
    return _log_mean_exp(ops.log_sigmoid(outputs)) - _log_mean_exp(ops.log_sigmoid(-outputs))


def _log_mean_exp(values):
    return ops.logsumexp(values, axis=1) - math.log(values.shape[1])
