"""The main pictures of a report in one figure, for the run folder."""

from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.metrics.regression.report import RegressionReport
from recipes.plots.axes import height_for
from recipes.plots.class_scores import MOST_ROWS, class_scores
from recipes.plots.curves import precision_recall_curves, roc_curves
from recipes.plots.layout import arrange, new_figure
from recipes.plots.reliability import reliability
from recipes.plots.residuals import residuals

_SIDE = 4.6  # inches of a square picture
_FEW = 12  # largest number of classes whose scores need no more height than a curve


def report_figure(report: ClassificationReport | MultiLabelReport | RegressionReport):
    """The main pictures of a report.

    For a classifier these are ROC and precision-recall curves, reliability, and recall by class. A report of predicted
    labels alone has recall and precision by class, and a report that was read from a file has no curves. For a
    regression it is the distribution of the errors.

    Args:
        report: Report of any kind.

    Returns:
        A matplotlib `Figure`, made without pyplot, so that it needs no window system and need not be closed. Its size
        depends on the number of classes.

    Raises:
        ValueError: If `report` is not a report.
    """
    if isinstance(report, RegressionReport):
        figure = new_figure((6, 4.6))
        residuals(report, figure.subplots())
        arrange(figure)
        return figure
    if not isinstance(report, ClassificationReport | MultiLabelReport):
        raise ValueError(
            "`report` must be a ClassificationReport, a MultiLabelReport or a RegressionReport. "
            f"Received: {type(report).__name__}"
        )
    rows = min(MOST_ROWS, len(report.class_names))
    if report.probabilities is None:
        figure = new_figure((12, height_for(rows)))
        for ax, score in zip(figure.subplots(1, 2), ("recall", "precision"), strict=True):
            class_scores(report, ax, score=score)
        arrange(figure)
        return figure
    if report.probabilities.positives is None:  # read from a file, which does not hold what curves are made of
        mosaic = [["reliability", "classes"]]
    elif len(report.class_names) <= _FEW:
        mosaic = [["roc", "precision recall"], ["reliability", "classes"]]
    else:  # many classes need all the height there is
        mosaic = [["roc", "classes"], ["precision recall", "classes"], ["reliability", "classes"]]
    height = max(len(mosaic) * _SIDE, height_for(rows))
    figure = new_figure((2.3 * _SIDE, height))
    places = figure.subplot_mosaic(mosaic)
    if "roc" in places:
        roc_curves(report, places["roc"])
        precision_recall_curves(report, places["precision recall"])
    reliability(report, places["reliability"])
    class_scores(report, places["classes"])
    arrange(figure)
    return figure
