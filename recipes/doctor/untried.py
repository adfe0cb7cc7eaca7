"""What is most likely wrong where no trial can be made: with a training that was watched in the user's own `fit`."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from recipes.doctor import outcome
from recipes.doctor.changes import MENDING
from recipes.doctor.finding import FAULT, Evidence, Finding
from recipes.doctor.ranking import SYMPTOMS
from recipes.doctor.rules.chance import CONFIDENCE, no_better_than_constant
from recipes.doctor.seen import Seen

# Causes whose notes are suspicions, in causal order.
SUSPICIONS = (*(change.causes[0] for change in MENDING), "lr_too_high", "lr_too_low")
USUAL_RATIO = 1e-3


def likely(seen: Seen, findings: Sequence[Finding]) -> Finding | None:
    """The suspicion that explains a training which went wrong: the first note in causal order, as a fault.

    `diagnose` would try it, and name it where the same training with it mended goes clearly better. A training that
    reaches what simple models reach is not explained, and keeps its notes.

    Args:
        seen: What was seen, with the course of the training and a reference.
        findings: What the rules say.
    """
    known = [finding for finding in findings if finding.severity == FAULT and finding.cause not in SYMPTOMS]
    if known or seen.course is None or not outcome.is_unwell(seen):
        return None
    if suspected := _first_note(SUSPICIONS, seen, findings):
        return suspected
    if any(finding.severity == FAULT for finding in findings):
        return None  # a symptom, with its own remedy
    if outcome.is_rising(seen) and seen.course.epochs >= seen.epochs:
        return Finding(
            "too_few_epochs",
            FAULT,
            "The training stopped while it still improved, below what simple models reach on the same rows.",
            (
                _reached(seen),
                Evidence("rise of the score over the last quarter of the epochs", outcome.late_gain(seen.course)),
            ),
            f"model.fit(..., epochs={3 * seen.epochs})  # or a higher learning rate",
            None,
            CONFIDENCE,
        )
    if np.isfinite(seen.reference.linear):
        return _first_note(["no_signal"], seen, findings) or _unfit_steps(seen)
    return no_better_than_constant(
        seen,
        unknown="nothing that was seen tells why",
        remedy="this trains again under watch.\nrecipes.diagnose(model, x, y)",
    )


def _first_note(causes: Sequence[str], seen: Seen, findings: Sequence[Finding]) -> Finding | None:
    """The finding of the first of the causes that the rules name, as a fault."""
    for cause in causes:
        note = next((finding for finding in findings if finding.cause == cause), None)
        if note is not None:
            evidence = (*note.evidence, _reached(seen))
            return dataclasses.replace(note, severity=FAULT, evidence=evidence, confidence=CONFIDENCE)
    return None


def _unfit_steps(seen: Seen) -> Finding | None:
    """The learning rate, where nothing else can be seen that keeps a model at chance which simple models learn.

    Too low or too high, by the steps of the first epoch: weights usually change by about 0.001 of their size in a step
    (Karpathy, CS231n, "Ratio of weights:updates").
    """
    ratios = seen.course.watched.record.update_ratio
    if ratios is None or not np.isfinite(ratios).any() or not outcome.is_at_chance(seen) or not outcome.is_short(seen):
        return None
    ratio = float(np.nanmax(ratios))
    is_low = ratio < USUAL_RATIO
    rate = seen.model.learning_rate * (10 if is_low else 0.1)
    return Finding(
        "lr_too_low" if is_low else "lr_too_high",
        FAULT,
        "The model predicts no better than a constant, though simple models learn from the same rows; the "
        f"{'small' if is_low else 'large'} steps are the first suspect.",
        (
            _reached(seen),
            Evidence(
                "change of the weights in a step, relative to their size, in the layer where it is largest",
                ratio,
                f"about {USUAL_RATIO:g}",
            ),
        ),
        f"keras.optimizers.{seen.model.optimizer}({rate:.2g})  # or recipes.diagnose(model, x, y), which tries it",
        None,
        CONFIDENCE,
    )


def _reached(seen: Seen) -> Evidence:
    score, expected = outcome.final_score(seen.course), outcome.expected_score(seen)
    return Evidence("score at the end", score if np.isfinite(score) else "not finite", f"about {expected:.3g}")
