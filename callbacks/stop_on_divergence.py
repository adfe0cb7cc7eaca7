"""Stop a run whose loss has blown up, instead of paying for the rest of it, or go on from before with a lower rate."""

import math
import numbers

import keras
import numpy as np
from keras import ops

from callbacks.averaged_weights import averages
from callbacks.watching.inner_optimizers import inner_optimizers
from callbacks.watching.optimizer_hook import unwatched_variables
from callbacks.watching.scalars import as_number
from callbacks.watching.scaled_schedule import ScaledSchedule


class StopOnDivergence(keras.callbacks.Callback):
    """Stop when the loss is not finite, or far above its best; with `max_restarts`, first go back and try lower rates.

    A training loss that is not finite stops the training at once; the other signs are looked for, and restarts made, at
    the end of an epoch.
    Going back means: weights, states of layers and of the optimizer are those of the end of the last good epoch, or
    from before the first step, and the learning rate is multiplied by `rate_factor`. The diverged epoch counts as one
    of `fit`'s. A schedule goes on lower, but by its plan: it is not taken back, so that its end stays that of the
    training. After the last restart, or where no epoch is left for one, training ends with the last good weights.
    What sets the rate anew in every epoch, such as `LearningRateScheduler`, has to see to lower rates itself.

    A model that is built by its first step only (on TensorFlow, a subclassed one) can go back to good epochs only.

    Args:
        factor: Most that `loss` and `val_loss` may be of their best of an epoch so far, and `loss` in the first epoch
            of its first value; more than 1. Only for losses that are positive. Choose it generously: losses near 0 vary
            by large factors, and with overfitting val_loss grows. Default: no bound.
        max_restarts: How many times to go back. Above 0, one copy of all variables is kept in the memory of the
            processor.
        rate_factor: Between 0 and 1.
        verbose: 1 to print each restart and the stop.

    Attributes:
        stopped_epoch: Epoch of the stop, counted from 0; `None` if there was none.
        reason: Why it stopped, in words that count epochs from 1: "loss was not finite in epoch 3"; `None` if it did
            not.
        restarts: Epochs from which it went back, counted from 0.

    Raises:
        ValueError: For values out of range; and in `fit`, for restarts of a model without an optimizer.
    """

    # On JAX, a callback without it has every step wait for its results.
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
        if self.max_restarts and not inner_optimizers(self.model.optimizer):
            raise ValueError(
                f"`max_restarts` needs a model that is compiled with an optimizer. Received: {self.max_restarts}"
            )
        # On JAX, `self.model` copies the state into the model, which at the end of a batch is in use already.
        self._trained = self.model
        self.stopped_epoch = self.reason = None
        self.restarts = []
        self._best = {}
        self._first = (math.inf, math.inf)
        self._saved = None
        self._to_save = self.max_restarts > 0
        self._to_restore = False

    def on_epoch_begin(self, epoch, logs=None):
        self._not_finite = False

    def on_train_batch_begin(self, batch, logs=None):
        # Only here no callback, wherever it is listed, has averages in the place of the weights.
        if self._to_restore:
            self._to_restore = False
            self._restore()
        if self._to_save:
            self._to_save = False
            self._save()

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if not isinstance(loss, float):
            return
        # By number, as on JAX the ends of batches may come out of order.
        self._first = min(self._first, (batch, loss), key=lambda pair: pair[0])
        if not math.isfinite(loss):
            self._not_finite = True
            # Before a restart the epoch is finished: Keras cannot leave one of a `PyDataset` and begin another.
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
        # In the last epoch, it is worth it only for the weights of a good one.
        if self._can_go_back() and (self._best or epoch + 1 < self.params["epochs"]):
            self.restarts.append(epoch)
            self._lower_rate()
            self._to_restore = True
        else:
            self.stopped_epoch, self.reason = epoch, fault
            self.model.stop_training = True
        if self._saved:
            self._restore()
        if self.verbose:
            print(f"training diverged: {fault}" + ("" if self.reason else "; back to the last good weights"))

    def on_train_end(self, logs=None):
        self._saved = None

    def _can_go_back(self):
        return self._saved is not None and len(self.restarts) < self.max_restarts

    def _save(self):
        model, optimizer = self.model, self.model.optimizer
        if not model.built:
            return
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        rates = {id(inner._learning_rate) for inner in inner_optimizers(optimizer)}
        own = (*model.variables, *unwatched_variables(optimizer))
        variables = [variable for variable in own if id(variable) not in rates]
        values = {id(variable): np.array(ops.convert_to_numpy(variable)) for variable in variables}
        if not any(int(ops.convert_to_numpy(inner._iterations)) for inner in inner_optimizers(optimizer)):
            # Averages begin with the first step; a training that ends before ends with the weights.
            values |= {id(average): values[id(weight)] for weight, average in averages(model)}
        saved = [(variable, values[id(variable)]) for variable in variables]
        # The loss of a step is that of the weights before it: those of the last one may be beyond it all.
        if all(np.isfinite(value).all() for _, value in saved[: len(model.variables)] if value.dtype.kind == "f"):
            self._saved = saved

    def _restore(self):
        for variable, value in self._saved:
            variable.assign(value)

    def _lower_rate(self):
        saved = {id(variable): value for variable, value in self._saved}
        compiled_in = False
        for optimizer in inner_optimizers(self.model.optimizer):
            rate, count = optimizer._learning_rate, optimizer._iterations
            if isinstance(rate, keras.Variable):
                rate.assign(rate * self.rate_factor)
                continue
            steps = int(ops.convert_to_numpy(count))
            taken_back = steps - int(saved.get(id(count), steps))
            optimizer.learning_rate = lowered(rate, self.rate_factor, taken_back)
            compiled_in = True
        if compiled_in:
            self.model.make_train_function(force=True)


def divergence(losses: dict[str, float], best: dict[str, float], factor: float | None) -> str | None:
    """What is wrong with the first of `losses` that is not finite or more than `factor` times its `best`, if any is.

    >>> divergence({"loss": 1.0, "val_loss": 6.0}, {"loss": 0.5, "val_loss": 0.5}, factor=10.0)
    'val_loss was more than 10 times its best of 0.5'
    """
    for name, loss in losses.items():
        if not math.isfinite(loss):
            return f"{name} was not finite"
        if factor is not None and loss > factor * best.get(name, math.inf) > 0:
            return f"{name} was more than {factor:g} times its best of {best[name]:.4g}"
    return None


def lowered(rate, factor: float, taken_back: int):
    """`rate`, a schedule or a function, times `factor`; a schedule does not go back with the count of the steps."""
    if isinstance(rate, ScaledSchedule):
        return ScaledSchedule(rate.schedule, rate.factor * factor, rate.ahead + taken_back)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return ScaledSchedule(rate, factor, taken_back)
    return lambda: rate() * factor
