"""The rows of a training as `fit` takes them: batches of the training rows, and the validation rows."""

import math
from dataclasses import dataclass

import keras
import numpy as np

from recipes.data import Dataset
from recipes.data.class_weights import class_weights
from recipes.settings import Augmentation, Recipe
from recipes.training.batches import (
    Batches,
    RowsInMemory,
    RowsOnDisk,
    ValidationBatches,
    endless_batch,
    fits_in_memory,
    weights_of_rows,
)
from recipes.training.compiling import mixes_classes

_PROBE_ROWS = 512
# Numbers in a batch of validation rows, where the batches of the training hold fewer.
_VALIDATED_AT_ONCE = 2**16


@dataclass(frozen=True, eq=False)
class DatasetRows:
    """Prepared rows of a dataset, as a recipe trains on them.

    Attributes:
        recipe: Recipe that gives the batch size, the class weights and the augmentation.
        dataset: Raw rows and their preparation.
        num_outputs: Number of outputs of the network.
        seed: Seed of the order of the rows and of the augmentation.
        limit: Largest number of rows of each part that are used; `None` for all.
        validates: Whether `fit` receives the validation rows.
    """

    recipe: Recipe
    dataset: Dataset
    num_outputs: int
    seed: int = 0
    limit: int | None = None
    validates: bool = True

    @property
    def count(self) -> int:
        """Number of training rows that are used."""
        rows = len(self.dataset.train[1])
        return rows if self.limit is None else min(rows, self.limit)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of a prepared row."""
        return self.dataset.input_shape

    def batches(self, epoch: int = 0, step: int = 0, *, whole: bool = False) -> Batches:
        """Training batches without end.

        Args:
            epoch: Number of the first epoch, counted from 0.
            step: Number of the first batch in that epoch, counted from 0.
            whole: Whether to leave out the short batch at the end of an epoch.
        """
        recipe, weights = self.recipe, class_weights(self.recipe, self.dataset)
        if fits_in_memory(self.dataset, self.limit):
            _, labels = self.dataset.train
            weights = weights and weights_of_rows(labels[: self.limit], weights)
            rows = RowsInMemory(*self.dataset.prepared("train", self.limit), weights)
        else:
            rows = RowsOnDisk(self.dataset, weights, self.limit)
        return Batches(
            rows,
            recipe.fit.batch_size,
            self.seed,
            epoch,
            step,
            augmentation=recipe.augmentation,
            num_outputs=self.num_outputs,
            whole=whole,
        )

    def of_fit(self, epoch: int = 0, step: int = 0) -> dict:
        """The arguments of `fit` that hold rows, which begin with batch `step` of `epoch`, both counted from 0."""
        # Small rows pass in few batches, as each takes longer to start than to compute.
        size = max(self.recipe.fit.batch_size, _VALIDATED_AT_ONCE // math.prod(self.row_shape))
        validation = self.validation() if self.validates else None
        if validation is None:
            options = {}
        elif keras.backend.backend() == "tensorflow" and isinstance(validation, tuple) and len(validation[0]) <= size:
            options = {"validation_data": endless_batch(validation), "validation_steps": 1}
        else:
            options = {"validation_data": validation, "validation_batch_size": size}
        return {**self.batches(epoch, step).fit_arguments(), **options}

    def validation(self) -> ValidationBatches | tuple:
        """The validation part, prepared: arrays, or batches where the parts together would be too large."""
        recipe, dataset = self.recipe, self.dataset
        # They are weighted as in training: otherwise early stopping would pick the weights by another loss than the
        # one that is trained.
        weights = class_weights(recipe, dataset)
        if not fits_in_memory(dataset, self.limit):
            size = max(recipe.fit.batch_size, 1024)
            return ValidationBatches(dataset, size, weights, self.limit)
        x, y = dataset.prepared("validation", self.limit)
        mixes = mixes_classes(recipe, dataset.task, self.num_outputs)
        labels = np.eye(self.num_outputs, dtype=np.float32)[y] if mixes else y
        return (x, labels, weights_of_rows(y, weights)) if weights else (x, labels)

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
        limit: Largest number of rows of each part that are used; `None` for all.
    """

    x: np.ndarray
    y: np.ndarray
    validation_data: tuple | None
    batch_size: int
    seed: int = 0
    limit: int | None = None

    @property
    def count(self) -> int:
        """Number of training rows that are used."""
        return len(self.x[: self.limit])

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return self.x.shape[1:]

    def of_fit(self, epoch: int = 0, step: int = 0) -> dict:
        """The arguments of `fit` that hold rows, which begin with batch `step` of `epoch`, both counted from 0."""
        rows = RowsInMemory(self.x[: self.limit], self.y[: self.limit])
        batches = Batches(rows, self.batch_size, self.seed, epoch, step)
        options = {"validation_data": self.validation(), "validation_batch_size": self.batch_size}
        return {**batches.fit_arguments(), **options}

    def validation(self) -> tuple | None:
        """The validation rows, as `fit` takes them."""
        return self.validation_data and tuple(column[: self.limit] for column in self.validation_data)

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


def check_batch_size(core: keras.Model, recipe: Recipe) -> None:
    """Refuse batches of one row where batch normalization would make 0 of whatever it holds."""
    if recipe.fit.batch_size > 1:
        return
    for layer in core.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and getattr(layer.input_spec, "ndim", None) == 2:
            raise ValueError(
                f"fit.batch_size must be at least 2 for the batch normalization {layer.name!r}. Received: 1"
            )


def as_evaluate_arguments(rows) -> dict:
    """Validation rows, arrays in a tuple or batches, by the names of the arguments of `keras.Model.evaluate`."""
    return dict(zip(("x", "y", "sample_weight"), rows, strict=False)) if isinstance(rows, tuple) else {"x": rows}


def release(arguments: dict) -> None:
    """Let go of the rows of batches among the arguments of a `fit` that has ended."""
    for value in arguments.values():
        if isinstance(value, Batches | ValidationBatches):
            value.release()


def _evenly_spaced(rows: int) -> np.ndarray:
    return np.linspace(0, rows - 1, min(rows, _PROBE_ROWS)).round().astype(int)
