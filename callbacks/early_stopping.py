"""Early stopping that restores the best weights, gives a reason for the stop, and refuses unknown names of values."""

import math
import numbers
import time

import keras

from callbacks.averaged_weights import AveragedWeights
from callbacks.watching.keras_private import choose_direction, is_improvement
from callbacks.watching.scalars import as_number

# Attributes that change during a training; the time of the last improvement is one more.
_PROGRESS = (
    *("best", "best_epoch", "best_weights", "wait", "stopped_epoch", "reason"),
    *("_steps", "_steps_before", "_last_batch"),
)


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Stop when `monitor` no longer improves, and go back to the weights of the best epoch.

    Differences from Keras's callback of this name: the best weights are restored by default; patience can be given in
    steps or seconds; NaN is never the best value; the callback reports which epoch was best and why it stopped; and an
    unknown `monitor` is an error at the end of the first epoch, where Keras warns after every epoch and never stops.
    Therefore `fit` must validate in every epoch (`validation_freq=1`, its default) if a validation value is monitored.

    Where the optimizer averages weights (`use_ema=True`), the averages are validated, restored, and shown to callbacks
    behind this one, as `AveragedWeights` does it; Keras's callback would overwrite the averages by weights that are not
    averaged. `keras.callbacks.SwapEMAWeights` must not be listed as well.

    Training stops at the end of the first epoch in which any of the given kinds of patience is used up. Patience counts
    from the end of the best epoch; before there is one, from the beginning of the training, or from the end of the last
    epoch before `start_from_epoch`.

    Args:
        monitor: Name of a value in the epoch's logs, which must be one number or an array of one. Default: "val_loss".
        patience: Number of epochs without improvement after which training stops, or `None` for no limit. Default: 10.
        restore_best_weights: Whether the model ends with the weights of the best epoch, stopped early or not.
        patience_steps: Number of batches without improvement after which training stops. Parts of an accumulated update
            and skipped steps count. Default: no limit.
        patience_seconds: Seconds without improvement after which training stops. Default: no limit.
        ties: Which of several epochs with the same best value has its weights restored, `"first"` or `"last"`; patience
            counts from the first one in any case. Default: `"first"`.
        **kwargs: Further arguments of `keras.callbacks.EarlyStopping`.

    Attributes:
        best: Best value of `monitor`; `None` if there was none.
        best_epoch: Epoch of the best value, counted from 0.
        stopped_epoch: Epoch of the stop, counted from 0; 0 if there was none.
        reason: Sentence that says why training stopped and counts epochs from 1; `None` if this callback did not stop
            it.
        kept: Sentence that says which weights were restored; `None` if none were. Both sentences are printed with
            `verbose=1`.

    Raises:
        ValueError: For a patience below 0, an unknown mode or unknown `ties`; and in `fit` for an unknown `monitor`.
    """

    def __init__(
        self,
        monitor="val_loss",
        patience=10,
        restore_best_weights=True,
        *,
        patience_steps=None,
        patience_seconds=None,
        ties="first",
        **kwargs,
    ):
        limits = {"patience": patience, "patience_steps": patience_steps, "patience_seconds": patience_seconds}
        for name, value in limits.items():
            # `not value >= 0` is true for NaN.
            if value is not None and (isinstance(value, bool) or not isinstance(value, numbers.Real) or not value >= 0):
                raise ValueError(f"`{name}` must be a number of at least 0, or None. Received: {value!r}")
        if kwargs.get("mode", "auto") not in ("auto", "min", "max"):
            raise ValueError(f"`mode` must be auto, min or max. Received: {kwargs['mode']!r}")
        super().__init__(monitor, patience=patience, restore_best_weights=restore_best_weights, **kwargs)
        if ties not in ("first", "last"):
            raise ValueError(f"`ties` must be first or last. Received: {ties!r}")
        self.ties = ties
        self.patience_steps = patience_steps
        self.patience_seconds = patience_seconds
        self.reason = self.kept = None
        self._averaging = AveragedWeights()

    def set_model(self, model):
        super().set_model(model)
        self._averaging.set_model(model)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._averaging.on_train_begin(logs)
        self.reason = self.kept = None
        self._steps = 0
        self._last_batch = None
        self._count_from_here()

    def on_epoch_begin(self, epoch, logs=None):
        self._averaging.on_epoch_begin(epoch, logs)
        self._last_batch = None

    # Steps are counted where they begin: a hook at the end of batches would make JAX wait for the result of every step.
    def on_train_batch_begin(self, batch, logs=None):
        self._last_batch = batch

    def on_test_begin(self, logs=None):
        self._averaging.on_test_begin(logs)

    def on_test_end(self, logs=None):
        self._averaging.on_test_end(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._averaging.on_epoch_end(epoch, logs)
        if self.monitor not in logs:
            fix = " (`fit` without validation data gives no val_ values)" if "val_loss" not in logs else ""
            raise ValueError(f"`monitor` must be one of {', '.join(logs)}{fix}. Received: monitor={self.monitor!r}")
        choose_direction(self)
        self._steps += self._steps_of_epoch()
        if epoch < self.start_from_epoch:
            self._count_from_here()
            return
        value = as_number(logs[self.monitor])
        if value is None:
            raise ValueError(
                f"`monitor` must be one number in each epoch (for a metric of each class, such as F1Score, set "
                f"average='macro'). Received: {self.monitor} with {logs[self.monitor]}"
            )
        self.wait += 1
        improved = not math.isnan(value) and is_improvement(self, value, self.best)
        if improved or (self.ties == "last" and value == self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
        if improved:
            if self._beats_baseline():
                self._count_from_here()
            return
        waited = {
            "epochs": self.wait,
            "steps": self._steps - self._steps_before,
            "seconds": time.monotonic() - self._time_before,
        }
        patience = {"epochs": self.patience, "steps": self.patience_steps, "seconds": self.patience_seconds}
        unit = used_up(waited, patience)
        if unit and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            self.reason = self._why(epoch, unit, waited[unit])

    def on_train_end(self, logs=None):
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
            self.kept = f"the weights of epoch {self.best_epoch + 1} are kept: {self.monitor} was best, {self.best:.4g}"
        self._averaging.on_train_end(logs)
        if self.verbose:
            print(*filter(None, (self.reason, self.kept)), sep="\n")

    def state(self) -> dict:
        """What a resumed training needs, between two steps or at the end of an epoch: plain values and arrays."""
        return {
            **{name: getattr(self, name) for name in _PROGRESS},
            # The time that passes until the training is resumed is no time without improvement.
            "seconds": time.monotonic() - self._time_before,
            "averaging": self._averaging.state(),
        }

    def restore(self, state: dict) -> None:
        """The reverse of `state`, once the training has begun anew."""
        for name in _PROGRESS:
            setattr(self, name, state[name])
        self._time_before = time.monotonic() - state["seconds"]
        self._averaging.restore(state["averaging"])

    def _steps_of_epoch(self):
        if self._last_batch is None:
            return 0
        # Keras calls the hook once for `steps_per_execution` batches, of which the last call may have fewer.
        seen = self._last_batch + self.model.steps_per_execution
        return min(seen, (self.params or {}).get("steps") or seen)

    def _count_from_here(self):
        self.wait = 0
        self._steps_before, self._time_before = self._steps, time.monotonic()

    def _beats_baseline(self):
        return self.baseline is None or is_improvement(self, self.best, self.baseline)

    def _why(self, epoch, unit, waited):
        if self.best is None:
            fault = "was not a number"
        elif self._beats_baseline():
            fault = f"has not improved on {self.best:.4g} of epoch {self.best_epoch + 1}"
        else:
            fault = f"has not improved on the baseline {self.baseline:.4g}"
        amount = f"{waited:.1f} seconds" if unit == "seconds" else f"{waited} {unit if waited != 1 else unit[:-1]}"
        return f"stopped in epoch {epoch + 1}: {self.monitor} {fault} for {amount}"


def used_up(waited: dict[str, float], patience: dict[str, float | None]) -> str | None:
    """The first unit, such as epochs, of which as much was `waited` as the `patience` allows; `None` if there is none.

    >>> used_up({"epochs": 3, "seconds": 65.0}, {"epochs": None, "seconds": 60.0})
    'seconds'
    """
    return next((unit for unit, limit in patience.items() if limit is not None and waited[unit] >= limit), None)
