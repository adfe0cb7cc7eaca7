"""The report on blocks of outputs, counted one by one in memory that does not grow with the number of rows."""

from collections.abc import Iterable

import numpy as np

from recipes.evaluation.blocks import Block, check_finite
from recipes.metrics import (
    ClassificationCounts,
    ClassificationReport,
    MultiLabelCounts,
    MultiLabelReport,
    RegressionReport,
    RegressionSums,
    are_probabilities,
    decide,
    report_with_exact_ranking,
)
from recipes.metrics.inputs import class_probabilities

# Most outputs (rows times classes) that are kept, so that ROC AUC and average precision are exact. For more, they come
# from bins of scores.
MOST_EXACT_SCORES = 4_000_000
# Most different errors of a regression that are kept, so that quantiles are exact.
MOST_EXACT_ERRORS = 1_000_000


def report_on(
    blocks: Iterable[Block], class_names: tuple[str, ...] | None, multi_label: bool = False
) -> ClassificationReport | MultiLabelReport | RegressionReport:
    """The report on what a model predicted.

    Up to 4 million outputs, ROC AUC and average precision are exact. Beyond that, they come from bins, and the report
    states their largest error; everything else stays exact. Quantiles of a regression are exact up to a million rows.

    Args:
        blocks: Blocks `(targets, values, weights or None)`. Targets are class numbers `(rows,)` of a classifier, truth
            values `(rows, labels)` of a multi-label one, numbers `(rows,)` of a regression.
        class_names: Class names in the order of the class numbers; `None` for a regression.
        multi_label: Whether the targets are multi-label.

    Raises:
        ValueError: If outputs are not finite, or their number differs from that of the classes.
    """
    if class_names is None:
        return _regression_report(blocks)
    counts = (MultiLabelCounts if multi_label else ClassificationCounts)(class_names=class_names)
    kept, size, has_probabilities = [], 0, True
    for targets, values, weights in blocks:
        check_finite(values, counts.rows)
        if max(1 if multi_label else 2, values.shape[1]) != len(class_names):
            raise ValueError(f"there are {len(class_names)} classes, and the model has {values.shape[1]} outputs")
        if not multi_label:
            has_probabilities = has_probabilities and are_probabilities(values)
            if not has_probabilities:
                # Other scores, such as those of a hinge loss, show what the model decides and nothing more. Where they
                # come late, the probabilities before them are left out of the report.
                counts.scores, kept = None, None
                counts.update(targets, decide(values), weights)
                continue
            values = class_probabilities(values)
        counts.update(targets, values, weights)
        size += values.size
        if kept is not None:
            kept = [*kept, Block(targets, values, weights)] if size <= MOST_EXACT_SCORES else None
    return report_with_exact_ranking(counts, *_joined(kept)) if kept else counts.result()


def _joined(blocks: list[Block]) -> Block:
    weights = None
    if any(block.weights is not None for block in blocks):
        weights = [np.ones(len(block.values)) if block.weights is None else block.weights for block in blocks]
        weights = np.concatenate(weights)
    targets, values = (np.concatenate([block[part] for block in blocks]) for part in (0, 1))
    return Block(targets, values, weights)


def _regression_report(blocks: Iterable[Block]) -> RegressionReport:
    sums = RegressionSums(most_values=MOST_EXACT_ERRORS)
    for targets, values, weights in blocks:
        check_finite(values, sums.seen)
        sums.update(targets, values, weights)
    return sums.result()
