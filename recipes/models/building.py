"""From a recipe and its data to a network: settings and facts about the data become arguments of a builder."""

import inspect
import math
from dataclasses import fields

import keras

from custom_layers import PiecewiseLinearEmbedding
from recipes.data import Dataset
from recipes.initialization import initialize
from recipes.models import blocks
from recipes.models.convnet import convnet
from recipes.models.mlp import mlp
from recipes.models.recurrent import recurrent
from recipes.models.residual import residual
from recipes.models.transfer import from_settings
from recipes.settings import Recipe

BUILDERS = {
    "mlp": mlp,
    "convnet": convnet,
    "residual": residual,
    "recurrent": recurrent,
    "transfer": from_settings,
}
_SAMPLE_ROWS = 512  # of the training part, for the initialization of a whole model

_BINNED_ROWS = 100_000  # of the training part, for the edges of the bins of numbers


def build(recipe: Recipe, dataset: Dataset) -> keras.Model:
    """The uncompiled model that `recipe` describes for `dataset`, which gives logits.

    Raises:
        ValueError: For a setting that belongs to another builder, for data that the builder does not take, and for
            whatever the builder itself refuses.
    """
    builder, initialization = recipe.model.builder, recipe.model.initialization
    arguments = _of_settings(recipe) | _of_data(recipe, dataset)
    if initialization and builder == "transfer":
        raise ValueError(f"model.initialization would overwrite the body. Received: {initialization!r} with transfer")
    if initialization and builder == "recurrent":
        raise ValueError(
            f"model.initialization knows no recurrent layers: their recurrent kernels are orthogonal already. "
            f"Received: {initialization!r} with recurrent"
        )
    # A convolution and a recurrent layer see the last axis alone.
    recipe.model.refuse_size(math.prod(dataset.input_shape) if builder == "mlp" else dataset.input_shape[-1])
    model = BUILDERS[builder](dataset.input_shape, dataset.num_outputs, **arguments)
    if initialization:
        initialize(model, initialization, dataset.prepared("train", _SAMPLE_ROWS)[0])
    return model


def _of_settings(recipe: Recipe) -> dict:
    """The settings of the network that are set, as arguments of its builder; settings of other builders are refused."""
    builder = recipe.model.builder
    names = [field.name for field in fields(recipe.model) if field.name not in ("builder", "initialization")]
    chosen = {name: getattr(recipe.model, name) for name in names if getattr(recipe.model, name) is not None}
    for name, value in chosen.items():
        owners = [owner for owner in BUILDERS if name in _arguments(owner)]
        if builder not in owners:
            raise ValueError(f"model.{name} belongs to {', '.join(owners)}. Received: {value!r} with {builder}")
    regularization = {field.name: getattr(recipe.regularization, field.name) for field in fields(recipe.regularization)}
    if regularization.pop("schedule") and recipe.regularization.dropout:
        chosen["scheduled_dropout"] = True
    return chosen | regularization


def _of_data(recipe: Recipe, dataset: Dataset) -> dict:
    """What a builder must know of the data besides their shape, as its arguments."""
    builder = recipe.model.builder
    known, chosen = _arguments(builder), {}
    if dataset.embedded:
        if "embedded" not in known:
            raise ValueError(
                f"{builder} takes no categories of many kinds, which {dataset.name} has: use mlp or residual"
            )
        chosen["embedded"] = dataset.embedded
    if dataset.mask_value is not None:
        if "mask_value" not in known:
            raise ValueError(
                f"{builder} takes no sequences of different length, which {dataset.name} has: use recurrent"
            )
        chosen["mask_value"] = dataset.mask_value
    if recipe.model.number_embedding is not None:
        if not dataset.numbers:
            raise ValueError(
                f"model.number_embedding needs columns of numbers, and {dataset.name} has none. Received: "
                f"{recipe.model.number_embedding!r}"
            )
        chosen["numbers"] = dataset.numbers
        if recipe.model.number_embedding == "piecewise":
            rows = dataset.prepared("train", _BINNED_ROWS)[0][:, : dataset.numbers]
            chosen["bin_edges"] = PiecewiseLinearEmbedding.quantile_edges(rows)
    if recipe.model.members is not None:
        classes = "sigmoid" if dataset.num_outputs == 1 else "softmax"
        chosen["averaging"] = "linear" if dataset.task == "regression" else classes
    if "pixels" in known and getattr(dataset.preparation, "depth", None) == 8:
        chosen["pixels"] = (dataset.preparation.mean, dataset.preparation.scale)
    return chosen


def _arguments(builder: str) -> set[str]:
    """Names of the arguments of a builder."""
    parameters = set(inspect.signature(BUILDERS[builder]).parameters)
    # `from_settings` passes these on to `transfer`.
    return parameters | {field.name for field in fields(blocks.Hidden)} if "hidden" in parameters else parameters
