"""Learning-rate schedules by name, sized by the number of steps."""

import math

import keras
from keras import ops

from recipes.arguments.names import normalize, unknown
from recipes.arguments.numbers import is_number, is_whole, require_fraction, require_positive

NAMES = ("constant", "step", "exponential", "cosine", "one_cycle", "flat_cosine", "coslog", "reduce_on_plateau")


@keras.saving.register_keras_serializable(package="keras_recipes")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Rises to the peak, then falls to nearly 0, both along half a cosine (Smith & Topin 2018, arXiv:1708.07120).

    Only the learning rate follows it. The paper moves the momentum the opposite way, which Keras does not allow: there,
    momentum is a constant of the compiled step.

    Args:
        learning_rate: Peak of the learning rate.
        total_steps: Number of updates of the whole training, after which the rate stays at its final value.
        warmup_fraction: Share of the steps in which the rate rises.
        initial_fraction: Initial rate, as a share of the peak.
        final_fraction: Final rate, as a share of the peak.
        name: Name of the schedule.

    Raises:
        ValueError: For a peak that is not positive, fractions that are not at least 0 and less than 1, or less than 1
            step.
    """

    def __init__(
        self,
        learning_rate,
        total_steps,
        warmup_fraction=0.3,
        initial_fraction=0.04,
        final_fraction=1e-4,
        name="OneCycle",
    ):
        _require_steps(total_steps)
        require_positive("learning_rate", learning_rate)
        fractions = {
            "warmup_fraction": warmup_fraction,
            "initial_fraction": initial_fraction,
            "final_fraction": final_fraction,
        }
        for fraction, value in fractions.items():
            require_fraction(fraction, value)
        super().__init__()
        self.learning_rate = learning_rate
        self.total_steps = total_steps
        self.warmup_fraction = warmup_fraction
        self.initial_fraction = initial_fraction
        self.final_fraction = final_fraction
        self.name = name

    def __call__(self, step):
        step = ops.cast(step, "float32")
        up = self.warmup_fraction * self.total_steps
        # At least one step each way, so that neither divides by 0.
        rising = ops.clip(step / max(up, 1.0), 0.0, 1.0)
        falling = ops.clip((step - up) / max(self.total_steps - up, 1.0), 0.0, 1.0)
        start = self.learning_rate * self.initial_fraction
        end = self.learning_rate * self.final_fraction
        warm = start + (self.learning_rate - start) * _half_cosine(rising)
        cool = self.learning_rate + (end - self.learning_rate) * _half_cosine(falling)
        return ops.where(step < up, warm, cool)

    def get_config(self):
        names = ("learning_rate", "total_steps", "warmup_fraction", "initial_fraction", "final_fraction", "name")
        return {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="keras_recipes")
class FlatCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Stays at the peak for half of the training, then falls to 0 along half a cosine.

    RealMLP (Holzmüller et al. 2024, arXiv:2407.04491) lets dropout and weight decay follow it, under the name flat_cos.

    Args:
        learning_rate: Peak, of a learning rate or of anything else that is scheduled.
        total_steps: Number of updates of the whole training, after which the value stays at 0.
        name: Name of the schedule.

    Raises:
        ValueError: For a peak that is not positive, or less than 1 step.
    """

    def __init__(self, learning_rate, total_steps, name="FlatCosine"):
        _require_steps(total_steps)
        require_positive("learning_rate", learning_rate)
        super().__init__()
        self.learning_rate = learning_rate
        self.total_steps = total_steps
        self.name = name

    def __call__(self, step):
        progress = ops.cast(step, "float32") / self.total_steps
        return self.learning_rate * (1.0 - _half_cosine(ops.clip(2.0 * progress - 1.0, 0.0, 1.0)))

    def get_config(self):
        return {"learning_rate": self.learning_rate, "total_steps": self.total_steps, "name": self.name}


@keras.saving.register_keras_serializable(package="keras_recipes")
class CosLog(keras.optimizers.schedules.LearningRateSchedule):
    """Rises from 0 to the peak and falls back to 0 several times, each cycle about twice as long as the one before.

    The rate is `peak * (1 - cos(2 pi log2(1 + (2^cycles - 1) t))) / 2`, with t from 0 to 1 the share of the steps that
    are done (Holzmüller et al. 2024, arXiv:2407.04491, where it is called coslog4): a training that is stopped at the
    end of any cycle has had a complete schedule.

    Args:
        learning_rate: Peak of the learning rate.
        total_steps: Number of updates of the whole training, after which the rate stays at 0.
        cycles: Number of cycles, from 1 to 20.
        name: Name of the schedule.

    Raises:
        ValueError: For a peak that is not positive, less than 1 step, or a number of cycles out of range.
    """

    def __init__(self, learning_rate, total_steps, cycles=4, name="CosLog"):
        _require_steps(total_steps)
        require_positive("learning_rate", learning_rate)
        if not is_whole(cycles) or not 1 <= cycles <= 20:
            raise ValueError(f"`cycles` must be a whole number from 1 to 20. Received: {cycles!r}")
        super().__init__()
        self.learning_rate = learning_rate
        self.total_steps = total_steps
        self.cycles = cycles
        self.name = name

    def __call__(self, step):
        progress = ops.clip(ops.cast(step, "float32") / self.total_steps, 0.0, 1.0)
        # log2 counts the cycles that are done.
        return self.learning_rate * _half_cosine(2.0 * ops.log2(1.0 + (2.0**self.cycles - 1.0) * progress))

    def get_config(self):
        return {name: getattr(self, name) for name in ("learning_rate", "total_steps", "cycles", "name")}


def _half_cosine(progress):
    return 0.5 - 0.5 * ops.cos(math.pi * progress)


def get(
    name: str,
    learning_rate: float,
    total_steps: int,
    *,
    warmup_fraction: float | None = None,
    milestones: tuple[float, ...] = (0.5, 0.75),
    factor: float = 0.1,
    final_fraction: float = 0.01,
    cycles: int = 4,
):
    """A learning rate for a Keras optimizer: a number or a schedule.

    | name | rate |
    |---|---|
    | constant | the peak |
    | step | the peak, multiplied by `factor` at each of the `milestones` |
    | exponential | falls by a constant factor per step, to `final_fraction` of the peak at the end |
    | cosine | rises linearly from a tenth of the peak, then falls along half a cosine to 0 (arXiv:1608.03983) |
    | one_cycle | `OneCycle` |
    | flat_cosine | `FlatCosine` |
    | coslog | `CosLog` |
    | reduce_on_plateau | the peak; the callback `ReduceLROnPlateau`, which `callbacks_for` adds, lowers it |

    Args:
        name: Name of the schedule.
        learning_rate: Peak of the learning rate.
        total_steps: Number of updates of the whole training, warm-up included.
        warmup_fraction: Share of the steps in which the rate of cosine and one_cycle rises. Default: 0.05 for cosine,
            0.3 for one_cycle.
        milestones: Shares of the steps after which step lowers the rate, ascending.
        factor: Factor by which step lowers the rate.
        final_fraction: Final rate of exponential, as a share of the peak.
        cycles: Number of cycles of coslog.

    Returns:
        A number or a `LearningRateSchedule`.

    Raises:
        ValueError: For an unknown name, less than 1 step, shares that are not at least 0 and less than 1, or cycles
            that are not from 1 to 20.
    """
    key = normalize(name).replace("-", "_")
    if key not in NAMES:
        raise unknown("schedule", name, NAMES)
    _require_steps(total_steps)
    if warmup_fraction is not None:
        require_fraction("warmup_fraction", warmup_fraction)
    schedules = keras.optimizers.schedules
    if key in ("constant", "reduce_on_plateau"):
        return learning_rate
    if key == "step":
        for milestone in milestones:
            require_fraction("milestones", milestone)
        if list(milestones) != sorted(set(milestones)):
            raise ValueError(f"`milestones` must ascend. Received: {milestones}")
        require_fraction("factor", factor)
        boundaries = [max(1, round(milestone * total_steps)) for milestone in milestones]
        return schedules.PiecewiseConstantDecay(
            boundaries, [learning_rate * factor**drops for drops in range(len(boundaries) + 1)]
        )
    if key == "exponential":
        require_fraction("final_fraction", final_fraction)
        return schedules.ExponentialDecay(learning_rate, total_steps, final_fraction)
    if key == "one_cycle":
        return OneCycle(learning_rate, total_steps, 0.3 if warmup_fraction is None else warmup_fraction)
    if key == "flat_cosine":
        return FlatCosine(learning_rate, total_steps)
    if key == "coslog":
        return CosLog(learning_rate, total_steps, cycles)
    warmup_steps = round((0.05 if warmup_fraction is None else warmup_fraction) * total_steps)
    if not warmup_steps:
        return schedules.CosineDecay(learning_rate, total_steps)
    return schedules.CosineDecay(
        learning_rate / 10, max(1, total_steps - warmup_steps), warmup_target=learning_rate, warmup_steps=warmup_steps
    )


def _require_steps(total_steps) -> None:
    if not is_number(total_steps) or total_steps < 1:
        raise ValueError(f"`total_steps` must be at least 1. Received: {total_steps!r}")
