"""Hinge losses of several classes, which Keras lacks.

Its `CategoricalHinge` takes the true class for a rival with a score of 0: with the true class 0 and the scores
(-3, -5, -6) it gives 4, although the true class leads by 2 and the loss of Crammer and Singer is 0.
"""

import keras
from keras import ops

from recipes.arguments.numbers import require_positive
from recipes.losses.labels import at_true_class, refuse_unclear, true_class


def weston_watkins_hinge(y_true, y_pred, margin=1.0):
    """Weston-Watkins hinge of each row: sum of max(0, margin + s_j - s_y) over the classes j other than the true y.

    Args:
        y_true: Integers, `(batch, ...)` or `(batch, ..., 1)`, or one-hot, `(batch, ..., classes)`.
        y_pred: Scores of either sign, `(batch, ..., classes)`.
        margin: Lead of the score of the true class from which on the loss is 0; more than 0.

    Returns:
        Tensor `(batch, ...)`; NaN where `y_true` names no class.

    Raises:
        ValueError: For shapes that do not fit, or a margin out of range.

    Source: Weston & Watkins 1999, "Support vector machines for multi-class pattern recognition", ESANN.

    >>> scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    >>> [round(float(loss), 2) for loss in weston_watkins_hinge([0, 1, 2], scores)]
    [2.9, 0.0, 12.9]
    """
    excess, is_true = _excess(y_true, y_pred, margin)
    return refuse_unclear(ops.sum(ops.relu(excess), axis=-1), is_true)


def crammer_singer_hinge(y_true, y_pred, margin=1.0):
    """Crammer-Singer hinge of each row: max(0, margin + max over j != y of s_j - s_y), with the true class y.

    Only the strongest rival counts. Arguments, result and errors are those of `weston_watkins_hinge`.

    Source: Crammer & Singer 2001, "On the algorithmic implementation of multiclass kernel-based vector machines",
    JMLR 2:265-292.

    >>> scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    >>> [round(float(loss), 2) for loss in crammer_singer_hinge([0, 1, 2], scores)]
    [2.9, 0.0, 6.6]
    """
    excess, is_true = _excess(y_true, y_pred, margin)
    return refuse_unclear(ops.max(ops.relu(excess), axis=-1), is_true)


def _excess(y_true, y_pred, margin):
    """margin + s_j - s_y for each rival j, 0 for the true class y; and a mask of the true class."""
    require_positive("margin", margin)
    y_pred = ops.convert_to_tensor(y_pred)
    is_true = true_class(y_true, y_pred)
    lead = ops.expand_dims(at_true_class(y_pred, is_true), -1) - y_pred
    return ops.where(is_true, 0.0, float(margin) - lead), is_true


class _MulticlassHinge(keras.losses.Loss):
    def __init__(self, margin=1.0, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        require_positive("margin", margin)
        self.margin = margin

    def get_config(self):
        return {**super().get_config(), "margin": self.margin, "dtype": self.dtype}


@keras.saving.register_keras_serializable(package="keras_recipes")
class WestonWatkinsHinge(_MulticlassHinge):
    """Sum of max(0, margin + s_j - s_y) over the classes j other than the true one, y (Weston & Watkins 1999).

    Labels are integers, `(batch, ...)` or `(batch, ..., 1)`, or one-hot, `(batch, ..., classes)`; scores, of either
    sign, `(batch, ..., classes)`. A label that names no class makes the loss NaN, also at masked positions.

    Args:
        margin: Lead of the score of the true class from which on the loss is 0; more than 0.
        reduction: Reduction of the losses over the batch, as for every Keras loss.
        name: Name of the loss.
        dtype: Dtype of the computation. Default: that of Keras, float32.
    """

    def __init__(self, margin=1.0, reduction="sum_over_batch_size", name="weston_watkins_hinge", dtype=None):
        super().__init__(margin, reduction, name, dtype)

    def call(self, y_true, y_pred):
        return weston_watkins_hinge(y_true, y_pred, self.margin)


@keras.saving.register_keras_serializable(package="keras_recipes")
class CrammerSingerHinge(_MulticlassHinge):
    """max(0, margin + max over j != y of s_j - s_y), with the true class y (Crammer & Singer 2001).

    Labels, scores and arguments are those of `WestonWatkinsHinge`.
    """

    def __init__(self, margin=1.0, reduction="sum_over_batch_size", name="crammer_singer_hinge", dtype=None):
        super().__init__(margin, reduction, name, dtype)

    def call(self, y_true, y_pred):
        return crammer_singer_hinge(y_true, y_pred, self.margin)
