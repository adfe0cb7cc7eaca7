"""How far predicted probabilities can be believed, before and after temperature scaling."""

import numpy as np

from recipes.metrics import ClassificationCounts, decide, temperature, with_temperature

# Fewest validation rows from which a temperature is learned.
FEWEST_ROWS = 30
# Most probabilities of a part that are used: rows times outputs.
MOST_VALUES = 500_000
# Distance from 0 and 1 of the least sure probability that float32 rounds to 1.
_NEAREST = 2.0**-25
# Temperature of probabilities that say nothing of the labels: the greater, the better.
_UNINFORMATIVE = 500.0


def calibration(
    class_names: tuple[str, ...],
    validation: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> dict:
    """Calibration on test rows, with the temperature that is best on validation rows.

    With two classes it is that of the probability of class 1, otherwise that of the predicted class, in 15 bins of
    equal width, as in the report.

    Args:
        class_names: Names of the classes.
        validation: Class numbers `(rows,)` and probabilities `(rows, units)` of validation rows.
        test: The same of test rows.

    Returns:
        `before`: `ece` (expected calibration error), `log_loss` and `bins` (mean confidence, share of right answers and
        number of rows of each bin that has any). `temperature`, and `after` with the same for scaled probabilities, are
        missing where validation rows do not show a temperature: fewer than 30, or all of them right, or none better
        than chance.
    """
    content = {"before": _scores(class_names, *test)}
    found = learned_temperature(*validation)
    if found is not None:
        labels, probabilities = test
        content = {
            "temperature": found,
            **content,
            "after": _scores(class_names, labels, with_temperature(probabilities.astype(np.float64), found)),
        }
    return content


def learned_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Temperature with the least log loss; `None` where the rows do not show one.

    Args:
        labels: Class numbers `(rows,)`.
        probabilities: Probabilities `(rows, classes)`, or of class 1 `(rows, 1)`.
    """
    # Where all rows are right, the log loss falls with the temperature for ever.
    if len(labels) < FEWEST_ROWS or (decide(probabilities) == labels).all():
        return None
    found = temperature(labels, logits_of(probabilities))
    return found if found < _UNINFORMATIVE else None


def logits_of(probabilities: np.ndarray) -> np.ndarray:
    """Logits with the given probabilities `(rows, classes)`, or `(rows, 1)` of class 1."""
    probabilities = probabilities.astype(np.float64)
    if probabilities.shape[1] > 1:
        return np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    inside = np.clip(probabilities, _NEAREST, 1 - _NEAREST)
    return np.log(inside / (1 - inside))


def _scores(class_names: tuple[str, ...], labels: np.ndarray, probabilities: np.ndarray) -> dict:
    counts = ClassificationCounts(class_names=class_names, greatest_losses=0)
    scores = counts.update(labels, probabilities).result().probabilities
    curve = scores.calibration
    rows = np.rint(curve.weight * len(labels)).astype(int)
    bins = zip(curve.confidence.tolist(), curve.outcome.tolist(), rows.tolist(), strict=True)
    return {
        "ece": curve.expected_error,
        "log_loss": scores.log_loss,
        "bins": [list(values) for values in bins if values[2]],
    }
