"""The diagnosis of a recipe: its network is built, and trained under watch on its data."""

import dataclasses
from pathlib import Path

import numpy as np

from recipes.arguments.numbers import require_positive, require_share
from recipes.data import Dataset, check_seed
from recipes.doctor.diagnosing import diagnose
from recipes.doctor.diagnosis import Diagnosis
from recipes.settings import Recipe
from recipes.training.compiling import mixes_classes
from recipes.training.prepared import Training
from recipes.training.request import Request

# Prepared training rows that are looked at; the order of the rows of a dataset is random.
MOST_BYTES = 2**30


def diagnose_recipe(
    recipe: str | Path | Recipe,
    data=None,
    *,
    target: str | None = None,
    data_dir: str | Path | None = None,
    seed: int = 0,
    epochs: int | None = None,
    seconds: float = 60,
    human_error: float | None = None,
) -> Diagnosis:
    """Say what keeps a recipe from working on its data, the root cause first; nothing is written.

    The network of the recipe is trained on prepared rows with its optimizer, schedule and loss; without augmentation,
    weights of classes, and early stopping.

    Args:
        recipe: Name of a recipe, path of a YAML file, or a `Recipe`.
        data: Data in any form that `load_dataset` takes. Default: the recipe's own data.
        target: Column of a table that is to be predicted (`data.target` of the recipe).
        data_dir: Folder with local copies of named datasets (`data.directory`).
        seed: Seed of the split of the data and of the initial weights.
        epochs: Largest number of epochs, instead of the recipe's (`fit.epochs`).
        seconds: Time after which no further trial begins, and training ends.
        human_error: Error of people on the task, as in `recipes.diagnose`.

    Raises:
        ValueError: For arguments and data that do not fit.
        OSError: If files cannot be read.
    """
    seed = check_seed(seed)
    require_positive("seconds", seconds)
    if human_error is not None:
        require_share("human_error", human_error)
    recipe, dataset, _ = Request(recipe, data, target, data_dir, epochs).load(seed)
    training = Training.of(recipe, dataset, seed=seed)
    diagnosis = diagnose(
        training.core,
        *_rows(training, dataset, "train"),
        validation_data=_rows(training, dataset, "validation"),
        epochs=recipe.fit.epochs,
        batch_size=recipe.fit.batch_size,
        seconds=seconds,
        human_error=human_error,
    )
    if recipe.fit.class_weight is None:
        return diagnosis
    # The recipe has an answer to rare classes, which was not part of the training under watch.
    findings = tuple(finding for finding in diagnosis.findings if finding.cause != "class_imbalance")
    return dataclasses.replace(diagnosis, findings=findings)


def _rows(training: Training, dataset: Dataset, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Prepared rows of a part, as many as fit, with targets as the loss takes them."""
    row_bytes = 4 * int(np.prod(dataset.input_shape))
    x, y = dataset.prepared(part, max(1, MOST_BYTES // row_bytes))
    units = training.outputs.units
    mixes = mixes_classes(training.recipe, dataset.task, units)
    return x, np.eye(units, dtype=np.float32)[y] if mixes else y
