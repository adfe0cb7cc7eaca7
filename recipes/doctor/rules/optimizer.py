"""Rules on the learning rate, against the range that is usual for the optimizer.

The ranges are wide on purpose: a rate outside of them is a suspicion, which a training has to confirm. Sources: UMLAUT
(CHI 2021) for Adam, Bengio 2012 (arXiv:1206.5533) for SGD, and the papers of the other optimizers.
"""

import math

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


def invalid_learning_rate(seen: Seen) -> Finding | None:
    """A rate of 0 learns nothing, a negative one climbs the loss, and one that is not finite gives NaN weights.

    A schedule may start at 0, as one with a warm-up does.
    """
    model, rate = seen.model, seen.model.learning_rate
    if not model.optimizer or (rate > 0 and math.isfinite(rate)) or (rate == 0 and model.has_schedule):
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


RULES = (invalid_learning_rate, unusual_learning_rate)
