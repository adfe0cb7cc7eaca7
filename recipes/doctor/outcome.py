"""How a training went: pure functions of what was seen, on which rules and trials rest.

Scores are accuracy for classes and R2 for numbers, of held-out rows. What counts as a clear difference, 0.05 of an
accuracy and 0.1 of R2, is the bar by which shared benchmarks tell faulty programs from healthy ones.
"""

import numpy as np

from recipes.doctor.scores import sampling_error
from recipes.doctor.seen import Course, Seen
from recipes.metrics.bias_variance import ERROR_RATE, MARGIN, UNEXPLAINED, BiasVariance, bias_and_variance

CLEAR_ACCURACY, CLEAR_R2 = 0.05, 0.1
# Standard errors of a single score that a difference must exceed. Both scores are of the same rows, so that their
# difference varies less than the score of one.
STANDARD_ERRORS = 1.5
CLOSED = 1 / 3  # share of what is missing to the score of simple models that a trial must gain
# Mean change of the score from epoch to epoch, beyond which the learning rate or the batch size is suspected.
SWING = 0.03
LATE = 0.25  # share of the epochs, at the end, in which a training may still improve


def final_score(course: Course) -> float:
    """Score at the end; the worst possible one where outputs are not finite."""
    value = course.score[np.isfinite(course.score)][-1:]
    return float(value[0]) if course.is_finite and len(value) else -np.inf


def final_train_score(course: Course) -> float:
    """Score of training rows at the end."""
    value = course.train_score[np.isfinite(course.train_score)][-1:]
    return float(value[0]) if course.is_finite and len(value) else -np.inf


def clear_difference(seen: Seen) -> float:
    """By how much a score must differ from another to count."""
    if seen.data.targets.form == "numbers":
        return CLEAR_R2
    rows = min(seen.data.validation_rows or seen.data.rows, 1000)
    value = final_score(seen.course) if seen.course is not None and seen.course.is_finite else 0.5
    return max(CLEAR_ACCURACY, STANDARD_ERRORS * sampling_error(value, rows))


def chance(seen: Seen) -> float:
    """Score of the best constant prediction."""
    return 0.0 if seen.reference is None else seen.reference.chance


def expected_score(seen: Seen) -> float:
    """What simple models reach on these rows; chance where none was tried."""
    return chance(seen) if seen.reference is None else max(seen.reference.best, chance(seen))


def is_at_chance(seen: Seen, course: Course | None = None) -> bool:
    """Whether the training ended no better than a constant prediction."""
    course = course or seen.course
    return final_score(course) < chance(seen) + clear_difference(seen) / 2


def is_short(seen: Seen) -> bool:
    """Whether simple models are clearly better."""
    return expected_score(seen) - final_score(seen.course) > clear_difference(seen)


def late_gain(course: Course) -> float:
    """By how much the score, smoothed over up to three epochs, rose over the last quarter of the epochs."""
    known = np.flatnonzero(np.isfinite(course.score))
    if len(known) < 2:
        return 0.0
    window = min(3, max(1, len(known) // 4))
    values = np.convolve(course.score[known], np.ones(window) / window, "valid")
    last = known[window - 1 :]  # the last epoch of each window
    earlier = np.flatnonzero(last <= max(course.epochs * (1 - LATE), 1))
    return float(values[-1] - values[earlier[-1] if len(earlier) else 0])


def is_rising(seen: Seen) -> bool:
    """Whether the training still improved when it ended, at a rate that would matter if it went on, with room left."""
    needed = clear_difference(seen)
    return late_gain(seen.course) > needed / 4 and 1 - final_score(seen.course) > needed


def swing(course: Course) -> float:
    """Mean absolute change of the score from one scored epoch to the next, over the second half of the training."""
    known = course.score[np.isfinite(course.score)]
    late = known[len(known) // 2 :]
    return float(np.abs(np.diff(late)).mean()) if len(late) > 2 else 0.0


def lost_since_best(course: Course) -> float:
    """By how much the score, smoothed over three epochs, lies below its best one."""
    known = course.score[np.isfinite(course.score)]
    if len(known) < 4:
        return 0.0
    smoothed = np.convolve(known, np.ones(3) / 3, "valid")
    return float(smoothed.max() - smoothed[-1])


def is_unwell(seen: Seen) -> bool:
    """Whether there is anything to explain: no finite end, no better than chance, or worse than simple models."""
    return not seen.course.is_finite or is_at_chance(seen) or is_short(seen)


def is_cured(seen: Seen, trial: Course) -> bool:
    """Whether `trial` ended clearly better than the training, and not much further from what simple models reach."""
    before = final_score(seen.course)
    if not np.isfinite(before):
        before = chance(seen)
    needed = max(clear_difference(seen), CLOSED * (expected_score(seen) - before))
    return trial.is_finite and final_score(trial) - before > needed


def bias_variance(seen: Seen) -> BiasVariance | None:
    """Bias and variance at the end of the training; `None` without held-out rows, or where an error is not known."""
    course, reference = seen.course, seen.reference
    if course is None or seen.data is None or not seen.data.validation_rows:
        return None
    training, held_out = 1 - final_train_score(course), 1 - final_score(course)
    if not np.isfinite([training, held_out]).all():
        return None
    simple = [] if reference is None else [score for score in (reference.linear, reference.trees) if np.isfinite(score)]
    is_number = seen.data.targets.form == "numbers"
    noise = 0.0 if is_number else 2 * sampling_error(held_out, min(seen.data.validation_rows, 1000))
    return bias_and_variance(
        training,
        held_out,
        human_error=seen.human_error,
        simple_error=1 - max(simple) if simple else None,
        measure=UNEXPLAINED if is_number else ERROR_RATE,
        margin=max(MARGIN, noise),
    )
