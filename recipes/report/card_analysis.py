"""What the analysis of a run gives to its model card: comparisons with simple models, and what to beware of."""

from typing import Any

from recipes.report.markdown import interval, number, text

_MOST_GROUPS = 5
_PAIRS = {"train and validation", "train and test", "validation and test"}


def simple_models(analysis: dict[str, Any]) -> list[tuple[str, ...]]:
    """Cells of the rows of a table: name, score, difference, its interval, p-value with its test.

    Raises:
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError: If the analysis is damaged.
    """
    return [
        (
            text(row["name"]),
            number(row["score"]),
            f"{row['difference']:+.4f}",
            interval(row["difference_interval"]),
            f"{row['p_value']:.2g} ({text(row['test'])})",
        )
        for row in analysis.get("baselines", [])
    ]


def training_rows(analysis: dict[str, Any]) -> str:
    """Number of rows that the simple models were trained on; empty where it is not known.

    Raises:
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError: If the analysis is damaged.
    """
    rows = analysis.get("basis", {}).get("baselines", {}).get("training")
    return "" if rows is None else number(rows)


def cautions(analysis: dict[str, Any]) -> list[str]:
    """Sentences in Markdown on what may be wrong with the model, its data or its scores.

    Raises:
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError: If the analysis is damaged.
    """
    return [*_calibration(analysis), *_groups(analysis), *_labels(analysis), *_duplicates(analysis)]


def _calibration(analysis: dict[str, Any]) -> list[str]:
    if "calibration" not in analysis:
        return []
    found = analysis["calibration"]
    sentence = f"On average the probabilities are off by {number(found['before']['ece'])} (expected calibration error)"
    if "after" in found:
        after = number(found["after"]["ece"])
        sentence += f"; with logits divided by {found['temperature']:.3g}, learned on validation rows, by {after}"
    return [f"{sentence}."]


def _groups(analysis: dict[str, Any]) -> list[str]:
    rows = analysis.get("groups", [])[:_MOST_GROUPS]
    if not rows:
        return []
    score = text(analysis.get("basis", {}).get("groups", {}).get("score", "score"))
    listed = "; ".join(
        f"{text(row['column'])} = {text(row['value'])}: {number(row['score'])} "
        f"({interval(row['interval'])}, {number(row['rows'])} rows)"
        for row in rows
    )
    return [f"The groups of test rows with the worst {score}: {listed}."]


def _labels(analysis: dict[str, Any]) -> list[str]:
    found = analysis.get("label_errors")
    if not found or not found["suspects"]:
        return []
    count = f"{number(found['suspects'])} of {number(found['rows'])} test labels"
    return [f"By confident learning, {count} may be wrong. {text(found['rule'])}"]


def _duplicates(analysis: dict[str, Any]) -> list[str]:
    found = analysis.get("data", {}).get("duplicates", {})
    counts = {name: count for name, count in found.items() if name in _PAIRS and count}
    return [
        f"Equal rows in two parts: {', '.join(f'{name} {number(count)}' for name, count in counts.items())}."
    ] * bool(counts)
