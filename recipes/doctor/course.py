"""A training under watch: scores of held-out and training rows, gradients and activations, epoch by epoch."""

import functools
import time

import keras
import numpy as np

from callbacks import ActivationStatistics, StopOnDivergence
from callbacks.watching.record import Record
from recipes.doctor.scoring import Scores, by_epoch, rows_to_score
from recipes.doctor.seen import Course
from recipes.runs.watched import Watched
from recipes.training.prepared import Training
from recipes.training.rows import release
from recipes.training.watching import numeric_history

# Epochs that are scored one by one, and about how many of the later ones are, so that the watching costs little.
ALL_SCORED, SCORED = 10, 30
# Epochs without any gradient after which nothing more can happen.
STILL_EPOCHS = 3


class _SparseStatistics(ActivationStatistics):
    """Activations of the first epochs and the last, as each measurement takes a forward pass."""

    def __init__(self, x, epochs):
        super().__init__(x, rows=256, batch_size=256)
        self.chosen = {1, 2, epochs // 2, epochs}

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self.chosen:
            super().on_epoch_end(epoch, logs)


class _Limits(keras.callbacks.Callback):
    """The loss before the first step, and the end of a training of which nothing more can be learnt."""

    def __init__(self, rows, seconds):
        super().__init__()
        self.rows, self.seconds = rows, seconds
        self.first_loss, self.still = np.nan, 0

    def on_train_begin(self, logs=None):
        self.start = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:
            self.first_loss = self._loss(*self.rows)

    def on_epoch_end(self, epoch, logs=None):
        self.still = self.still + 1 if (logs or {}).get("gradient_norm", 1.0) == 0 else 0
        if self.still == STILL_EPOCHS or time.monotonic() - self.start > self.seconds:
            self.model.stop_training = True

    def _loss(self, x, y):
        """The compiled loss of some rows, as a first step would compute it."""
        try:
            outputs = self.model(keras.ops.convert_to_tensor(x), training=False)
            return float(self.model.compute_loss(x, keras.ops.convert_to_tensor(y), outputs, training=False))
        except Exception:  # a loss of the user's own that needs more than that
            return np.nan


def watch(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    validation: tuple | None = None,
    *,
    form: str,
    takes_logits: bool = False,
    epochs: int,
    batch_size: int,
    seconds: float = np.inf,
    lean: bool = False,
) -> Course:
    """Train `model` in place as it is compiled, under watch.

    The training ends early where the loss is not finite, where no gradient has been left for 3 epochs, and after the
    epoch in which the time is used up.

    Args:
        model: Compiled model.
        x: Rows, as the model takes them.
        y: Their targets.
        validation: Held-out rows and targets; `None` for none, where training rows are scored instead.
        form: Form of the targets, as in `TargetFacts`.
        takes_logits: Whether the outputs are logits.
        epochs: Number of epochs.
        batch_size: Number of rows in a batch.
        seconds: Time after which the training ends.
        lean: Whether to leave out gradients and activations, for a training whose scores are all that is asked for.
    """
    start = time.monotonic()
    train = rows_to_score(x, y)
    held = train if validation is None else rows_to_score(*validation[:2])
    scores = Scores(held, train, form, takes_logits, functools.partial(_is_scored, epochs))
    limits = _Limits(train, seconds)
    # Without Keras's validation pass, which takes half of a short epoch: the scores say more.
    training = Training.of_compiled(model, x, y, epochs=epochs, batch_size=batch_size)
    if lean:
        watched = _lean_fit(training, [scores, limits])
    else:
        watched = training.fit([_SparseStatistics(train[0], epochs), scores, limits])
    trained = len(watched.history["loss"])
    held_scores, train_scores = by_epoch(scores.found, trained)
    return Course(
        watched=watched,
        epochs=trained,
        steps=-(-len(x) // batch_size),
        score=held_scores,
        train_score=train_scores,
        balanced=scores.balanced,
        constant_output=scores.constant,
        is_finite=watched.divergence is None and bool(np.isfinite(scores.found[trained]).all()),
        losses=np.array([limits.first_loss, *watched.history["loss"]]),
        seconds=time.monotonic() - start,
    )


def _is_scored(epochs: int, epoch: int) -> bool:
    step = max(1, (epochs - ALL_SCORED) // (SCORED - ALL_SCORED)) if epochs > SCORED else 1
    return epoch <= ALL_SCORED or epoch % step == 0 or epoch == epochs


def _lean_fit(training: Training, watchers: list[keras.callbacks.Callback]) -> Watched:
    rows, divergence = training.rows(), StopOnDivergence()
    try:
        history = training.core.fit(
            **rows, epochs=training.recipe.fit.epochs, callbacks=[divergence, *watchers], verbose=0
        )
    finally:
        release(rows)
    return Watched(numeric_history(history), Record(), len(history.epoch), divergence=divergence.reason or None)
