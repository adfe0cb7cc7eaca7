"""Folds for cross-validation: every row is tested once, by a model that was not trained on it."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from recipes.arguments.names import normalize
from recipes.arguments.numbers import require_whole
from recipes.data.dataset import Dataset
from recipes.data.loading import load_dataset, read_source, split_source, with_arguments
from recipes.data.named import uci
from recipes.data.readers import directory
from recipes.data.splits import check_seed
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

    In each fold, the validation part is split off the rows that it does not test, by the same rule as in
    `load_dataset`, and the preparation is fitted to the remaining training rows. Rows of one group
    (`data.group_column`) are in one fold; otherwise each fold has its share of every class. A test part that the data
    come with is not used, and a validation part is that of every fold. `uci:NAME` has the four folds that were
    published with it, whatever the `count`; these are random splits, which may test a row more than once.

    Args:
        data: Data in any form that `load_dataset` accepts but a `Dataset`, which is split already.
        count: Number of folds, at least 2.
        seed: Seed of the folds, and of the split of the other rows in each fold.
        settings: Settings of the data, as in `load_dataset`.
        target: Name of the column to predict, as in `load_dataset`.
        data_dir: Folder with local copies of named datasets, as in `load_dataset`.
        download: Whether a dataset that is not here may be downloaded.

    Returns:
        An iterator that makes, fold by fold, the dataset and the numbers of the rows that it tests, `(rows,)`.

    Raises:
        ValueError, OSError: As `load_dataset`, and if there are fewer rows, groups or rows of a class than folds; all
            before the first fold is made.
    """
    if isinstance(data, Dataset):
        raise ValueError(f"folds need rows that are not split: give what {data.name} was loaded from")
    require_whole("folds", count, least=2)
    settings, seed = with_arguments(settings or Data(), target, data_dir), check_seed(seed)
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
        fold_of_row = assign_folds_by_group(source.groups, count, seed, labels)
        how = "by group"
    else:
        fold_of_row = assign_folds(len(y), count, seed, labels, source.class_names)
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
            # A copy, because the codes of categories are changed in place in each fold.
            inputs, targets = source.parts["validation"]
            parts["validation"] = take(inputs, np.arange(len(targets))), targets
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


def assign_folds(rows: int, count: int, seed: int, labels: np.ndarray | None = None, class_names=None) -> np.ndarray:
    """Number of the fold that tests each row, `(rows,)`, from 0; the sizes of folds differ by at most one row.

    Args:
        rows: Number of rows.
        count: Number of folds.
        seed: Seed of the order of the rows.
        labels: Class numbers `(rows,)`, if folds are to differ by at most one row of each class, too.
        class_names: Class names, for error messages.

    Raises:
        ValueError: If there are fewer rows, or rows of a class, than folds.
    """
    sizes = np.array([rows]) if labels is None else np.bincount(labels, minlength=len(class_names))
    few = int(sizes.argmin())
    if sizes[few] < count:
        what = "the data have" if labels is None else f"class {class_names[few]!r} has"
        each = "" if labels is None else " of each class"
        raise ValueError(f"{what} {sizes[few]} rows: {count} folds need at least {count}{each}; give fewer `folds`")
    order = np.random.default_rng(seed).permutation(rows)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(rows, np.int64)
    fold[order] = np.arange(rows) % count
    return fold


def assign_folds_by_group(groups: np.ndarray, count: int, seed: int, labels: np.ndarray | None = None) -> np.ndarray:
    """Number of the fold that tests each row, `(rows,)`; no group is in two folds.

    Groups are assigned from the largest to the smallest, each to the fold with the fewest rows of its classes (or rows
    at all), as in scikit-learn's StratifiedGroupKFold.

    Args:
        groups: Group of each row, `(rows,)`.
        count: Number of folds.
        seed: Seed of the order of equally large groups, and of the choice between equal folds.
        labels: Class numbers `(rows,)`, if every fold is to have its share of each class as nearly as whole groups
            allow.

    Raises:
        ValueError: If there are fewer groups than folds.
    """
    distinct, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(distinct) < count:
        raise ValueError(
            f"the group column has {len(distinct)} groups: {count} folds need at least {count}; give fewer `folds`"
        )
    labels = np.zeros(len(groups), np.int64) if labels is None else labels
    classes = int(labels.max()) + 1
    share_of_group = np.bincount(numbers * classes + labels, minlength=len(distinct) * classes).reshape(-1, classes)
    share_of_group = share_of_group / np.maximum(1, share_of_group.sum(axis=0))
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(distinct))
    order = order[np.argsort(-sizes[order], kind="stable")]
    shares, rows, fold_of_group = np.zeros((count, classes)), np.zeros(count), np.empty(len(distinct), np.int64)
    for group in order:
        # The fold in which the sum of squared shares grows least; of equal ones, the one with the fewest rows.
        growth = (shares * share_of_group[group]).sum(axis=1)
        chosen = np.lexsort((generator.random(count), rows, np.round(growth, 12)))[0]
        fold_of_group[group] = chosen
        shares[chosen] += share_of_group[group]
        rows[chosen] += sizes[group]
    return fold_of_group[numbers]
