"""What to do next: one sentence from the errors on the three parts, and what the doctor has found."""

import math
from typing import Any

from recipes.metrics.bias_variance import (
    BIAS,
    ERROR_RATE,
    MARGIN,
    UNEXPLAINED,
    VARIANCE,
    BiasVariance,
    bias_and_variance,
)
from recipes.report.charts.scale import finite
from recipes.report.subjects import basis_of, subject
from recipes.runs.stored import Stored

_PARTS = ("training", "validation", "test")
_FEW_ERRORS = 2 * MARGIN


def advice(stored: Stored) -> dict[str, Any] | None:
    """Errors by part, what follows from them, and findings of the doctor; `None` where neither is known."""
    errors, diagnosis = subject(stored, "errors") or {}, stored.diagnosis or {}
    parts = [(part, errors[part]) for part in _PARTS if errors.get(part) is not None]
    told = _bias_and_variance(stored, errors)
    findings = [
        {"sentence": finding["sentence"], "remedy": finding["remedy"], "is_fault": finding["severity"] == "fault"}
        for finding in diagnosis.get("findings", ())
    ]
    if not parts and not findings:
        return None
    faults = [finding for finding in findings if finding["is_fault"]]
    return {
        "measure": {UNEXPLAINED: "unexplained variance"}.get(errors.get("measure"), errors.get("measure")),
        "parts": parts,
        "sentence": None if told is None else _sentence(told, bool(faults)),
        "remedy": None if told is None or faults else told.remedy or None,
        "faults": faults,
        "notes": [finding for finding in findings if not finding["is_fault"]],
    }


def _bias_and_variance(stored: Stored, errors: dict) -> BiasVariance | None:
    """Bias and variance by the errors of the analysis; held-out rows are those of the validation and the test."""
    rows, known = basis_of(stored, "errors"), {part: value for part, value in errors.items() if part in _PARTS}
    held_out = [part for part in _PARTS[1:] if known.get(part) is not None]
    if known.get("training") is None or not held_out:
        return None
    number = sum(rows.get(part, 1) for part in held_out)
    error = sum(known[part] * rows.get(part, 1) for part in held_out) / number
    is_rate = errors["measure"] == ERROR_RATE
    # Twice the standard error of the share of errors, of which smaller differences may be chance.
    noise = 2 * math.sqrt(error * (1 - error) / number) if is_rate and rows and 0 < error < 1 else 0.0
    scores = finite(rival["score"] for rival in subject(stored, "baselines") or () if rival["score"] is not None)
    return bias_and_variance(
        known["training"],
        error,
        simple_error=1 - max(scores) if scores else None,
        measure=errors["measure"],
        margin=max(MARGIN, noise),
    )


def _sentence(told: BiasVariance, has_faults: bool) -> str:
    if has_faults:
        return "First mend what the doctor found, below; then look at the errors again."
    if told.larger == VARIANCE:
        return "Variance is the larger problem: the model errs more on held-out rows than on training rows."
    if told.larger == BIAS:
        return "Bias is the larger problem: most of the error is there on training rows already."
    if told.held_out_error > _FEW_ERRORS:
        return "Neither bias nor variance stands out."
    return (
        "There is little left to gain: the errors are small, and close to each other. Look at the rows with the "
        "greatest losses; what is left is in them, or in their labels."
    )
