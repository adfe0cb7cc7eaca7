"""Splits of rows into training, validation and test part: at random, class by class, by group, or by time."""

import operator

import numpy as np

# Second word of the seed of `draw`, for other random numbers than those of `split`, whose second word is 0 for NumPy.
_DRAW = 1


def check_seed(seed) -> int:
    """`seed` as an `int`.

    Raises:
        ValueError: If it is not a whole number from 0 to 2**32 - 1.
    """
    try:  # whole numbers of any library, such as 0-d arrays, have an index
        number = -1 if isinstance(seed, bool) else operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**32:
        raise ValueError(f"`seed` must be a whole number from 0 to 2**32 - 1. Received: {seed!r}")
    return number


def split(
    rows: int, fractions: dict[str, float], seed: int, labels: np.ndarray | None = None, class_names=None
) -> dict[str, np.ndarray]:
    """Row numbers of each part, in ascending order, from a split at random.

    Args:
        rows: Number of rows.
        fractions: Share of each part but `"train"`, which gets the remaining rows.
        seed: Seed of the split.
        labels: Class numbers `(rows,)`, if every class is to be split by the same fractions, with at least one row in
            each part.
        class_names: Class names, for error messages.

    Raises:
        ValueError: If there are too few rows, or too few rows of a class.
    """
    parts = len(fractions) + 1
    if labels is None:
        groups = [np.arange(rows)]
    else:
        # Sorted once: a search for the rows of each class would read all labels each time.
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
        for later_parts, (name, fraction) in zip(range(len(fractions), 0, -1), fractions.items(), strict=True):
            # However small the class, a row is left for each later part.
            count = min(max(1, round(fraction * size)), len(group) - later_parts)
            chosen[name].append(group[:count])
            group = group[count:]
        chosen["train"].append(group)
    return {name: np.sort(np.concatenate(pieces)) for name, pieces in chosen.items()}


def draw(rows: int, count: int, seed: int, labels: np.ndarray | None = None) -> np.ndarray:
    """Numbers of rows drawn at random, in ascending order.

    Args:
        rows: Number of rows.
        count: Number of rows to draw.
        seed: Seed of the draw.
        labels: Class numbers `(rows,)`, if every class is to keep its share, and at least one row.

    Raises:
        ValueError: If there are fewer rows than `count`, or more classes.
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
    # Row by row to the class that is furthest below its share; of equal ones, to the first in a random order.
    counts = np.minimum(sizes, 1)
    random_order = generator.permutation(len(sizes))
    share = sizes * (count / rows)
    while counts.sum() < count:
        counts[np.lexsort((random_order, counts - np.where(counts < sizes, share, -np.inf)))[0]] += 1
    return np.sort(np.concatenate([order[labels[order] == number][:size] for number, size in enumerate(counts)]))


def split_by_group(groups: np.ndarray, fractions: dict[str, float], seed: int) -> dict[str, np.ndarray]:
    """Row numbers of each part, in ascending order; no group is in two parts.

    Args:
        groups: Group of each row, `(rows,)`.
        fractions: Share of the rows of each part but `"train"`, met as nearly as whole groups allow.
        seed: Seed of the split.

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
        later_parts = parts - number
        reached = np.cumsum(sizes[order])
        # As many groups as bring the rows nearest to the share, but so that a group is left for each later part.
        count = 1 + int(np.abs(reached - fraction * len(groups)).argmin())
        count = min(count, len(order) - later_parts)
        part_of_group[order[:count]] = number
        order = order[count:]
    part_of_row = part_of_group[numbers]
    return {name: np.flatnonzero(part_of_row == number) for number, name in enumerate(("train", *fractions))}


def split_by_time(times: np.ndarray, fractions: dict[str, float]) -> dict[str, np.ndarray]:
    """Row numbers of each part, in ascending order: test rows are the latest, validation rows those before them.

    Rows of one time stay together.

    Args:
        times: Time of each row, `(rows,)`.
        fractions: Share of the rows of each part but `"train"`, met as nearly as rows of one time allow.

    Raises:
        ValueError: If there are fewer times than parts.
    """
    ordered = np.sort(times)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])  # places of the first row of each time
    if len(starts) < len(fractions) + 1:
        raise ValueError(
            f"the time column has {len(starts)} different times: splitting into train and {' and '.join(fractions)} "
            f"needs at least {len(fractions) + 1}"
        )
    parts, end, until = {}, len(times), np.inf
    for earlier, name in zip((1, 0), ("test", "validation"), strict=True):
        if name not in fractions:
            continue
        earlier_parts = 1 + earlier * ("validation" in fractions)
        allowed = starts[earlier_parts:]
        allowed = allowed[allowed < end]
        start = allowed[np.abs(allowed - (end - fractions[name] * len(times))).argmin()]
        parts[name] = np.flatnonzero((times >= ordered[start]) & (times < until))
        end, until = start, ordered[start]
    train = np.flatnonzero(times < until)
    return {"train": train, **{name: parts[name] for name in fractions}}
