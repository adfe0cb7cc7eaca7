"""Trials: the same training again, from the same initial weights, with one thing changed."""

import contextlib

import keras
import numpy as np

from recipes.doctor.changes import Change, changed_layers, standardized, widened
from recipes.doctor.course import watch
from recipes.doctor.seen import Course, Seen
from recipes.doctor.unchanged import KeptModel
from recipes.keras_internals.private import trains_with

# Steps within which a few rows must be learnt by heart.
LEAST_STEPS, MOST_STEPS = 100, 300


def trial(kept: KeptModel, rows: tuple, change: Change, seen: Seen, seconds: float) -> Course:
    """Train the model again with `change`, from the weights and random numbers of the start.

    Args:
        kept: Compiled model, and what it was at the start.
        rows: Rows and targets of training, and a pair of those held out or `None`.
        change: What to change.
        seen: Facts of the training that is repeated.
        seconds: Time after which the training ends.

    Raises:
        ImpossibleChangeError: If the model cannot be changed in that way.
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
    kept.restart(kept.scaled_rate(change.rate))
    with contextlib.ExitStack() as stack:
        model = kept.model
        if change.adam:
            stack.enter_context(trains_with(model, keras.optimizers.Adam(0.001)))
        if change.wider:
            model = widened(model, kept.copied_optimizer()[0])
        stack.enter_context(changed_layers(model, change, x))
        return watch(
            model,
            x,
            y,
            None if x_held is None else (x_held, y_held),
            form=seen.data.targets.form,
            takes_logits=seen.model.takes_logits or seen.model.margins,
            epochs=epochs,
            batch_size=batch_size,
            seconds=seconds,
            lean=True,
        )
