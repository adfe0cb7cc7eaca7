"""Rules on what can be learnt: labels that are damaged, and inputs that say nothing about them."""

import numpy as np

from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.rules.shifts import CLEAR_SHARE, class_change, input_change
from recipes.doctor.seen import Reference, Seen

# Fewer rows leave it to chance.
FEWEST_ROWS, FEWEST_HELD_ROWS = 100, 30
# Score that is lost by damaged labels: the least difference, in margins of chance, and the share that is left.
CLEAR_LOSS, MARGINS, MOST_LEFT = 0.15, 4.0, 0.75
# Margins within which the best of three models is no better than chance.
OF_THREE = 1.5
# R2 that the best of three models has without signal.
NO_R2 = 0.02


def damaged_labels(seen: Seen) -> Finding | None:
    """Labels that contradict those of the other part: models of one do not predict the other.

    Either the validation rows predict each other (leave-one-out) far better than the training rows predict them, or
    the training rows predict the validation rows far better than each other, or each other far better than the
    validation rows, which do not predict each other either: by 0.15 of accuracy or R2, by 4 margins
    of chance, and by a quarter of what lies between chance and the better score. Validation rows of another kind are
    left to other rules. Chosen on healthy sets of scikit-learn, where the scores differ by less than 0.1.
    """
    reference, data = seen.reference, seen.data
    if reference is None or data.rows < FEWEST_ROWS or data.validation_rows < FEWEST_HELD_ROWS:
        return None
    if (
        data.leaked > 0.2
        or class_change(data) is not None
        or input_change(data.inputs, data.validation_inputs) > CLEAR_SHARE
    ):
        return None
    margin = max(reference.margin, _margin(seen, data.rows), _margin(seen, data.validation_rows))
    learnt, held = reference.best, reference.validation
    for better, worse, sentence, names in (
        (
            held,
            learnt,
            "The training labels are damaged: models that learn from them fail on the validation rows, which predict "
            "each other well.",
            ("validation rows by others of them", "validation rows by models of the training rows"),
        ),
        (
            learnt,
            reference.neighbors,
            "Many training labels are wrong: models of the training rows predict the validation rows far better than "
            "other training rows.",
            ("validation rows by models of the training rows", "training rows by models of the others"),
        ),
        (
            reference.neighbors,
            max(learnt, held),
            "The validation labels are damaged: models predict other training rows far better than validation rows, "
            "and those do not predict each other.",
            ("training rows by models of the others", "validation rows by any model"),
        ),
    ):
        gap = better - worse
        is_part = worse - reference.chance < MOST_LEFT * (better - reference.chance)
        if np.isfinite(gap) and gap > max(CLEAR_LOSS, MARGINS * margin) and is_part:
            return Finding(
                "label_corrupted",
                FAULT,
                sentence,
                (
                    Evidence(f"score of {names[0]}", better),
                    Evidence(f"score of {names[1]}", worse, f"about {better:.2g}"),
                ),
                "for row in range(10):  # compare rows with their labels, and find where they lost each other\n"
                "    print(x[row], y[row])",
                confidence=0.85,
            )
    return None


def no_signal(seen: Seen) -> Finding | None:
    """Neither a linear model, nor a forest, nor nearest neighbours, nor the network do better than chance.

    Bounds: 1.5 margins of chance, which the best of three models exceeds without signal in about 1 of 100 cases; R2 of
    0.02. A fault where the network did learn its training rows, or else gave outputs that vary with the rows: what
    blocks a training could not have done so. Otherwise a note.
    """
    reference, course, data = seen.reference, seen.course, seen.data
    if reference is None or course is None or data.rows < FEWEST_ROWS or not np.isfinite(reference.linear):
        return None
    if data.validation_rows and data.validation_rows < FEWEST_HELD_ROWS:
        return None
    bound = NO_R2 if data.targets.form == "numbers" else OF_THREE * reference.margin
    chance = max(reference.chance, _majority(seen.data.validation_targets or seen.data.targets))
    scores = course.score[np.isfinite(course.score)]
    if not len(scores) or max(reference.best, scores.max()) > chance + bound:
        return None
    if _learnable(reference, seen):
        return None
    train = course.train_score[np.isfinite(course.train_score)]
    learnt = float(train[-1]) if len(train) else np.nan
    has_learnt = learnt > _majority(data.targets) + OF_THREE * _margin(seen, data.rows)
    is_sound = course.is_finite and not course.constant_output
    return Finding(
        "no_signal",
        FAULT if is_sound and has_learnt else NOTE,
        "The inputs say nothing about the targets: neither simple models nor the network predict held-out rows better "
        "than by chance.",
        (
            Evidence("chance", chance),
            Evidence("linear model", reference.linear, f"above {chance + bound:.3g}"),
            Evidence("forest or nearest neighbours", reference.trees, f"above {chance + bound:.3g}"),
            Evidence("network, in its best epoch", float(scores.max()), f"above {chance + bound:.3g}"),
            *([Evidence("network on its training rows", learnt)] if len(train) else []),
        ),
        "# Check that rows and labels belong together, then look for inputs that depend on the target:\n"
        "print(np.corrcoef(x.reshape(len(x), -1), y.reshape(len(y), -1), rowvar=False)[-1])",
        confidence=0.8 if is_sound and has_learnt else 0.5,
    )


def _learnable(reference: Reference, seen: Seen) -> bool:
    """Whether the training rows predict each other, or the validation rows do, better than by chance."""
    bound = 2 * NO_R2 if seen.data.targets.form == "numbers" else 2 * OF_THREE * reference.margin
    chance = max(reference.chance, _majority(seen.data.targets))
    return max(reference.neighbors, np.nan_to_num(reference.validation, nan=-1.0)) > chance + bound


def _majority(targets) -> float:
    """Accuracy of the most frequent class; 0 where there are no classes."""
    return float(targets.counts.max() / targets.counts.sum()) if len(targets.counts) and targets.counts.sum() else 0.0


def _margin(seen: Seen, rows: int) -> float:
    return (2.0 if seen.data.targets.form == "numbers" else 1.0) / np.sqrt(min(rows, 2000))


RULES = (damaged_labels, no_signal)
