"""Stop a run whose loss has blown up, instead of paying for the rest of it."""

import math

import keras


class StopOnDivergence(keras.callbacks.Callback):
    """Stop at the end of the first epoch whose loss is not finite.

    Attributes:
        stopped_epoch: Epoch of the stop, counted from 0; `None` if there was none.
    """

    def on_train_begin(self, logs=None):
        self.stopped_epoch = None

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(logs["loss"]):
            self.stopped_epoch = epoch
            self.model.stop_training = True
