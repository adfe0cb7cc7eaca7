"""Root causes first: what one finding explains is told as its consequence, not as another fault."""

import dataclasses
from collections.abc import Iterable

from recipes.doctor.causes import CAUSES, CONTRADICTIONS, COURSE, DATA, START
from recipes.doctor.finding import FAULT, Finding

# Symptoms, which something else brings about as a rule.
SYMPTOMS = ("vanishing_gradient", "exploding_gradient", "dying_relu", "saturation", "oscillating_loss")
_RATES = ("lr_too_high", "lr_too_low", "optimizer_choice", "batch_size", "too_few_epochs")
# What a cause of the course explains among the others.
_WITHIN_COURSE = {
    "lr_too_high": ("exploding_gradient", "dying_relu", "saturation", "oscillating_loss"),
    "batch_size": ("oscillating_loss",),
    "vanishing_gradient": ("saturation", "dying_relu", "capacity_too_small", *_RATES),
    "dying_relu": ("vanishing_gradient", "capacity_too_small", *_RATES),
    "saturation": ("vanishing_gradient", "capacity_too_small", *_RATES),
    "exploding_gradient": ("dying_relu", "saturation", "oscillating_loss", "vanishing_gradient"),
    "lr_too_low": ("too_few_epochs", "capacity_too_small", "optimizer_choice", "vanishing_gradient"),
    "too_few_epochs": ("capacity_too_small", "optimizer_choice"),
    "optimizer_choice": ("capacity_too_small",),
}


def explains(cause: str, symptom: str) -> bool:
    """Whether `cause` brings about `symptom`, so that mending it may be all that is needed.

    Everything that a training shows follows from a contradiction in the program, from what blocks it in the data, and
    from initial weights that pass no signal.
    """
    if symptom not in COURSE or symptom in ("wrong_metric", "overfit"):
        return False
    if cause in ("validation_leak", "validation_shift", "class_imbalance", "constant_features"):
        return False
    return cause in CONTRADICTIONS or cause in DATA or cause in START or symptom in _WITHIN_COURSE.get(cause, ())


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Faults first, in causal order; then notes. What a fault explains is among its consequences."""
    once: dict[tuple, Finding] = {}
    for finding in findings:  # of one cause, the fault; of faults and of notes, the first
        known = once.get(finding.cause)
        if known is None or (finding.severity == FAULT and known.severity != FAULT):
            once[finding.cause] = finding
    order = list(CAUSES)
    # What a trial has confirmed stands before the symptoms that it explains.
    left = sorted(once.values(), key=lambda finding: (finding.severity != FAULT, _rank(finding, once, order)))
    kept: list[Finding] = []
    for finding in left:
        roots = [place for place, root in enumerate(kept) if root.severity == FAULT]
        place = next((place for place in roots if explains(kept[place].cause, finding.cause)), None)
        if place is None:
            kept.append(finding)
        else:
            root = kept[place]
            kept[place] = dataclasses.replace(root, consequences=(*root.consequences, finding))
    return tuple(kept)


def _rank(finding: Finding, once: dict, order: list[str]) -> float:
    place = order.index(finding.cause)
    explained = [order.index(symptom) for symptom in once if symptom in _WITHIN_COURSE.get(finding.cause, ())]
    is_symptom = finding.cause in SYMPTOMS
    return place if is_symptom or not explained else min(place, min(explained) - 0.5)
