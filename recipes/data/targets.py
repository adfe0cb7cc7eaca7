"""Targets: whether they are classes or numbers, and their values as class numbers or float64."""

import numpy as np

from recipes.arguments.labels import by_value, encode_labels, label_name
from recipes.arguments.names import shorten
from recipes.data.source import Source
from recipes.data.tables.matrix import name_classes
from recipes.settings import Data

# Largest number of distinct whole targets that are taken for classes, stored as floats and as integers. More integers
# are classes, too, with so many rows of each on average.
MOST_DISTINCT_FLOAT_CLASSES = 20
MOST_DISTINCT_WHOLE_CLASSES = 100
FEWEST_ROWS_OF_A_CLASS = 20
# Largest number to predict; predictions beyond it are within float32, too.
LARGEST_TARGET = 1e35


def choose_task(source: Source, settings: Data) -> str:
    """The task of the settings or of the source, or the one inferred from the targets.

    Raises:
        ValueError: If the settings do not fit the source.
    """
    if source.task and settings.task not in (None, source.task):
        raise ValueError(f"data.task={settings.task!r} does not fit the dataset {source.name!r}")
    if settings.task == "regression" and source.class_names:
        raise ValueError(
            f"regression needs numbers as targets. Received: {shorten(map(repr, source.class_names))} in {source.name}"
        )
    task = settings.task or source.task
    if task is None:
        task = "classification" if source.class_names else _infer_task(source.main_part[1])
    return task


def _infer_task(y: np.ndarray) -> str:
    """Task that fits targets `(rows,)`: text, truth values and whole numbers of few distinct values are classes."""
    if y.dtype.kind not in "uif":
        return "classification"
    distinct = np.unique(y)
    if y.dtype.kind == "f":
        is_classes = len(distinct) <= MOST_DISTINCT_FLOAT_CLASSES and (distinct == np.round(distinct)).all()
    else:
        is_classes = len(distinct) <= max(MOST_DISTINCT_WHOLE_CLASSES, len(y) / FEWEST_ROWS_OF_A_CLASS)
    return "classification" if is_classes else "regression"


def refuse_identifier(source: Source) -> None:
    """Refuse a target that counts or names the rows.

    Raises:
        ValueError: If the target counts the rows, or nearly every row has a text of its own.
    """
    _, y = source.main_part
    if len(y) <= MOST_DISTINCT_FLOAT_CLASSES or y.dtype.kind in "bf":
        return
    distinct = np.unique(y) if source.class_names is None else np.array(source.class_names)
    if distinct.dtype.kind in "ui":
        is_identifier = len(distinct) == len(y) and (np.diff(distinct) == 1).all()  # it counts the rows
    else:
        is_identifier = len(distinct) > len(y) / 2
    if is_identifier:
        name = f"the target {source.target!r}" if source.target else "the target"
        raise ValueError(
            f"{name} looks like an identifier: it has {len(distinct):,} different values in {len(y):,} rows, such as "
            f"{label_name(distinct[0])!r} and {label_name(distinct[-1])!r}. Choose another, or set data.task"
        )


def encode_targets(source: Source, task: str) -> None:
    """Turn the targets of all parts into class numbers, by the classes of the main part; or into float64 numbers.

    Raises:
        ValueError: If there is only one class, a part has classes that the main part lacks, or targets of a regression
            are not numbers within float32.
    """
    _, y = source.main_part
    if task == "regression":
        source.parts = {part: (x, _numbers(y, part)) for part, (x, y) in source.parts.items()}
        return
    if source.class_names is None and source.labels:
        name_classes(source, by_value(source.label_names))
    elif source.class_names is None:
        _, source.class_names = encode_labels(y)
        source.parts = {part: (x, encode_labels(y, source.class_names)[0]) for part, (x, y) in source.parts.items()}
    if len(source.class_names) < 2:
        raise ValueError(f"there is only one class, {source.class_names[0]!r}: a classifier needs at least two")


def _numbers(y: np.ndarray, part: str) -> np.ndarray:
    if y.dtype.kind not in "buif":
        raise ValueError(f"regression needs numbers as targets. Received: {y[:1].tolist()[0]!r} in {part} row 0")
    largest = np.abs(y.astype(np.float64)).max()
    if largest > LARGEST_TARGET:
        raise ValueError(f"targets must be within float32, up to {LARGEST_TARGET:g}. Received: {largest:g} in {part}")
    return y.astype(np.float64)
