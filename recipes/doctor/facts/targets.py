"""Facts of the targets: whether they are classes or numbers, and how they are spread."""

import numpy as np

from recipes.data.targets import MOST_DISTINCT_FLOAT_CLASSES
from recipes.doctor.facts.blocks import LARGEST, Moments, bounded, finite_rows, flat_blocks
from recipes.doctor.seen import TargetFacts

MOST_CLASSES = 1000
MOST_DISTINCT = 1000
# Values that are looked at to count distinct ones.
MOST_COUNTED = 200_000
# Share of rows that each class number has at least if class numbers come as floats. Counts, which are the targets of a
# regression, thin out towards their largest values.
RAREST_FLOAT_CLASS = 0.01
SUM_TOLERANCE = 1e-3


def target_facts(y: np.ndarray) -> TargetFacts:
    """The facts of targets, in float64 whatever their dtype. Values that are not finite are left out.

    Args:
        y: Targets, numbers or truth values `(rows, ...)`.
    """
    y = np.asarray(y)
    share, first = finite_rows(y)
    seen = bounded(y)
    moments = Moments(max(1, y[:1].size))
    is_whole, is_bits = True, True
    for block in flat_blocks(seen):
        moments.add(block)
        good = block[np.abs(block) <= LARGEST]
        is_whole = is_whole and bool((good == np.round(good)).all())
        is_bits = is_bits and bool(((good == 0) | (good == 1)).all())
    form = _form(seen, moments, is_whole=is_whole, is_bits=is_bits)
    counts = _counts(seen, form)
    classes = {"labels": len(counts), "binary": 2, "numbers": 0}.get(form, y.shape[-1])
    return TargetFacts(
        form=form,
        shape=y.shape[1:],
        classes=classes,
        distinct=int((counts > 0).sum()) if len(counts) else min(MOST_DISTINCT, len(_distinct(seen)[0])),
        counts=counts,
        low=float(moments.low.min()),
        high=float(moments.high.max()),
        mean=float(moments.mean.mean()),
        std=float(moments.std.max()),
        is_whole=is_whole,
        finite=share == 1.0,
        first_bad=None if first is None else first[0],
    )


def class_numbers(y: np.ndarray, form: str) -> np.ndarray:
    """Class number of each row (of each place, where a row has several), int64.

    Args:
        y: Targets of form `"labels"`, `"binary"` or `"one_hot"`; values that are not finite count as class 0.
        form: Form of the targets, as in `TargetFacts`.
    """
    y = np.asarray(y)
    if form == "one_hot":
        return y.argmax(axis=-1).astype(np.int64)
    if y.dtype.kind not in "bui":
        y = np.where(np.isfinite(y), y, 0)
    y = y.astype(np.int64)
    return y[..., 0] if y.ndim > 1 and y.shape[-1] == 1 else y


def _form(y, moments, *, is_whole, is_bits):
    columns = max(1, y[:1].size)
    if columns > 1 and y.shape[-1] > 1 and _is_distribution(y):
        return "one_hot"
    if is_bits:
        return "binary" if columns == 1 else "multi_label"
    if not is_whole or moments.low.min() < 0 or moments.high.max() >= MOST_CLASSES:
        return "numbers"
    is_integer = y.dtype.kind in "bui"
    if columns > 1 and not is_integer:  # several whole numbers a row, as floats: amounts
        return "numbers"
    distinct, counts = _distinct(y)
    classes = int(moments.high.max()) + 1
    if is_integer:
        # Class numbers begin at 0 (or 1), use most of the numbers below the largest, and come up more than once.
        is_dense = distinct[0] <= 1 and 2 * len(distinct) >= classes and counts.sum() >= 2 * len(distinct)
        return "labels" if classes <= MOST_DISTINCT_FLOAT_CLASSES or is_dense else "numbers"
    is_labels = len(distinct) == classes <= MOST_DISTINCT_FLOAT_CLASSES and counts.sum() >= 2 * classes
    return "labels" if is_labels and counts.min() >= RAREST_FLOAT_CLASS * counts.sum() else "numbers"


def _is_distribution(y):
    """Whether the values along the last axis are probabilities that sum to 1, as those of one-hot labels."""
    for block in flat_blocks(y):
        block = block.reshape(-1, y.shape[-1])
        if not ((block >= 0).all() and (np.abs(block.sum(axis=1) - 1) <= SUM_TOLERANCE).all()):
            return False
    return True


def _counts(y, form):
    if form in ("numbers", "multi_label"):
        return np.zeros(0, np.int64)
    counts = np.bincount(class_numbers(y, form).ravel())
    least = {"binary": 2, "one_hot": y.shape[-1] if y.ndim > 1 else 0}.get(form, 0)
    return np.pad(counts, (0, max(0, least - len(counts))))


def _distinct(y):
    """Distinct finite values and how often each occurs, among evenly spaced values."""
    values = y.reshape(-1)
    values = values[:: max(1, -(-len(values) // MOST_COUNTED))].astype(np.float64)
    return np.unique(values[np.isfinite(values)], return_counts=True)
