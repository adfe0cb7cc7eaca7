"""`recipes.diagnose`: from a compiled model and its rows to what keeps the training from working."""

import dataclasses
import time
from collections.abc import Sequence

import keras

from recipes.arguments.numbers import require_positive, require_whole
from recipes.doctor import planning
from recipes.doctor.causes import COURSE
from recipes.doctor.course import watch
from recipes.doctor.diagnosis import Diagnosis
from recipes.doctor.facts.model import model_facts
from recipes.doctor.facts.reference import reference
from recipes.doctor.facts.rows import data_facts
from recipes.doctor.finding import FAULT, Finding
from recipes.doctor.judging import judge
from recipes.doctor.ranking import ranked
from recipes.doctor.rules.trials import cured
from recipes.doctor.sample import rows_of
from recipes.doctor.seen import ModelFacts, Seen
from recipes.doctor.trials import trial
from recipes.doctor.unchanged import unchanged

# Share of the time that the training under watch may take; the rest is for trials.
WATCHED_SHARE = 0.5
# Layers that bring inputs to a common scale.
_NORMALIZING = (
    "Normalization", "Rescaling", "BatchNormalization", "LayerNormalization", "TablePreparation", "ImagePreparation",
)  # fmt: skip


def diagnose(
    model: keras.Model, x, y=None, validation_data=None, *, epochs: int = 10, batch_size: int = 32, seconds: float = 60
) -> Diagnosis:
    """Say why a training does not work, the root cause first; the model and the data stay as they are.

    First the compiled model and the rows are checked against each other, without training. A contradiction, such as
    softmax on one unit, is certain, and ends the diagnosis. Otherwise the model is trained for `epochs` under watch,
    and compared with simple models of scikit-learn. Where it does not do clearly better than they do, whatever looked
    odd is tried: the same training again with that one thing mended. What then goes clearly better (by 0.05 of an
    accuracy, 0.1 of R2) is a fault; what only looks odd stays a note.

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

    Returns:
        A `Diagnosis`. It prints as one screen of text.

    Raises:
        ValueError: For a model that is not compiled, and for rows that are empty, do not hold numbers, or have
            different lengths.
    """
    start = time.monotonic()
    if not isinstance(model, keras.Model) or not model.compiled or model.optimizer is None:
        raise ValueError(f"`model` must be a Keras model that is compiled, with an optimizer. Received: {model!r}")
    require_whole("epochs", epochs, 1)
    require_whole("batch_size", batch_size, 1)
    require_positive("seconds", seconds)
    rows = rows_of(x, y, validation_data)
    seen, findings = examine(model, rows, epochs=epochs, batch_size=batch_size, deadline=start + seconds)
    return Diagnosis(findings, seen, time.monotonic() - start)


def examine(
    model: keras.Model, rows, *, epochs: int, batch_size: int, deadline: float
) -> tuple[Seen, tuple[Finding, ...]]:
    """What is seen of a training, and the findings: as far as it takes to be certain, and no further."""
    columns = (rows.x, rows.y, rows.validation)
    with unchanged(model, rows.x, rows.y, batch_size) as kept:
        facts = model_facts(model, rows.x[:1])
        front = _front(facts)
        tokens = "Embedding" in front
        data = data_facts(
            *columns,
            tokens=tokens,
            normalized_inside=any(kind in _NORMALIZING for kind in front),
            mispaired=rows.mispaired,
        )
        seen = Seen(model=facts, data=data, epochs=epochs, batch_size=batch_size)
        findings = judge(seen)
        if _are_certain(findings):
            return seen, ranked(findings)
        options = {"form": data.targets.form, "takes_logits": facts.takes_logits, "batch_size": batch_size}
        left = deadline - time.monotonic()
        try:
            course = watch(model, *columns, epochs=epochs, seconds=left * WATCHED_SHARE, **options)
        except Exception as error:  # whatever the model makes of its first step
            seen = dataclasses.replace(seen, error=" ".join(str(error).split())[:300])
            return seen, ranked(judge(seen))
        seen = dataclasses.replace(seen, course=course, reference=reference(*columns, tokens=tokens))
        findings = judge(seen)
        while time.monotonic() < deadline and (change := planning.next_change(seen, findings)):
            kept.restart()
            result = trial(model, columns, change, seen, max(1.0, deadline - time.monotonic()))
            seen = dataclasses.replace(seen, trials={**seen.trials, change.name: result})
        findings = judge(seen)
        confirmed = cured(seen, findings)
        return seen, ranked(findings if confirmed is None else [confirmed, *findings])


def _front(facts: ModelFacts) -> list[str]:
    """Kinds of the layers up to the first that has a kernel."""
    kinds = []
    for layer in facts.layers:
        if layer.has_kernel:
            break
        kinds.append(layer.kind)
    return kinds


def _are_certain(findings: Sequence[Finding]) -> bool:
    # A metric that does not measure the task, say, does not explain a training that fails.
    found = [finding for finding in findings if finding.severity == FAULT and finding.cause not in COURSE]
    return any(finding.confidence >= 0.9 for finding in found)
