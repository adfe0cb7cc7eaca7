"""Exploding gradients: a recurrent network that one step destroys, and four ways of clipping that keep it learning."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from callbacks import GradientNormLogger
from recipes import optimizers
from recipes.data import load_dataset
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREEN, NOT_FINITE, ORANGE
from recipes.plots.curves import PURPLE

STEPS, ROWS, UNITS, EPOCHS = 20, 1024, 32, 24
GAIN = 1.1  # factor by which the initial recurrent matrix stretches the state, and the gradient, at each step
RATE, BATCH = 0.01, 64  # of gradient descent with momentum 0.9
SHOWN = 48  # updates in the picture of norms
WAYS = {
    "no clipping": {},
    "clipvalue 0.02": {"clipvalue": 0.02},
    "clipnorm 0.5": {"clipnorm": 0.5},
    "global norm 0.5": {"global_clipnorm": 0.5},
    "adaptive 0.02": {"adaptive_clip": 0.02},
}
_COLOURS = (NOT_FINITE, BLUE, GREEN, ORANGE, PURPLE)


@dataclass(frozen=True)
class Course:
    """The training of the network with one way of clipping.

    Attributes:
        loss: Mean squared error in each epoch `(epochs,)`.
        norms: Norm of all gradients together before clipping, update by update `(updates,)`.
        clipped: Number of updates that were clipped.
        spread: Standard deviation of the predictions over the sequences after the training.
    """

    loss: np.ndarray
    norms: np.ndarray
    clipped: int
    spread: float


@dataclass(frozen=True)
class Exploding(Result):
    """The trainings by way of clipping.

    Attributes:
        courses: Training with each way of clipping.
        targets: Sums to be predicted `(rows,)`.
        steps: Number of steps of each sequence.
    """

    courses: dict[str, Course]
    targets: np.ndarray
    steps: int

    title = "Exploding gradients"
    point = "Without clipping, a few huge steps destroy the network; with any clipping, it learns."
    grid = (1, 3)
    panel = (4.0, 3.3)

    @property
    def constant_loss(self) -> float:
        """Mean squared error of the best constant prediction, the variance of the targets."""
        return float(np.var(self.targets))

    @property
    def explanation(self) -> str:
        free, *clipped = self.courses.values()
        last = [course.loss[-1] for course in clipped]
        norm, loss = np.nanmax(_finite(free.norms)), np.nanmax(_finite(free.loss))
        return (
            f"A recurrent network reads {self.steps} numbers, of which two are marked, and gives their sum. Its "
            f"gradient passes through the same matrix at every step, here {GAIN} times the identity at first: over the "
            f"sequence it grows by {GAIN}^{self.steps} = {GAIN**self.steps:.1f}. Without clipping, a large gradient "
            f"makes a large step, behind which the next one is larger still: the norm reaches {norm:,.0f}, the loss of "
            f"an epoch {loss:,.0f}. What is left is dead: its predictions differ by a standard deviation of "
            f"{free.spread:.2g}, where the sums differ by {np.std(self.targets):.2g}, and the loss ends at "
            f"{free.loss[-1]:.3f}, where a constant has {self.constant_loss:.3f}. clipvalue bounds each entry of the "
            "gradient, clipnorm that of each weight matrix, adaptive clipping that of each unit relative to its "
            "weights; the global norm bounds all gradients together by one factor and alone keeps their direction. "
            f"With each of them the network learns, down to losses of {min(last):.3f} to {max(last):.3f}."
        )

    def tables(self) -> list[Table]:
        columns = (
            "clipping",
            "highest loss",
            "last loss",
            "largest norm",
            "median norm",
            "updates",
            "clipped",
            "spread",
        )
        rows = [
            (
                name, np.nanmax(_finite(course.loss)), course.loss[-1], np.nanmax(_finite(course.norms)),
                np.nanmedian(course.norms), len(course.norms), course.clipped, course.spread,
            )
            for name, course in self.courses.items()
        ]  # fmt: skip
        title = "Loss by epoch, norms before clipping, and standard deviation of the predictions."
        return [Table(title, columns, rows)]

    def panels(self) -> list[Callable]:
        return [self._draw_losses, self._draw_norms, self._draw_counts]

    def _draw_losses(self, ax) -> None:
        for (name, course), colour in zip(self.courses.items(), _COLOURS, strict=False):
            ax.plot(np.arange(1, len(course.loss) + 1), _finite(course.loss), color=colour, linewidth=2, label=name)
        ax.axhline(self.constant_loss, color="black", linewidth=0.9, linestyle=(0, (4, 3)))
        ax.text(len(course.loss), self.constant_loss * 1.15, "constant prediction", ha="right", fontsize=8)
        ax.set(yscale="log", xlabel="epoch", ylabel="loss (mean squared error)", title="loss")
        ax.minorticks_off()
        ax.legend(frameon=False, fontsize=8, loc="upper right")

    def _draw_norms(self, ax) -> None:
        lines = list(zip(self.courses.values(), _COLOURS, strict=False))
        for course, colour in reversed(lines):  # that without clipping on top
            norms = _finite(course.norms[:SHOWN])
            ax.plot(np.arange(1, len(norms) + 1), norms, color=colour, linewidth=2.2 if course is lines[0][0] else 1.2)
        ax.set(yscale="log", xlabel="update", ylabel="gradient norm before clipping", title="the first updates")
        ax.minorticks_off()

    def _draw_counts(self, ax) -> None:
        names, courses = list(self.courses), self.courses.values()
        shares = [100 * course.clipped / len(course.norms) for course in courses]
        ax.barh(names, shares, color=_COLOURS[: len(names)])
        for place, share in enumerate(shares):
            ax.text(share + 2, place, f"{share:.0f} %", va="center", fontsize=9)
        ax.invert_yaxis()
        ax.set(xlim=(0, 122), xticks=(0, 50, 100), xlabel="share of updates in %", title="updates clipped")


def run(*, rows: int = ROWS, epochs: int = EPOCHS, ways: dict[str, dict] = WAYS) -> Exploding:
    """Train the network with each way of clipping, from the same initial weights.

    Args:
        rows: Number of sequences.
        epochs: Number of epochs.
        ways: Ways of clipping by name: arguments of `recipes.optimizers.get`, of which the first has none.
    """
    x, y = (part[:rows] for part in load_dataset(f"adding:{STEPS}", seed=0).train)
    # Rectified units whose state is kept at first (Le et al. 2015, arXiv:1504.00941), or a little more than that.
    model = keras.Sequential(
        [
            keras.Input((None, 2)),
            keras.layers.SimpleRNN(
                UNITS,
                activation="relu",
                recurrent_initializer=keras.initializers.Identity(GAIN),
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.1, seed=1),
            ),
            keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=2), name="logits"),
        ]
    )
    weights = model.get_weights()
    courses = {}
    for name, clipping in ways.items():
        model.set_weights(weights)
        if clipping:
            optimizer = optimizers.get("momentum", RATE, **clipping)
        else:
            # Ours would skip gradients that are not finite.
            optimizer = keras.optimizers.SGD(RATE, momentum=0.9)
        model.compile(optimizer, "mean_squared_error", jit_compile=False)
        log = GradientNormLogger(trace_every=1)
        loss = model.fit(x, y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, callbacks=[log]).history[
            "loss"
        ]
        record = log.record
        spread = float(np.std(keras.ops.convert_to_numpy(model(x[:256]))))
        clipped = int(record.clipped_steps.sum()) if clipping else 0
        courses[name] = Course(np.array(loss), record.trace_total_gradient_norm.astype(float), clipped, spread)
    return Exploding(courses, y, STEPS)


def _finite(values: np.ndarray) -> np.ndarray:
    """The values with NaN in place of infinity."""
    return np.where(np.isfinite(values), values, np.nan)
