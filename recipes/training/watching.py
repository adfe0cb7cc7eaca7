"""The callbacks of a training by a recipe, and what they saw of it."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from callbacks import ActivationStatistics, AveragedWeights, EarlyStopping, GradientNormLogger, StopOnDivergence
from callbacks.watching.scalars import as_number
from callbacks.watching.wrapped_optimizers import innermost_optimizers
from recipes.optimizers.rates import current_rate
from recipes.settings import Recipe
from recipes.training.dropout_schedule import DropoutSchedule
from recipes.training.request import as_recipe
from recipes.training.validation_error import MONITORS

# Callbacks with a `record`.
WATCHERS = (GradientNormLogger, ActivationStatistics)
_SMALL_ROW = 256  # numbers
# Callbacks that set the learning rate, which a schedule sets already.
_RATE_SETTERS = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)


def callbacks_for(recipe: str | Path | Recipe, x=None) -> list[keras.callbacks.Callback]:
    """New callbacks for a `fit` by hand: log gradient norms, stop on divergence, stop early, restore the best weights.

    `fit` then needs `validation_data`; not where the recipe keeps the last weights, for which it only stops on
    divergence. Where weights are averaged, the averages are validated, and shown to the callbacks that follow.

    Args:
        recipe: Name of a recipe, path of a YAML file, or a `Recipe`.
        x: Prepared rows; statistics of activations are taken on 512 of them. Default: no such statistics.
    """
    recipe = as_recipe(recipe)
    watchers = [GradientNormLogger(), *([] if x is None else [_activations(x)])]
    # Without patience, training does not stop early, but the best weights are restored all the same.
    last = _best_weights(recipe) if recipe.fit.keep in MONITORS else AveragedWeights()
    schedule = []
    if recipe.schedule.name == "reduce_on_plateau":
        settings = recipe.schedule
        schedule = [keras.callbacks.ReduceLROnPlateau(factor=settings.factor, patience=settings.patience)]
    if recipe.regularization.schedule:
        schedule.append(DropoutSchedule(recipe.fit.epochs))
    # Optimizers that leave out gradients which are not finite may come to rest at a high, finite loss. No healthy
    # training reaches a million times its best loss.
    divergence = StopOnDivergence(factor=1e6 if recipe.fit.restarts else None, max_restarts=recipe.fit.restarts)
    return [*watchers, *schedule, divergence, last]


def _best_weights(recipe: Recipe) -> EarlyStopping:
    keep = recipe.fit.keep
    ties = "last" if keep == "error" else "first"
    return EarlyStopping(MONITORS[keep], patience=recipe.fit.patience, mode="min", ties=ties)


def _activations(x) -> ActivationStatistics:
    # Small rows pass all at once, as each pass takes longer to start than to compute.
    at_once = isinstance(x, np.ndarray) and x[:1].size <= _SMALL_ROW
    return ActivationStatistics(x, **({"batch_size": 512} if at_once else {}))


def check_callbacks(recipe: Recipe, callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Refuse `callbacks` of the user that set the learning rate, where the recipe's schedule sets it.

    Raises:
        ValueError: With the callback and the schedule.
    """
    setters = [type(callback).__name__ for callback in callbacks if isinstance(callback, _RATE_SETTERS)]
    if setters and recipe.schedule.name != "constant":
        raise ValueError(
            f"the {recipe.schedule.name} schedule sets the learning rate, and so does {setters[0]}: leave that out, or "
            f"set schedule.name to constant"
        )


def kept_epoch(callbacks: Sequence[keras.callbacks.Callback], last: int) -> int:
    """The epoch whose weights `fit` ended with, counted from 1: that of the last callback which restored any.

    Args:
        callbacks: Callbacks of the training in their order, in which they restore weights.
        last: Number of the last epoch that was trained.
    """
    for callback in reversed(callbacks):
        stops = isinstance(callback, keras.callbacks.EarlyStopping) and callback.restore_best_weights
        if stops and callback.best_weights is not None:
            return callback.best_epoch + 1
    return last


def advice_on(divergence: StopOnDivergence, rate: float | None, rate_setting: str) -> str | None:
    """What happened and what may help, where training was stopped as diverged; `None` where it was not.

    Args:
        divergence: Callback that watched the loss.
        rate: Learning rate of the recipe; `None` without one.
        rate_setting: Name of the setting that holds it.
    """
    if divergence.stopped_epoch is None:
        return None
    if rate is None:
        remedy = "a lower learning rate or clipped gradients"
    else:
        remedy = f"a lower {rate_setting} (now {rate}) or optimizer.global_clipnorm"
    return f"training diverged: {divergence.reason}; {remedy} may help"


def numeric_history(history: keras.callbacks.History) -> dict[str, list[float]]:
    """The history by name, without entries that are missing in some epochs or are not numbers."""
    complete = {}
    for name, values in history.history.items():
        if len(values) == len(history.epoch):
            numbers = [as_number(value) for value in values]
            if None not in numbers:
                complete[name] = numbers
    return complete


class LearningRateLog(keras.callbacks.Callback):
    """Adds the learning rate of the last step of each epoch to the logs, and so to the history.

    `keras.callbacks.ReduceLROnPlateau` and other callbacks behind it may write their own.
    """

    def on_epoch_end(self, epoch, logs=None):
        optimizers = innermost_optimizers(self.model.optimizer)
        if logs is not None and optimizers:
            logs["learning_rate"] = current_rate(optimizers[0])


class TrainingEnd(keras.callbacks.Callback):
    """Records whether training has ended, and the callbacks in front of this one have done their work at its end."""

    reached = False

    def on_train_end(self, logs=None):
        self.reached = True
