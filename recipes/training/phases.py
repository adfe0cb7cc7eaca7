"""The phases of a training: one for most, and a second one where the body of a transfer model is fine-tuned."""

import dataclasses
import math

import keras
import numpy as np

from callbacks.watching.record import merged
from recipes.runs.watched import Watched
from recipes.training.compiling import compile_model
from recipes.training.fine_tuning import unfreeze


def fit_phases(training, state: dict | None, options: dict) -> Watched:
    """Train `core`, then fine-tune it where the recipe has epochs for that; `options` are arguments of `fit`."""
    verbose = options["verbose"]
    before = None if state is None else state["before_fine_tuning"]
    if before is None:
        first = training.fit_phase(0, state, **options)
        if not training.recipe.fine_tune.epochs or first.divergence is not None:
            return first
        weights = [np.array(keras.ops.convert_to_numpy(weight)) for weight in training.core.weights]
        before = {**first.to_dict(), "weights": weights}
        state = None
    else:
        first = Watched.from_dict(before)
    weights = training.core.weights
    tuning = _with_trainable_body(training)
    if training.recipe.fit.keep == "best" and "val_loss" not in before:
        # Measured again: the penalties of the body count only from now on.
        before["val_loss"] = tuning.validation_loss()
    before = {"before_fine_tuning": before}
    second = tuning.fit_phase(len(first.history["loss"]), state, **options, before=before)
    before = before["before_fine_tuning"]
    history = {name: first.history[name] + second.history[name] for name in first.history if name in second.history}
    whole = dataclasses.replace(second, history=history, record=merged([first.record, second.record]))
    start = before.get("val_loss")
    if second.divergence is not None or start is None or np.nanmin(second.history["val_loss"]) <= start:
        return whole
    for weight, value in zip(weights, before["weights"], strict=True):
        weight.assign(value)
    reason = "fine-tuning has not lowered the validation loss: the weights before it are kept"
    if verbose:
        print(reason)
    return dataclasses.replace(whole, kept_epoch=first.kept_epoch, reason=reason)


def _with_trainable_body(training):
    """The second half of transfer learning: the body is trained, too, at a lower rate. Compiles `core` anew."""
    settings = training.recipe.fine_tune
    rate = settings.learning_rate or training.recipe.optimizer.learning_rate / 10
    recipe = training.recipe.replace(fit={"epochs": settings.epochs}, optimizer={"learning_rate": rate})
    factors = unfreeze(training.core, settings.layers, settings.layer_decay)
    steps = math.ceil(len(training.dataset.train[1]) / recipe.fit.batch_size)
    task, count = training.dataset.task, training.outputs.units
    compile_model(training.core, recipe, steps, task=task, num_outputs=count, learning_rate_factors=factors)
    source = dataclasses.replace(training.source, recipe=recipe)
    return dataclasses.replace(training, recipe=recipe, source=source, rate_setting="fine_tune.learning_rate")
