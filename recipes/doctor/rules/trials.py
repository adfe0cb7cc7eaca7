"""What trials have shown: the same training with one thing mended went clearly better, or a relation is broken."""

from collections.abc import Sequence

import numpy as np

from recipes.doctor import outcome
from recipes.doctor.changes import EIGHT_ROWS, PERMUTED
from recipes.doctor.finding import FAULT, Evidence, Finding
from recipes.doctor.seen import Seen

BY_HEART = 0.9  # least score, an accuracy or R2, of a few rows that are learnt by heart

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
    "capacity_too_small": (
        "The hidden layers are too narrow: with at least 64 units each the same training goes clearly better.",
        "keras.layers.Dense(64, ...)  # in place of the narrow layers",
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
        if name in (PERMUTED.name, EIGHT_ROWS.name) or not outcome.is_cured(seen, trial):
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


def permuted_labels(seen: Seen) -> Finding | None:
    """True labels are learnt no better than permuted ones, and simple models find nothing in them either.

    A relation that holds for whatever can be learnt, so that it needs no threshold but that of chance. Zhang et al.
    2017, arXiv:1611.03530, train on permuted labels.
    """
    trial = seen.trials.get(PERMUTED.name)
    if trial is None or not outcome.is_at_chance(seen):
        return None
    true, permuted = outcome.final_train_score(seen.course), outcome.final_train_score(trial)
    if true - permuted > outcome.clear_difference(seen):
        return None
    return Finding(
        "no_signal",
        FAULT,
        "The labels are learnt no better than the same labels in random order: the inputs say nothing about them.",
        (
            Evidence("score of the training rows", true, f"above {permuted:.3g}, that of permuted labels"),
            Evidence("score of simple models", outcome.expected_score(seen), f"above {outcome.chance(seen):.3g}"),
        ),
        "x[:5], y[:5]  # do rows and labels belong together? Were both shuffled alike?",
        None,
        0.9,
    )


def eight_rows(seen: Seen) -> Finding | None:
    """Eight rows cannot be learnt by heart in up to 300 steps: something blocks the way from inputs to outputs.

    Karpathy 2019, "A Recipe for Training Neural Networks": overfit one batch.
    """
    trial = seen.trials.get(EIGHT_ROWS.name)
    reached = np.inf if trial is None else outcome.final_train_score(trial)
    if reached >= BY_HEART:
        return None
    steps = f"{EIGHT_ROWS.rows} rows after {trial.epochs} steps on them"
    return Finding(
        "capacity_too_small",
        FAULT,
        f"Not even {EIGHT_ROWS.rows} rows can be learnt by heart: the layers are too narrow, or something blocks them.",
        (Evidence(f"score of {steps}", reached, f"at least {BY_HEART}"),),
        "keras.layers.Dense(64, ...)  # wider hidden layers",
        None,
        0.6,
    )


RULES = (permuted_labels, eight_rows)
