"""Gradients and activations of a training that was not watched: its start is trained once more, its end is looked at.

The training itself has no hook in it, so that it costs no time and stays the same, bit for bit.
"""

import dataclasses
import math
import time
import warnings

import keras
import numpy as np

from callbacks import ActivationStatistics, GradientNormLogger
from callbacks.watching.reasons import reason
from callbacks.watching.record import Record, merged
from recipes.doctor.sample import Rows, some_of
from recipes.doctor.unchanged import unchanged
from recipes.training.state import assign_copies

# Bounds of the one epoch that is trained again, beside the time to compile its step.
TRAINED_ROWS, TRAINED_SECONDS = 2000, 10.0
ACTIVATION_ROWS = 256


def have_moved(start: list[tuple[keras.Variable, np.ndarray]]) -> bool:
    """Whether any trained variable has another value now than it had at `start`."""
    return any(
        not np.array_equal(value, keras.ops.convert_to_numpy(variable.value))
        for variable, value in start
        if variable.trainable
    )


def replayed(
    model: keras.Model,
    rows: Rows,
    start: list[tuple[keras.Variable, np.ndarray]],
    *,
    epochs: int,
    batch_size: int,
    rate: float | None,
) -> Record:
    """What a trained model shows of its training: activations at the start and the end, gradients of the first epoch.

    An epoch of at most 2,000 rows is trained from the initial values, for about 10 seconds at most, and all that it
    changes is put back, bit for bit: this may run within a callback of another `fit` of the same model.

    Args:
        model: Compiled model as its training has left it.
        rows: Rows of the training, of which evenly spaced ones are taken.
        start: Variables of the model with their initial values, as `copies_of` gives them.
        epochs: Number of epochs of the training.
        batch_size: Number of rows in a batch.
        rate: Learning rate of the first step; `None` for the schedule of the model.
    """
    records, statistics, moved = [], _activations_of(rows), have_moved(start)
    try:
        with unchanged(model, rows.x, rows.y, batch_size) as kept:
            if statistics is not None:  # of the end
                _begin(statistics, model)
                statistics.on_epoch_end(epochs - 1)
                records.append(statistics.record)
            kept.restart(rate)
            assign_copies(start)
            if statistics is not None:
                _begin(statistics, model)
                statistics.on_epoch_begin(0)
                records.append(statistics.record)
            records.append(_gradients(model, rows, batch_size))
            if moved and not np.nanmax(records[-1].update_ratio, initial=0.0):
                # Of a schedule that begins with a rate of almost 0: that no weight moves is not the whole truth.
                records[-1] = dataclasses.replace(records[-1], update_ratio=None)
    except Exception as error:
        # Whatever the model makes of such an epoch, such as one whose training step needs sample weights: it must not
        # end the user's training.
        warnings.warn(f"TrainingDoctor cannot watch the start of the training: {reason(error)}", stacklevel=2)
    return merged(records)


def _gradients(model: keras.Model, rows: Rows, batch_size: int) -> Record:
    # Whole batches, where there are several, as a model may be fixed to their size.
    count = min(TRAINED_ROWS, len(rows.x))
    sample, gradients = some_of(rows, max(count - count % batch_size, min(count, batch_size))), GradientNormLogger()
    options = {"batch_size": batch_size, "epochs": 1, "verbose": 0, "callbacks": [gradients, _TimeLimit()]}
    model.fit(sample.x, sample.y, **options)
    return gradients.record


def _activations_of(rows: Rows) -> ActivationStatistics | None:
    """Statistics on some rows that are finite; `None` where no row is."""
    x = some_of(rows, ACTIVATION_ROWS).x
    x = x[np.isfinite(x).reshape(len(x), -1).all(axis=1)]
    return ActivationStatistics(x, rows=ACTIVATION_ROWS, batch_size=ACTIVATION_ROWS) if len(x) else None


def _begin(statistics: ActivationStatistics, model: keras.Model) -> None:
    statistics.set_model(model)
    statistics.on_train_begin()


class _TimeLimit(keras.callbacks.Callback):
    """The end of a training once its time is used up, counted from its first step, which is compiled before."""

    def on_train_begin(self, logs=None):
        self.start = math.inf

    def on_train_batch_end(self, batch, logs=None):
        self.start = min(self.start, time.monotonic())
        if time.monotonic() - self.start > TRAINED_SECONDS:
            self.model.stop_training = True
