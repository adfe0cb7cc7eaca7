"""The log loss that a classifier would have after temperature scaling, as a Keras metric."""

import keras
import numpy as np
from keras import ops

# Temperatures at which the log loss is summed, from 1/8 to 8: between two of them it is nearly a parabola.
_TEMPERATURES = 2.0 ** np.arange(-3.0, 3.125, 0.25)


@keras.saving.register_keras_serializable(package="keras_recipes")
class RefinedLogLoss(keras.metrics.Metric):
    """Log loss after the best temperature: what is left of it where confidence is corrected (refinement).

    Networks become overconfident before they stop getting better, so that plain log loss stops a training early. Berta
    et al. 2025 ("Refine, then calibrate", arXiv:2501.19195) choose the epoch by this loss, and apply the temperature
    afterwards. The log loss is summed at 25 temperatures from 1/8 to 8, and the minimum read off the parabola through
    the best one and its neighbours, in the logarithm of the temperature.

    Args:
        name: Name of the metric.
        dtype: Data type of the result. Default: float32.

    Targets: class numbers `(batch,)` or `(batch, 1)`, or shares of classes `(batch, classes)`. Outputs: logits `(batch,
    classes)`, or of class 1 against class 0 `(batch, 1)`.
    """

    def __init__(self, name="refined_loss", dtype=None):
        super().__init__(name=name, dtype=dtype or "float32")
        self._losses = self.add_variable((len(_TEMPERATURES),), "zeros", dtype="float32", name="losses")
        self._weight = self.add_variable((), "zeros", dtype="float32", name="weight")

    def update_state(self, y_true, y_pred, sample_weight=None):
        logits, targets = ops.cast(y_pred, "float32"), ops.convert_to_tensor(y_true)
        if logits.shape[-1] == 1:
            logits = ops.concatenate([ops.zeros_like(logits), logits], axis=-1)
        if len(targets.shape) == 2 and targets.shape[-1] == logits.shape[-1]:
            shares = ops.cast(targets, "float32")
        else:
            shares = ops.one_hot(ops.cast(ops.reshape(targets, (-1,)), "int32"), logits.shape[-1])
        inverse = ops.convert_to_tensor(1 / _TEMPERATURES, "float32")
        # The distances of all logits from that of the true class: their logsumexp is the log loss.
        distances = logits - ops.sum(shares * logits, axis=-1, keepdims=True)
        losses = ops.logsumexp(distances[:, None, :] * inverse[None, :, None], axis=-1)
        weights = ops.ones_like(losses[:, 0])
        if sample_weight is not None:
            weights = weights * ops.cast(ops.reshape(ops.convert_to_tensor(sample_weight), (-1,)), "float32")
        self._losses.assign_add(ops.sum(weights[:, None] * losses, axis=0))
        self._weight.assign_add(ops.sum(weights))

    def result(self):
        losses = self._losses / ops.maximum(self._weight, 1e-12)
        best = ops.clip(ops.argmin(losses), 1, len(_TEMPERATURES) - 2)
        left, middle, right = (ops.take(losses, best + step) for step in (-1, 0, 1))
        curvature = left - 2 * middle + right
        below = ops.square(right - left) / (8 * ops.maximum(curvature, 1e-12))
        least = ops.minimum(middle - below, ops.min(losses))
        # At the edge of the range, the parabola is no measure.
        is_inside = ops.logical_and(middle <= left, middle <= right)
        return ops.cast(ops.where(is_inside, least, ops.min(losses)), self.dtype)

    def reset_state(self):
        self._losses.assign(ops.zeros_like(self._losses))
        self._weight.assign(ops.zeros_like(self._weight))
