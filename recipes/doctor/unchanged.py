"""Trainings of a model that is given back as it was: whatever the doctor tries, nothing of it remains."""

import contextlib
from collections.abc import Iterator

import keras

from callbacks.stop_on_divergence import lowered
from callbacks.watching.keras_private import learning_rate_setting_of
from callbacks.watching.reasons import reason
from callbacks.watching.wrapped_optimizers import chain_of
from recipes.keras_internals.private import build_layers, separate_global_seed, trains_with
from recipes.optimizers.copying import copied
from recipes.training.range_trial import scope_of
from recipes.training.state import assign_copies, copies_of, random_state, set_random_state


@contextlib.contextmanager
def unchanged(model: keras.Model, x=None, y=None, batch_size: int = 32) -> Iterator["KeptModel"]:
    """Within it, `model` can be trained, evaluated and changed; afterwards, everything is as before, bit for bit.

    It trains with a copy of its optimizer: same settings, moments at 0, and the learning rate or schedule of the model.
    Metrics of `compile` are not computed. When the context ends, with an error or without, the model has its former
    optimizer, losses, metrics, compiled functions, history and other attributes, and all variables have their former
    values, seed generators and metrics included. So have the global random generators of Python, NumPy, Keras and
    PyTorch; what TensorFlow draws in `fit` depends on no global generator. A `fit` that follows gives the weights that
    it would have given without the trials.

    A model that is not built is built, as `fit` would do it, and stays so. An optimizer, losses and metrics that are
    not built stay unbuilt. What a data pipeline or a callback counts by itself goes on from there.

    Args:
        model: Compiled model with an optimizer.
        x: Rows by which a model that is not built is built, as the model takes them: an array `(rows, ...)`.
        y: Targets of these rows `(rows, ...)`.
        batch_size: Number of these rows that are looked at.

    Raises:
        FailingModelError: If a model that is not built raises an error as it is built.

    Yields:
        A `KeptModel`, whose `restart` begins anew at the same weights and random numbers.
    """
    kept = KeptModel(model)
    random_before = random_state()
    try:
        kept.build(x, y, batch_size)
        # Building draws what `fit` would draw, and would not draw any more.
        random_before = random_state()
        with separate_global_seed():
            kept.take_down()
            try:
                kept.restart()
                yield kept
            finally:
                kept.put_back()
    finally:
        set_random_state(random_before)


class FailingModelError(ValueError):
    """The model raises an error as it is built; the message is what its own code says."""


class KeptModel:
    """A model under trial, and what it was when the trials began. It is made by `unchanged`.

    Attributes:
        model: The model itself.
        optimizer: The optimizer that it trains with now, a copy of its own.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.optimizer = None
        self._own = model.optimizer
        setting = learning_rate_setting_of(chain_of(model.optimizer)[-1])
        is_number = isinstance(setting, keras.Variable)
        self._rate = float(keras.ops.convert_to_numpy(setting)) if is_number else setting
        self._with_copy = contextlib.ExitStack()

    def build(self, x, y, batch_size) -> None:
        """Build the layers of the model by the first rows, and nothing else of it."""
        with trains_with(self.model, self.copied_optimizer()[0]):
            try:
                build_layers(self.model, _first_batch(x, y, batch_size))
            except Exception as error:
                if x is None:
                    raise
                # Whatever the model's own code raises; Keras puts an error of its own around it.
                raise FailingModelError(reason(error.__context__ or error)) from error

    def take_down(self) -> None:
        """Keep what the model is now."""
        model = self.model
        self._attributes = dict(vars(model))
        self._values = copies_of([*model.variables, *model.metrics_variables])
        self._random = random_state()

    def put_back(self) -> None:
        """Make the model what it was."""
        self._with_copy.close()
        now = vars(self.model)
        # Past Keras's tracking, which would take former values for new parts.
        for name in [name for name in now if name not in self._attributes]:
            object.__delattr__(self.model, name)
        for name, value in self._attributes.items():
            if name not in now or now[name] is not value:
                object.__setattr__(self.model, name, value)
        assign_copies(self._values)

    def scaled_rate(self, factor: float):
        """The learning rate of the model times `factor`: a schedule for a schedule, a function for a function."""
        return self._rate * factor if isinstance(self._rate, float) else lowered(self._rate, factor, 0)

    def copied_optimizer(self, rate=None) -> tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer]:
        """A new, unbuilt copy of the model's own optimizer, and the innermost optimizer in it.

        Args:
            rate: Learning rate of the copy. Default: that of the model, or its schedule.
        """
        with scope_of(self.model):
            return copied(self._own, self._rate if rate is None else rate)

    def restart(self, rate=None) -> None:
        """Begin anew at the weights and random numbers of the start, with an optimizer that has made no step.

        A compiled step is used again where only the value of the learning rate differs.

        Args:
            rate: Learning rate of the training to come: a number, a schedule or a function. Default: that of the model.
        """
        rate = self._rate if rate is None else rate
        has_number, step = isinstance(rate, float | int), None
        if self.optimizer is not None and has_number and self._has_number:
            step = self.model.train_function
        else:  # the first time; and Keras lets no number replace a schedule
            self.optimizer, self._innermost = self.copied_optimizer(rate)
            with scope_of(self.model):
                self.optimizer.build(self.model.trainable_variables)
            self._has_number, self._fresh = has_number, copies_of(self.optimizer.variables)
        # Entered anew each time: `fit` takes a batch more from its rows where losses are not built, which changes their
        # order.
        self._with_copy.close()
        self._with_copy.enter_context(trains_with(self.model, self.optimizer))
        self.model.train_function = step
        assign_copies([*self._values, *self._fresh])
        if has_number:
            self._innermost.learning_rate = rate
        set_random_state(self._random)


def _first_batch(x, y, batch_size):
    if x is None:
        raise ValueError("a model that is not built needs `x` and `y`, by which it is built. Received: x=None")
    yield x[:batch_size], y[:batch_size], None
