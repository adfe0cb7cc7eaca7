"""The weights of the classes in the loss of a training."""

import numpy as np

from recipes.data.dataset import Dataset
from recipes.settings import Recipe


def class_weights(recipe: Recipe, dataset: Dataset) -> dict[int, float] | None:
    """The weight of a row by its class number, as `fit.class_weight` says; `None` for 1 each.

    Raises:
        ValueError: For weights of a regression, and for weights that do not name every class.
    """
    setting = recipe.fit.class_weight
    if setting is None:
        return None
    if dataset.class_names is None:
        raise ValueError(f"fit.class_weight is for classification. Received: {setting!r} for a regression")
    if setting == "balanced":
        counts = np.bincount(dataset.train[1], minlength=len(dataset.class_names))
        return {number: counts.sum() / (len(counts) * max(1, count)) for number, count in enumerate(counts)}
    if set(setting) != set(dataset.class_names):
        raise ValueError(
            f"fit.class_weight must name every class ({', '.join(dataset.class_names)}). Received: {', '.join(setting)}"
        )
    return {number: setting[name] for number, name in enumerate(dataset.class_names)}
