"""Trials: the same training again, from the same initial weights, with one thing changed."""

import keras
import numpy as np

from callbacks.scaled_schedule import ScaledSchedule
from recipes.doctor.changes import Change, changed_layers, standardized, widened
from recipes.doctor.course import watch
from recipes.doctor.seen import Course, Seen
from recipes.keras_internals.private import trains_with
from recipes.optimizers.copying import copied

# Steps within which a few rows must be learnt by heart.
LEAST_STEPS, MOST_STEPS = 100, 300


def trial(model: keras.Model, rows: tuple, change: Change, seen: Seen, seconds: float) -> Course:
    """Train `model` in place with `change`; who calls it puts the values of its variables back.

    Args:
        model: Compiled model, with the initial values of its variables.
        rows: Rows and targets of training, and a pair of those held out or `None`.
        change: What to change.
        seen: Facts of the training that is repeated.
        seconds: Time after which the training ends.
    """
    x, y, validation = rows
    x_held, y_held = validation if validation is not None else (None, None)
    if change.inputs:
        x, x_held = standardized(np.asarray(x), x_held)
    if change.targets:
        y, y_held = standardized(np.asarray(y), y_held)
    if change.permuted:
        y = np.asarray(y)[np.random.default_rng(0).permutation(len(y))]
    epochs, batch_size = seen.epochs * change.epochs, change.batch_size or seen.batch_size
    if change.rows is not None:
        chosen = np.linspace(0, len(x) - 1, min(change.rows, len(x))).astype(int)
        epochs = min(max(epochs * -(-len(x) // batch_size), LEAST_STEPS), MOST_STEPS)
        x, y, x_held, batch_size = x[chosen], y[chosen], None, len(chosen)
    with trains_with(model, optimizer_for(model, change)), changed_layers(model, change):
        return watch(
            widened(model) if change.wider else model,
            x,
            y,
            None if x_held is None else (x_held, y_held),
            form=seen.data.targets.form,
            takes_logits=seen.model.takes_logits,
            epochs=epochs,
            batch_size=batch_size,
            seconds=seconds,
            lean=True,
        )


def optimizer_for(model: keras.Model, change: Change) -> keras.optimizers.Optimizer:
    """A new optimizer like that of `model`, with the learning rate or schedule that `change` asks for."""
    if change.adam:
        return keras.optimizers.Adam(0.001)
    innermost = model.optimizer
    while hasattr(innermost, "inner_optimizer"):
        innermost = innermost.inner_optimizer
    rate = innermost.learning_rate if (schedule := schedule_of(innermost)) is None else schedule
    if change.rate != 1.0:
        rate = float(rate) * change.rate if schedule is None else ScaledSchedule(schedule, change.rate)
    return copied(model.optimizer, rate if schedule is not None else float(rate))[0]


def schedule_of(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.schedules.LearningRateSchedule | None:
    """The schedule that gives the learning rate of `optimizer`; `None` where it is a number."""
    rate = optimizer.get_config()["learning_rate"]
    if isinstance(rate, dict):
        return keras.optimizers.schedules.deserialize(rate)
    return None
