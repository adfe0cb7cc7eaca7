"""`recipes.diagnose`: from a compiled model and its rows to what keeps the training from working."""

import dataclasses
import math
import time
from collections.abc import Sequence

import keras
import numpy as np

from callbacks.watching.reasons import reason
from recipes.arguments.numbers import require_positive, require_share, require_whole
from recipes.doctor import planning
from recipes.doctor.causes import COURSE
from recipes.doctor.changes import ImpossibleChangeError
from recipes.doctor.course import watch
from recipes.doctor.diagnosis import Diagnosis
from recipes.doctor.facts.model import model_facts
from recipes.doctor.facts.optimizer import facts_since_compile
from recipes.doctor.facts.reference import reference
from recipes.doctor.facts.rows import data_facts
from recipes.doctor.finding import FAULT, Finding
from recipes.doctor.judging import judge
from recipes.doctor.ranking import ranked
from recipes.doctor.rules.trials import cured
from recipes.doctor.sample import Rows, rows_of
from recipes.doctor.seen import DataFacts, ModelFacts, Reference, Seen
from recipes.doctor.trials import trial
from recipes.doctor.unchanged import FailingModelError, KeptModel, unchanged
from recipes.training.fitting_checks import outputs_for

# Share of the time that the training under watch may take; the rest is for trials.
WATCHED_SHARE = 0.5
_LONGEST_ERROR = 300  # characters
# Layers that bring inputs to a common scale.
_NORMALIZING = (
    "Normalization", "Rescaling", "BatchNormalization", "LayerNormalization", "TablePreparation", "ImagePreparation",
)  # fmt: skip


def diagnose(
    model: keras.Model,
    x,
    y=None,
    validation_data=None,
    *,
    epochs: int = 10,
    batch_size: int = 32,
    seconds: float = 60,
    human_error: float | None = None,
) -> Diagnosis:
    """Say why a training does not work, the root cause first; the model and the data stay as they are.

    First the compiled model and the rows are checked against each other, without training. A contradiction, such as
    softmax on one unit, is certain, and ends the diagnosis. Otherwise the model is trained for `epochs` under watch,
    and compared with simple models of scikit-learn. Where it ends at chance, clearly below them, or still improves,
    whatever looked odd is tried: the same training again with that one thing mended. What then goes clearly better (by
    0.05 of an accuracy, 0.1 of R2) is a fault; what only looks odd stays a note.

    Nothing of that remains: all variables of the model, the optimizer and the metrics, seed generators and the global
    random state are as before, bit for bit, also after an error.

    Args:
        model: Compiled Keras model with one input and one output, in any state of training.
        x: Rows as the model takes them, `(rows, ...)`; or batches of `(x, y)`: a `tf.data.Dataset`, a `PyDataset`, a
            `DataLoader` or a generator, of which a bounded sample is read.
        y: Targets `(rows, ...)`; `None` where they come with the batches.
        validation_data: Held-out rows: `(x, y)`, or batches. Default: none, so that training rows are scored instead.
        epochs: Number of epochs of the training in question.
        batch_size: Number of rows in a batch of it.
        seconds: Time after which no further trial begins, and training ends. Default: 60.
        human_error: Error of people on the task, from 0 to 1, with which bias is told from variance: the share of wrong
            classes, or 1 - R2 of numbers. Default: not known.

    Returns:
        A `Diagnosis`. It prints as one screen of text.

    Raises:
        ValueError: For a model that is not compiled, for rows that are empty, do not hold numbers, or have different
            lengths, and for validation rows that the model does not take. Training rows that it does not take, and
            errors of its own code, are a finding.
    """
    start = time.monotonic()
    if not isinstance(model, keras.Model) or not model.compiled or model.optimizer is None:
        raise ValueError(f"`model` must be a Keras model that is compiled, with an optimizer. Received: {model!r}")
    require_whole("epochs", epochs, 1)
    require_whole("batch_size", batch_size, 1)
    require_positive("seconds", seconds)
    if human_error is not None:
        require_share("human_error", human_error)
    rows = rows_of(x, y, validation_data)
    seen, findings = examine(model, rows, epochs=epochs, batch_size=batch_size, deadline=start + seconds)
    return Diagnosis(findings, dataclasses.replace(seen, human_error=human_error), time.monotonic() - start)


def examine(
    model: keras.Model, rows: Rows, *, epochs: int, batch_size: int, deadline: float
) -> tuple[Seen, tuple[Finding, ...]]:
    """What is seen of a training, and the findings: as far as it takes to be certain, and no further."""
    options = {"epochs": epochs, "batch_size": batch_size}
    since_compile = facts_since_compile(model, rows.x[:1])
    try:
        with unchanged(model, rows.x, rows.y, batch_size) as kept:
            seen = _at_rest(model, rows, since_compile, **options)
            findings = judge(seen)
            return (seen, ranked(findings)) if are_certain(findings) else _in_training(seen, kept, rows, deadline)
    except FailingModelError as error:
        seen = _at_rest(model, rows, since_compile, error=str(error)[:_LONGEST_ERROR], **options)
        return seen, ranked(judge(seen))


def _at_rest(model: keras.Model, rows: Rows, since_compile: dict, *, epochs: int, batch_size: int, **facts) -> Seen:
    """The facts of the compiled model and of the rows, for which nothing is trained, and further `facts`."""
    steps = epochs * math.ceil(len(rows.x) / batch_size)
    compiled = model_facts(model, rows.x[:1], steps=steps, since_compile=since_compile)
    data = facts_of_rows(compiled, rows)
    return Seen(model=compiled, data=data, epochs=epochs, batch_size=batch_size, **facts)


def facts_of_rows(compiled: ModelFacts, rows: Rows) -> DataFacts:
    """Facts of rows, as the model takes them."""
    front = _front(compiled)
    y, validation = classes_of_margins(compiled, rows.y, rows.validation)
    return data_facts(
        rows.x,
        y,
        validation,
        tokens="Embedding" in front,
        normalized_inside=any(kind in _NORMALIZING for kind in front),
        mispaired=rows.mispaired,
    )


def _in_training(seen: Seen, kept: KeptModel, rows: Rows, deadline: float) -> tuple[Seen, tuple[Finding, ...]]:
    """With the course of a training and of as many trials as it takes, and the findings."""
    form = seen.data.targets.form
    logits = seen.model.takes_logits or seen.model.margins
    options = {"form": form, "takes_logits": logits, "epochs": seen.epochs, "batch_size": seen.batch_size}
    columns = x, y, validation = rows.x, rows.y, rows.validation
    if validation is not None:
        held = validation[0]
        outputs_for(kept.model, held[:1], f"validation rows of shape {held.shape[1:]}")
    seconds = (deadline - time.monotonic()) * WATCHED_SHARE
    try:
        course = watch(kept.model, *columns, seconds=seconds, **options)
    except Exception as error:  # whatever the model makes of its first step
        if not _fails_alone(kept, x, y, seen.batch_size):
            raise  # an error of the watching, which says nothing of the model
        seen = dataclasses.replace(seen, error=reason(error)[:_LONGEST_ERROR])
        return seen, ranked(judge(seen))
    seen = dataclasses.replace(seen, course=course, reference=reference_of(seen, rows))
    findings, impossible = judge(seen), set()
    while time.monotonic() < deadline and (change := planning.next_change(seen, findings, impossible)):
        try:
            result = trial(kept, columns, change, seen, max(1.0, deadline - time.monotonic()))
        except ImpossibleChangeError:
            impossible.add(change.name)
        else:
            seen = dataclasses.replace(seen, trials={**seen.trials, change.name: result})
    findings = judge(seen)
    confirmed = cured(seen, findings)
    return seen, ranked(findings if confirmed is None else [confirmed, *findings])


def _fails_alone(kept: KeptModel, x: np.ndarray, y: np.ndarray, batch_size: int) -> bool:
    """Whether a plain epoch of the model, without anything of the watching, raises an error too.

    A whole epoch, as a step may fail for some rows alone, or for the smaller last batch.
    """
    kept.restart()
    kept.model.train_function = None  # what the watching has compiled may hold parts of its own
    try:
        kept.model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0)
    except Exception:  # whatever the model's own code raises
        return True
    return False


def reference_of(seen: Seen, rows: Rows) -> Reference:
    """What simple models reach on the rows."""
    y, validation = classes_of_margins(seen.model, rows.y, rows.validation)
    return reference(rows.x, y, validation, tokens=seen.data.inputs.kind == "tokens")


def classes_of_margins(facts: ModelFacts, y: np.ndarray, validation: tuple | None) -> tuple:
    """Targets of -1 and 1, which a hinge loss takes, as classes 0 and 1; others as they are."""
    if not facts.margins or not np.isin(y, (-1, 1)).all():
        return y, validation
    held = None if validation is None else (validation[0], (np.asarray(validation[1]) > 0).astype(np.int8))
    return (y > 0).astype(np.int8), held


def _front(facts: ModelFacts) -> list[str]:
    """Kinds of the layers up to the first that has a kernel."""
    kinds = []
    for layer in facts.layers:
        if layer.has_kernel:
            break
        kinds.append(layer.kind)
    return kinds


def are_certain(findings: Sequence[Finding]) -> bool:
    """Whether one of the findings is a fault that no training needs to confirm."""
    # A metric that does not measure the task, say, does not explain a training that fails.
    found = [finding for finding in findings if finding.severity == FAULT and finding.cause not in COURSE]
    return any(finding.confidence >= 0.9 for finding in found)
