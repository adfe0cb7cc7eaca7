"""Temperature scaling: one number, learned on validation rows, that corrects most overconfidence (arXiv:1706.04599)."""

import numpy as np

from recipes.arguments.numbers import require_positive
from recipes.metrics.inputs import as_array, check_labels, check_lengths, check_weights

_COLDEST, _HOTTEST = 1e-3, 1e3
_CHUNK = 65536


def temperature(y_true, logits, sample_weight=None) -> float:
    """The T for which softmax(logits / T) has the least log loss.

    Learn it on validation rows, never on those that are reported. It changes no decision. A value above 1 means that
    the model is overconfident. Logarithms of probabilities can be used as logits.

    Args:
        y_true: Class numbers `(rows,)`.
        logits: Logits `(rows, classes)`, or of class 1 against class 0 `(rows,)` or `(rows, 1)`.
        sample_weight: Weight of each row `(rows,)`. Default: every row counts 1.

    Returns:
        A number from 0.001, if all rows are right, to 1000, if the logits are uninformative.

    Raises:
        ValueError: If the two do not fit each other, or hold NaN or labels that are no class numbers.

    >>> float(round(temperature([0, 1, 1, 0], np.array([4.0, 4.0, 4.0, -4.0])), 1))
    3.6
    """
    labels, logits = check_labels(y_true, "y_true"), as_array(logits, "logits")
    check_lengths(labels, logits)
    if logits.dtype.kind != "f" or logits.ndim > 2:
        raise ValueError(f"`logits` must be floats (rows, classes). Received: {logits.dtype} of {logits.shape}")
    if logits.ndim == 1 or logits.shape[1] == 1:
        logits = logits.reshape(-1)
        logits = np.stack([np.zeros_like(logits), logits], axis=1)
    # The logarithm of a probability of 0 stands for one too small to be written.
    logits = np.maximum(logits.astype(np.float64), -1e4)
    if not np.isfinite(logits).all():
        bad = ~np.isfinite(logits).all(axis=1)
        raise ValueError(f"`logits` must be finite. Received: others in {bad.sum()} rows, the first is {bad.argmax()}")
    if labels.dtype.kind in "US" or labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(f"`y_true` must be class numbers from 0 to {logits.shape[1] - 1}. Received: {labels[:5]}")
    weights = check_weights(sample_weight, len(labels))
    logits -= logits.max(axis=1, keepdims=True)
    true = logits[np.arange(len(labels)), labels.astype(np.intp)]
    # The loss is convex in 1 / T: where its slope changes sign is the minimum. The slope is a mean, so it is bisected
    # rather than followed.
    low, high = np.log(1 / _HOTTEST), np.log(1 / _COLDEST)
    for _ in range(60):
        middle = (low + high) / 2
        if _slope(logits, true, weights, np.exp(middle)) < 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


def with_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities `(rows, classes)`, or of class 1 `(rows,)` or `(rows, 1)`, after scaling by `temperature`.

    >>> with_temperature(np.array([[0.9, 0.1]]), 2).round(2).tolist()
    [[0.75, 0.25]]
    """
    require_positive("temperature", temperature)
    probabilities = np.asarray(probabilities)
    single = probabilities.ndim == 1 or probabilities.shape[1] == 1
    pairs = np.stack([1 - probabilities, probabilities]) if single else probabilities
    powers = (pairs / pairs.max(axis=0 if single else -1, keepdims=True)) ** (1 / temperature)
    powers /= powers.sum(axis=0 if single else -1, keepdims=True)
    return powers[1] if single else powers


def _slope(logits: np.ndarray, true: np.ndarray, weights: np.ndarray | None, inverse: float) -> float:
    """Slope of the loss with respect to 1 / T, up to a constant factor."""
    slope = 0.0
    for start in range(0, len(logits), _CHUNK):
        rows = slice(start, start + _CHUNK)
        powers = np.exp(inverse * logits[rows])
        expected = np.einsum("ij,ij->i", powers, logits[rows]) / powers.sum(axis=1)
        difference = expected - true[rows]
        slope += float(difference.sum() if weights is None else difference @ weights[rows])
    return slope
