"""Target leakage: features that alone determine the target, such as `alive` beside `survived`."""

import itertools

import numpy as np

from recipes.data.dataset import as_setting
from recipes.data.preparation import TablePreparation

# Largest number of rows that are examined, evenly spaced, and of their bytes: memory and time are bounded.
MOST_ROWS = 100_000
MOST_BYTES = 64 * 2**20
MOST_NOTES = 3
# Rows and columns that are sorted at once, to find the columns that need an exact test.
_SCREENED_ROWS, _SCREENED_COLUMNS = 512, 2048
# Fewer rows may be separated by a genuine feature, as the setosas of iris are.
FEWEST_ROWS = 100
SHARE = 0.995  # share of rows that one feature classifies correctly
CORRELATION = 0.9999  # correlation of values or of ranks with the target of a regression
# Least number of rows per category on average, so that small groups are not pure by chance.
ROWS_OF_A_CATEGORY = 10
MOST_CLASSES = 100


def notes(x: np.ndarray, y: np.ndarray, task: str, preparation: TablePreparation) -> tuple[str, ...]:
    """Notes on features that alone determine the target, a sentence for each.

    Args:
        x: Raw training rows `(rows, columns)`.
        y: Class numbers or values `(rows,)`.
        task: `"classification"` or `"regression"`.
        preparation: Preparation of the rows, which knows the columns in use and those of categories.
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
    """Mask of the columns that may determine the target, `(columns,)`.

    Sorted by such a column, the targets of neighbouring rows differ less than half as much as in random order.
    """
    # In random order first: rows of equal values keep it, and the file may be sorted by the target.
    rows = np.random.default_rng(0).permutation(len(y))
    is_class = np.issubdtype(y.dtype, np.integer)
    if is_class:  # as many rows of each class, so that rare classes count
        counts = np.bincount(y)
        by_class = rows[np.argsort(y[rows], kind="stable")]
        place = np.arange(len(rows)) - (np.cumsum(counts) - counts)[y[by_class]]
        chosen = by_class[place < max(2, _SCREENED_ROWS // np.count_nonzero(counts))]
        rows = rows[np.isin(rows, chosen)]
    rows = rows[:_SCREENED_ROWS]
    y = y[rows] if is_class else _ranks(y[rows])

    def differences(ordered):
        return (ordered[1:] != ordered[:-1] if is_class else np.abs(np.diff(ordered, axis=0))).sum(axis=0)

    promising = []
    for start in range(0, len(columns), _SCREENED_COLUMNS):
        order = np.argsort(x[np.ix_(rows, columns[start : start + _SCREENED_COLUMNS])], axis=0, kind="stable")
        promising.append(differences(y[order]) < 0.5 * differences(y))
    return np.concatenate(promising)


def _explains_class(values: np.ndarray, y: np.ndarray, is_category: bool) -> str:
    counts = np.bincount(y)
    share = _share_by_group(*_groups(values, is_category), y)
    if not is_category:
        share = max(share, _share_by_thresholds(values, y))
    # With a rare class, even the constant prediction of the majority class is nearly always correct.
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
    """Group number of each value `(rows,)`, equal for equal values, and the number of groups.

    Of numbers that are mostly distinct, there are two groups: present and missing.
    """
    if is_category:
        return values.astype(np.int64), int(values.max()) + 1
    distinct, codes = np.unique(values, return_inverse=True)  # NaNs are one value
    if len(values) < ROWS_OF_A_CATEGORY * len(distinct):
        return np.isnan(values).astype(np.int64), 2
    return codes, len(distinct)


def _share_by_group(codes: np.ndarray, count: int, y: np.ndarray) -> float:
    """Share of rows whose class is the most frequent one of their group."""
    if len(y) < ROWS_OF_A_CATEGORY * count:
        return 0.0
    classes = int(y.max()) + 1
    table = np.bincount(codes * classes + y, minlength=count * classes).reshape(count, classes)
    return float(table.max(axis=1).sum() / len(y))


def _share_by_thresholds(values: np.ndarray, y: np.ndarray) -> float:
    """Share of rows that thresholds classify correctly, the best one between each class and the next."""
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
    """The threshold with the fewest errors: `lower` should be at or below it, `upper` above it."""
    candidates = np.unique(np.concatenate([lower, upper]))
    below = np.searchsorted(np.sort(lower), candidates, side="right")
    wrong = len(lower) - below + np.searchsorted(np.sort(upper), candidates, side="right")
    return float(candidates[wrong.argmin()])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, the mean rank for equal values."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[codes]
