"""Reports of any kind from the plain values that a run folder stores."""

from recipes.arguments.names import shorten
from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.metrics.regression.report import RegressionReport


def report_from_dict(content: dict) -> ClassificationReport | MultiLabelReport | RegressionReport:
    """The report whose `to_dict()` gave `content`, such as the content of `report.json`.

    It prints as before, and has the pictures for which a report as plain values keeps enough: not ROC and
    precision-recall curves, nor thresholds, which need the number of rows by score.

    Args:
        content: Plain values of a report. Scores that files of older versions lack are computed from the confusion
            matrix.

    Raises:
        ValueError: If `content` is none of the three reports, or is damaged.
    """
    if isinstance(content, dict) and "mae" in content:
        return RegressionReport.from_dict(content)
    if isinstance(content, dict) and "confusion_matrix" in content:
        return (MultiLabelReport if _has_a_matrix_per_label(content) else ClassificationReport).from_dict(content)
    received = (
        f"a dict with the keys {shorten(content) or 'none'}" if isinstance(content, dict) else type(content).__name__
    )
    raise ValueError(f"a report must be a dict with `confusion_matrix` or `mae`. Received: {received}")


def _has_a_matrix_per_label(content: dict) -> bool:
    first = content["confusion_matrix"]
    for _ in range(2):  # the first entry of the first row
        first = first[0] if isinstance(first, list) and first else None
    return isinstance(first, list)
