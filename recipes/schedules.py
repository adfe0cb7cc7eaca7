"""Learning-rate schedules by name, sized by the number of steps."""

import math
import numbers

import keras
from keras import ops

from recipes.arguments.names import normalize, unknown

NAMES = ("constant", "step", "exponential", "cosine", "one_cycle", "reduce_on_plateau")


@keras.saving.register_keras_serializable(package="keras_recipes")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Up to the peak, then down to nearly nothing, both along half a cosine (Smith & Topin 2018, arXiv:1708.07120).

    The learning rate alone: in Keras the momentum of an optimizer is a constant of the compiled step, so that it stays
    where it is while the paper moves it the other way.

    Args:
        learning_rate: The peak.
        total_steps: Updates of the whole training. After them the rate stays at its end.
        warmup_fraction: Share of the steps on the way up.
        initial_fraction: Share of the peak to begin with.
        final_fraction: Share of the peak to end with.
        name: Of the schedule.

    Raises:
        ValueError: For a peak that is not positive, fractions outside of 0 to 1, or less than 1 step.
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
        if not 0 < learning_rate < math.inf:
            raise ValueError(f"`learning_rate` must be more than 0 and finite. Received: {learning_rate}")
        fractions = {
            "warmup_fraction": warmup_fraction,
            "initial_fraction": initial_fraction,
            "final_fraction": final_fraction,
        }
        for fraction, value in fractions.items():
            _require_fraction(fraction, value)
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
        # Whole numbers of steps: the peak is a step, and so is the end.
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
):
    """What a Keras optimizer takes as its learning rate.

    | name | rate |
    |---|---|
    | constant | the peak |
    | step | times `factor` at each of the `milestones` |
    | exponential | falls evenly by the logarithm, to `final_fraction` of the peak at the end |
    | cosine | a linear warm-up from a tenth of the peak, then half a cosine to 0 (arXiv:1608.03983) |
    | one_cycle | `OneCycle` |
    | reduce_on_plateau | the peak; the callback `ReduceLROnPlateau`, which `callbacks_for` adds, lowers it |

    Args:
        name: Of the schedule.
        learning_rate: The peak.
        total_steps: Updates of the whole training, warm-up included.
        warmup_fraction: Share of the steps spent warming up (cosine: 0.05; one_cycle: 0.3).
        milestones: Of step: shares of the steps, ascending.
        factor: Of step.
        final_fraction: Of exponential.

    Raises:
        ValueError: For an unknown name, without steps, or for shares outside of 0 to 1.
    """
    key = normalize(name).replace("-", "_")
    if key not in NAMES:
        raise unknown("schedule", name, NAMES)
    _require_steps(total_steps)
    if warmup_fraction is not None:
        _require_fraction("warmup_fraction", warmup_fraction)
    schedules = keras.optimizers.schedules
    if key in ("constant", "reduce_on_plateau"):
        return learning_rate
    if key == "step":
        for milestone in milestones:
            _require_fraction("milestones", milestone)
        if list(milestones) != sorted(set(milestones)):
            raise ValueError(f"`milestones` must ascend. Received: {milestones}")
        _require_fraction("factor", factor)
        boundaries = [max(1, round(milestone * total_steps)) for milestone in milestones]
        return schedules.PiecewiseConstantDecay(
            boundaries, [learning_rate * factor**drops for drops in range(len(boundaries) + 1)]
        )
    if key == "exponential":
        _require_fraction("final_fraction", final_fraction)
        return schedules.ExponentialDecay(learning_rate, total_steps, final_fraction)
    if key == "one_cycle":
        return OneCycle(learning_rate, total_steps, 0.3 if warmup_fraction is None else warmup_fraction)
    warmup_steps = round((0.05 if warmup_fraction is None else warmup_fraction) * total_steps)
    if not warmup_steps:
        return schedules.CosineDecay(learning_rate, total_steps)
    return schedules.CosineDecay(
        learning_rate / 10, max(1, total_steps - warmup_steps), warmup_target=learning_rate, warmup_steps=warmup_steps
    )


def _require_steps(total_steps) -> None:
    if not isinstance(total_steps, numbers.Real) or total_steps < 1:
        raise ValueError(f"`total_steps` must be at least 1. Received: {total_steps}")


def _require_fraction(name: str, value) -> None:
    if not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be at least 0 and less than 1. Received: {value}")
