"""Focal cross-entropy, from logits.

Keras's two focal losses clip the probabilities, so that the gradient of a confident mistake, which the loss is meant
for, vanishes (with several outputs on every backend, with one output on JAX and PyTorch). With one output and a gamma
below 1, gradients become NaN once a row is classified with certainty.
"""

import keras
from keras import ops

from recipes.arguments.numbers import require_not_negative
from recipes.losses.labels import at_true_class, fit, refuse_unclear, true_class


@keras.saving.register_keras_serializable(package="keras_recipes")
class FocalCrossentropy(keras.losses.Loss):
    """(1 - p)^gamma (-log p), with the probability p of the true class: rows that are classified well count less.

    With p = sigmoid(m), this is exp(-gamma softplus(m)) softplus(-m), which stays finite, as does its gradient. For
    several outputs, m = s_y - log of the sum over j != y of exp(s_j); for one output s, m = s for class 1 and -s for
    class 0.

    Labels are integers, `(batch, ...)` or `(batch, ..., 1)`, or one-hot, `(batch, ..., classes)`; outputs are logits,
    `(batch, ..., classes)`, or `(batch, ..., 1)` of two classes. A label that names no class makes the loss NaN, also
    at masked positions.

    Args:
        gamma: Exponent by which rows that are classified well lose weight, at least 0; 0 gives the cross-entropy.
        reduction: Reduction of the losses over the batch, as for every Keras loss.
        name: Name of the loss.
        dtype: Dtype of the computation. Default: that of Keras, float32.

    Source: Lin et al. 2017, arXiv:1708.02002. Its alpha, a weight for each class, is the `class_weight` of `fit`.
    """

    from_logits = True

    def __init__(self, gamma=2.0, reduction="sum_over_batch_size", name="focal_crossentropy", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        require_not_negative("gamma", gamma)
        self.gamma = gamma

    def call(self, y_true, y_pred):
        margin = _margin_of_two(y_true, y_pred) if y_pred.shape[-1] == 1 else _margin(y_true, y_pred)
        return ops.exp(-self.gamma * ops.softplus(margin)) * ops.softplus(-margin)

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma, "dtype": self.dtype}


def _margin(y_true, y_pred):
    is_true = true_class(y_true, y_pred)
    rivals = ops.logsumexp(ops.where(is_true, -float("inf"), y_pred), axis=-1)
    return refuse_unclear(at_true_class(y_pred, is_true) - rivals, is_true)


def _margin_of_two(y_true, y_pred):
    logits = ops.squeeze(y_pred, axis=-1)
    is_column = len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1
    labels = ops.squeeze(y_true, axis=-1) if is_column else y_true
    if not fit(labels.shape, logits.shape):
        shapes = f"labels {tuple(y_true.shape)}, logits {tuple(y_pred.shape)}"
        raise ValueError(f"labels of one output must be 0 or 1, one for each logit. Received: {shapes}")
    known = ops.logical_or(ops.equal(labels, 0), ops.equal(labels, 1))
    return ops.where(known, (2 * labels - 1) * logits, float("nan"))
