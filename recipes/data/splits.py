"""Which rows train, validate and test: a function of the seed and the labels, of nothing else."""

import operator

import numpy as np


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
    groups = [np.arange(rows)] if labels is None else [np.flatnonzero(labels == c) for c in range(labels.max() + 1)]
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
