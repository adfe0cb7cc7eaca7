"""Features that alone give the target away, as `alive` does beside `survived`: a report on them says little."""

import itertools

import numpy as np

from recipes.data.dataset import as_setting
from recipes.data.preparation import TablePreparation

# Rows looked at, evenly spaced, and their bytes: memory and time do not grow with the data.
MOST_ROWS = 100_000
MOST_BYTES = 64 * 2**20
MOST_NOTES = 3
# Rows and columns that are sorted at once, to find those worth a closer look.
_SCREENED_ROWS, _SCREENED_COLUMNS = 512, 2048
# A real feature separates the classes of a small table now and then (the setosas of iris); hardly so many rows.
FEWEST_ROWS = 100
SHARE = 0.995  # of rows that one feature classifies rightly
CORRELATION = 0.9999  # of ranks or of values, for a regression
# Rows for each category on average, so that small groups are not pure by chance.
ROWS_OF_A_CATEGORY = 10
MOST_CLASSES = 100


def notes(x: np.ndarray, y: np.ndarray, task: str, preparation: TablePreparation) -> tuple[str, ...]:
    """A sentence for each feature that alone gives the target.

    Args:
        x: Raw training rows `(rows, columns)`.
        y: Class numbers or values `(rows,)`.
        task: `"classification"` or `"regression"`.
        preparation: Says which columns take part, and which hold categories.
    """
    names = [
        name for column, name in enumerate(preparation.feature_names)
        if preparation.scale[column] or preparation.vocabularies.get(name) or name in preparation.indicators
    ]  # fmt: skip
    if len(names) < 2 or len(x) < FEWEST_ROWS:
        return ()
    most = max(FEWEST_ROWS, min(MOST_ROWS, MOST_BYTES // x[:1].nbytes))
    rows = slice(None, None, -(-len(x) // most))
    x, y, found = np.asarray(x[rows]), np.asarray(y[rows]), {}
    if task != "regression" and np.count_nonzero(np.bincount(y)) > MOST_CLASSES:
        return ()
    columns = np.array([preparation.feature_names.index(name) for name in names])
    for column in columns[_are_promising(x, y, columns)]:
        name, values = preparation.feature_names[column], x[:, column]
        explain = _explains_number if task == "regression" else _explains_class
        how = explain(values, y, name in preparation.vocabularies)
        if how:
            found[name] = how
    sentences = [
        f"column {name!r} alone {how}: if it is known only once the target is, leave it out "
        f"(data.ignore: {as_setting([name])})"
        for name, how in list(found.items())[:MOST_NOTES]
    ]
    more = list(found)[MOST_NOTES:]
    return (*sentences, *([f"{len(more)} more columns do so: {as_setting(more)}"] if more else []))


def _are_promising(x: np.ndarray, y: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Whether targets jump less than half as much as at random where rows are sorted by a column, `(columns,)`."""
    # In random order, so that rows of equal values are not in that of the file, which may be sorted by the target.
    rows = np.random.default_rng(0).permutation(len(y))
    is_class = np.issubdtype(y.dtype, np.integer)
    if is_class:  # as many of each class, so that rare ones count
        counts = np.bincount(y)
        by_class = rows[np.argsort(y[rows], kind="stable")]
        place = np.arange(len(rows)) - (np.cumsum(counts) - counts)[y[by_class]]
        chosen = by_class[place < max(2, _SCREENED_ROWS // np.count_nonzero(counts))]
        rows = rows[np.isin(rows, chosen)]
    rows = rows[:_SCREENED_ROWS]
    y = y[rows] if is_class else _ranks(y[rows])

    def jumps(ordered):
        return (ordered[1:] != ordered[:-1] if is_class else np.abs(np.diff(ordered, axis=0))).sum(axis=0)

    promising = []
    for start in range(0, len(columns), _SCREENED_COLUMNS):
        order = np.argsort(x[np.ix_(rows, columns[start : start + _SCREENED_COLUMNS])], axis=0, kind="stable")
        promising.append(jumps(y[order]) < 0.5 * jumps(y))
    return np.concatenate(promising)


def _explains_class(values: np.ndarray, y: np.ndarray, is_category: bool) -> str:
    counts = np.bincount(y)
    share = _share_by_group(*_groups(values, is_category), y)
    if not is_category:
        share = max(share, _share_by_thresholds(values, y))
    # A rare class makes the majority class nearly always right.
    error_of_majority = 1 - counts.max() / len(y)
    if share < SHARE or 1 - share > 0.05 * error_of_majority:
        return ""
    return f"gives the class of {share:.1%} of the training rows"


def _explains_number(values: np.ndarray, y: np.ndarray, is_category: bool) -> str:
    codes, count = _groups(values, is_category)
    if count > 1 and len(y) >= ROWS_OF_A_CATEGORY * count:
        sizes = np.bincount(codes, minlength=count)
        means = np.bincount(codes, y, minlength=count) / np.maximum(1, sizes)
        if np.square(y - means[codes]).sum() < (1 - CORRELATION) * np.square(y - y.mean()).sum():
            return "gives the target (one value for each of its own)"
    if is_category:
        return ""
    present = ~np.isnan(values)
    values, y = values[present].astype(np.float64), y[present]
    if len(y) < FEWEST_ROWS or len(np.unique(values)) < len(y) / ROWS_OF_A_CATEGORY:
        return ""
    for first, second in ((values, y), (_ranks(values), _ranks(y))):
        if first.std() and second.std():
            correlation = np.corrcoef(first, second)[0, 1]
            if abs(correlation) > CORRELATION:
                return f"gives the target (correlation {correlation:.5f})"
    return ""


def _groups(values: np.ndarray, is_category: bool) -> tuple[np.ndarray, int]:
    """Numbers of groups of equal values `(rows,)`, and how many; of missing ones as a group of their own."""
    if is_category:
        return values.astype(np.int64), int(values.max()) + 1
    distinct, codes = np.unique(values, return_inverse=True)  # NaNs are one value
    if len(values) < ROWS_OF_A_CATEGORY * len(distinct):
        return np.isnan(values).astype(np.int64), 2
    return codes, len(distinct)


def _share_by_group(codes: np.ndarray, count: int, y: np.ndarray) -> float:
    """Share of rows that are in the commonest class of their group."""
    if len(y) < ROWS_OF_A_CATEGORY * count:
        return 0.0
    classes = int(y.max()) + 1
    table = np.bincount(codes * classes + y, minlength=count * classes).reshape(count, classes)
    return float(table.max(axis=1).sum() / len(y))


def _share_by_thresholds(values: np.ndarray, y: np.ndarray) -> float:
    """Share of rows that are on their class's side of thresholds, the best between each class and the next one."""
    present = ~np.isnan(values)
    if present.mean() < SHARE:
        return 0.0
    values, y = values[present], y[present]
    classes = np.unique(y)
    order = classes[np.argsort([np.median(values[y == number]) for number in classes], kind="stable")]
    thresholds = [_threshold(values[y == lower], values[y == upper]) for lower, upper in itertools.pairwise(order)]
    predicted = order[np.searchsorted(np.maximum.accumulate(thresholds), values, side="left")]
    return float((predicted == y).sum() / len(present))


def _threshold(lower: np.ndarray, upper: np.ndarray) -> float:
    """The value at or below which most of `lower` and few of `upper` are."""
    candidates = np.unique(np.concatenate([lower, upper]))
    below = np.searchsorted(np.sort(lower), candidates, side="right")
    wrong = len(lower) - below + np.searchsorted(np.sort(upper), candidates, side="right")
    return float(candidates[wrong.argmin()])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, the mean rank for equal values."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[codes]
