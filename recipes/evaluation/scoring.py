"""How good a trained model is: `evaluate`, and the blocks of predictions that it scores."""

import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from recipes.data import Dataset, load_dataset, same_source, with_arguments
from recipes.data.arrays import check_target
from recipes.evaluation.blocks import Block, blocks_of_batches, blocks_of_rows
from recipes.evaluation.class_labels import class_numbers, numbered_classes, same_classes
from recipes.evaluation.counting import report_on
from recipes.evaluation.finishing import finish_later
from recipes.evaluation.rows import dataset_rows, is_batches, is_rows, rows_for
from recipes.evaluation.test_part import (
    FoundRows,
    digests_of_file,
    load_test_part,
    name_of_data,
    warn_of_training_rows,
)
from recipes.metrics import ClassificationReport, MultiLabelReport, RegressionReport
from recipes.models.outputs import Outputs
from recipes.runs.run import Run
from recipes.runs.stored import Stored
from recipes.settings import Data


class Predicted(NamedTuple):
    """Predictions to be scored.

    Attributes:
        blocks: Blocks of targets, values and weights, each made when it is asked for.
        class_names: Class names in the order of the class numbers; `None` for a regression.
        multi_label: Whether the targets are multi-label, rather than class numbers or numbers.
    """

    blocks: Iterator[Block]
    class_names: tuple[str, ...] | None
    multi_label: bool


def evaluate(
    model: keras.Model | Run | Stored | str | Path,
    data=None,
    *,
    seed: int | None = None,
    batch_size: int = 256,
    target: str | None = None,
    data_dir: str | Path | None = None,
    steps: int | None = None,
    multi_label: bool | None = None,
) -> ClassificationReport | MultiLabelReport | RegressionReport:
    """Evaluate a model on data that it has not seen, in memory that does not grow with the rows.

    A run whose training ended before its report or its pictures were written gets them now, where neither `data` nor
    another `seed` is given.

    Outputs are counted block by block. Up to 4 million of them (rows times outputs) are kept, and ROC AUC and average
    precision are exact; beyond that none are kept, the two come from 2,048 bins, and the report states their largest
    error. Quantiles of the errors of a regression are exact up to a million rows.

    Args:
        model: A finished `Run`, a run folder or `.keras` file by its path or as a `Stored`, or a model in memory that
            takes raw rows. Its outputs are logits where its compiled loss takes logits (`from_logits`), unless the
            output layer of a Sequential or functional model, or the values, show that they are probabilities.
        data: Rows with targets, in one of these forms. Default: the test part of the data that the run was trained on.

            - `(x, y)`, a frame, a table or NPZ file, or a folder of images: all rows, or the test part where there are
              parts. Columns are found by their names.
            - The name of a dataset or a `Dataset`: its test part. Test rows of the run's own data are found again by
              their values where the data have grown, shrunk or come in another order, with a warning.
            - Batches `(x, y)` or `(x, y, sample_weight)`, read once: a `tf.data.Dataset`, a `keras.utils.PyDataset`, a
              generator, or a function that makes one.
        seed: Seed of the split of a named dataset. Default: that of the run, otherwise 0.
        batch_size: Number of rows for one step of the model.
        target: Name of the target column of a table. Default: that of the training.
        data_dir: Folder with local copies of named datasets. Default: that of the training.
        steps: Number of batches to take of `data` that come in batches, at most. Default: all, which a generator
            without end does not allow.
        multi_label: Whether `y` `(rows, labels)` of 0 and 1 is multi-label. Default: single-label in one-hot form where
            the loss is one of exclusive classes, or each row has a single 1 and outputs that sum to 1; otherwise
            multi-label.

    Raises:
        ValueError: If the rows do not fit the model, or labels are none of its classes.
        FileNotFoundError: If there is no such file.
    """
    stored = None if isinstance(model, keras.Model) else Stored.of(model)
    if data is None and stored is not None and stored.missing and seed in (None, stored.seed):
        data = _test_part(stored, None, _settings(stored, target, data_dir), seed)
        if isinstance(data, Dataset):
            return finish_later(stored, data)
        warnings.warn(f"the missing report of {stored} is not written, since its data have changed", stacklevel=2)
    predicted = predict_to_score(
        model if stored is None else stored,
        data,
        seed=seed,
        batch_size=batch_size,
        target=target,
        data_dir=data_dir,
        steps=steps,
        multi_label=multi_label,
    )
    return report_on(*predicted)


def predict_to_score(
    model: keras.Model | Run | Stored | str | Path,
    data=None,
    *,
    seed: int | None = None,
    batch_size: int = 256,
    target: str | None = None,
    data_dir: str | Path | None = None,
    steps: int | None = None,
    multi_label: bool | None = None,
) -> Predicted:
    """Predictions that `evaluate`, which takes the same arguments, scores.

    Args:
        data: Rows with targets as for `evaluate`, or test rows that were found again.

    Raises:
        ValueError, FileNotFoundError: As `evaluate`. Errors in later blocks are raised when these are asked for.
    """
    stored = None if isinstance(model, keras.Model) else Stored.of(model)
    settings = _settings(stored, target, data_dir)
    data = _test_part(stored, data, settings, seed)
    if not (is_batches(data) or is_rows(data) or isinstance(data, FoundRows)):
        data = load_dataset(data, 0 if seed is None else seed, with_arguments(Data(), target, data_dir))
    model, class_names = (model, None) if stored is None else (stored.model, stored.class_names)
    outputs = Outputs.of(model) if stored is None else stored.outputs
    if is_batches(data):
        blocks = blocks_of_batches(model, outputs, data, batch_size, steps)
    elif steps is not None:
        raise ValueError(f"`steps` is for data that come in batches. Received: steps={steps!r}")
    else:
        x, y = _rows(outputs, data, stored, settings, class_names)
        blocks = blocks_of_rows(model, outputs, x, y, batch_size)
    if outputs.margins:
        blocks = _with_scores_of_both_classes(blocks)
    if isinstance(data, Dataset):
        return Predicted(blocks, data.class_names, False)
    return _with_class_numbers(outputs, blocks, class_names, multi_label)


def _settings(stored: Stored | None, target: str | None, data_dir) -> Data:
    """Settings of the data of a run, or the defaults, with what the user gives instead."""
    return with_arguments(stored.recipe.data if stored is not None and stored.is_run else Data(), target, data_dir)


def _test_part(stored: Stored | None, data, settings: Data, seed: int | None):
    """The test part of a run where `data` are those it was trained on, or `None`; otherwise `data` unchanged."""
    if stored is None:
        if data is None:
            raise ValueError("`data` is needed to evaluate a model in memory")
        return data
    if data is None:
        data = name_of_data(stored)
    if not stored.is_run or not same_source(data, settings.name):
        return data
    if seed in (None, stored.seed):
        return load_test_part(stored, settings)
    dataset = load_dataset(data, seed, settings)
    warn_of_training_rows(stored, f"the test part by seed {seed}", dataset.fingerprint.row_digests["test"])
    return dataset


def _rows(
    outputs: Outputs, data, stored: Stored | None, settings: Data, class_names: tuple[str, ...] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Raw rows `x` and targets `y` of `data` that do not come in batches."""
    if isinstance(data, FoundRows):
        return data.x, data.y
    if isinstance(data, Dataset):
        if class_names and not same_classes(class_names, data.class_names):
            received = ", ".join(data.class_names or ["none"])
            raise ValueError(f"the model knows the classes {', '.join(class_names)}. Received: {received}")
        return dataset_rows(outputs, data)
    numeric = class_names is None and outputs.task == "regression"
    x, y = rows_for(outputs, data, settings, with_target=True, numeric_target=numeric)
    if stored is not None and isinstance(data, str | Path):
        warn_of_training_rows(stored, str(data), digests_of_file(stored, data, settings, x, y))
    return x, y


def _with_scores_of_both_classes(blocks: Iterator[Block]) -> Iterator[Block]:
    """Margins of a hinge loss as a score of each class, of which the higher one decides, and targets -1 as class 0."""
    for targets, values, weights in blocks:
        if values.shape[1] == 1:
            values = np.hstack([-values, values])
            targets = np.where(targets == -1, 0, targets) if targets.dtype.kind in "if" else targets
        yield Block(targets, values, weights)


def _with_class_numbers(
    outputs: Outputs, blocks: Iterator[Block], class_names: tuple[str, ...] | None, multi_label: bool | None
) -> Predicted:
    """Blocks with class numbers for labels; the first block shows what is not known of the classes."""
    first = next(blocks, None)
    if first is None:
        raise ValueError("`data` must have rows. Received: none")
    targets, values, _ = first
    units = values.shape[1]
    multi_label = outputs.is_multi_label(targets, values) if multi_label is None else multi_label
    if multi_label and targets.ndim != 2:
        raise ValueError(f"`y` must have the shape (rows, labels) for multi_label=True. Received: {targets.shape}")
    if targets.ndim == 2 and targets.shape[1] != (units if multi_label else max(2, units)):
        raise ValueError(f"`y` has {targets.shape[1]} columns, and the model has {units} outputs")
    blocks = itertools.chain([first], blocks)
    if multi_label:
        return Predicted(blocks, class_names or tuple(map(str, range(units))), True)
    class_names = class_names or numbered_classes(outputs, values)
    return Predicted(_with_labels_checked(blocks, class_names), class_names, False)


def _with_labels_checked(blocks: Iterator[Block], class_names: tuple[str, ...] | None) -> Iterator[Block]:
    for targets, values, weights in blocks:
        targets = check_target(targets, len(targets))
        yield Block(targets if class_names is None else class_numbers(targets, class_names), values, weights)
