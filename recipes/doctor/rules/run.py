"""What a finished run shows that cannot be trained again: chance level, epochs that were too few, overfitting."""

import numpy as np

from recipes.doctor import outcome
from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
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

    Only a training under watch can tell inputs without signal from everything else that leaves a model at chance. The
    bar is half of what counts as a clear difference (0.05 of an accuracy, 0.1 of R2) above the constant.
    """
    course, reference = seen.course, seen.reference
    if course is None or reference is None or not np.isfinite(course.score).any() or not outcome.is_at_chance(seen):
        return None
    score, needed = outcome.final_score(course), reference.chance + outcome.clear_difference(seen) / 2
    if np.isfinite(course.balanced) and seen.data.targets.classes > 1:
        # Of a rare class, a model may find much and have an accuracy that hardly shows it.
        chance = 1 / seen.data.targets.classes
        if course.balanced > chance + outcome.CLEAR_ACCURACY:
            return None
    return Finding(
        "no_signal",
        FAULT,
        "The model predicts no better than a constant; the run folder alone cannot tell why.",
        (Evidence(f"{score_name(seen)} on held-out rows", score, f"above {needed:.3g}"),),
        "# The cause is not known yet: the inputs may say nothing about the labels, or something keeps the model from\n"
        f"# learning. To tell them apart, this command trains again under watch.\nkeras-recipes diagnose {RECIPE}",
        None,
        0.5,
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
