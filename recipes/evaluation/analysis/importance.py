"""Permutation importance: how much the score falls when the values of a column are shuffled among the rows."""

import time
from collections.abc import Callable

import numpy as np

from recipes.metrics import decide
from recipes.metrics.classes.intervals import quantile

MOST_ROWS = 2000
MOST_SHOWN = 50
MOST_PERMUTATIONS = 5
SECONDS = 3.0
# Rows for one step of a prediction: rows of a table are short.
BATCH_SIZE = 4096
# Most bytes of the permuted rows of one column and of the outputs for them, so that many columns are measured in time.
_MOST_BYTES = 8 * 2**20
# The same of the columns that are predicted at once, and their rows: a prediction takes some hundredths of a second to
# begin.
_MOST_BYTES_AT_ONCE, _MOST_ROWS_AT_ONCE = 32 * 2**20, 20_000


def rows_and_permutations(count: int, row_bytes: int) -> tuple[int, int]:
    """Number of rows that are permuted, and how often.

    Further rows tell more than further permutations of the same rows, so that rows of wide tables are permuted once.

    Args:
        count: Number of rows that there are.
        row_bytes: Size of a row and of the outputs for it.

    >>> rows_and_permutations(300, 100), rows_and_permutations(9999, 100), rows_and_permutations(9999, 8000)
    ((300, 5), (2000, 5), (1048, 1))
    """
    most = max(2, _MOST_BYTES // row_bytes)
    rows = min(count, MOST_ROWS, most)
    return rows, max(1, min(MOST_PERMUTATIONS, most // max(1, rows)))


def permutation_importance(
    x: np.ndarray,
    targets: np.ndarray,
    predict: Callable[[np.ndarray], np.ndarray],
    names: dict[int, str],
    task: str,
    permutations: int = MOST_PERMUTATIONS,
    seconds: float = SECONDS,
) -> tuple[list[dict], int]:
    """Mean drop of the score over some permutations of each column, the greatest first, at most 50.

    The score is the accuracy, or R2 of a regression. The interval is that of the mean over the rows, of which each is
    permuted independently: it describes how much the drop would change with other test rows.

    Args:
        x: Raw rows `(rows, columns)`.
        targets: Class numbers or numbers, `(rows,)`, with at least two different numbers in a regression.
        predict: Function from raw rows to the outputs of the model, `(rows, units)`.
        names: Names of the columns that are measured, by number, those first that are to be measured in any case.
        task: `"classification"` or `"regression"`.
        permutations: Number of permutations of each column.
        seconds: Time after which no further column is begun.

    Returns:
        `column`, `drop` and its 95 % `interval`; and the number of columns that were measured.
    """
    started, generator = time.perf_counter(), np.random.default_rng(0)
    score = _score_of_rows(targets, task)
    values = predict(x)
    before, found, columns = score(values), [], list(names)
    repeats, row_bytes = permutations * len(x), x[:1].nbytes + values[:1].nbytes
    at_once = max(1, min(_MOST_ROWS_AT_ONCE // repeats, _MOST_BYTES_AT_ONCE // (repeats * row_bytes)))
    for start in range(0, len(columns), at_once):
        if start and time.perf_counter() - started > seconds:
            break
        chosen = columns[start : start + at_once]
        # (columns, permutations, rows, columns of a row)
        permuted = np.tile(x, (len(chosen), permutations, 1, 1))
        for place, column in enumerate(chosen):
            for rows in permuted[place]:
                rows[:, column] = generator.permutation(x[:, column])
        after = score(predict(permuted.reshape(-1, x.shape[1]))).reshape(len(chosen), permutations, len(x))
        drops = before - after.mean(axis=1)
        reaches = quantile(0.95) * drops.std(axis=1, ddof=1) / np.sqrt(len(x))
        for column, drop, reach in zip(chosen, drops.mean(axis=1).tolist(), reaches.tolist(), strict=True):
            found.append({"column": names[column], "drop": drop, "interval": [drop - reach, drop + reach]})
    measured = len(found)
    found.sort(key=lambda row: -row["drop"])
    return found[:MOST_SHOWN], measured


def by_association(x: np.ndarray, values: np.ndarray, columns: list[int], categories: set[int]) -> list[int]:
    """`columns` in the order of their association with the outputs of a model, the strongest first.

    It is the share of the variance of the outputs that the column explains: by a straight line, or by the mean of each
    category. It costs no prediction, and decides which columns are measured where there are too many.

    Args:
        x: Raw rows `(rows, columns)`.
        values: Outputs for them, `(rows, units)`.
        columns: Numbers of the columns.
        categories: Numbers of those that hold codes of categories.
    """
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    total = np.square(centred).sum() or 1.0
    shares = []
    for column in columns:
        of_rows = x[:, column].astype(np.float64)
        if column in categories:
            codes = of_rows.astype(np.intp)
            rows = np.maximum(1, np.bincount(codes))
            sums = np.stack([np.bincount(codes, unit) for unit in centred.T])
            shares.append(np.sum(sums**2 / rows) / total)
            continue
        of_rows = np.nan_to_num(of_rows - np.nanmean(of_rows)) if not np.isnan(of_rows).all() else of_rows * 0
        length = np.square(of_rows).sum()
        shares.append(np.square(of_rows @ centred).sum() / length / total if length > 0 else 0.0)
    return [columns[place] for place in np.argsort(-np.nan_to_num(shares), kind="stable")]


def _score_of_rows(targets: np.ndarray, task: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function from outputs of the rows, perhaps several times in turn, to what each adds to the mean score."""

    def of_classes(values: np.ndarray) -> np.ndarray:
        return (decide(values) == np.resize(targets, len(values))).astype(np.float64)

    def of_numbers(values: np.ndarray) -> np.ndarray:
        return 1 - np.square(values[:, 0].astype(np.float64) - np.resize(targets, len(values))) / variance

    variance = None if task != "regression" else float(np.var(targets, dtype=np.float64))
    return of_classes if variance is None else of_numbers
