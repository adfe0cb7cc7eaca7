"""Scores of a model while it is trained: of held-out rows and of training rows, after the epochs that are chosen."""

import time
from collections.abc import Callable

import keras
import numpy as np

from recipes.doctor.scores import balanced_accuracy, score

MOST_SCORED_ROWS = 1000
# Rows in a forward pass: one shape for all parts, so that it is compiled once.
BATCH_ROWS = 500


class Scores(keras.callbacks.Callback):
    """Score held-out and training rows before the first step, after chosen epochs, and at the end of the training.

    Args:
        held: Held-out rows and their targets.
        train: Training rows and their targets.
        form: Form of the targets, as in `TargetFacts`.
        takes_logits: Whether the outputs are logits.
        is_chosen: Function of the number of an epoch, counted from 1 and 0 before the first step, that says whether
            the rows are scored then. The last epoch is scored in any case.

    Attributes:
        found: Scores of held-out and of training rows, a pair for each epoch that was scored.
        balanced: Balanced accuracy of the held-out rows at the end.
        constant: Whether the model gives the same output for every held-out row at the end.
        first_loss: Loss of the training rows before the first step; NaN where it is not known.
        seconds: Time that the scoring has taken.
    """

    def __init__(self, held, train, form, takes_logits, is_chosen: Callable[[int], bool]):
        super().__init__()
        self.parts = held, train
        self.form, self.takes_logits, self.is_chosen = form, takes_logits, is_chosen
        self.batch_rows = min(BATCH_ROWS, max(len(held[0]), len(train[0])))
        self.found, self.balanced, self.constant, self.first_loss = {}, np.nan, False, np.nan
        self.seconds, self.last = 0.0, 0

    def on_epoch_begin(self, epoch, logs=None):
        # Not when training begins: other callbacks may restore weights then.
        if epoch == 0 and 0 not in self.found and self.is_chosen(0):
            self._measure(0)

    def on_epoch_end(self, epoch, logs=None):
        self.last = epoch + 1
        if self.is_chosen(self.last):
            self._measure(self.last)

    def on_train_end(self, logs=None):
        x, y = self.parts[0]
        outputs = self._outputs(x) if self.last in self.found else self._measure(self.last)
        self.balanced = balanced_accuracy(outputs, y, self.form, self.takes_logits)
        spread = np.ptp(outputs.reshape(len(outputs), -1), axis=0)
        # Rounding in float32 is no difference between rows.
        self.constant = bool(len(outputs) > 1 and np.all(spread <= 1e-6 * np.abs(outputs).max()))

    def _measure(self, epoch) -> np.ndarray:
        """Score all rows; the outputs for the held-out ones."""
        start = time.monotonic()
        held, train = (self._outputs(x) for x, _ in self.parts)
        targets = [y for _, y in self.parts]
        self.found[epoch] = [
            score(outputs, y, self.form, self.takes_logits) for outputs, y in zip((held, train), targets, strict=True)
        ]
        if epoch == 0:
            self.first_loss = _mean_loss(self.model.loss, train, targets[1])
        self.seconds += time.monotonic() - start
        return held

    def _outputs(self, x):
        """The outputs for the rows, in whole batches that begin with the first rows again at their end."""
        count = -(-len(x) // self.batch_rows) * self.batch_rows
        # `predict` would start a loop of callbacks of its own each time.
        parts = [
            self.model.predict_on_batch(x[np.arange(first, first + self.batch_rows) % len(x)])
            for first in range(0, count, self.batch_rows)
        ]
        return np.concatenate([np.asarray(part, "float64") for part in parts])[: len(x)]


def _mean_loss(loss, outputs, y) -> float:
    """Mean of a compiled loss, penalties of the weights left out; NaN where the loss needs more than outputs."""
    try:
        values = keras.losses.get(loss)(keras.ops.convert_to_tensor(y), keras.ops.convert_to_tensor(outputs, "float32"))
        return float(keras.ops.mean(values))
    except Exception:  # whatever a loss of the user's own makes of them
        return np.nan


def by_epoch(found: dict[int, list[float]], epochs: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of held-out and of training rows, each `(epochs + 1,)`; NaN for epochs that were not scored.

    Args:
        found: Pairs of scores, as in `Scores.found`.
        epochs: Number of epochs that were trained.
    """
    scores = np.full((epochs + 1, 2), np.nan)
    for epoch, values in found.items():
        scores[epoch] = values
    return scores[:, 0], scores[:, 1]


def rows_to_score(x, y) -> tuple[np.ndarray, np.ndarray]:
    """At most 1,000 rows and their targets, evenly spaced."""
    chosen = np.linspace(0, len(x) - 1, min(len(x), MOST_SCORED_ROWS)).round().astype(int)
    return np.asarray(x)[chosen], np.asarray(y)[chosen]
