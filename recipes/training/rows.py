"""The rows of a training as `fit` takes them: prepared arrays, or batches where the arrays would be too large."""

from dataclasses import dataclass

import numpy as np

from recipes.data import Dataset
from recipes.settings import Augmentation, Recipe
from recipes.training.augmentation import ArrayBatches, AugmentedBatches
from recipes.training.batches import Batches, fits_in_memory
from recipes.training.compiling import mixes_classes

_PROBE_ROWS = 512


@dataclass(frozen=True, eq=False)
class DatasetRows:
    """Prepared rows of a dataset, as a recipe trains on them.

    Attributes:
        recipe: Recipe that gives the batch size, the class weights and the augmentation.
        dataset: Raw rows and their preparation.
        num_outputs: Number of outputs of the network.
        seed: Seed of the order of the rows and of the augmentation.
        limit: Largest number of rows of each part that are used; `None` for all.
    """

    recipe: Recipe
    dataset: Dataset
    num_outputs: int
    seed: int = 0
    limit: int | None = None

    @property
    def count(self) -> int:
        """Number of training rows that are used."""
        rows = len(self.dataset.train[1])
        return rows if self.limit is None else min(rows, self.limit)

    def of_fit(self, epoch: int = 0) -> dict:
        """The arguments of `fit` that hold rows; order and random changes begin with those of `epoch`, from 0."""
        recipe, dataset, size = self.recipe, self.dataset, self.recipe.fit.batch_size
        weights, validation = class_weights(recipe, dataset), self.validation()
        augments = recipe.augmentation != Augmentation()
        if fits_in_memory(dataset, self.limit):
            x, y = dataset.prepared("train", self.limit)
            if not augments:
                return {"x": x, "y": y, "batch_size": size, "validation_data": validation, "class_weight": weights}
            content = ArrayBatches(x, y, size, self.seed, weights=weights)
        else:
            content = Batches(dataset, "train", size, self.seed, shuffle=True, weights=weights, limit=self.limit)
        if augments:
            content = AugmentedBatches(content, recipe.augmentation, self.seed, self.num_outputs, epoch)
        else:
            for _ in range(epoch):
                content.on_epoch_end()
        return {"x": content, "validation_data": validation, "shuffle": False}

    def validation(self) -> Batches | tuple:
        """The validation part, prepared: arrays, or batches where the parts together would be too large."""
        recipe, dataset = self.recipe, self.dataset
        # They are weighted as in training: otherwise early stopping would pick the weights by another loss than the
        # one that is trained.
        weights = class_weights(recipe, dataset)
        if not fits_in_memory(dataset, self.limit):
            size = max(recipe.fit.batch_size, 1024)
            return Batches(dataset, "validation", size, weights=weights, limit=self.limit)
        x, y = dataset.prepared("validation", self.limit)
        mixes = mixes_classes(recipe, dataset.task, self.num_outputs)
        labels = np.eye(self.num_outputs, dtype=np.float32)[y] if mixes else y
        return (x, labels, np.array([weights[label] for label in y])) if weights else (x, labels)

    def probe(self) -> np.ndarray:
        """Prepared training rows, evenly spaced, on which activations are watched."""
        x = self.dataset.train[0]
        return self.dataset.preparation(x[_evenly_spaced(len(x))])


@dataclass(frozen=True, eq=False)
class ArrayRows:
    """Arrays of the user's own, as the model takes them.

    Attributes:
        x: Rows `(rows, ...)`.
        y: Targets, `(rows, ...)`.
        validation_data: `(x, y)` or `(x, y, sample_weight)`; `None` for no validation.
        batch_size: Number of rows in one batch.
        seed: Seed of the order of the rows.
    """

    x: np.ndarray
    y: np.ndarray
    validation_data: tuple | None
    batch_size: int
    seed: int = 0

    @property
    def count(self) -> int:
        """Number of training rows."""
        return len(self.x)

    def of_fit(self, epoch: int = 0) -> dict:
        """The arguments of `fit` that hold rows; their order begins with that of `epoch`, counted from 0."""
        content = ArrayBatches(self.x, self.y, self.batch_size, self.seed)
        for _ in range(epoch):
            content.on_epoch_end()
        return {"x": content, "validation_data": self.validation_data, "shuffle": False}

    def validation(self) -> tuple | None:
        """The validation rows, as `fit` takes them."""
        return self.validation_data

    def probe(self) -> np.ndarray:
        """Training rows, evenly spaced, on which activations are watched."""
        return self.x[_evenly_spaced(len(self.x))]


def check_augmentation(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse augmentation of rows that are no images, and mixup of rows that do not fit the memory."""
    if recipe.augmentation == Augmentation():
        return
    if len(dataset.input_shape) != 3:
        raise ValueError(f"augmentation is for images. Received: rows of shape {dataset.input_shape}")
    if recipe.augmentation.mixup and not fits_in_memory(dataset):
        raise ValueError("augmentation.mixup needs rows that fit the memory: set it to 0")


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


def as_evaluate_arguments(rows) -> dict:
    """Validation rows, arrays in a tuple or batches, by the names of the arguments of `keras.Model.evaluate`."""
    return dict(zip(("x", "y", "sample_weight"), rows, strict=False)) if isinstance(rows, tuple) else {"x": rows}


def _evenly_spaced(rows: int) -> np.ndarray:
    return np.linspace(0, rows - 1, min(rows, _PROBE_ROWS)).round().astype(int)
