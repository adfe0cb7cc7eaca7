"""What the pictures of classifiers share: the reports that they take, and how classes are named."""

from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.probability_scores import ProbabilityScores
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.plots.axes import cut, told_apart

_LONGEST_NAME = 22


def require_classes(report, several_labels: bool = True) -> None:
    """Refuse whatever is no report on classes, such as a run or a regression report, in one sentence.

    Args:
        report: To be checked.
        several_labels: Whether a multi-label report will do.
    """
    if not isinstance(report, (ClassificationReport, MultiLabelReport) if several_labels else ClassificationReport):
        kinds = "a ClassificationReport" + (" or a MultiLabelReport" if several_labels else "")
        raise ValueError(f"`report` must be {kinds}. Received: {type(report).__name__}")


def require_probabilities(report) -> ProbabilityScores:
    """What `report` knows of probabilities.

    Raises:
        ValueError: If it was made of labels alone.
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
    """Whether the rows may have several labels each."""
    return isinstance(report, MultiLabelReport)


def names_of_classes(report, longest: int = _LONGEST_NAME) -> list[str]:
    """The class names on one line each, of at most `longest` characters, and all different."""
    names = [" ".join(name.split()) for name in report.class_names]
    return told_apart([cut(name, longest) for name in names])


def called(name: str) -> str:
    """How a class is called in a sentence: many have mere numbers for names."""
    return f"class {name}" if name.isdigit() else name


def plain_legend(ax, *arguments, **options):
    """A legend in whose labels a dollar sign is one: they name classes, not formulas."""
    legend = ax.legend(*arguments, **options)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return legend
