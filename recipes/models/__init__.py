"""Builders of networks, and the model that is saved."""

from dataclasses import fields

from recipes.data import Dataset
from recipes.initialization import initialize
from recipes.models.convnet import convnet as convnet
from recipes.models.mlp import mlp as mlp
from recipes.models.serving import serving_model as serving_model
from recipes.settings import Recipe

BUILDERS = {"mlp": mlp, "convnet": convnet}
_SAMPLE_ROWS = 512  # of the training part, for the initialization of a whole model


def build(recipe: Recipe, dataset: Dataset):
    """The uncompiled model that `recipe` describes for `dataset`, giving logits."""
    settings, regularization = recipe.model, recipe.regularization
    arguments = {
        "widths": settings.widths,
        "activation": settings.activation,
        "negative_slope": settings.negative_slope,
        "pieces": settings.pieces,
        "kernel_initializer": settings.kernel_initializer,
        "normalization": settings.normalization,
        **{field.name: getattr(regularization, field.name) for field in fields(regularization)},
    }
    if settings.builder == "convnet":
        arguments["kernel_size"] = settings.kernel_size
    if settings.builder == "mlp":
        arguments["embedded"] = dataset.embedded
    model = BUILDERS[settings.builder](dataset.input_shape, dataset.num_outputs, **arguments)
    if settings.initialization:
        initialize(model, settings.initialization, dataset.prepared("train", _SAMPLE_ROWS)[0])
    return model
