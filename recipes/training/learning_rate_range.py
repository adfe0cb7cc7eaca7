"""The learning-rate range test: one short run in which the rate grows from step to step, and of which nothing remains.

Smith 2017, "Cyclical Learning Rates for Training Neural Networks" (arXiv:1506.01186), section 3.3.
"""

import contextlib
import itertools
import math
import numbers
import random
import sys
from dataclasses import dataclass

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

from recipes.optimizers.copying import copied

SMOOTHING = 0.9  # share of the average so far that the next step keeps
DIVERGED = 4.0  # times the lowest smoothed loss
LEAST_STEPS = 10
FALL = 0.8  # share of the fall of the loss at which the suggestion is read off
MARGIN = 3.0  # what that rate is divided by
# What the trial replaces in a model, or a training step leaves there.
_TOUCHED = (
    "optimizer", "train_function", "steps_per_execution", "stop_training", "_compile_loss", "_compile_metrics",
    "_jax_state", "_jax_state_synced",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class LearningRateRange:
    """The result of `find_learning_rate`. It prints as one line.

    Attributes:
        rates: The rate of each step that was made, ascending, of shape `(steps,)`.
        losses: The training loss of that step's batch, measured before its update, of the same shape.
        smoothed: Their debiased exponential average, of the same shape, off which the suggestion is read.
        suggestion: A learning rate to train with: the peak, where the rate follows a schedule.
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
        rates: Of each step, ascending, of shape `(steps,)`.
        losses: The loss of each step, finite, of the same shape.
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
    its own variables, the compiled training step, and the random state of Python, NumPy, Keras, TensorFlow and PyTorch.
    So `fit` then gives the weights that it would have given without the test. A model that is not built is built, as
    `fit` would; an optimizer, losses and metrics that are not built stay so, and metrics are not computed. A data
    pipeline that counts its own passes goes on counting.

    Args:
        model: Any compiled Keras model with an optimizer, subclassed ones included.
        x: Rows as the model takes them: an array, or a list, tuple or dict of arrays. Or batches, with `y` in them: a
            `PyDataset`, `tf.data.Dataset` or `DataLoader`.
        y: Targets, an array (or several, as `fit` takes them).
        sample_weight: Of each row, of shape `(rows,)`.
        class_weight: By class number, what a row counts, as `fit` takes it.
        batch_size: Rows of a step: that of the training to come, for which the suggestion holds.
        lowest: Rate of the first step.
        highest: Rate of the last step.
        steps: Their number. At least 10; fewer than 100 see less of the data.
        seed: Of the order of the rows, a whole number of at least 0. The weights are those of the model.

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
    batches = _Rows(x, y, sample_weight, batch_size, seed) if _is_rows(x) else _Given(x, y, sample_weight)
    losses, stopped = [], False
    with _random_state(), _trial(model, batches, float(lowest)) as optimizer, _random_state():
        stream = iter(batches)
        for rate in rates:
            optimizer.learning_rate = float(rate)
            loss = _update(model, stream, class_weight, optimizer.gradient_accumulation_steps or 1)
            stopped = not math.isfinite(loss) or _diverged([*losses, loss])
            if math.isfinite(loss):
                losses.append(loss)
            if stopped:
                break
    rates, losses = rates[: len(losses)], np.array(losses)
    smoothed = smooth(losses)
    _require_descent(rates, losses, smoothed)
    return LearningRateRange(rates, losses, smoothed, suggest(rates, losses), stopped)


def _update(model, stream, class_weight, batches: int) -> float:
    """The mean training loss of the batches of one update."""
    losses = []
    for _ in range(batches):
        x, y, sample_weight = next(stream)
        logs = model.train_on_batch(x, y, sample_weight, class_weight=class_weight, return_dict=True)
        if "loss" not in logs:
            raise ValueError(f"the model's `train_step` must report a `loss`. Received: {', '.join(logs) or 'nothing'}")
        losses.append(float(logs["loss"]))
    return sum(losses) / len(losses)


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


class _Rows:
    """Whole batches of rows in memory, in a new order in each pass, without end."""

    def __init__(self, x, y, sample_weight, batch_size, seed):
        self.parts = (x, y, sample_weight)
        arrays = [part for part in keras.tree.flatten(self.parts) if part is not None]
        counts = sorted({len(part) for part in arrays})
        if len(counts) > 1:
            raise ValueError(f"`x`, `y` and `sample_weight` must have equally many rows. Received: {counts}")
        _require_whole("batch_size", batch_size, 1)
        _require_whole("seed", seed, 0)
        if counts[0] < batch_size:
            raise ValueError(f"`x` must have the rows of one batch, {batch_size}, at least. Received: {counts[0]} rows")
        # ReLUs may turn NaN into 0, and the loss would tell nothing of it.
        for part in arrays:
            if not np.isfinite(np.sum(keras.ops.convert_to_numpy(part), dtype="float64")):
                raise ValueError("`x`, `y` and `sample_weight` must be finite. Received: NaN or infinite values")
        self.rows, self.batch_size, self.seed = counts[0], batch_size, seed

    def __iter__(self):
        rng = np.random.default_rng(self.seed)
        while True:
            order = rng.permutation(self.rows)
            # A shorter batch at the end would be noisier, and compiled anew.
            for start in range(0, self.rows - self.batch_size + 1, self.batch_size):
                chosen = np.sort(order[start : start + self.batch_size])
                yield keras.tree.map_structure(
                    lambda part, c=chosen: None if part is None else _take(part, c), self.parts
                )


class _Given:
    """The batches of a `PyDataset`, a `tf.data.Dataset` or a `DataLoader`, over and over."""

    def __init__(self, x, y, sample_weight):
        if y is not None or sample_weight is not None:
            raise ValueError(f"`y` and `sample_weight` must come with the batches of `x`. Received: {type(x).__name__}")
        self.x = x

    def __iter__(self):
        while True:
            empty = True
            for batch in self._pass():
                empty = False
                x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
                yield keras.tree.map_structure(_array, (x, y, sample_weight))
            if empty:
                raise ValueError(f"`x` must give a batch at least. Received: an empty {type(self.x).__name__}")

    def _pass(self):
        if not isinstance(self.x, keras.utils.PyDataset):
            return iter(self.x)
        numbers = itertools.count() if self.x.num_batches is None else range(self.x.num_batches)
        return map(self.x.__getitem__, numbers)


def _is_rows(x) -> bool:
    if isinstance(x, keras.utils.PyDataset):
        return False
    if isinstance(x, list | tuple | dict) or hasattr(x, "shape"):
        return True
    if not hasattr(x, "__iter__") or iter(x) is x:
        raise ValueError(
            "`x` must be an array, a list or dict of arrays, a PyDataset, a tf.data.Dataset or a DataLoader (iterators "
            f"are used up). Received: {type(x).__name__}"
        )
    return False


def _take(part, chosen):
    if part is None:
        return None
    return part.iloc[chosen].to_numpy() if hasattr(part, "iloc") else np.asarray(part)[chosen]


def _array(part):
    return part.numpy() if hasattr(part, "numpy") else part


@contextlib.contextmanager
def _trial(model: keras.Model, batches, rate: float):
    """Within it the model trains with a copy of its optimizer; after it everything is as it was."""
    attributes = vars(model)
    before = {name: attributes[name] for name in _TOUCHED if name in attributes}
    kept = []
    try:
        with _scope(model):
            outer, inner = copied(model.optimizer, rate)
        swapped = {"optimizer": outer, "train_function": None, "steps_per_execution": 1, "_compile_metrics": None}
        # Keras draws one batch more where it has to build, so that what is not built may not be built here.
        swapped["_compile_loss"] = _unbuilt(model._compile_loss)
        for name, value in swapped.items():
            object.__setattr__(model, name, value)  # past Keras's tracking, as `compile` does it
        if not all(layer.built for layer in model._flatten_layers()):
            model._symbolic_build(data_batch=next(iter(batches)))
        kept = [(variable, _value(variable)) for variable in (*model.variables, *model.metrics_variables)]
        yield inner
    finally:
        for variable, value in kept:
            variable.assign(value)
        for name in _TOUCHED:
            if name in before:
                object.__setattr__(model, name, before[name])
            elif name in attributes:
                object.__delattr__(model, name)


def _unbuilt(compiled):
    """A new one like Keras's holder of the losses `compiled`."""
    if compiled is None:
        return None
    return type(compiled)(compiled._user_loss, compiled._user_loss_weights, output_names=compiled.output_names)


def _value(variable) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(variable.value))


def _scope(model):
    strategy = getattr(model, "_distribute_strategy", None)
    return strategy.scope() if strategy else contextlib.nullcontext()


@contextlib.contextmanager
def _random_state():
    """Give every generator of random numbers that is not the model's own its state back."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    generator = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    value = None if generator is None else _value(generator.state)
    # Keras shuffles rows with those of TensorFlow or PyTorch, whatever the backend.
    torch = sys.modules.get("torch")
    torch_state = torch.get_rng_state() if torch else None
    tensorflow = _tensorflow_generator()
    tensorflow_state = tensorflow.getstate() if tensorflow else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        if generator is not None:
            generator.state.assign(value)
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, generator)
        if torch:
            torch.set_rng_state(torch_state)
        if tensorflow:
            tensorflow.setstate(tensorflow_state)


def _tensorflow_generator() -> random.Random | None:
    """What TensorFlow draws the seeds of its eager operations from, once `tf.random.set_seed` was called."""
    context = sys.modules.get("tensorflow.python.eager.context")
    return getattr(context.context(), "_rng", None) if context else None


def _check_model(model) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a Keras model. Received: {model!r}")
    if not model.compiled or model.optimizer is None:
        raise ValueError(f"`model` must be compiled, with an optimizer. Received: {model.name}, which is not")


def _check_range(lowest, highest, steps) -> None:
    for name, rate in (("lowest", lowest), ("highest", highest)):
        if isinstance(rate, bool) or not isinstance(rate, numbers.Real) or not 0 < rate < math.inf:
            raise ValueError(f"`{name}` must be more than 0 and finite. Received: {rate!r}")
    if lowest >= highest:
        raise ValueError(f"`lowest` must be less than `highest`. Received: lowest={lowest}, highest={highest}")
    _require_whole("steps", steps, LEAST_STEPS)


def _require_whole(name: str, value, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"`{name}` must be a whole number of at least {least}. Received: {value!r}")
