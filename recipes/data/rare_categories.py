"""Categories that too few training rows have: they share one code with those that no training row has."""

import numpy as np

from recipes.data.preparation.table_preparation import MOST_ONE_HOT
from recipes.data.source import Source
from recipes.data.store import chunks_of

CREDIBLE = "credible"
# Number of training rows that every category needs with `CREDIBLE`, and that is enough for each.
FEWEST_ROWS, ENOUGH_ROWS = 2, 100
# Standard errors by which the categories of a column must differ more than at random (1 % one-sided).
_STANDARD_ERRORS = 2.33


def pool_rare_categories(source: Source, fewest: int | str) -> None:
    """Encode categories anew, in place: those of enough training rows in their sorted order, and all others as 0.

    Others share a code, so that a model learns what to predict for categories that it does not know. A column of names
    has few rows of each, which a network learns by heart. With `"credible"`, the number of rows that a category needs
    is therefore computed for each column of more than `MOST_ONE_HOT` categories: it is the ratio `k` of the variance of
    the targets within categories to the variance of the means of categories. The mean of a category of `k` rows is due
    to the category and to chance in equal parts: its credibility `n / (n + k)` is 1/2 (Bühlmann 1967, "Experience
    rating and credibility"). `k` is infinite where categories differ by no more than chance. A category of
    `ENOUGH_ROWS` is kept in any case.

    Args:
        source: Data that are split. Columns of which too little is kept are added to `left_out`.
        fewest: Number of training rows that a category needs, or `"credible"`.
    """
    train, targets = source.parts["train"]
    for name, categories in source.vocabularies.items():
        column = source.feature_names.index(name)
        counts = np.zeros(len(categories) + 1, np.int64)
        for rows in chunks_of(train):
            counts += np.bincount(rows[:, column].astype(np.int64), minlength=len(counts))
        counts[0] = 0
        least = FEWEST_ROWS if fewest == CREDIBLE else fewest
        known = counts >= max(1, least)
        if name not in source.left_out and counts[known].sum() < 0.5 * len(train):
            times = "only once" if least <= 2 else f"in fewer than {least} rows"
            source.left_out[name] = f"most of its texts occur {times}"
        if fewest == CREDIBLE and name not in source.left_out and np.count_nonzero(known) > MOST_ONE_HOT:
            codes = np.array(train[:, column], np.int64)
            known &= counts >= min(ENOUGH_ROWS, _credible_rows(codes, targets, counts * known, source.class_names))
            if not known.any():
                source.left_out[name] = "its categories have few rows, and differ in the target by no more than chance"
        _encode_anew(source, name, column, known)


def _encode_anew(source: Source, name: str, column: int, known: np.ndarray) -> None:
    categories = source.vocabularies[name]
    codes = sorted(np.flatnonzero(known), key=lambda code: categories[code - 1])
    new = np.zeros(len(known), np.float32)
    new[codes] = np.arange(1, len(codes) + 1)
    for x, _ in source.parts.values():
        for rows in chunks_of(x):  # chunks are views, so that the arrays change in place
            rows[:, column] = new[rows[:, column].astype(np.int64)]
    source.vocabularies[name] = tuple(categories[code - 1] for code in codes)


def _credible_rows(codes: np.ndarray, targets: np.ndarray, counts: np.ndarray, class_names) -> float:
    """Number of rows from which on the mean of a category is due to the category rather than to chance.

    By a one-way analysis of variance, for classes of the shares of all of them together. It is infinite for categories
    that differ by no more than chance, and may be less than 1.

    Args:
        codes: Code of each row, `(rows,)`.
        targets: Class numbers or values, `(rows,)`.
        counts: Number of rows by code; 0 for categories that take no part.
        class_names: Class names; `None` for a regression.
    """
    groups, rows = np.count_nonzero(counts), int(counts.sum())
    place = np.full(len(counts), -1)
    place[counts > 0] = np.arange(groups)
    counts, group = counts[counts > 0], place[codes]
    targets, group = targets[group >= 0], group[group >= 0]
    between = within = 0.0
    for number in range(len(class_names)) if class_names else [None]:
        values = targets.astype(np.float64) if number is None else (targets == number).astype(np.float64)
        values -= values.mean()
        explained = float(np.square(np.bincount(group, values, groups)) @ (1 / counts))
        between, within = between + explained, within + float(values @ values) - explained
    if rows <= groups or within <= 0:
        return 0.0
    ratio = (between / (groups - 1)) / (within / (rows - groups))
    if ratio - 1 < _STANDARD_ERRORS * np.sqrt(2 / (groups - 1) + 2 / (rows - groups)):
        return np.inf
    mean_rows = (rows - float(np.square(counts).sum()) / rows) / (groups - 1)
    return mean_rows / (ratio - 1)
