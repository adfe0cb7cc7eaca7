"""What a finished run shows that cannot be trained again: chance level, epochs that were too few, overfitting."""

import numpy as np

from recipes.doctor import outcome
from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.rules.chance import no_better_than_constant
from recipes.doctor.seen import Seen
from recipes.doctor.text import score_name

# Stands for the recipe of the run in commands.
RECIPE = "RECIPE"
# A held-out loss this many times its lowest one, over this many epochs, comes from learning the training rows by heart.
# Most tools have a factor of 1.1 (SageMaker Debugger: Overfit) and raise an alarm at the first noise; 5 epochs in a row
# are no noise.
RISEN_LOSS, RISEN_EPOCHS = 1.1, 5


def at_chance(seen: Seen) -> Finding | None:
    """The model predicts no better than the best constant; what keeps it from learning, no file of the run tells.

    Only a training under watch can tell inputs without signal from everything else that leaves a model at chance.
    """
    return no_better_than_constant(
        seen,
        unknown="the run folder alone cannot tell why",
        remedy=f"this command trains again under watch.\nkeras-recipes diagnose {RECIPE}",
    )


def still_improving(seen: Seen) -> Finding | None:
    """The held-out score was rising until the last epoch that was asked for.

    Rising means by a quarter of a clear difference over the last quarter of the epochs; see `outcome.is_rising`.
    """
    course = seen.course
    if course is None or course.epochs < seen.epochs or not outcome.is_rising(seen):
        return None
    return Finding(
        "too_few_epochs",
        NOTE,
        f"The {score_name(seen)} of held-out rows was still rising when the training ended.",
        (
            Evidence(
                f"rise of the {score_name(seen)} over the last quarter of the epochs",
                outcome.late_gain(course),
                f"below {outcome.clear_difference(seen) / 4:.2g}",
            ),
        ),
        f"keras-recipes train {RECIPE} --epochs {2 * seen.epochs}",
        None,
        0.7,
    )


def loss_rises(seen: Seen) -> Finding | None:
    """The held-out loss had risen for epochs when the training ended, and the last weights were kept."""
    history = {} if seen.course is None else seen.course.watched.history
    losses, training = (np.asarray(history.get(name, ()), np.float64) for name in ("val_loss", "loss"))
    if len(losses) <= RISEN_EPOCHS or not np.isfinite(losses).all() or losses.min() <= 0:
        return None
    late, best = losses[-RISEN_EPOCHS:] / losses.min(), int(losses.argmin())
    if late.min() < RISEN_LOSS or training[-1] > training[best]:
        return None
    is_worse = outcome.lost_since_best(seen.course) > outcome.clear_difference(seen)
    return Finding(
        "overfit",
        FAULT if is_worse else NOTE,
        f"The held-out loss has risen since epoch {best + 1}, while that of the training rows fell: they are learnt by "
        "heart.",
        (Evidence("held-out loss at the end over its lowest one", float(late[-1]), f"below {RISEN_LOSS:g}"),),
        f"keras-recipes train {RECIPE} --fit.keep best --regularization.dropout 0.3",
        None,
        0.8,
    )


RULES = (still_improving, loss_rises)
