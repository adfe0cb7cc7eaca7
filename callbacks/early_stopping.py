"""Keras's early stopping, with the best weights restored and no silent misspelling."""

import keras


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Stop when `monitor` no longer improves, and go back to the weights of the best epoch.

    It differs from Keras's in two ways: the best weights are restored unless told otherwise; and a `monitor` that does
    not exist is an error at the end of the first epoch, where Keras warns after every epoch and never stops. So `fit`
    must validate in every epoch (`validation_freq=1`, its default) if a val_ value is monitored.

    Args:
        monitor: Name of a value in the epoch's logs.
        patience: Epochs without improvement before training stops.
        restore_best_weights: Whether to go back to the best epoch at the end, early or not.
        **kwargs: Further arguments of `keras.callbacks.EarlyStopping`.

    Attributes:
        best_epoch: Epoch of the best value, counted from 0.
        stopped_epoch: Epoch of the stop, counted from 0; 0 if there was none.
    """

    def __init__(self, monitor="val_loss", patience=10, restore_best_weights=True, **kwargs):
        super().__init__(monitor, patience=patience, restore_best_weights=restore_best_weights, **kwargs)

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor not in logs:
            fix = " (`fit` without validation data gives no val_ values)" if "val_loss" not in logs else ""
            raise ValueError(f"`monitor` must be one of {', '.join(logs)}{fix}. Received: monitor={self.monitor!r}")
        super().on_epoch_end(epoch, logs)
