"""Softmax cross-entropy with label smoothing for integer labels: Keras smooths one-hot labels only."""

import keras
from keras import ops

from recipes.arguments.numbers import require_fraction
from recipes.losses.labels import at_true_class, refuse_unclear, true_class


@keras.saving.register_keras_serializable(package="keras_recipes")
class SparseCategoricalCrossentropy(keras.losses.Loss):
    """(1 - e) (-log p_y) + e mean over j of (-log p_j), with the true class y, p = softmax(s) and the smoothing e.

    It equals the cross-entropy with (1 - e) onehot + e / classes, without making that array. Scores of 1e4 stay finite.

    Labels are integers, `(batch, ...)` or `(batch, ..., 1)`, or one-hot, `(batch, ..., classes)`; outputs
    `(batch, ..., classes)`. A label that names no class makes the loss NaN, also at masked positions.

    Args:
        from_logits: Whether the outputs are the scores s, which is exact, or the probabilities p.
        label_smoothing: Share e of each label that is spread over all classes, at least 0 and less than 1.
        reduction: Reduction of the losses over the batch, as for every Keras loss.
        name: Name of the loss.
        dtype: Dtype of the computation. Default: that of Keras, float32.

    Source: Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """

    def __init__(
        self,
        from_logits=True,
        label_smoothing=0.0,
        reduction="sum_over_batch_size",
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        require_fraction("label_smoothing", label_smoothing)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        is_true = true_class(y_true, y_pred)
        if self.from_logits:
            log_p = ops.log_softmax(y_pred, axis=-1)
        else:
            shares = y_pred / ops.sum(y_pred, axis=-1, keepdims=True)
            log_p = ops.log(ops.maximum(shares, keras.config.epsilon()))
        smoothed = (1 - self.label_smoothing) * at_true_class(log_p, is_true)
        smoothed += self.label_smoothing * ops.mean(log_p, axis=-1)
        return refuse_unclear(-smoothed, is_true)

    def get_config(self):
        settings = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "dtype": self.dtype}
        return {**super().get_config(), **settings}
