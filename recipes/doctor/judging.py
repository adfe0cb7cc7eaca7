"""All rules in one list."""

from recipes.doctor.finding import Finding
from recipes.doctor.rules import (
    course,
    inputs,
    layers,
    learnable,
    optimizer,
    outputs,
    pipeline,
    split,
    start,
    targets,
    tasks,
    trials,
)
from recipes.doctor.seen import Seen

RULES = tuple(
    rule
    for room in (outputs, tasks, optimizer, layers, pipeline, inputs, targets, learnable, split, start, course, trials)
    for rule in room.RULES
)


def judge(seen: Seen) -> list[Finding]:
    """What each rule has to say of what was seen."""
    return [finding for rule in RULES if (finding := rule(seen)) is not None]
