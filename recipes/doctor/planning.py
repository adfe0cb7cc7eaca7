"""Which trial comes next: what is suspected, in causal order, one thing at a time."""

import functools
import operator
from collections.abc import Sequence

from recipes.doctor import outcome
from recipes.doctor.changes import Change
from recipes.doctor.finding import Finding
from recipes.doctor.seen import Seen

# Batches of fewer rows are noisy, and batches of more than this share of the rows leave few steps.
SMALL_BATCH, LARGE_SHARE, USUAL_BATCH = 2, 0.25, 32
LARGE_BATCH = 256
# Swing of the score from epoch to epoch that is suspected to come of too high a learning rate.
SWING = 0.03

_MENDING = (
    Change(("input_unscaled",), inputs=True),
    Change(("target_unscaled",), targets=True),
    Change(("dropout_misuse",), dropout=True),
    Change(("bad_init",), initialize=True),
    Change(("wrong_hidden_activation",), activations=True),
    Change(("missing_hidden_activation",), activations=True),
)
_SMALLER, _LOWER = Change(("batch_size",), batch_size=USUAL_BATCH), Change(("lr_too_high",), rate=0.1)
_HIGHER, _LONGER = Change(("lr_too_low",), rate=10.0), Change(("too_few_epochs",), epochs=5)
_ADAM = Change(("optimizer_choice",), adam=True)


def suspected(seen: Seen, findings: Sequence[Finding]) -> list[Change]:
    """Changes that may help, in the order in which they are tried.

    Args:
        seen: What was seen.
        findings: What the rules say so far; a note is a suspicion.
    """
    if seen.course is None:
        return []
    causes = {finding.cause for finding in findings}
    unwell = outcome.is_unwell(seen)
    changes = [change for change in _MENDING if change.causes[0] in causes] if unwell else []
    large = seen.batch_size > LARGE_BATCH and seen.batch_size > LARGE_SHARE * seen.data.rows
    swings = outcome.swing(seen.course) > SWING
    if (unwell or swings) and (seen.batch_size <= SMALL_BATCH < seen.data.rows / 10 or (large and unwell)):
        changes.append(_SMALLER)
    if not seen.course.is_finite or swings:
        return [*changes, _LOWER]
    if not unwell and not outcome.is_rising(seen):
        return changes
    changes += [_HIGHER, _LONGER]
    if unwell:
        changes += [_LOWER] if outcome.is_at_chance(seen) else []
        changes += [_ADAM] if seen.model.optimizer not in ("Adam", "AdamW", "Nadam", "RMSprop") else []
    return changes


def next_change(seen: Seen, findings: Sequence[Finding]) -> Change | None:
    """The next trial; `None` once one has helped, or nothing is left to try.

    Args:
        seen: What was seen, trials so far among it.
        findings: What the rules say so far.
    """
    if any(outcome.is_cured(seen, trial) for trial in seen.trials.values()):
        return None
    changes = suspected(seen, findings)
    mending = [change for change in changes if change in _MENDING]
    if mending and outcome.is_unwell(seen):
        # None may suffice by itself, nor all together at a rate that suited the training as it was.
        together = functools.reduce(operator.or_, mending)
        changes += [together, together | _HIGHER, together | _LONGER]
    return next((change for change in changes if change.name not in seen.trials), None)
