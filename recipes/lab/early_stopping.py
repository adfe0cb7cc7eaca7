"""Early stopping: a network that learns wrong labels by heart, and the epoch at which it should have stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from callbacks import EarlyStopping
from recipes.lab.digits import digits
from recipes.lab.initial_state import InitialState
from recipes.lab.result import Result, Table
from recipes.models import mlp
from recipes.plots.axes import BLUE, GREEN, GREY, ORANGE, label_epochs

ROWS, WRONG, PATIENCE, BATCH, RATE = 300, 0.3, 8, 60, 0.002


@dataclass(frozen=True)
class EarlyStopped(Result):
    """Course of a training to its last epoch, and what early stopping makes of it.

    Attributes:
        history: Loss and accuracy on training and validation rows, by name as in Keras's history `(epochs,)`.
        best_epoch: Epoch with the lowest validation loss, whose weights are restored, counted from 1.
        stopped_epoch: Epoch in which the training stops, counted from 1.
        reason: Why it stops, in words of the callback.
        test_error: Share of wrong classes of test rows: `"stopped"` with the weights of the best epoch, `"last"` with
            those of the last epoch.
        test_loss: Cross-entropy of test rows, likewise.
        wrong_labels: Number of training rows with a wrong label.
    """

    history: dict[str, np.ndarray]
    best_epoch: int
    stopped_epoch: int
    reason: str
    test_error: dict[str, float]
    test_loss: dict[str, float]
    wrong_labels: int

    title = "Early stopping"
    point = "Training loss always falls; stop where the validation loss turns, and keep the weights from there."
    grid = (1, 2)
    panel = (5.0, 3.4)

    @property
    def explanation(self) -> str:
        training, validation = self.history["loss"], self.history["val_loss"]
        best, error = self.best_epoch, self.test_error
        return (
            f"{self.wrong_labels} of {ROWS} digits have a wrong label. The network first learns what digits have in "
            f"common, then the wrong labels by heart: the training loss falls to {training[-1]:.2f}, the validation "
            f"loss falls to {validation[best - 1]:.2f} in epoch {best} and rises to {validation[-1]:.2f}. "
            f"callbacks.EarlyStopping waits for {PATIENCE} epochs without a better one, stops in epoch "
            f"{self.stopped_epoch} and restores the weights of epoch {best}. On test rows, which took no part in the "
            f"choice, they err in {error['stopped']:.1%}, those of epoch {len(training)} in {error['last']:.1%}."
        )

    def tables(self) -> list[Table]:
        last = len(self.history["loss"])
        columns = (
            "weights",
            "epoch",
            "training loss",
            "validation loss",
            "validation error %",
            "test loss",
            "test error %",
        )
        rows = []
        for name, key, epoch in (("early stopping", "stopped", self.best_epoch), ("to the end", "last", last)):
            losses = self.history["loss"][epoch - 1], self.history["val_loss"][epoch - 1]
            validation = 100 * (1 - self.history["val_accuracy"][epoch - 1])
            rows.append((name, epoch, *losses, validation, self.test_loss[key], 100 * self.test_error[key]))
        return [Table(self.reason[:1].upper() + self.reason[1:], columns, rows)]

    def panels(self) -> list[Callable]:
        errors = {name: 100 * (1 - self.history[name]) for name in ("accuracy", "val_accuracy")}
        losses = self.history["loss"], self.history["val_loss"]
        turned = f"Errors on validation rows: {errors['val_accuracy'][self.best_epoch - 1]:.0f}% or "
        turned += f"{errors['val_accuracy'][-1]:.0f}%"
        return [
            partial(self._draw, *losses, "loss", f"The validation loss turns in epoch {self.best_epoch}"),
            partial(self._draw, errors["accuracy"], errors["val_accuracy"], "wrong classes in %", turned),
        ]

    def _draw(self, training, validation, label: str, title: str, ax) -> None:
        epochs = np.arange(1, len(training) + 1)
        ax.axvspan(self.stopped_epoch, len(epochs), color=GREY, alpha=0.15, linewidth=0)
        ax.plot(epochs, training, color=BLUE, label=f"training rows, {WRONG:.0%} wrong labels")
        ax.plot(epochs, validation, color=ORANGE, label="validation rows")
        best = validation[self.best_epoch - 1]
        ax.plot(
            self.best_epoch, best, "o", color=GREEN, markersize=9, label=f"kept: epoch {self.best_epoch}, {best:.3g}"
        )
        ax.axvline(self.stopped_epoch, color=GREY, linestyle=(0, (4, 2)))
        top = 1.1 * validation[0]
        ax.text(self.stopped_epoch + 0.6, top * 0.5, f"stopped in epoch {self.stopped_epoch}", fontsize=9)
        label_epochs(ax, epochs)
        ax.set(ylabel=label, ylim=(0, top))
        ax.set_title(title)
        ax.legend(loc="upper right")


def run(*, epochs: int = 40) -> EarlyStopped:
    """A training on digits of which some have wrong labels, to its last epoch and with early stopping.

    Args:
        epochs: Number of epochs of the training that is not stopped.
    """
    (x, y), validation, test = digits(ROWS)
    generator = np.random.default_rng(0)
    wrong = generator.choice(ROWS, round(WRONG * ROWS), replace=False)
    labels = y.copy()
    labels[wrong] = (labels[wrong] + generator.integers(1, 10, len(wrong))) % 10
    model = mlp(x.shape[1:], 10, widths=(256,))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # A step is too small to gain from compilation.
    model.compile(keras.optimizers.Adam(RATE), loss, metrics=["accuracy"], jit_compile=False)
    start = InitialState(model)
    stopping = EarlyStopping(patience=PATIENCE)
    test_loss, test_error = {}, {}
    for name, callbacks in (("stopped", [stopping]), ("last", [])):
        start.restore()
        history = model.fit(
            x, labels, BATCH, epochs, verbose=0, shuffle=False, callbacks=callbacks,
            validation_data=validation, validation_batch_size=len(validation[1]),
        ).history  # fmt: skip
        scores = model.evaluate(*test, batch_size=len(test[1]), verbose=0, return_dict=True)
        test_loss[name], test_error[name] = scores["loss"], 1 - scores["accuracy"]
    return EarlyStopped(
        history={key: np.array(values) for key, values in history.items()},
        best_epoch=stopping.best_epoch + 1,
        stopped_epoch=(stopping.stopped_epoch or epochs - 1) + 1,
        reason=stopping.reason or "the training was not stopped",
        test_error=test_error,
        test_loss=test_loss,
        wrong_labels=int((labels != y).sum()),
    )
