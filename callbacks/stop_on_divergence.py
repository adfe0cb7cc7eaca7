"""Stop a run whose loss has blown up, instead of paying for the rest of it."""

import math

import keras


class StopOnDivergence(keras.callbacks.Callback):
    """Stop at the end of the first epoch whose loss, on training or validation rows, is not finite.

    Attributes:
        stopped_epoch: Epoch of the stop, counted from 0; `None` if there was none.
        reason: Name of the loss that was not finite; `None` if there was none.
    """

    def on_train_begin(self, logs=None):
        self.stopped_epoch = self.reason = None

    def on_epoch_end(self, epoch, logs=None):
        self.reason = first_not_finite({name: logs[name] for name in ("loss", "val_loss") if name in logs})
        if self.reason:
            self.stopped_epoch = epoch
            self.model.stop_training = True


def first_not_finite(losses: dict[str, float]) -> str | None:
    """Name of the first of `losses` that is not finite; `None` if all are."""
    return next((name for name, loss in losses.items() if not math.isfinite(loss)), None)
