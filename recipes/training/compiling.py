"""Compiling a network as a recipe says: optimizer with clipping and schedule, loss on logits, metrics."""

import dataclasses
from pathlib import Path

import keras

from recipes import losses, optimizers, schedules
from recipes.arguments.names import normalize
from recipes.data.named import bundled
from recipes.models.members import check_averaging
from recipes.models.outputs import Outputs
from recipes.settings import Recipe
from recipes.training.request import as_recipe
from recipes.training.validation_error import metrics_for

WITHOUT_STEPS = ("constant", "reduce_on_plateau")


def compile_model(
    model: keras.Model,
    recipe: str | Path | Recipe,
    steps_per_epoch: int | None = None,
    *,
    task: str | None = None,
    num_outputs: int | None = None,
    learning_rate_factors: dict[str, float] | None = None,
) -> keras.Model:
    """Compile `model` for a `fit` by hand: optimizer with clipping and schedule, loss on logits, metrics.

    Args:
        model: Keras model that gives logits: one for each class, or a single one for two classes; or one number for
            regression.
        recipe: Name of a recipe, path of a YAML file, or a `Recipe`.
        steps_per_epoch: Number of batches in one epoch; every schedule but `constant` and `reduce_on_plateau` needs it.
        task: `"classification"` or `"regression"`. Default: the recipe's, or that of its bundled data. It is needed
            for a single output on other data, which could be either; several outputs are classes.
        num_outputs: Number of units of the last layer. Default: read off the model; needed for subclassed models.
        learning_rate_factors: Factors of the learning rate by path of the weight, as in `recipes.optimizers.get`.

    Returns:
        The same model, compiled.

    Raises:
        ValueError: If the model gives probabilities, where logits are meant, or an argument is missing.
    """
    recipe = as_recipe(recipe)
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a Keras model. Received: {model!r}")
    outputs = Outputs.of(model)
    num_outputs = num_outputs or outputs.units
    if num_outputs is None:
        raise ValueError(f"cannot read the number of outputs off {model.name}: give `num_outputs`")
    known_task = recipe.data.task or bundled.task(recipe.data.name)
    task = task or known_task or ("classification" if num_outputs > 1 else None)
    if task not in ("classification", "regression"):
        raise ValueError(f"`task` must be classification or regression. Received: {task!r}")
    if steps_per_epoch is None and recipe.regularization.schedule:
        raise ValueError("regularization.schedule needs `steps_per_epoch`: batches of one epoch")
    if steps_per_epoch is None and recipe.schedule.name not in WITHOUT_STEPS:
        raise ValueError(f"the {recipe.schedule.name} schedule needs `steps_per_epoch`: batches of one epoch")
    check_averaging(model, task)
    loss = _loss(recipe, task, num_outputs)
    losses.check_pair(loss, task, num_outputs, outputs.activation or "")
    model.compile(
        optimizer=_optimizer(recipe, steps_per_epoch or 1, learning_rate_factors),
        loss=loss,
        metrics=[_metric(recipe, task, num_outputs), *metrics_for(recipe.fit.keep, task)],
    )
    return model


def mixes_classes(recipe: Recipe, task: str, num_outputs: int) -> bool:
    """Whether targets are shares of classes, instead of class numbers."""
    return recipe.augmentation.mixup > 0 and task == "classification" and num_outputs > 1


def _optimizer(recipe: Recipe, steps_per_epoch: int, learning_rate_factors) -> keras.optimizers.Optimizer:
    schedule, settings = recipe.schedule, recipe.optimizer
    rate = schedules.get(
        schedule.name,
        settings.learning_rate,
        recipe.fit.epochs * steps_per_epoch,
        warmup_fraction=schedule.warmup_fraction,
        milestones=schedule.milestones,
        factor=schedule.factor,
        final_fraction=schedule.final_fraction,
        cycles=schedule.cycles,
    )
    options = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    del options["name"], options["learning_rate"]
    if recipe.regularization.schedule and settings.name != "schedule_free_adamw":
        options["decay_schedule"] = schedules.FlatCosine(1.0, recipe.fit.epochs * steps_per_epoch)
    return optimizers.get(settings.name, rate, **options, learning_rate_factors=learning_rate_factors)


def _loss(recipe: Recipe, task: str, num_outputs: int) -> keras.losses.Loss:
    options = {field.name: getattr(recipe.loss, field.name) for field in dataclasses.fields(recipe.loss)}
    name = options.pop("name") or ("mean_squared_error" if task == "regression" else "cross_entropy")
    if mixes_classes(recipe, task, num_outputs):
        if normalize(name) not in ("cross-entropy", "crossentropy"):
            raise ValueError(f"augmentation.mixup makes shares of classes, which cross_entropy takes. Received: {name}")
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.loss.label_smoothing)
    return losses.get(name, task=task, num_outputs=num_outputs, **options)


def _metric(recipe: Recipe, task: str, num_outputs: int) -> keras.metrics.Metric:
    if task == "regression":
        return keras.metrics.MeanAbsoluteError()
    if mixes_classes(recipe, task, num_outputs):
        return keras.metrics.CategoricalAccuracy(name="accuracy")
    if num_outputs == 1:
        # A logit of 0 is a probability of one half.
        return keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
