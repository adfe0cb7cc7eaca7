"""Metrics by which the epoch is chosen whose weights are kept, besides the loss."""

import keras
from keras import ops

from recipes.metrics.refined_log_loss import RefinedLogLoss

# Value of the history to watch, by the setting `fit.keep`; the lowest is the best.
MONITORS = {"best": "val_loss", "error": "val_error", "refined": "val_refined_loss"}


@keras.saving.register_keras_serializable(package="keras_recipes")
def wrong(y_true, y_pred):
    """Whether each row is decided wrongly, as 0 or 1, shape `(batch,)`.

    Args:
        y_true: Class numbers `(batch,)` or `(batch, 1)`, or shares of classes `(batch, classes)`.
        y_pred: Logits `(batch, classes)`, or of class 1 `(batch, 1)`.
    """
    if y_pred.shape[-1] == 1:
        decided = ops.reshape(y_pred, (-1,)) > 0
        is_first = ops.cast(ops.reshape(y_true, (-1,)), "float32") > 0.5
        return ops.cast(ops.not_equal(decided, is_first), "float32")
    is_shares = len(y_true.shape) == 2 and y_true.shape[-1] == y_pred.shape[-1]
    labels = ops.argmax(y_true, axis=-1) if is_shares else ops.reshape(y_true, (-1,))
    decided = ops.argmax(y_pred, axis=-1)
    return ops.cast(ops.not_equal(decided, ops.cast(labels, decided.dtype)), "float32")


def metrics_for(keep: str, task: str) -> list[keras.metrics.Metric]:
    """The metrics that the setting `fit.keep` needs: share of wrong rows, root mean squared error, or refined log loss.

    Raises:
        ValueError: For refined log loss of a regression.
    """
    if keep == "error" and task == "regression":
        return [keras.metrics.RootMeanSquaredError(name="error")]
    if keep == "error":
        return [keras.metrics.MeanMetricWrapper(wrong, name="error")]
    if keep == "refined" and task == "regression":
        raise ValueError("fit.keep: refined is for probabilities of classes, and the task is regression: use error")
    return [RefinedLogLoss()] if keep == "refined" else []
