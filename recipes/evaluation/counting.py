"""The report on what a model said, counted block by block: in memory that does not grow with the rows."""

from collections.abc import Iterable

import numpy as np

from recipes.evaluation.blocks import Block
from recipes.metrics import (
    ClassificationCounts,
    MultiLabelCounts,
    RegressionSums,
    are_probabilities,
    decide,
    report_with_exact_ranking,
)
from recipes.metrics.inputs import class_probabilities

# So many outputs are held, for ROC AUC and average precision from the scores themselves; of more, from bins.
MOST_EXACT = 4_000_000
# So many different errors of a regression, for its quantiles.
MOST_EXACT_ERRORS = 1_000_000


def judge(blocks: Iterable[Block], class_names: tuple[str, ...] | None, several_labels: bool = False):
    """The report on blocks of `(targets, outputs, weights or None)`.

    Up to 4 million outputs, ROC AUC and average precision are exact. Beyond, they come from bins, and the report says
    how far they may be off; all else stays exact. Of a regression, quantiles are exact up to a million rows.

    Args:
        blocks: Targets `(rows,)` are class numbers where there are class names; outputs are `(rows, outputs)`.
        class_names: `None` for a regression.
        several_labels: Whether targets are 0 and 1, `(rows, labels)`.

    Returns:
        A `ClassificationReport`, `MultiLabelReport` or `RegressionReport`.

    Raises:
        ValueError: If outputs are not finite, or not as many as the classes.
    """
    if class_names is None:
        return _of_numbers(blocks)
    counts = (MultiLabelCounts if several_labels else ClassificationCounts)(class_names=class_names)
    held, numbers, decisions = [], 0, False
    for y, outputs, weights in blocks:
        _check_finite(outputs, counts.rows)
        if max(1 if several_labels else 2, outputs.shape[1]) != len(class_names):
            raise ValueError(f"there are {len(class_names)} classes, and the model has {outputs.shape[1]} outputs")
        if not several_labels and (decisions or not are_probabilities(outputs)):
            # The outputs of a hinge loss, say, are scores: they decide, and there is no more to say about them.
            decisions, counts.scores, held = True, None, None
            counts.update(y, decide(outputs), weights)
            continue
        outputs = outputs if several_labels else class_probabilities(outputs)
        counts.update(y, outputs, weights)
        numbers += outputs.size
        if held is not None:
            held = [*held, (y, outputs, weights)] if numbers <= MOST_EXACT else None
    if not held:
        return counts.result()
    y, outputs = (np.concatenate([block[part] for block in held]) for part in (0, 1))
    weights = None
    if any(block[2] is not None for block in held):
        weights = np.concatenate([np.ones(len(block[0])) if block[2] is None else block[2] for block in held])
    return report_with_exact_ranking(counts, y, outputs, weights)


def _of_numbers(blocks: Iterable[Block]):
    sums = RegressionSums(most_values=MOST_EXACT_ERRORS)
    for y, outputs, weights in blocks:
        _check_finite(outputs, sums.seen)
        sums.update(y, outputs, weights)
    return sums.result()


def _check_finite(outputs: np.ndarray, before: int) -> None:
    finite = np.isfinite(outputs).all(axis=1)
    if not finite.all():
        where = f" from row {before:,} on" if before else ""
        raise ValueError(f"the model's outputs are not finite in {(~finite).sum()} of {len(finite)} rows{where}")
