"""A model of several members, trained by the mean of their losses and evaluated by their average."""

import keras
from keras import ops

from custom_layers.member_average import MemberAverage, average


@keras.saving.register_keras_serializable(package="keras_recipes")
class MemberModel(keras.Model):
    """A functional model whose outputs are those of `MemberAverage`, or are computed of them element by element.

    In training it gives the outputs of each member, `(batch, members, outputs)`. Its loss is the mean of the members'
    losses, never the loss of their mean, so that members stay different (TabM, arXiv:2410.24210). Metrics see the
    average of the members. Otherwise it gives this average, `(batch, outputs)`, and its loss is that of the average.
    Losses and metrics are those of any model, given to `compile`; the loss must be a mean over rows, as all are by
    default.

    Args:
        inputs: Inputs of the model, as for `keras.Model`.
        outputs: Outputs of the model, as for `keras.Model`.
        name: Name of the model.
    """

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if _of_members(y_pred):
            # Each member is a row of its own, with the target and the weight of the row that all members got.
            members = y_pred.shape[1]
            y_pred = ops.reshape(y_pred, (-1, y_pred.shape[2]))
            y, sample_weight = (
                None if values is None else ops.repeat(values, members, axis=0) for values in (y, sample_weight)
            )
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if _of_members(y_pred):
            averages = [layer.averaging for layer in self.layers if isinstance(layer, MemberAverage)]
            # What a model around one of members computes are probabilities or values.
            y_pred = average(y_pred, averages[-1] if averages else "linear")
        return super().compute_metrics(x, y, y_pred, sample_weight)


def _of_members(y_pred) -> bool:
    return len(y_pred.shape) == 3
