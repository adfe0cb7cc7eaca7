"""The report on a regression from whole arrays."""

import numpy as np

from recipes.metrics.regression.report import RegressionReport
from recipes.metrics.regression.sums import RegressionSums


def regression_report(y_true, y_predicted, sample_weight=None, confidence: float = 0.95) -> RegressionReport:
    """Evaluate the predictions of a regression, exactly; `RegressionSums` does so batch by batch.

    Args:
        y_true: Targets, `(rows,)` or `(rows, 1)`.
        y_predicted: Predictions, the same.
        sample_weight: Weight of each row `(rows,)`, at least 0. Default: every row counts 1.
        confidence: Confidence level of the intervals, between 0 and 1.

    Raises:
        ValueError: If lengths differ, there are no rows, a number is not finite or a weight is below 0.
    """
    sums = RegressionSums(most_values=max(1, np.size(y_true)))
    return sums.update(y_true, y_predicted, sample_weight).result(confidence)
