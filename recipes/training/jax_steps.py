"""Many training steps in one call into JAX, which Keras calls once for each step.

To be dropped when `steps_per_execution` of Keras does so on JAX, which is announced for Keras 3.16.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator

import keras
import numpy as np

from recipes.keras_internals.private import update_metrics

# Numbers in the rows of a call at most, as they are copied: 64 MiB in single precision.
MOST_NUMBERS = 2**24


def can_be_looped(model: keras.Model) -> bool:
    """Whether the training step of `model` is Keras's own, and compiled for one device."""
    if not getattr(model, "inputs", None):  # of a subclassed model
        return False
    own = all(getattr(type(model), name) is getattr(keras.Model, name) for name in ("train_step", "compute_metrics"))
    return own and model.jit_compile and not model.run_eagerly and keras.distribution.distribution() is None


@contextlib.contextmanager
def looped(model: keras.Model, most_steps: int, batch_size: int, last_rows: int) -> Iterator[None]:
    """Within it, `model` makes its `train_function` by the function of that name; see there for the arguments."""

    def make(force=False):
        if force or model.train_function is None:
            model.train_function = train_function(model, most_steps, batch_size, last_rows)

    # A method of this one object: `fit` and callbacks that change the step make the function anew by this name.
    object.__setattr__(model, "make_train_function", make)
    try:
        yield
    finally:
        object.__delattr__(model, "make_train_function")


def train_function(model: keras.Model, most_steps: int, batch_size: int, last_rows: int) -> Callable:
    """A `train_function` for `keras.Model.fit` that makes `model.steps_per_execution` steps in a loop on the device.

    The program is the same for any number of steps, so that a resumed training rounds as one without interruption. A
    short batch has a forward and backward pass of its own in it; the optimizer, whose code takes the longest to
    compile, is there only once.

    Args:
        model: Compiled model, of which `can_be_looped` is true.
        most_steps: Largest number of steps of a call.
        batch_size: Number of rows in a batch.
        last_rows: Number of rows in the last batch of an epoch.
    """
    import jax  # only where it is the backend

    def passes(state, batch):
        """Gradients, variables that are not trained, and metrics."""
        trained, others, optimizer, metrics = state
        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        gradient = jax.value_and_grad(model.compute_loss_and_updates, has_aux=True)
        (_, (loss, outputs, others, metrics)), gradients = gradient(
            trained, others, metrics, x, y, weights, training=True, optimizer_variables=optimizer
        )
        return gradients, others, update_metrics(model, metrics, loss, x, y, outputs, weights)

    def step(state, batch, is_short):
        trained, _, optimizer, _ = state
        if last_rows == batch_size:
            gradients, others, metrics = passes(state, batch)
        else:
            short = jax.tree.map(lambda column: column[:last_rows], batch)
            gradients, others, metrics = jax.lax.cond(
                is_short, passes, lambda state, _: passes(state, batch), state, short
            )
        trained, optimizer = model.optimizer.stateless_apply(optimizer, gradients, trained)
        return trained, others, optimizer, metrics

    def steps(state, batches, count, ends_short):
        def body(number, state):
            batch = jax.tree.map(lambda column: column[number], batches)
            return step(state, batch, ends_short & (number == count - 1))

        state = jax.lax.fori_loop(0, count, body, state)
        with keras.StatelessScope(zip(model.metrics_variables, state[-1], strict=True)):
            return model.get_metrics_result(), state

    compiled = jax.jit(steps, donate_argnums=0)

    def filled(*columns):
        first = columns[0]
        stack = np.zeros((most_steps, batch_size, *first.shape[1:]), first.dtype)
        for place, column in zip(stack, columns, strict=False):
            place[: len(column)] = column
        return stack

    def train(state, iterator):
        batches = list(itertools.islice(iterator, model.steps_per_execution))
        rows = len(jax.tree.leaves(batches[-1])[0])
        return compiled(state, jax.tree.map(filled, *batches), len(batches), rows < batch_size)

    return train
