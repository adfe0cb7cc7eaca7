"""All rules in one list."""

from collections.abc import Callable, Sequence

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


def judge(seen: Seen, rules: Sequence[Callable[[Seen], Finding | None]] = RULES) -> list[Finding]:
    """What each rule has to say of what was seen."""
    return [finding for rule in rules if (finding := rule(seen)) is not None]
