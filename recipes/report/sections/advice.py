"""What to do next: one sentence from the errors on the three parts, and what the doctor has found."""

import math
from dataclasses import dataclass
from typing import Any

from recipes.report.subjects import subject
from recipes.runs.stored import Stored

# Errors on held-out rows that are this many times those on training rows are a gap that is worth closing.
_GAP_RATIO = 1.5
_LEAST_GAP = 0.01
_SMALL_ERROR = 0.02


@dataclass(frozen=True)
class Advice:
    """What the errors say.

    Attributes:
        problem: What holds the model back, a clause.
        remedy: What to try next, a sentence.
    """

    problem: str
    remedy: str


def advice(stored: Stored) -> dict[str, Any] | None:
    """Errors by part, what follows from them, and findings of the doctor; `None` where neither is known."""
    errors = subject(stored, "errors")
    diagnosis = stored.diagnosis or {}
    findings = [
        {"sentence": finding["sentence"], "remedy": finding["remedy"], "is_fault": finding["severity"] == "fault"}
        for finding in diagnosis.get("findings", ())
    ]
    if not errors and not findings:
        return None
    parts = [
        (title, errors[part])
        for part, title in (("training", "training"), ("validation", "validation"), ("test", "test"))
        if errors and errors.get(part) is not None
    ]
    return {
        "measure": errors["measure"] if errors else None,
        "parts": parts,
        "advice": None if not errors else from_errors(*(_number(errors.get(part)) for part in _PARTS)),
        "faults": [finding for finding in findings if finding["is_fault"]],
        "notes": [finding for finding in findings if not finding["is_fault"]],
    }


_PARTS = ("training", "validation", "test")


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def from_errors(training: float, validation: float, test: float) -> Advice:
    """What to do next, by bias (the error on training rows) and variance (how much more it is on held-out rows).

    Args:
        training: Error on training rows, from 0 for none to about 1.
        validation: Error on validation rows; NaN where there are none.
        test: Error on test rows.
    """
    held_out = validation if math.isfinite(validation) else test
    gap = held_out - training
    if gap > _LEAST_GAP and held_out > _GAP_RATIO * training:
        return Advice(
            "Most of the error is variance: it is much greater on held-out rows than on training rows.",
            "More training rows, augmentation, dropout or a smaller model would help most; more epochs would not.",
        )
    if training > _SMALL_ERROR:
        return Advice(
            "Most of the error is bias: it is nearly as great on training rows as on held-out rows.",
            "A larger model, more epochs, a better learning rate or more telling inputs would help most; "
            "more rows alone would not.",
        )
    if test - held_out > _LEAST_GAP and test > _GAP_RATIO * held_out:
        return Advice(
            "The error on test rows is greater than on validation rows.",
            "Check that both come from the same source; then a larger validation part makes the choice of the epoch "
            "more reliable.",
        )
    return Advice(
        "The errors on all parts are small and close to each other.",
        "Look at the rows with the greatest losses: what is left is in them, or in their labels.",
    )
