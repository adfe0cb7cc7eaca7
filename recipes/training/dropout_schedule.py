"""The callback that lowers the dropout of a training by its schedule."""

import math

import keras

from custom_layers import ScheduledDropout
from recipes.keras_internals.private import all_layers


class DropoutSchedule(keras.callbacks.Callback):
    """Sets the share of each `ScheduledDropout` of the model at the beginning of an epoch, by `flat_cosine`.

    Args:
        epochs: Planned number of epochs.
    """

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        share = flat_cosine(epoch / self.epochs)
        for layer in all_layers(self.model):
            if isinstance(layer, ScheduledDropout):
                layer.share.assign(share)


def flat_cosine(progress: float) -> float:
    """1 in the first half of a training, then half a cosine to 0 at its end.

    Args:
        progress: Share of the training that is done.

    >>> [round(flat_cosine(progress), 2) for progress in (0, 0.5, 0.75, 1)]
    [1.0, 1.0, 0.5, 0.0]
    """
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, max(0.0, 2 * progress - 1)))
