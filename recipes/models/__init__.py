"""Builders of networks, and the model that is saved."""

import inspect
from dataclasses import fields

from recipes.data import Dataset
from recipes.initialization import initialize
from recipes.models import blocks
from recipes.models.convnet import convnet as convnet
from recipes.models.mlp import mlp as mlp
from recipes.models.recurrent import recurrent as recurrent
from recipes.models.residual import residual as residual
from recipes.models.serving import serving_model as serving_model
from recipes.models.table import ModelTable as ModelTable
from recipes.models.table import model_table as model_table
from recipes.models.transfer import check_body as check_body
from recipes.models.transfer import from_settings
from recipes.models.transfer import transfer as transfer
from recipes.settings import Recipe

BUILDERS = {
    "mlp": mlp,
    "convnet": convnet,
    "residual": residual,
    "recurrent": recurrent,
    "transfer": from_settings,
}
_SAMPLE_ROWS = 512  # of the training part, for the initialization of a whole model


def build(recipe: Recipe, dataset: Dataset):
    """The uncompiled model that `recipe` describes for `dataset`, giving logits.

    Raises:
        ValueError: For a setting of another builder, and for what the builder refuses.
    """
    settings = {field.name: getattr(recipe.model, field.name) for field in fields(recipe.model)}
    name, initialization = settings.pop("builder"), settings.pop("initialization")
    chosen = {setting: value for setting, value in settings.items() if value is not None}
    for setting in chosen:
        owners = [builder for builder in BUILDERS if setting in _arguments(builder)]
        if name not in owners:
            raise ValueError(
                f"model.{setting} belongs to {', '.join(owners)}. Received: {chosen[setting]!r} with {name}"
            )
    if initialization and name == "transfer":
        raise ValueError(f"model.initialization would overwrite the body. Received: {initialization!r} with transfer")
    chosen |= {field.name: getattr(recipe.regularization, field.name) for field in fields(recipe.regularization)}
    if name == "transfer" and getattr(dataset.preparation, "depth", None) == 8:
        chosen["pixels"] = (dataset.preparation.mean, dataset.preparation.scale)
    if dataset.embedded:
        if "embedded" not in _arguments(name):
            raise ValueError(f"{name} takes no categories of many kinds, which {dataset.name} has: use mlp or residual")
        chosen["embedded"] = dataset.embedded
    if dataset.mask_value is not None:
        if "mask_value" not in _arguments(name):
            raise ValueError(f"{name} takes no sequences of different length, which {dataset.name} has: use recurrent")
        chosen["mask_value"] = dataset.mask_value
    if initialization and name == "recurrent":
        raise ValueError(
            f"model.initialization knows no recurrent layers, which begin with orthogonal kernels. Received: "
            f"{initialization!r} with recurrent"
        )
    model = BUILDERS[name](dataset.input_shape, dataset.num_outputs, **chosen)
    if initialization:
        initialize(model, initialization, dataset.prepared("train", _SAMPLE_ROWS)[0])
    return model


def _arguments(builder: str) -> set[str]:
    parameters = set(inspect.signature(BUILDERS[builder]).parameters)
    # `from_settings` passes these on to `transfer`.
    return parameters | {field.name for field in fields(blocks.Hidden)} if "hidden" in parameters else parameters
