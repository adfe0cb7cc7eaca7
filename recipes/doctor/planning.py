"""Which trial comes next: what is suspected, in causal order, one thing at a time."""

import dataclasses
import functools
import operator
from collections.abc import Collection, Sequence

from recipes.doctor import outcome
from recipes.doctor.changes import (
    ADAM,
    EIGHT_ROWS,
    HIGHER_RATE,
    LONGER,
    LOWER_RATE,
    MENDING,
    PERMUTED,
    SMALLER_BATCH,
    WIDER,
    Change,
)
from recipes.doctor.finding import FAULT, Finding
from recipes.doctor.rules.learnable import FEWEST_ROWS
from recipes.doctor.rules.optimizer import usual_rate
from recipes.doctor.seen import Seen

# Batches of so few rows are noisy, and batches of more than this number and share of the rows leave few steps.
SMALL_BATCH = 2
LARGE_BATCH, LARGE_SHARE = 256, 0.25
# Confidence of a fault beyond which nothing but what may explain it is tried.
CERTAIN = 0.75


def suspected(seen: Seen, findings: Sequence[Finding]) -> list[Change]:
    """Changes that may help, in the order in which they are tried.

    Args:
        seen: What was seen.
        findings: What the rules say so far; a note is a suspicion.
    """
    if seen.course is None:
        return []
    causes = {finding.cause for finding in findings}
    lower, higher = LOWER_RATE, HIGHER_RATE
    if seen.model.learning_rate > 0:  # a rate that is orders away from usual ones is far from a tenth of them, too
        usual = usual_rate(seen.model.optimizer) / seen.model.learning_rate
        lower = dataclasses.replace(lower, rate=min(lower.rate, usual) if "lr_too_high" in causes else lower.rate)
        higher = dataclasses.replace(higher, rate=max(higher.rate, usual) if "lr_too_low" in causes else higher.rate)
    unwell = outcome.is_unwell(seen)
    changes = [change for change in MENDING if change.causes[0] in causes] if unwell else []
    large = seen.batch_size > LARGE_BATCH and seen.batch_size > LARGE_SHARE * seen.data.rows
    swings = outcome.swing(seen.course) > outcome.SWING
    if (unwell or swings) and (seen.batch_size <= SMALL_BATCH < seen.data.rows / 10 or (large and unwell)):
        changes.append(SMALLER_BATCH)
    if not seen.course.is_finite or swings:
        return [*changes, lower]
    if not unwell and not outcome.is_rising(seen):
        return changes
    changes += [higher, LONGER]
    if unwell:
        changes += [WIDER] if "capacity_too_small" in causes else []
        changes += [lower] if outcome.is_at_chance(seen) else []
        changes += [ADAM] if seen.model.optimizer not in ("Adam", "AdamW", "Nadam", "RMSprop") else []
    return changes


def next_change(seen: Seen, findings: Sequence[Finding], impossible: Collection[str] = ()) -> Change | None:
    """The next trial; `None` once one has helped, or nothing is left to try.

    Args:
        seen: What was seen, trials so far among it.
        findings: What the rules say so far.
        impossible: Names of the trials that cannot be made with this model.
    """
    mended = {name: trial for name, trial in seen.trials.items() if name not in (PERMUTED.name, EIGHT_ROWS.name)}
    if any(outcome.is_cured(seen, trial) for trial in mended.values()):
        return None
    changes = suspected(seen, findings)
    known = any(finding.severity == FAULT and finding.confidence >= CERTAIN for finding in findings)
    if known and not any(change in MENDING for change in changes):
        return None  # what was seen suffices
    mending = [change for change in changes if change in MENDING]
    if mending and outcome.is_unwell(seen):
        # None may suffice by itself, nor all together at a rate that suited the training as it was.
        together = functools.reduce(operator.or_, mending)
        changes += [together, together | HIGHER_RATE, together | LONGER]
    if outcome.is_unwell(seen):
        # Relations that hold for whatever can be learnt: nothing else has explained what is wrong.
        nothing_to_learn = outcome.expected_score(seen) - outcome.chance(seen) < outcome.clear_difference(seen)
        if not nothing_to_learn:
            changes.append(EIGHT_ROWS)
        elif seen.data.rows >= FEWEST_ROWS:  # on fewer, true labels may well look like permuted ones
            changes.append(PERMUTED)
    done = {*seen.trials, *impossible}
    return next((change for change in changes if change.name not in done), None)
