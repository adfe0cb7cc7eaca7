"""A training that ended no better than a constant prediction, and of which nothing tells why."""

import numpy as np

from recipes.doctor import outcome
from recipes.doctor.finding import FAULT, Evidence, Finding
from recipes.doctor.seen import Seen
from recipes.doctor.text import score_name

CONFIDENCE = 0.5


def no_better_than_constant(seen: Seen, *, unknown: str, remedy: str) -> Finding | None:
    """The model predicts no better than the best constant; what keeps it from learning is not known.

    The bar is half of what counts as a clear difference (0.05 of an accuracy, 0.1 of R2) above the constant. Of so many
    classes that a constant reaches less than that itself, an accuracy near 0 may be many times that of a constant, so
    that nothing is said.

    Args:
        seen: What was seen, with the course of the training and a reference.
        unknown: Clause that says why the cause is not known.
        remedy: What tells the possible causes apart.
    """
    course, reference = seen.course, seen.reference
    if course is None or reference is None or not np.isfinite(course.score).any() or not outcome.is_at_chance(seen):
        return None
    bar = outcome.clear_difference(seen) / 2
    classes = seen.data.targets.classes
    if classes and reference.chance < bar:
        return None
    if np.isfinite(course.balanced) and classes > 1 and course.balanced > 1 / classes + outcome.CLEAR_ACCURACY:
        return None  # of a rare class, a model may find much and have an accuracy that hardly shows it
    return Finding(
        "no_signal",
        FAULT,
        f"The model predicts no better than a constant; {unknown}.",
        (
            Evidence(
                f"{score_name(seen)} on {'held-out' if seen.data.validation_rows else 'training'} rows",
                outcome.final_score(course),
                f"above {reference.chance + bar:.3g}",
            ),
        ),
        "# The cause is not known yet: the inputs may say nothing about the labels, or something keeps the model from\n"
        f"# learning. To tell them apart, {remedy}",
        None,
        CONFIDENCE,
    )
