"""Rules on the learning rate: against what was asked for, over the steps, and against the optimizer's usual range.

The ranges are wide on purpose: a rate outside of them is a suspicion, which a training has to confirm. Sources: UMLAUT
(CHI 2021) for Adam, Bengio 2012 (arXiv:1206.5533) for SGD, and the papers of the other optimizers.
"""

import math

import numpy as np

from recipes.doctor import outcome
from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.seen import ModelFacts, Seen

# Least and greatest usual rate, and one to start from. Adam and its relatives move each weight by about the rate in
# each step, whatever the gradient: that makes their range independent of the task.
_ADAM = (1e-5, 0.03, 0.001)
_USUAL = {
    **dict.fromkeys(("Adam", "AdamW", "Nadam", "Adamax", "RMSprop", "Adafactor", "ScheduleFreeAdamW"), _ADAM),
    "Lamb": (1e-5, 0.1, 0.001),
    "Lion": (1e-6, 0.003, 1e-4),
    "SGD": (1e-4, 0.5, 0.01),
    "Adagrad": (0.003, 1.0, 0.01),
    "Adadelta": (0.03, 10.0, 1.0),
    "Ftrl": (1e-3, 1.0, 0.1),
}
_ROUNDED = 0.999  # a rate is a float32
_ABSURD = 1000  # times the usual start
# A rate of so small a share of the schedule's highest one hardly moves a weight, and one of the second share moves none
# in float32. Schedules that are sized by the training are below the first at their very start and end alone.
IDLE, STILL = 1e-3, 1e-6
MOST_IDLE = 0.5  # share of the steps


def invalid_learning_rate(seen: Seen) -> Finding | None:
    """A rate of 0 learns nothing, a negative one climbs the loss, and one that is not finite gives NaN weights.

    A schedule may start at 0, as one with a warm-up does.
    """
    model, rate = seen.model, seen.model.learning_rate
    rises = model.has_schedule and not model.scheduled_peak <= 0  # also where it is not known
    if not model.optimizer or (rate > 0 and math.isfinite(rate)) or (rate == 0 and rises):
        return None
    if not math.isfinite(rate):
        follows = "every weight is NaN or infinite after the first step"
    else:
        follows = "no weight ever changes" if rate == 0 else "each step makes the loss larger instead of smaller"
    return Finding(
        "lr_invalid",
        FAULT,
        f"The learning rate is {rate:g}: {follows}.",
        (Evidence("learning rate", rate, "above 0, and finite"),),
        _remedy(model),
    )


def ignored_learning_rate(seen: Seen) -> Finding | None:
    """The optimizer was given a learning rate by the attribute `lr`, which Keras 3 keeps and does not read.

    A relation that needs no threshold: the applied rate is the asked one.
    """
    model, asked, applied = seen.model, seen.model.ignored_learning_rate, seen.model.learning_rate
    if asked is None or model.has_schedule or abs(asked - applied) <= (1 - _ROUNDED) * abs(applied):
        return None
    return Finding(
        "lr_too_low" if applied < asked else "lr_too_high",
        FAULT,
        f"The optimizer trains with a learning rate of {applied:g}, not with the {asked:g} of its attribute `lr`, "
        "which Keras 3 ignores.",
        (Evidence("learning rate that is applied", applied, f"{asked:g}, as `optimizer.lr` says"),),
        f"model.optimizer.learning_rate = {asked:g}",
        confidence=0.9,
    )


def idle_schedule(seen: Seen) -> Finding | None:
    """The schedule is not sized by the training, so that most of its steps hardly change a weight.

    Counted are steps with a rate of at most a thousandth of the highest one. Where there are more than half of them, it
    is a note; a fault where so many have a rate of at most a millionth, unless the training ends well all the same.
    """
    model, rates = seen.model, np.asarray(seen.model.scheduled_rates)
    if not len(rates) or not model.scheduled_peak > 0 or not np.isfinite(rates).all():
        return None
    idle, still = (float(np.mean(rates <= share * model.scheduled_peak)) for share in (IDLE, STILL))
    if idle <= MOST_IDLE:
        return None
    steps = seen.epochs * math.ceil(seen.data.rows / seen.batch_size)
    ends_well = seen.course is not None and not outcome.is_unwell(seen)
    level = "of 0" if not rates[rates <= IDLE * model.scheduled_peak].any() else "below a thousandth of its highest one"
    return Finding(
        "lr_too_low",
        FAULT if still > MOST_IDLE and not ends_well else NOTE,
        f"The schedule gives a learning rate {level} in about {idle:.0%} of the {steps:,} steps of this training.",
        (
            Evidence(f"share of the steps with a rate {level}", idle, f"at most {MOST_IDLE:g}"),
            Evidence("highest learning rate of the schedule", model.scheduled_peak),
            Evidence("learning rate of the last step", float(rates[-1])),
        ),
        f"steps = {steps}  # of the whole training: epochs * batches of an epoch\n"
        f"keras.optimizers.schedules.CosineDecay({model.scheduled_peak:g}, decay_steps=steps)",
        confidence=0.9,
    )


def unusual_learning_rate(seen: Seen) -> Finding | None:
    """A rate outside of the usual range of its optimizer is a note.

    Above 1000 times the usual start it is a fault for Adam and its relatives, whose every step then overwrites all
    weights; the steps of SGD depend on the gradient, so that no rate is too high for certain.
    """
    model, rate = seen.model, seen.model.learning_rate
    low, high, start = _USUAL.get(model.optimizer, (0.0, math.inf, 0.0))
    if not math.isfinite(rate) or rate <= 0 or low * _ROUNDED <= rate <= high / _ROUNDED:
        return None
    if rate < low and model.has_schedule:
        return None  # it may rise
    certain = rate > _ABSURD * start and (low, high, start) == _ADAM
    way = "high" if rate > high else "low"
    return Finding(
        f"lr_too_{way}",
        FAULT if certain else NOTE,
        f"The learning rate {rate:g} is {way} for {model.optimizer}, which is usually given {low:g} to {high:g}.",
        (Evidence(f"learning rate of {model.optimizer}", rate, f"{low:g} to {high:g}"),),
        _remedy(model),
        confidence=0.95 if certain else 0.4,
    )


def usual_rate(optimizer: str) -> float:
    """A learning rate to start from, by the name of the optimizer's class."""
    return _USUAL.get(optimizer, _ADAM)[2]


def _remedy(model: ModelFacts) -> str:
    return f"optimizer=keras.optimizers.{model.optimizer}({usual_rate(model.optimizer):g})  # in model.compile"


RULES = (invalid_learning_rate, ignored_learning_rate, idle_schedule, unusual_learning_rate)
