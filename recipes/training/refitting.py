"""What follows a training whose best epoch is known: calibration of its probabilities, and a second training."""

import dataclasses
import math
from collections.abc import Sequence

import keras
import numpy as np

from recipes.data import Dataset
from recipes.data.class_weights import class_weights
from recipes.evaluation.analysis.calibrating import FEWEST_ROWS
from recipes.metrics import decide, temperature
from recipes.models.outputs import Outputs
from recipes.runs.watched import Watched
from recipes.training.batches import fits_in_memory, weights_of_rows
from recipes.training.checkpointing import Checkpointing
from recipes.training.compiling import compile_model
from recipes.training.rows import DatasetRows
from recipes.training.state import copies_of


def best_temperature(core: keras.Model, outputs: Outputs, source: DatasetRows) -> float | None:
    """The temperature of the logits of `core` with the least log loss on validation rows.

    Args:
        core: Trained model from prepared rows to logits.
        outputs: Facts about the outputs of `core`.
        source: Rows of the training.

    Returns:
        The temperature; `None` where validation rows do not show one: fewer than 30, or all of them right.
    """
    rows = source.validation()
    logits = core.predict(rows[0] if isinstance(rows, tuple) else rows, batch_size=1024, verbose=0)
    labels = np.asarray(source.dataset.validation[1][: source.limit])
    # Where all rows are right, the log loss falls with the temperature for ever.
    if len(labels) < FEWEST_ROWS or (decide(outputs.to_probabilities(logits)) == labels).all():
        return None
    weights = class_weights(source.recipe, source.dataset)
    return temperature(labels, logits, weights and weights_of_rows(labels, weights))


def initial_values(training) -> list[tuple[keras.Variable, np.ndarray]]:
    """The values with which the network of a `Training` begins anew, as `copies_of` returns them.

    Raises:
        ValueError: If the network is not built, or its rows do not fit the memory.
    """
    if not training.core.built:
        raise ValueError("fit.refit begins anew from the initial weights: give a model that is built")
    if not fits_in_memory(training.dataset):
        raise ValueError("fit.refit needs rows that fit the memory: set it to false")
    return copies_of(training.core.variables)


def with_validation_rows(dataset: Dataset) -> Dataset:
    """`dataset` with its validation rows among the training rows, behind them; its preparation stays as it is."""
    pairs: Sequence = list(zip(dataset.train, dataset.validation, strict=True))
    return dataclasses.replace(dataset, train=tuple(np.concatenate(pair) for pair in pairs))


def calibrated(training, watched: Watched) -> Watched:
    """`watched` with the temperature of the probabilities, where the recipe keeps the epoch that is best by it.

    Args:
        training: `Training` that has ended.
        watched: Its course.
    """
    if training.recipe.fit.keep != "refined" or watched.divergence is not None:
        return watched
    found = best_temperature(training.core, training.outputs, training.source)
    note = "validation rows show no temperature, and probabilities are not calibrated"
    if found is not None:
        note = f"probabilities are calibrated: logits are divided by {found:.4g}, learned on validation rows"
    return dataclasses.replace(watched, temperature=found, reason=f"{watched.reason}\n{note}".strip())


def refit(training, first: Watched, state: dict | None, verbose: bool, checkpointing: Checkpointing | None) -> Watched:
    """Train the network, which has its initial weights, on training and validation rows, for the epochs that were best.

    The schedules are those of the planned number of epochs. Callbacks of the user see the first training alone.

    Args:
        training: `Training` that found the number of epochs.
        first: Its course, which is returned with what is added here.
        state: State to go on from; see `Session.state`.
        verbose: Whether to print the progress.
        checkpointing: Where and when the training is stored; `None` for never.
    """
    dataset = with_validation_rows(training.dataset)
    recipe = training.recipe.replace(fit={"keep": "last", "patience": None, "refit": False})
    source = dataclasses.replace(training.source, recipe=recipe, dataset=dataset, validates=False)
    steps = math.ceil(source.count / recipe.fit.batch_size)
    compile_model(training.core, recipe, steps, task=dataset.task, num_outputs=training.outputs.units)
    note = (
        f"the network is trained anew on training and validation rows together, {source.count:,} in all, for "
        f"{first.kept_epoch} epochs"
    )
    if verbose:
        print(note)
    second = dataclasses.replace(training, recipe=recipe, dataset=dataset, source=source).fit_phase(
        0,
        state,
        callbacks=(),
        verbose=verbose,
        late_errors=None,
        checkpointing=checkpointing,
        before={"before_refit": first.to_dict()},
        epochs=first.kept_epoch,
    )
    return dataclasses.replace(first, reason=f"{first.reason}\n{note}".strip(), divergence=second.divergence)
