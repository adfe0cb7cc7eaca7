"""A training under watch: scores of held-out and training rows, gradients and activations, epoch by epoch."""

import time

import keras
import numpy as np

from callbacks import ActivationStatistics, StopOnDivergence
from callbacks.watching.record import Record
from recipes.doctor.scores import balanced_accuracy, score
from recipes.doctor.seen import Course
from recipes.runs.watched import Watched
from recipes.training.prepared import Training
from recipes.training.rows import release
from recipes.training.watching import numeric_history

MOST_SCORED_ROWS = 1000
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


class _Scores(keras.callbacks.Callback):
    """Scores after epochs, and the end of a training of which nothing more can be learnt."""

    def __init__(self, held, train, form, takes_logits, *, epochs, seconds):
        super().__init__()
        self.parts = held, train
        self.form, self.takes_logits = form, takes_logits
        self.step = max(1, (epochs - ALL_SCORED) // (SCORED - ALL_SCORED)) if epochs > SCORED else 1
        self.epochs, self.seconds = epochs, seconds
        self.first_loss = np.nan
        self.found, self.balanced, self.constant, self.still = {}, np.nan, False, 0

    def on_train_begin(self, logs=None):
        self.start = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        if not self.found:
            self._measure(0)
            self.first_loss = self._loss(*self.parts[1])

    def on_epoch_end(self, epoch, logs=None):
        self.last = epoch + 1
        if self.last <= ALL_SCORED or self.last % self.step == 0 or self.last == self.epochs:
            self._measure(self.last)
        self.still = self.still + 1 if (logs or {}).get("gradient_norm", 1.0) == 0 else 0
        if self.still == STILL_EPOCHS or time.monotonic() - self.start > self.seconds:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.last not in self.found:
            self._measure(self.last)
        outputs = self._outputs(self.parts[0])
        self.balanced = balanced_accuracy(outputs, self.parts[0][1], self.form, self.takes_logits)
        spread = np.ptp(outputs.reshape(len(outputs), -1), axis=0)
        # Rounding in float32 is no difference between rows.
        self.constant = bool(len(outputs) > 1 and np.all(spread <= 1e-6 * np.abs(outputs).max()))

    def _measure(self, epoch):
        self.found[epoch] = [score(self._outputs(part), part[1], self.form, self.takes_logits) for part in self.parts]

    def _loss(self, x, y):
        """The compiled loss of some rows, as a first step would compute it."""
        try:
            outputs = self.model(keras.ops.convert_to_tensor(x), training=False)
            return float(self.model.compute_loss(x, keras.ops.convert_to_tensor(y), outputs, training=False))
        except Exception:  # a loss of the user's own that needs more than that
            return np.nan

    def _outputs(self, part):
        # `predict` would start a loop of callbacks of its own each time.
        return np.asarray(self.model.predict_on_batch(part[0]), "float64")


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
    train = _spread_rows(x, y)
    held = train if validation is None else _spread_rows(*validation[:2])
    scores = _Scores(held, train, form, takes_logits, epochs=epochs, seconds=seconds)
    # Without Keras's validation pass, which takes half of a short epoch: the scores say more.
    training = Training.of_compiled(model, x, y, epochs=epochs, batch_size=batch_size)
    watched = _lean_fit(training, scores) if lean else training.fit([_SparseStatistics(train[0], epochs), scores])
    trained = len(watched.history["loss"])
    by_epoch = np.full((trained + 1, 2), np.nan)
    for epoch, values in scores.found.items():
        by_epoch[epoch] = values
    return Course(
        watched=watched,
        epochs=trained,
        steps=-(-len(x) // batch_size),
        score=by_epoch[:, 0],
        train_score=by_epoch[:, 1],
        balanced=scores.balanced,
        constant_output=scores.constant,
        is_finite=watched.divergence is None and bool(np.isfinite(scores.found[trained]).all()),
        losses=np.array([scores.first_loss, *watched.history["loss"]]),
        seconds=time.monotonic() - start,
    )


def _lean_fit(training: Training, scores: _Scores) -> Watched:
    rows = training.rows()
    callbacks = [StopOnDivergence(), scores]
    try:
        history = training.core.fit(**rows, epochs=training.recipe.fit.epochs, callbacks=callbacks, verbose=0)
    finally:
        release(rows)
    return Watched(numeric_history(history), Record(), scores.last, divergence=callbacks[0].reason or None)


def _spread_rows(x, y):
    chosen = np.linspace(0, len(x) - 1, min(len(x), MOST_SCORED_ROWS)).round().astype(int)
    return np.asarray(x)[chosen], np.asarray(y)[chosen]
