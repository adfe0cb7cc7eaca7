"""The learning rate: too low, good and too high, the range test that tells them apart, and the schedules."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from recipes import schedules
from recipes.lab.accuracy import accuracy_of
from recipes.lab.digits import digits
from recipes.lab.initial_state import InitialState
from recipes.lab.result import Result, Table
from recipes.optimizers.rates import rate_at
from recipes.plots.axes import BLUE, GREEN, ORANGE
from recipes.plots.curves import PURPLE, SKY
from recipes.training.learning_rate_range import LearningRateRange, find_learning_rate

UNITS, MOMENTUM, BATCH, EPOCHS = 24, 0.9, 32, 10
LOW = 0.01  # times the suggestion of the range test
PEAK = 5.0  # times the suggestion: of all schedules, so that a constant rate does not settle
_POINTS = 61  # of the curve of a schedule
_COLOURS = {"too low": BLUE, "good": GREEN, "too high": ORANGE}
# The schedules of textbooks, with their colours.
_SCHEDULES = {
    "constant": "black",
    "step": BLUE,
    "exponential": PURPLE,
    "cosine": GREEN,
    "one_cycle": ORANGE,
    "reduce_on_plateau": SKY,
}


@dataclass(frozen=True)
class Course:
    """One training.

    Attributes:
        rates: Learning rate at evenly spaced steps from the first to the last `(points,)`.
        losses: Training loss of each epoch, the mean over its steps `(epochs,)`.
        accuracy: Accuracy on the validation rows after the last epoch.
    """

    rates: np.ndarray
    losses: np.ndarray
    accuracy: float


@dataclass(frozen=True)
class LearningRate(Result):
    """The range test, and trainings from the same initial weights.

    Attributes:
        range: Range test of the network.
        constant: Trainings with a constant rate, by its name: too low, good and too high.
        scheduled: Trainings with each schedule, by its name; all have the same peak.
    """

    range: LearningRateRange
    constant: dict[str, Course]
    scheduled: dict[str, Course]

    title = "Learning rate and schedules"
    point = "Too low hardly learns, too high never settles: the range test shows both before the training."
    grid = (2, 2)
    panel = (4.4, 3.3)

    @property
    def explanation(self) -> str:
        low, good, high = self.constant.values()
        fixed, lowered = self.scheduled["constant"], self.scheduled["cosine"]
        epochs = len(good.losses)
        return (
            "The range test makes one step with each rate, from very low to very high. Where its loss has not begun to "
            f"fall, the rate is too low: with {_rate(low)}, the training loss is still {low.losses[-1]:.2f} after "
            f"{epochs} epochs. Its suggestion lies on the slope: {_rate(good)}, which reaches {good.losses[-1]:.3f}. "
            f"Where its loss is lowest, the rate is already too high: {_rate(high)} serves for one step, but in a "
            f"training the loss ends at {high.losses[-1]:.2f}. The schedules below have a peak of "
            f"{PEAK:g} times the suggestion. A constant rate of that size keeps jumping across the minimum: the loss "
            f"ends at {fixed.losses[-1]:.2f}. Lowered along a cosine, the same rate ends at {lowered.losses[-1]:.2f}, "
            "as small steps settle what large ones have found. In cosine and one_cycle the rate also rises at first, "
            "while the weights are still random; reduce_on_plateau lowers it whenever an epoch has not helped."
        )

    def tables(self) -> list[Table]:
        columns = ("first rate", "highest rate", "last rate", "training loss", "validation accuracy")
        return [
            Table(
                f"Training of {len(next(iter(courses.values())).losses)} epochs, {what}.",
                (name, *columns),
                [
                    (key, course.rates[0], course.rates.max(), course.rates[-1], course.losses[-1], course.accuracy)
                    for key, course in courses.items()
                ],
            )
            for name, what, courses in (
                ("rate", "with a constant rate", self.constant),
                ("schedule", f"with schedules whose peak is {PEAK:g} times the suggestion", self.scheduled),
            )
        ]

    def panels(self) -> list[Callable]:
        return [self._draw_range, self._draw_constant, self._draw_schedules, self._draw_scheduled]

    def _draw_range(self, ax) -> None:
        ax.plot(self.range.rates, self.range.losses, color=PURPLE, linewidth=0.8, label="loss of the step")
        ax.plot(self.range.rates, self.range.smoothed, color="black", linewidth=2, label="smoothed")
        low, high = self.range.smoothed.min(), self.range.losses[: len(self.range.losses) // 10].mean()
        bottom, top = low - 0.3 * (high - low), high + 0.45 * (high - low)
        for name, course in self.constant.items():
            rate = course.rates[0]
            ax.axvline(rate, color=_COLOURS[name], linewidth=2, linestyle=(0, (4, 1.5)))
            ax.annotate(name, (rate, top), (-3, -2), textcoords="offset points", rotation=90, ha="right", va="top")
        ax.set(xscale="log", xlabel="learning rate of the step", ylabel="loss", ylim=(bottom, top))
        ax.legend(frameon=False, fontsize=8, loc="lower left")
        ax.minorticks_off()
        ax.set_title("range test: one step with each rate")

    def _draw_constant(self, ax) -> None:
        for name, course in self.constant.items():
            label = f"{name}: {_rate(course)}"
            ax.plot(_epochs(course), course.losses, color=_COLOURS[name], linewidth=2, label=label)
        _losses(ax)
        ax.set_title("training with three of these rates")

    def _draw_schedules(self, ax) -> None:
        for name, course in self.scheduled.items():
            epochs = np.linspace(0, len(course.losses), len(course.rates))
            ax.plot(epochs, course.rates, color=_SCHEDULES[name], linewidth=_width(name))
        ax.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
        ax.set_title("schedules with the same peak")

    def _draw_scheduled(self, ax) -> None:
        for name, course in self.scheduled.items():
            label = f"{name}: {course.losses[-1]:.3f}"
            ax.plot(_epochs(course), course.losses, color=_SCHEDULES[name], linewidth=_width(name), label=label)
        _losses(ax)
        ax.set_title("training with these schedules")


def run(*, epochs: int = EPOCHS, steps: int = 150, names: tuple[str, ...] = tuple(_SCHEDULES)) -> LearningRate:
    """Run the range test, then train with rates read off it, and with schedules.

    Args:
        epochs: Number of epochs of each training.
        steps: Number of steps of the range test.
        names: Names of the schedules.
    """
    train, validation, _ = digits()
    model = keras.Sequential(
        [
            keras.Input(train[0].shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(UNITS, "relu", kernel_initializer=keras.initializers.HeNormal(seed=1)),
            keras.layers.Dense(10, kernel_initializer=keras.initializers.GlorotNormal(seed=2)),
        ]
    )
    _compile(model, 0.1)
    start = InitialState(model)
    found = find_learning_rate(model, *train, batch_size=BATCH, steps=steps, lowest=1e-5)
    lowest_loss = float(found.rates[found.smoothed.argmin()])
    rates = {"too low": LOW * found.suggestion, "good": found.suggestion, "too high": lowest_loss}

    total = epochs * -(-len(train[0]) // BATCH)
    rates |= {name: schedules.get(name, PEAK * found.suggestion, total) for name in names}
    steps_shown = np.linspace(0, total - 1, _POINTS).round().astype(int)
    courses = {}
    for name in sorted(rates, key=lambda name: callable(rates[name])):
        rate = rates[name]
        start.restore()
        if callable(rate):
            _compile(model, rate)  # a schedule is a part of the compiled step
        else:
            model.optimizer.learning_rate = rate
        on_plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.3, patience=0)
        history = model.fit(
            *train, BATCH, epochs, shuffle=False, verbose=0,
            callbacks=[on_plateau] if name == "reduce_on_plateau" else [],
        ).history  # fmt: skip
        if callable(rate):
            shown = [rate_at(rate, step, model.optimizer) for step in steps_shown]
        else:
            used = history.get("learning_rate", [rate] * epochs)  # the callback logs it
            shown = [used[step * epochs // total] for step in steps_shown]
        courses[name] = Course(np.array(shown), np.array(history["loss"]), accuracy_of(model, *validation))
    return LearningRate(found, *({name: courses[name] for name in part} for part in (_COLOURS, names)))


def _compile(model: keras.Model, rate) -> None:
    optimizer = keras.optimizers.SGD(rate, momentum=MOMENTUM)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Several steps in one call, as small steps take less time than what is between them.
    model.compile(optimizer, loss, jit_compile=False, steps_per_execution=10)


def _epochs(course: Course) -> np.ndarray:
    return np.arange(1, len(course.losses) + 1)


def _width(name: str) -> float:
    return 3 if name == "constant" else 1.8  # others lie on it


def _losses(ax) -> None:
    ax.set(yscale="log", xlabel="epoch", ylabel="training loss")
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8)


def _rate(course: Course) -> str:
    return f"{course.rates[0]:.2g}"
