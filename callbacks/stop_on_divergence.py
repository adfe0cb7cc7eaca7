"""Stop a training whose loss has diverged, instead of paying for the rest of it, or set it back and lower the rate."""

import copy
import math
import numbers

import keras
import numpy as np
from keras import ops

from callbacks.averaged_weights import averages
from callbacks.scaled_schedule import ScaledSchedule
from callbacks.watching.compiled_step import compile_again
from callbacks.watching.keras_private import iterations_of, learning_rate_setting_of
from callbacks.watching.optimizer_hook import unwatched_variables
from callbacks.watching.scalars import as_number
from callbacks.watching.wrapped_optimizers import innermost_optimizers

# Attributes of plain values that change during a training.
_PROGRESS = ("stopped_epoch", "reason", "restarts", "_best", "_first", "_to_save", "_to_restore", "_not_finite")


class StopOnDivergence(keras.callbacks.Callback):
    """Stop when the loss is not finite, or far above its best; with `max_restarts`, first go back and try lower rates.

    A training loss that is not finite stops the training at once. Other signs of divergence are looked for, and
    restarts made, at the end of an epoch.

    A restart sets the weights and the states of layers and optimizer back to the end of the last good epoch, or to the
    time before the first step, and multiplies the learning rate by `rate_factor`. The diverged epoch counts as one of
    the epochs of `fit`. A learning-rate schedule is scaled, but not set back, so that it still ends with the training.
    After the last restart, or where no epoch is left for one, training ends with the last good weights. Callbacks that
    set the rate in every epoch, such as `LearningRateScheduler`, have to lower it themselves.

    A model that is built only by its first step (on TensorFlow, a subclassed one) can be set back to good epochs only.

    Args:
        factor: Largest allowed ratio of `loss` and `val_loss` to their best epoch so far; in the first epoch, of `loss`
            to its first value. More than 1, and only for losses that are positive. It should be generous: losses near 0
            vary by large factors, and `val_loss` grows with overfitting. Default: no limit.
        max_restarts: Number of restarts, at least 0. Above 0, one copy of all variables is kept in the main memory.
            Default: 0.
        rate_factor: Factor of the learning rate at each restart, between 0 and 1. Default: 0.1.
        verbose: 1 to print each restart and the stop. Default: 0.

    Attributes:
        stopped_epoch: Epoch of the stop, counted from 0; `None` if there was none.
        reason: Reason for the stop, which counts epochs from 1: "loss was not finite in epoch 3"; `None` if there was
            no stop.
        restarts: Epochs that diverged and were followed by a restart, counted from 0.

    Raises:
        ValueError: For values out of range; and in `fit`, if a model without an optimizer should be restarted.
    """

    # Without it, a callback with a hook at the end of batches makes JAX wait for the result of every step.
    async_safe = True

    def __init__(self, factor=None, max_restarts=0, rate_factor=0.1, verbose=0):
        super().__init__()
        if factor is not None and (not isinstance(factor, numbers.Real) or not 1 < factor < math.inf):
            raise ValueError(f"`factor` must be more than 1 and finite. Received: {factor!r}")
        if isinstance(max_restarts, bool) or not isinstance(max_restarts, numbers.Integral) or max_restarts < 0:
            raise ValueError(f"`max_restarts` must be a whole number of at least 0. Received: {max_restarts!r}")
        if not isinstance(rate_factor, numbers.Real) or not 0 < rate_factor < 1:
            raise ValueError(f"`rate_factor` must be more than 0 and less than 1. Received: {rate_factor!r}")
        self.factor = factor
        self.max_restarts = max_restarts
        self.rate_factor = rate_factor
        self.verbose = verbose
        self.stopped_epoch = self.reason = None
        self.restarts = []

    def on_train_begin(self, logs=None):
        if self.max_restarts and not innermost_optimizers(self.model.optimizer):
            raise ValueError(
                f"`max_restarts` needs a model that is compiled with an optimizer. Received: {self.max_restarts}"
            )
        # For the end of batches, where `self.model` must not be used: on JAX it copies the state of the training into
        # the model, and at that time the next step is using that state already.
        self._trained = self.model
        self.stopped_epoch = self.reason = None
        self.restarts = []
        self._best = {}
        self._first = (math.inf, math.inf)
        self._saved = None
        self._to_save = self.max_restarts > 0
        self._to_restore = self._not_finite = False
        self._steps_back = []

    def on_epoch_begin(self, epoch, logs=None):
        self._not_finite = False

    def on_train_batch_begin(self, batch, logs=None):
        # Before the first batch rather than at the end of an epoch, when another callback may have put averages into
        # the place of the weights.
        if self._to_restore:
            self._to_restore = False
            self._set_back()
        if self._to_save:
            self._to_save = False
            self._save()

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if not isinstance(loss, float):
            return
        # The loss of the lowest batch number, because on JAX the ends of batches may be reported out of order.
        self._first = min(self._first, (batch, loss), key=lambda pair: pair[0])
        if not math.isfinite(loss):
            self._not_finite = True
            # Before a restart the epoch is finished, because Keras cannot leave an epoch of a `PyDataset` early and
            # begin another one.
            if not self._can_go_back():
                self._trained.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        losses = {name: as_number(logs.get(name)) for name in ("loss", "val_loss")}
        losses = {name: loss for name, loss in losses.items() if loss is not None}
        if self._not_finite:
            losses["loss"] = math.nan
        fault = divergence(losses, self._best or {"loss": self._first[1]}, self.factor)
        if fault is None:
            self._best = {name: min(loss, self._best.get(name, math.inf)) for name, loss in losses.items()}
            self._to_save = self.max_restarts > 0
            return
        fault = f"{fault} in epoch {epoch + 1}"
        # In the last epoch, going back is worthwhile only if there are weights of a good epoch.
        if self._can_go_back() and (self._best or epoch + 1 < self.params["epochs"]):
            self.restarts.append(epoch)
            self._lower_rate()
            self._to_restore = True
        else:
            self.stopped_epoch, self.reason = epoch, fault
            self.model.stop_training = True
        if self._saved:
            self._set_back()
        if self.verbose:
            print(f"training diverged: {fault}" + ("" if self.reason else "; back to the last good weights"))

    def on_train_end(self, logs=None):
        self._saved = None

    def state(self) -> dict:
        """What a resumed training needs, between two steps or at the end of an epoch: plain values and arrays."""
        return {
            **{name: copy.copy(getattr(self, name)) for name in _PROGRESS},
            "saved": self._saved and [value for _, value in self._saved],
            "steps_back": [list(steps) for steps in self._steps_back],
        }

    def restore(self, state: dict) -> None:
        """The reverse of `state`, once the training has begun anew, at the original rate if that is no variable."""
        for name in _PROGRESS:
            setattr(self, name, copy.copy(state[name]))
        self._first = tuple(self._first)
        if state["saved"] is not None:
            self._saved = list(zip(self._variables(), state["saved"], strict=True))
        for steps_back in state["steps_back"]:
            self._lower_schedules(steps_back)

    def _can_go_back(self):
        return self._saved is not None and len(self.restarts) < self.max_restarts

    def _save(self):
        model, optimizer = self.model, self.model.optimizer
        if not model.built:
            return
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        variables = self._variables()
        values = {id(variable): np.array(ops.convert_to_numpy(variable)) for variable in variables}
        if not any(int(ops.convert_to_numpy(iterations_of(inner))) for inner in innermost_optimizers(optimizer)):
            # Averages are zero until the first step, and Keras ends `fit` by assigning them to the weights: a training
            # that is set back to before that step must end with the initial weights.
            values |= {id(average): values[id(weight)] for weight, average in averages(model)}
        saved = [(variable, values[id(variable)]) for variable in variables]
        # The loss of a step is calculated before its update: the last update of an epoch with a finite loss may still
        # have made weights that are not finite.
        if all(np.isfinite(value).all() for _, value in saved[: len(model.variables)] if value.dtype.kind == "f"):
            self._saved = saved

    def _variables(self):
        """The variables that are set back: all but those of this package's callbacks, and the learning rate."""
        optimizer = self.model.optimizer
        rates = {id(learning_rate_setting_of(inner)) for inner in innermost_optimizers(optimizer)}
        own = (*self.model.variables, *unwatched_variables(optimizer))
        return [variable for variable in own if id(variable) not in rates]

    def _set_back(self):
        for variable, value in self._saved:
            variable.assign(value)

    def _lower_rate(self):
        saved = {id(variable): value for variable, value in self._saved}
        steps_back = []
        for optimizer in innermost_optimizers(self.model.optimizer):
            rate, count = learning_rate_setting_of(optimizer), iterations_of(optimizer)
            if isinstance(rate, keras.Variable):
                rate.assign(rate * self.rate_factor)
            steps = int(ops.convert_to_numpy(count))
            steps_back.append(steps - int(saved.get(id(count), steps)))
        self._lower_schedules(steps_back)

    def _lower_schedules(self, steps_back):
        """Lower the rates that are no variables, of optimizers whose counts were set back by `steps_back` steps."""
        self._steps_back.append(steps_back)
        is_compiled_in = False
        for optimizer, steps in zip(innermost_optimizers(self.model.optimizer), steps_back, strict=True):
            rate = learning_rate_setting_of(optimizer)
            if not isinstance(rate, keras.Variable):
                optimizer.learning_rate = lowered(rate, self.rate_factor, steps)
                is_compiled_in = True
        if is_compiled_in:
            compile_again(self.model)


def divergence(losses: dict[str, float], best: dict[str, float], factor: float | None) -> str | None:
    """What is wrong with the first of `losses` that is not finite or more than `factor` times its best value.

    Args:
        losses: Losses of an epoch, by name.
        best: Best values so far, by name; losses without one are only tested for being finite.
        factor: Largest allowed ratio of a loss to its best value; `None` for no limit.

    Returns:
        The fault in words; `None` if there is none.

    >>> divergence({"loss": 1.0, "val_loss": 6.0}, {"loss": 0.5, "val_loss": 0.5}, factor=10.0)
    'val_loss was more than 10 times its best of 0.5'
    """
    for name, loss in losses.items():
        if not math.isfinite(loss):
            return f"{name} was not finite"
        if factor is not None and loss > factor * best.get(name, math.inf) > 0:
            return f"{name} was more than {factor:g} times its best of {best[name]:.4g}"
    return None


def lowered(rate, factor: float, steps_back: int):
    """A learning rate multiplied by `factor`: a schedule for a schedule, a function for a function.

    Args:
        rate: Schedule, or function without arguments.
        factor: Factor of the rate.
        steps_back: Steps by which the optimizer's count was set back, and the schedule is not.
    """
    if isinstance(rate, ScaledSchedule):
        return ScaledSchedule(rate.schedule, rate.factor * factor, rate.ahead + steps_back)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return ScaledSchedule(rate, factor, steps_back)
    return lambda: rate() * factor
