"""Facts of a finished run, from what its folder stores: nothing is trained, and no data are read.

What the folder does not hold is left unknown. The rows are those of the training: prepared, which means scaled, with
the targets of a regression standardized.
"""

import math

import keras
import numpy as np

from callbacks.watching.record import Record
from recipes.doctor.facts.assumed import assumed_inputs, row_shape
from recipes.doctor.facts.model import model_facts
from recipes.doctor.facts.targets import target_facts
from recipes.doctor.seen import Course, DataFacts, ModelFacts, Reference, Seen, TargetFacts
from recipes.metrics import ClassificationReport, RegressionReport
from recipes.models.serving import core_of
from recipes.runs.stored import Stored
from recipes.runs.watched import Watched
from recipes.settings import Recipe
from recipes.training.compiling import compile_model


def run_facts(stored: Stored) -> Seen:
    """All that the folder of a run says about its model, its rows and its training.

    Args:
        stored: Run with a folder.
    """
    recipe, core = stored.recipe, core_of(stored.model)
    targets = _targets(stored, core)
    data = _data(stored, core, targets)
    steps = _steps(stored, recipe, data)
    return Seen(
        model=_model(stored, core, recipe, steps),
        data=data,
        epochs=recipe.fit.epochs + recipe.fine_tune.epochs,
        batch_size=recipe.fit.batch_size,
        course=_course(stored, recipe, steps),
        reference=_reference(stored, targets),
    )


def _is_classifier(stored: Stored) -> bool:
    return stored.outputs.task != "regression"


def _model(stored: Stored, core: keras.Model, recipe: Recipe, steps: int) -> ModelFacts:
    """Facts of the trained network, compiled as in the training."""
    task = "classification" if _is_classifier(stored) else "regression"
    units = stored.outputs.units
    compile_model(core, recipe, steps, task=task, num_outputs=units)
    row = np.zeros((1, *row_shape(core)), np.float32)
    facts = model_facts(core, row, steps=recipe.fit.epochs * steps)
    changes = {
        # A schedule may begin with a rate of almost 0.
        "learning_rate": recipe.optimizer.learning_rate,
        "has_class_weight": facts.has_class_weight or recipe.fit.class_weight is not None,
    }
    return ModelFacts(**{**vars(facts), **changes})


def _data(stored: Stored, core: keras.Model, targets: TargetFacts) -> DataFacts:
    shape = row_shape(core)
    kind = {1: "table", 2: "sequence", 3: "image"}.get(len(shape), "other")
    validated = any(name.startswith("val_") for name in stored.history or ())
    # Runs of older versions do not say how many rows there were; the test part is of about the size of the others.
    rows = {} if stored.fingerprint is None else stored.fingerprint.rows
    usual = 1 if stored.report is None else stored.report.rows
    return DataFacts(
        rows=rows.get("train", usual),
        validation_rows=rows.get("validation", usual) if validated else 0,
        inputs=assumed_inputs(shape, kind),
        targets=targets,
        validation_targets=targets if validated else None,
    )


def _targets(stored: Stored, core: keras.Model) -> TargetFacts:
    """Facts of the targets of the test part, which come from the same rows as those of the training."""
    if not _is_classifier(stored):
        if stored.predictions is not None:
            label, _ = _scaled(stored)
            return target_facts(label[:, None])
        return TargetFacts(
            form="numbers", shape=(1,), classes=0, distinct=2, counts=np.zeros(0, np.int64), low=math.nan,
            high=math.nan, mean=0.0, std=1.0, is_whole=False,
        )  # fmt: skip
    counts = np.zeros(len(stored.class_names or ()) or 2, np.int64)
    if isinstance(stored.report, ClassificationReport):
        counts = np.round(stored.report.confusion_matrix.sum(axis=1)).astype(np.int64)
    numbers, total = np.arange(len(counts)), max(1, counts.sum())
    mean = float(counts @ numbers / total)
    return TargetFacts(
        form="binary" if stored.outputs.units == 1 else "labels",
        shape=(),
        classes=len(counts),
        distinct=int((counts > 0).sum()) or len(counts),
        counts=counts,
        low=0.0,
        high=float(len(counts) - 1),
        mean=mean,
        std=math.sqrt(counts @ np.square(numbers - mean) / total),
        is_whole=True,
    )


def _scaled(stored: Stored) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions of the test part of a regression, in the units of the training."""
    units = stored.model.layers[-1]
    parts = (stored.predictions[name].astype(np.float64) for name in ("label", "predicted"))
    if not isinstance(units, keras.layers.Rescaling):
        return tuple(parts)
    return tuple((part - units.offset) / units.scale for part in parts)


def _steps(stored: Stored, recipe: Recipe, data: DataFacts) -> int:
    """Number of steps in an epoch; 1 where it is not known."""
    if stored.record is not None and stored.record.steps is not None and np.any(stored.record.steps > 0):
        return int(np.nanmax(stored.record.steps))
    return max(1, math.ceil(data.rows / recipe.fit.batch_size))


def _course(stored: Stored, recipe: Recipe, steps: int) -> Course | None:
    """The training up to the epoch whose weights the model has; `None` where the folder has no history."""
    if not stored.history or not stored.history.get("loss"):
        return None
    epochs = _kept_epoch(stored, recipe)
    history = {name: values[:epochs] for name, values in stored.history.items()}
    record = Record() if stored.record is None else _until(stored.record, epochs)
    train, held_out = _scores(stored, recipe, history)
    classes = isinstance(stored.report, ClassificationReport)
    if not np.isfinite(held_out).any() and isinstance(stored.report, RegressionReport):
        held_out[epochs] = max(-1.0, stored.report.r2)  # the history of such a loss says nothing about R2
    return Course(
        watched=Watched(history, record, epochs, (stored.versions or {}).get("kept_reason") or ""),
        epochs=epochs,
        steps=steps,
        score=held_out,
        train_score=train,
        balanced=float(stored.report.macro["recall"]) if classes else math.nan,
        constant_output=_is_constant(stored),
        is_finite=bool(np.isfinite(history["loss"]).all()),
    )


def _kept_epoch(stored: Stored, recipe: Recipe) -> int:
    losses = np.asarray(stored.history.get("val_loss", ()), np.float64)
    if stored.kept_epoch is not None:
        return min(stored.kept_epoch, len(stored.history["loss"]))
    if recipe.fit.keep == "best" and np.isfinite(losses).any():
        return int(np.nanargmin(losses)) + 1
    return len(stored.history["loss"])


def _until(record: Record, epoch: int) -> Record:
    """The part of a record up to an epoch."""
    there = record.epochs <= epoch
    fields = {
        name: values if name.startswith("trace_") else values[there] for name, values in record.measured().items()
    }
    return Record(layers=record.layers, epochs=record.epochs[there], **fields)


def _scores(stored: Stored, recipe: Recipe, history: dict) -> tuple[np.ndarray, np.ndarray]:
    """Scores of training and held-out rows by epoch, from epoch 0, which was not measured; NaN where unknown.

    Where dropout or augmentation makes the training rows harder than they are, their scores are not known.
    """
    epochs = len(history["loss"])
    scores = np.full((2, epochs + 1), np.nan)
    if _is_classifier(stored):
        for row, name in enumerate(("accuracy", "val_accuracy")):
            scores[row, 1:] = history.get(name, np.nan)
    elif (recipe.loss.name or "mean_squared_error").replace("-", "_") in ("mean_squared_error", "mse"):
        for row, name in enumerate(("loss", "val_loss")):
            # Of targets of variance 1; a penalty on the weights makes it a little lower.
            scores[row, 1:] = np.maximum(-1.0, 1 - np.asarray(history.get(name, np.full(epochs, np.nan))))
    if "val_loss" not in history:
        scores[1] = scores[0]
    changed = recipe.regularization
    if changed.dropout or changed.input_dropout or changed.noise or recipe.augmentation != type(recipe.augmentation)():
        scores[0] = np.nan
    return scores[0], scores[1]


def _is_constant(stored: Stored) -> bool:
    """Whether the predictions of the test part are all alike."""
    if stored.predictions is None:
        return False
    values = stored.predictions.get("probability", stored.predictions["predicted"]).astype(np.float64)
    values = values.reshape(len(values), -1)
    return len(values) > 1 and bool(np.all(np.ptp(values, axis=0) <= 1e-6 * np.abs(values).max()))


def _reference(stored: Stored, targets: TargetFacts) -> Reference | None:
    """What the best constant prediction reaches on the test part."""
    if not _is_classifier(stored):
        return Reference(chance=0.0)
    total = targets.counts.sum()
    if not total:
        return None
    chance = float(targets.counts.max() / total)
    # As if no score were 0 or 1, of which the standard error would be 0.
    spread = min(max(chance, 0.5 / total), 1 - 0.5 / total)
    return Reference(chance=chance, margin=2 * math.sqrt(spread * (1 - spread) / total))
