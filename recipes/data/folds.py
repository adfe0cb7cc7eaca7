"""The same data split several times, so that every row is tested once by a model that has not seen it."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from recipes.arguments.names import normalize
from recipes.data import splits
from recipes.data.dataset import Dataset
from recipes.data.loading import load_dataset, read_source, split_source, with_arguments
from recipes.data.named import uci
from recipes.data.readers import directory
from recipes.data.store import take
from recipes.settings import Data


def load_folds(
    data,
    count: int,
    seed: int = 0,
    settings: Data | None = None,
    *,
    target: str | None = None,
    data_dir=None,
    download: bool = True,
) -> Iterator[tuple[Dataset, np.ndarray]]:
    """Load and check data, and split them into folds.

    In each fold the validation part is split off the rows that it does not test, by the same rule as in `load_dataset`,
    and the preparation is learnt from the training rows that are left. Rows of one group (`data.group_column`) are in
    one fold; otherwise each fold has its share of every class. A test part that the data come with takes no part, a
    validation part is that of every fold. `uci:NAME` has the four folds that it was published with, whatever `count`
    says; these are random splits, which may test a row more than once.

    Args:
        data: As in `load_dataset`, but for a `Dataset`, whose parts are what they are.
        count: How many folds, at least 2.
        seed: Of the folds.
        settings: As in `load_dataset`.
        target: As in `load_dataset`.
        data_dir: As in `load_dataset`.
        download: As in `load_dataset`.

    Returns:
        For each fold, when it is asked for, its dataset, and the numbers of the rows that it tests, `(rows,)`.

    Raises:
        ValueError, OSError: As `load_dataset`, and for fewer rows, groups or rows of a class than folds; before the
            first fold is asked for.
    """
    if isinstance(data, Dataset):
        raise ValueError(f"folds need rows that are not split: give what {data.name} was loaded from")
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise ValueError(f"`folds` must be a whole number of at least 2. Received: {count!r}")
    settings, seed = with_arguments(settings or Data(), target, data_dir), splits.check_seed(seed)
    if isinstance(data, str) and normalize(data).startswith("uci:"):
        _, _, tested, _ = uci.load(data.partition(":")[2], directory(settings))
        return _published(data, tested, seed, settings)
    source, task = read_source(data, settings, seed, download)
    if source.times is not None:
        raise ValueError(
            f"data.time_column={settings.time_column!r}: folds would train on rows that come after those they test"
        )
    main = "all" if "all" in source.parts else "train"
    _, y = source.parts[main]
    labels = y if source.class_names else None
    if source.groups is not None:
        fold_of_row = splits.folds_by_group(source.groups, count, seed, labels)
        how = "by group"
    else:
        fold_of_row = splits.folds(len(y), count, seed, labels, source.class_names)
        how = "class by class" if source.class_names else "at random"
    if labels is not None:
        _refuse_absent_classes(labels, fold_of_row, source.class_names)
    return _folds(source, task, main, fold_of_row, how, settings, seed)


def _published(data: str, tested: np.ndarray, seed: int, settings: Data):
    for number, rows in enumerate(tested.T):
        dataset = load_dataset(data, seed, dataclasses.replace(settings, fold=number))
        yield dataclasses.replace(dataset, how_split=f"as published, fold {number}"), np.flatnonzero(rows)


def _folds(source, task: str, main: str, fold_of_row: np.ndarray, how: str, settings: Data, seed: int):
    x, y = source.parts[main]
    count = fold_of_row.max() + 1
    notes = ("the test part that the data come with takes no part",) if "test" in source.parts else ()
    for number in range(count):
        tested, others = np.flatnonzero(fold_of_row == number), np.flatnonzero(fold_of_row != number)
        parts = {"train": (take(x, others), y[others]), "test": (take(x, tested), y[tested])}
        if "validation" in source.parts:
            # A copy, for the codes of categories are made anew in each fold.
            own, targets = source.parts["validation"]
            parts["validation"] = take(own, np.arange(len(targets))), targets
        fold = dataclasses.replace(
            source,
            parts=parts,
            vocabularies=dict(source.vocabularies),
            left_out=dict(source.left_out),
            groups=None if source.groups is None else source.groups[others],
            notes=(*source.notes, *notes),
            row_digests={},
        )
        dataset = split_source(fold, task, settings, seed)
        yield dataclasses.replace(dataset, how_split=f"{how}, seed {seed}, fold {number} of {count}"), tested


def _refuse_absent_classes(labels: np.ndarray, fold_of_row: np.ndarray, class_names) -> None:
    for number, name in enumerate(class_names):
        if len(np.unique(fold_of_row[labels == number])) < 2:
            raise ValueError(
                f"all rows of class {name!r} are in one fold, so that none is left to train on: give other groups, or "
                "leave the class out"
            )
