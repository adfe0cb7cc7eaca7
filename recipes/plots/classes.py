"""What the pictures of classifiers share: the checks of a report, and the names of classes."""

from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.probability_scores import ProbabilityScores
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.plots.axes import cut, made_unique

_LONGEST_NAME = 22


def require_classes(report, several_labels: bool = True) -> None:
    """Refuse anything but a report on classes, such as a run or a regression report.

    Args:
        report: Object to check.
        several_labels: Whether a multi-label report is allowed.
    """
    if not isinstance(report, (ClassificationReport, MultiLabelReport) if several_labels else ClassificationReport):
        kinds = "a ClassificationReport" + (" or a MultiLabelReport" if several_labels else "")
        raise ValueError(f"`report` must be {kinds}. Received: {type(report).__name__}")


def require_probabilities(report) -> ProbabilityScores:
    """The scores of probabilities in `report`.

    Raises:
        ValueError: If the report was made from predicted labels alone.
    """
    require_classes(report)
    if report.probabilities is None:
        raise ValueError(
            "`report` must be made of probabilities, floats of shape (rows, classes). Received: a report of predicted "
            "labels alone"
        )
    return report.probabilities


def require_counts_by_score(report) -> ProbabilityScores:
    """The scores of probabilities of `report`, with the number of rows by score.

    Raises:
        ValueError: If there are none, as in a report that was read from a file.
    """
    scores = require_probabilities(report)
    if scores.positives is None:
        raise ValueError(
            "`report` must have the number of rows by score, which curves are made of. Received: a report that was "
            "read from a file, which does not hold it"
        )
    return scores


def has_several_labels(report) -> bool:
    """Whether the report is multi-label."""
    return isinstance(report, MultiLabelReport)


def names_of_classes(report, longest: int = _LONGEST_NAME) -> list[str]:
    """The class names without line breaks, in at most `longest` characters each, and all different."""
    names = [" ".join(name.split()) for name in report.class_names]
    return made_unique([cut(name, longest) for name in names])


def called(name: str) -> str:
    """The class name as part of a sentence; a number alone would be no name there."""
    return f"class {name}" if name.isdigit() else name
