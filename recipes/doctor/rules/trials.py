"""What a trial has shown: the same training with one thing mended went clearly better."""

from collections.abc import Sequence

from recipes.doctor import outcome
from recipes.doctor.finding import FAULT, Evidence, Finding
from recipes.doctor.seen import Seen

# Causes that no earlier rule suspects: what to say of them, and what to change.
_SENTENCES = {
    "batch_size": (
        "Batches of {batch} rows do not suit these {rows:,} rows: with 32 the same training goes clearly better.",
        "model.fit(x, y, batch_size=32)",
    ),
    "lr_too_high": (
        "The learning rate is too high: with a tenth of it the same training goes clearly better.",
        "keras.optimizers.{optimizer}(learning_rate={lower:.2g})",
    ),
    "lr_too_low": (
        "The learning rate is too low for {steps:,} steps: with ten times of it the same training goes clearly better.",
        "keras.optimizers.{optimizer}(learning_rate={higher:.2g})",
    ),
    "too_few_epochs": (
        "The training stopped while it still improved: five times as many epochs go clearly further.",
        "model.fit(x, y, epochs={epochs})",
    ),
    "optimizer_choice": (
        "The optimizer is what holds the training back: with Adam and a learning rate of 0.001 it goes clearly better.",
        "keras.optimizers.Adam(learning_rate=0.001)",
    ),
    "bad_init": (
        "The initial weights hold the training back: drawn to suit the signal, they train clearly better.",
        "recipes.initialize(model)  # before training",
    ),
}


def cured(seen: Seen, findings: Sequence[Finding]) -> Finding | None:
    """The fault that a trial has confirmed: that of the first change with a clearly better end.

    Args:
        seen: What was seen, with the trials.
        findings: What the other rules say: a note of the same cause becomes the fault.
    """
    for name, trial in seen.trials.items():
        if not outcome.is_cured(seen, trial):
            continue
        cause, *further = name.split(" + ")
        before, after = outcome.final_score(seen.course), outcome.final_score(trial)
        changed = "all of it mended" if further else "this mended"
        evidence = (
            Evidence("score at the end", before if seen.course.is_finite else "not finite"),
            Evidence(f"score at the end of the same training with {changed}", after),
        )
        note = next((finding for finding in findings if finding.cause == cause), None)
        sentence, remedy = (note.sentence, note.remedy) if note else _said(cause, seen)
        known, layer = (note.evidence, note.layer) if note else ((), None)
        return Finding(cause, FAULT, sentence, known + evidence, remedy, layer, 0.9 if not further else 0.7)
    return None


def _said(cause: str, seen: Seen) -> tuple[str, str]:
    rate = seen.model.learning_rate
    values = {
        "batch": seen.batch_size,
        "rows": seen.data.rows,
        "optimizer": seen.model.optimizer,
        "lower": rate / 10,
        "higher": rate * 10,
        "steps": seen.course.epochs * seen.course.steps,
        "epochs": 5 * seen.epochs,
    }
    return tuple(text.format(**values) for text in _SENTENCES[cause])
