"""What reports on classes and on labels read back from their plain values."""

import numpy as np

from recipes.metrics import plain_values


def read_matrix(content: dict, dimensions: int) -> np.ndarray:
    """The confusion matrix, int64, or float64 where rows are weighted.

    Raises:
        ValueError: If it does not hold numbers, does not fit the classes or has values below 0.
    """
    matrix = np.array(content["confusion_matrix"])
    num_classes = len(content["classes"])
    shape = (num_classes, num_classes) if dimensions == 2 else (num_classes, 2, 2)
    if matrix.dtype.kind not in "if" or matrix.shape != shape or not (matrix >= 0).all():
        raise ValueError
    return matrix


def read_scores(content: dict) -> dict[str, dict]:
    """Attributes of both reports, by name: those that `content` has."""
    classes = plain_values.numbers(content["classes"])
    stored = {
        "classes": {
            name: {score: value for score, value in scores.items() if score != "intervals"}
            for name, scores in classes.items()
        }
    }
    if all("intervals" in scores for scores in classes.values()):
        stored["class_intervals"] = {
            name: plain_values.intervals(scores["intervals"]) for name, scores in classes.items()
        }
    stored |= {name: plain_values.numbers(content[name]) for name in ("macro", "micro", "weighted")}
    if "intervals" in content:
        stored["intervals"] = plain_values.intervals(content["intervals"])
    if "baseline" in content:
        scores = {name: value for name, value in content["baseline"].items() if name != "class"}
        stored["baseline"] = plain_values.numbers(scores)
    if "undefined" in content:
        stored["undefined"] = tuple(map(str, content["undefined"]))
    return stored
