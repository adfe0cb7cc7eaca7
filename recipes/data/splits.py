"""Which rows train, validate and test: by seed and labels, by groups that stay together, or by time."""

import operator

import numpy as np

# Sets the stream of `draw` apart from that of `split`: NumPy reads a missing word as 0.
_DRAW = 1


def check_seed(seed) -> int:
    """`seed` as a whole number from 0 to 2**32 - 1.

    Raises:
        ValueError: If it is none.
    """
    try:
        number = -1 if isinstance(seed, bool) else operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**32:
        raise ValueError(f"`seed` must be a whole number from 0 to 2**32 - 1. Received: {seed!r}")
    return number


def split(
    rows: int, fractions: dict[str, float], seed: int, labels: np.ndarray | None = None, class_names=None
) -> dict[str, np.ndarray]:
    """Row numbers of each part, in ascending order.

    Args:
        rows: How many rows there are.
        fractions: Share of each part but the first, `"train"`, which gets the rest.
        seed: Equal seeds give equal splits.
        labels: Class numbers `(rows,)`: every class is then shared out by the same fractions, at least one row to
            each part.
        class_names: For the error message.

    Raises:
        ValueError: If there are too few rows, or a class has too few.
    """
    parts = len(fractions) + 1
    if labels is None:
        groups = [np.arange(rows)]
    else:
        # Sorted once, stably: a search for each class would read all rows each time.
        order = np.argsort(labels, kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(labels))[:-1])
    for number, group in enumerate(groups):
        if len(group) < parts:
            what = "the data have" if labels is None else f"class {class_names[number]!r} has"
            advice = "" if labels is None else " (numbers that are not classes need data.task: regression)"
            raise ValueError(
                f"{what} {len(group)} rows: splitting into train and {' and '.join(fractions)} needs at least {parts}"
                f"{' of each class' if labels is not None else ''}{advice}"
            )
    generator = np.random.default_rng(seed)
    chosen = {name: [] for name in ("train", *fractions)}
    for group in groups:
        group = generator.permutation(group)
        size = len(group)
        for still_to_serve, (name, fraction) in zip(range(len(fractions), 0, -1), fractions.items(), strict=True):
            # However small the class, each part still to be served gets a row.
            count = min(max(1, round(fraction * size)), len(group) - still_to_serve)
            chosen[name].append(group[:count])
            group = group[count:]
        chosen["train"].append(group)
    return {name: np.sort(np.concatenate(pieces)) for name, pieces in chosen.items()}


def draw(rows: int, count: int, seed: int, labels: np.ndarray | None = None) -> np.ndarray:
    """Numbers of `count` of `rows` rows, in ascending order.

    Args:
        rows: How many there are.
        count: How many are drawn.
        seed: Equal seeds draw alike.
        labels: Class numbers `(rows,)`: every class keeps its share, and at least one row.

    Raises:
        ValueError: If there are fewer rows, or more classes.
    """
    if count > rows:
        raise ValueError(f"data.train_rows must be at most the {rows} rows of the training part. Received: {count}")
    generator = np.random.default_rng((seed, _DRAW))
    order = generator.permutation(rows)
    if labels is None:
        return np.sort(order[:count])
    sizes = np.bincount(labels)
    if count < np.count_nonzero(sizes):
        raise ValueError(
            f"data.train_rows must be at least 1 for each of the {np.count_nonzero(sizes)} classes. Received: {count}"
        )
    # Row by row to the class that is furthest behind its share; of equals, to the one that comes first at random.
    counts = np.minimum(sizes, 1)
    luck = generator.permutation(len(sizes))
    share = sizes * (count / rows)
    while counts.sum() < count:
        counts[np.lexsort((luck, counts - np.where(counts < sizes, share, -np.inf)))[0]] += 1
    return np.sort(np.concatenate([order[labels[order] == number][:size] for number, size in enumerate(counts)]))


def split_by_group(groups: np.ndarray, fractions: dict[str, float], seed: int) -> dict[str, np.ndarray]:
    """Row numbers of each part, in ascending order; no group is in two parts.

    Args:
        groups: Of each row, `(rows,)`.
        fractions: Share of the rows of each part but `"train"`, met as nearly as whole groups allow.
        seed: Equal seeds give equal splits.

    Raises:
        ValueError: If there are fewer groups than parts.
    """
    distinct, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    parts = len(fractions) + 1
    if len(distinct) < parts:
        raise ValueError(
            f"the group column has {len(distinct)} groups: splitting into train and {' and '.join(fractions)} needs at "
            f"least {parts}"
        )
    order = np.random.default_rng(seed).permutation(len(distinct))
    part_of_group = np.zeros(len(distinct), np.int8)
    for number, fraction in enumerate(fractions.values(), start=1):
        still_to_serve = parts - number
        reached = np.cumsum(sizes[order])
        # So many groups that the rows come nearest to the share, and every part still to be served gets one.
        count = 1 + int(np.abs(reached - fraction * len(groups)).argmin())
        count = min(count, len(order) - still_to_serve)
        part_of_group[order[:count]] = number
        order = order[count:]
    part_of_row = part_of_group[numbers]
    return {name: np.flatnonzero(part_of_row == number) for number, name in enumerate(("train", *fractions))}


def split_by_time(times: np.ndarray, fractions: dict[str, float]) -> dict[str, np.ndarray]:
    """Row numbers of each part, in ascending order: the latest rows are the test, those before them the validation.

    Rows of one time are not torn apart.

    Args:
        times: Of each row, `(rows,)`.
        fractions: Share of the rows of each part but `"train"`, met as nearly as rows of one time allow.

    Raises:
        ValueError: If there are fewer times than parts.
    """
    ordered = np.sort(times)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])  # where a new time begins
    if len(starts) < len(fractions) + 1:
        raise ValueError(
            f"the time column has {len(starts)} different times: splitting into train and {' and '.join(fractions)} "
            f"needs at least {len(fractions) + 1}"
        )
    parts, end, until = {}, len(times), np.inf
    for earlier, name in zip((1, 0), ("test", "validation"), strict=True):
        if name not in fractions:
            continue
        still_to_serve = 1 + earlier * ("validation" in fractions)
        allowed = starts[still_to_serve:]
        allowed = allowed[allowed < end]
        start = allowed[np.abs(allowed - (end - fractions[name] * len(times))).argmin()]
        parts[name] = np.flatnonzero((times >= ordered[start]) & (times < until))
        end, until = start, ordered[start]
    train = np.flatnonzero(times < until)
    return {"train": train, **{name: parts[name] for name in fractions}}


def folds(rows: int, count: int, seed: int, labels: np.ndarray | None = None, class_names=None) -> np.ndarray:
    """Of each row, the number of the fold that tests it, `(rows,)`, from 0; folds differ by at most one row.

    Args:
        rows: How many rows there are.
        count: How many folds.
        seed: Equal seeds give equal folds.
        labels: Class numbers `(rows,)`: folds then differ by at most one row of each class, too.
        class_names: For the error message.

    Raises:
        ValueError: If there are fewer rows than folds, or fewer of a class.
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


def folds_by_group(groups: np.ndarray, count: int, seed: int, labels: np.ndarray | None = None) -> np.ndarray:
    """Of each row, the number of the fold that tests it, `(rows,)`; no group is in two folds.

    Large groups come first, each to the fold that has least of its classes (or of rows), as in scikit-learn's
    StratifiedGroupKFold.

    Args:
        groups: Of each row, `(rows,)`.
        count: How many folds.
        seed: Of the order of equally large groups, and of the choice between equal folds.
        labels: Class numbers `(rows,)`: every fold then gets its share of each class as nearly as whole groups allow.

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
    held = np.bincount(numbers * classes + labels, minlength=len(distinct) * classes).reshape(-1, classes)
    held = held / np.maximum(1, held.sum(axis=0))
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(distinct))
    order = order[np.argsort(-sizes[order], kind="stable")]
    shares, rows, fold_of_group = np.zeros((count, classes)), np.zeros(count), np.empty(len(distinct), np.int64)
    for group in order:
        # Where the squares of all shares grow least; of equals, the fold of fewest rows.
        growth = (shares * held[group]).sum(axis=1)
        chosen = np.lexsort((generator.random(count), rows, np.round(growth, 12)))[0]
        fold_of_group[group] = chosen
        shares[chosen] += held[group]
        rows[chosen] += sizes[group]
    return fold_of_group[numbers]
