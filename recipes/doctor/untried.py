"""What is most likely wrong where no trial can be made: with a training that was watched in the user's own `fit`."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from recipes.doctor import outcome
from recipes.doctor.changes import MENDING
from recipes.doctor.finding import FAULT, Evidence, Finding
from recipes.doctor.ranking import SYMPTOMS
from recipes.doctor.seen import Seen

CONFIDENCE = 0.5


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
    suspicions = [change.causes[0] for change in MENDING] + ["lr_too_high", "lr_too_low"]
    for cause in suspicions:
        note = next((finding for finding in findings if finding.cause == cause), None)
        if note is not None:
            evidence = (*note.evidence, _reached(seen))
            return dataclasses.replace(note, severity=FAULT, evidence=evidence, confidence=CONFIDENCE)
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
    return None


def _reached(seen: Seen) -> Evidence:
    score, expected = outcome.final_score(seen.course), outcome.expected_score(seen)
    return Evidence("score at the end", score if np.isfinite(score) else "not finite", f"about {expected:.3g}")
