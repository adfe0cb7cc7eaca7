"""The cost of a training on this machine, measured in its first seconds: time of an epoch, and memory."""

import math
import statistics
import time
from dataclasses import asdict, dataclass
from typing import NamedTuple

import keras

from recipes.models import model_table
from recipes.models.layer_costs import bytes_of
from recipes.training.execution import steps_in_one_call, steps_of_call
from recipes.training.prepared import Training
from recipes.training.watching import callbacks_for

SECONDS = 5.0  # of timed steps
# Longer epochs are cut to so many steps, and calculated.
MOST_STEPS = 100
_EPOCHS = 5  # the first one compiles


@dataclass(frozen=True)
class EpochCost:
    """Time and memory of a training. It prints in two lines.

    Attributes:
        seconds: Seconds of one epoch.
        steps: Number of steps in one epoch.
        batch_size: Number of rows in one step.
        step_seconds: Median seconds of the steps that were timed.
        timed_steps: Number of steps that were timed.
        compile_seconds: Seconds of compiling, once, at the beginning.
        validated: Whether `seconds` includes validation and other work between epochs, for which there was time.
        weights: Bytes of the weights.
        gradients: Bytes of the gradients of the trained weights.
        optimizer: Bytes of the optimizer's variables.
        activations: Bytes of the activations of a batch that are kept for the backward pass; a compiler may keep less.
    """

    seconds: float
    steps: int
    batch_size: int
    step_seconds: float
    timed_steps: int
    compile_seconds: float
    validated: bool
    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def memory(self) -> int:
        """Sum of the four, in bytes, without the data and without the programs and the workspace of the backend.

        On TensorFlow, processes grew by 0.9 to 1.5 times as much where that was more than 600 MB; by up to 150 MB more
        where it was less.
        """
        return self.weights + self.gradients + self.optimizer + self.activations

    def to_dict(self) -> dict:
        """Plain values for programs."""
        return {**asdict(self), "memory": self.memory}

    def __str__(self):
        steps = f"{self.steps:,} step{'s' if self.steps > 1 else ''} of {self.batch_size:,} rows"
        parts = {"weights": self.weights, "gradients": self.gradients, "optimizer": self.optimizer}
        parts["activations"] = self.activations
        return (
            f"time on this machine: compiling {_seconds(self.compile_seconds)}, then about {_seconds(self.seconds)} an "
            f"epoch of {steps}{'' if self.validated else ', without validation'} ({self.timed_steps} timed)\n"
            f"memory, an estimate without the backend's own: {_bytes(self.memory)}: "
            f"{', '.join(f'{name} {_bytes(value)}' for name, value in parts.items())}"
        )


def epoch_cost(training: Training) -> EpochCost:
    """Train for a few seconds, and measure what an epoch takes.

    It trains as `train` would, with the recipe's callbacks, augmentation and validation, and with as many steps in one
    call: five epochs of at most 100 steps, or until the calls behind the first one, which compiles, have taken 5
    seconds. The weights change: it is for a training that is thrown away.
    """
    model, recipe, rows = training.core, training.recipe, training.source.count
    steps = math.ceil(rows / recipe.fit.batch_size)
    shortened = training.limited(MOST_STEPS * recipe.fit.batch_size) if steps > MOST_STEPS else training
    clock = _Clock()
    model.optimizer.build(model.trainable_variables)  # as `train` does
    shorter, size = min(steps, MOST_STEPS), recipe.fit.batch_size
    number = steps_of_call(model, size, shorter)
    with steps_in_one_call(model, number, shorter, size, min(rows, shorter * size)):
        model.fit(
            **shortened.rows(),
            epochs=_EPOCHS,
            callbacks=[*callbacks_for(recipe, training.source.probe()), clock],
            verbose=0,
        )
    timed = clock.timed_calls()
    step = statistics.median(call.seconds / call.steps for call in timed)
    first = clock.calls[0][0]
    seconds, compiling = steps * step, first.seconds - first.steps * step
    if warm := clock.epochs[1:]:
        seconds += statistics.median(warm) - shorter * step
        # The validation compiles, too; but where epochs are long, their differences hide that.
        compiling = max(compiling, clock.epochs[0] - statistics.median(warm))
    batch_size = min(recipe.fit.batch_size, rows)
    return EpochCost(
        seconds=max(seconds, step),
        steps=steps,
        batch_size=batch_size,
        step_seconds=step,
        timed_steps=sum(call.steps for call in timed),
        compile_seconds=max(compiling, 0.0),
        validated=bool(warm),
        weights=_size(model.weights),
        gradients=_size(model.trainable_weights),
        optimizer=_size(model.optimizer.variables),
        activations=batch_size * model_table(model, training.source.row_shape).activation_bytes,
    )


class _Call(NamedTuple):
    """A call of the training step."""

    seconds: float
    steps: int


class _Clock(keras.callbacks.Callback):
    """Seconds of calls and whole epochs; it ends the training when there are enough.

    The training ends as any other does, so that the callbacks in front leave the optimizer as it was.
    """

    def __init__(self):
        super().__init__()
        self.enough = False
        self.epochs, self.calls = [], []  # calls by epoch

    def timed_calls(self) -> list[_Call]:
        """The calls that are like most: the first of an epoch begins with other work, and the very first compiles."""
        later = [call for calls in self.calls for call in calls[1:]]
        return later or [calls[0] for calls in self.calls[1:]] or self.calls[0]

    def on_train_begin(self, logs=None):
        self.epoch_began = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append([])
        self.last_batch, self.call_ended = -1, self.epoch_began

    def on_train_batch_end(self, batch, logs=None):
        float(logs["loss"])  # waits for the step
        now = time.perf_counter()
        self.calls[-1].append(_Call(now - self.call_ended, batch - self.last_batch))
        self.last_batch, self.call_ended = batch, now
        if sum(call.seconds for calls in self.calls for call in calls) - self.calls[0][0].seconds > SECONDS:
            self.enough = self.model.stop_training = True

    def on_test_batch_end(self, batch, logs=None):
        if self.enough:  # the validation of an epoch that was cut short is not timed
            self.model.stop_evaluating = True

    def on_epoch_end(self, epoch, logs=None):
        if self.enough:
            return
        now = time.perf_counter()
        self.epochs.append(now - self.epoch_began)
        self.epoch_began = now


def _size(variables) -> int:
    """Bytes of all of them."""
    return sum(math.prod(variable.shape) * bytes_of(variable.dtype) for variable in variables)


def _seconds(value: float) -> str:
    if value < 0.095:
        return f"{value:.2f} s"
    return f"{value:.1f} s" if value < 99.5 else f"{value / 60:.0f} min"


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"
