"""The learning-rate range test: one short run in which the rate grows from step to step, and of which nothing remains.

Smith 2017, "Cyclical Learning Rates for Training Neural Networks" (arXiv:1506.01186), section 3.3.
"""

import contextlib
import math
from dataclasses import dataclass

import keras
import numpy as np

from recipes.arguments.numbers import require_positive, require_whole
from recipes.training.range_trial import batches_of, losses_at

SMOOTHING = 0.9  # share of the average so far that the next step keeps
DIVERGED = 4.0  # times the lowest smoothed loss
LEAST_STEPS = 10
FALL = 0.8  # share of the fall of the loss at which the suggestion is read off
MARGIN = 3.0  # what that rate is divided by


@dataclass(frozen=True, eq=False)
class LearningRateRange:
    """The result of `find_learning_rate`. It prints as one line.

    Attributes:
        rates: Learning rate of each step that was made, ascending, of shape `(steps,)`.
        losses: Training loss of each step's batch, measured before its update, of the same shape.
        smoothed: Debiased exponential average of `losses`, of the same shape, off which the suggestion is read.
        suggestion: Learning rate to train with; the peak, where the rate follows a schedule.
        stopped: Whether the loss diverged before the highest rate was reached.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float
    stopped: bool

    @property
    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """`(rates, losses)`."""
        return self.rates, self.losses

    def __str__(self):
        lowest = self.smoothed.argmin()
        end = f"diverged at {self.rates[-1]:.2g}" if self.stopped else f"no divergence up to {self.rates[-1]:.2g}"
        fell = f"fell from {_start(self.losses):.4g} to {self.smoothed[lowest]:.4g} at {self.rates[lowest]:.2g}"
        return f"suggested learning rate {self.suggestion:.2g}: over {len(self.rates)} steps the loss {fell}; {end}"

    def plot(self, ax=None):
        """Draw loss over rate, and mark the suggestion.

        Args:
            ax: Matplotlib axes to draw on. Default: new ones.

        Returns:
            The axes.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(layout="constrained")[1]
        ax.plot(self.rates, self.losses, color="C0", alpha=0.3, label="of each step")
        ax.plot(self.rates, self.smoothed, color="C0", label="smoothed")
        ax.axvline(self.suggestion, color="C1", label=f"suggestion: {self.suggestion:.2g}")
        low, high = self.smoothed.min(), _start(self.losses)
        margin = 0.5 * (high - low)
        # The last steps of a divergence would press everything else flat.
        ax.set(xscale="log", xlabel="learning rate", ylabel="training loss", ylim=(low - margin, high + margin))
        ax.legend()
        return ax


def smooth(losses) -> np.ndarray:
    """The debiased exponential average at each step, float64, of the shape of `losses`, `(steps,)`."""
    average, smoothed = 0.0, []
    for step, loss in enumerate(losses, start=1):
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        smoothed.append(average / (1 - SMOOTHING**step))
    return np.array(smoothed)


def suggest(rates, losses) -> float:
    """A learning rate, read off the curve of a range test.

    The loss begins at the mean of its first tenth, at rates too low to change it, and falls to the minimum of its
    average. The suggestion is the rate at which the average has made four fifths of that fall, divided by 3: the
    average lags behind its steps, and a rate that is good for one step is too high for a training
    (benchmarks/learning_rate_range.py).

    Args:
        rates: Learning rate of each step, ascending, of shape `(steps,)`.
        losses: Loss of each step, finite, of the same shape.

    Returns:
        A learning rate.
    """
    smoothed = smooth(losses)
    start, lowest = _start(losses), smoothed.argmin()
    reached = smoothed[: lowest + 1] <= start - FALL * (start - smoothed[lowest])
    # From the end, so that an early batch that happens to be easy does not count.
    first = lowest - np.argmin(reached[::-1]) + 1 if not reached.all() else 0
    return float(rates[first] / MARGIN)


def _start(losses) -> float:
    return float(np.mean(losses[: max(LEAST_STEPS // 2, len(losses) // 10)]))


def find_learning_rate(
    model: keras.Model,
    x,
    y=None,
    *,
    sample_weight=None,
    class_weight: dict[int, float] | None = None,
    batch_size: int = 32,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    seed: int = 0,
) -> LearningRateRange:
    """Try learning rates from `lowest` to `highest` on a compiled model, and leave it as it was.

    One training step is made with each rate, on a batch of its own; the rates grow by a constant factor. The run ends
    at `highest`, or when the loss is not finite, or when its average exceeds 4 times the lowest average so far. The
    suggestion is the rate at which the averaged loss has made four fifths of its fall, divided by 3 (see `suggest`).

    It trains with a copy of the model's optimizer: same settings, moments at 0, the rate in place of the model's own
    rate or schedule; clipping, weight decay, loss scaling and gradient accumulation (one update for each rate) are
    those of the model. Afterwards, and also after an error, everything has its former value bit for bit: weights and
    all other variables of the model, seed generators and metrics included, the optimizer with its rate or schedule and
    its own variables, and the compiled training step. Rows in memory are drawn by `seed` alone, and from no global
    generator of random numbers. So `fit` then gives the weights that it would have given without the test. A model that
    is not built is built, as `fit` would; an optimizer, losses and metrics that are not built stay so, and metrics are
    not computed. A data pipeline that counts its own passes, or draws from a global generator, goes on from there.

    Args:
        model: Any compiled Keras model with an optimizer, subclassed ones included.
        x: Rows as the model takes them: an array, or a list, tuple or dict of arrays. Or batches, with `y` in them: a
            `PyDataset`, `tf.data.Dataset` or `DataLoader`.
        y: Targets, an array (or several, as `fit` takes them).
        sample_weight: Weight of each row in the loss, of shape `(rows,)`. Default: 1 each.
        class_weight: Weight of the rows of each class in the loss, by class number, as `fit` takes it.
        batch_size: Rows of a step: that of the training to come, for which the suggestion holds.
        lowest: Learning rate of the first step.
        highest: Learning rate of the last step.
        steps: Number of steps, at least 10; fewer than 100 see less of the data.
        seed: Seed of the order of the rows, a whole number of at least 0. The weights are those of the model.

    Returns:
        A `LearningRateRange`, which prints as one line and plots.

    Raises:
        ValueError: For a model that is not compiled, rates that are not positive or do not ascend, less than 10 steps,
            fewer rows than one batch, parts of different lengths, and a generator as `x`, before anything is done;
            where the loss does not fall at any rate by more than it differs from batch to batch; and for whatever Keras
            refuses.

    Source of the test: Smith 2017 (arXiv:1506.01186, section 3.3). The rule is our own, chosen from curves of four
    recipes and sweeps of three, with other seeds than those that benchmarks/learning_rate_range.py reports.
    """
    _check_model(model)
    _check_range(lowest, highest, steps)
    rates = np.geomspace(lowest, highest, steps)
    batches = batches_of(x, y, sample_weight, batch_size, seed)
    losses, stopped = [], False
    # Closed at once: that is when the model gets back what it had.
    with contextlib.closing(losses_at(model, batches, rates, class_weight)) as trial:
        for loss in trial:
            stopped = not math.isfinite(loss) or _diverged([*losses, loss])
            if math.isfinite(loss):
                losses.append(loss)
            if stopped:
                break
    rates, losses = rates[: len(losses)], np.array(losses)
    smoothed = smooth(losses)
    _require_descent(rates, losses, smoothed)
    return LearningRateRange(rates, losses, smoothed, suggest(rates, losses), stopped)


def _diverged(losses: list[float]) -> bool:
    smoothed = smooth(losses)
    best = smoothed.min()
    # For positive losses, DIVERGED times the best; it holds for negative ones, too.
    return len(losses) >= LEAST_STEPS and bool(smoothed[-1] > best + (DIVERGED - 1) * abs(best))


def _require_descent(rates, losses, smoothed) -> None:
    """Refuse a curve that never falls by more than the losses differ from batch to batch."""
    few = len(losses) < LEAST_STEPS // 2
    noise = math.inf if few else np.diff(losses[: max(LEAST_STEPS // 2, len(losses) // 5)]).std() / 2**0.5
    if few or not _start(losses) - smoothed.min() > noise:
        tried = f"{rates[0]:.2g} to {rates[-1]:.2g}" if len(rates) else "the lowest"
        raise ValueError(
            f"the training loss falls at no learning rate from {tried}, so that none can be suggested: is the model "
            f"trained already, or `lowest` too high? Received losses: {', '.join(f'{loss:.4g}' for loss in losses[:5])}"
            f"{' ...' if len(losses) > 5 else ''}"
        )


def _check_model(model) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a Keras model. Received: {model!r}")
    if not model.compiled or model.optimizer is None:
        raise ValueError(f"`model` must be compiled, with an optimizer. Received: {model.name}, which is not")


def _check_range(lowest, highest, steps) -> None:
    require_positive("lowest", lowest)
    require_positive("highest", highest)
    if lowest >= highest:
        raise ValueError(f"`lowest` must be less than `highest`. Received: lowest={lowest}, highest={highest}")
    require_whole("steps", steps, least=LEAST_STEPS)
