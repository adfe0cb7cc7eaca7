"""How many steps one call into the backend makes: in small trainings, Python and the call take most of the time."""

import contextlib
import math
from collections.abc import Iterator, Sequence

import keras

from recipes.models import model_table
from recipes.training import jax_steps

# Steps of one call at most, and multiply-adds at most, forward and backward: tenths of a second, so that progress is
# shown and signals are answered in time.
MOST_STEPS, MOST_MULTIPLY_ADDS = 64, 5e9
# Calls of fewer steps save nothing.
LEAST_STEPS = 4
# A backward pass takes about twice as long as a forward pass.
_PASSES = 3
# Those of validation, too, as it makes as many steps in one call.
_BATCH_HOOKS = tuple(f"on_{kind}batch_{place}" for kind in ("", "train_", "test_") for place in ("begin", "end"))


def has_batch_hooks(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback does something between steps."""
    return any(_overrides(callback, hook) for hook in _BATCH_HOOKS)


def _overrides(callback: keras.callbacks.Callback, hook: str) -> bool:
    # Asked of the callback, not of its class: `LambdaCallback` has functions of its own as attributes.
    function = getattr(getattr(callback, hook), "__func__", None)
    return function is not getattr(keras.callbacks.Callback, hook)


def steps_of_call(model: keras.Model, batch_size: int, steps: int, user_callbacks: Sequence = ()) -> int:
    """The number of steps that one call should make: the greatest divisor of `steps` within the bounds, or 1.

    TensorFlow makes them in a loop of its own, and JAX in the one of `jax_steps`, with the same results up to rounding.
    On PyTorch, Keras makes them one by one in any case. Callbacks of the user that do something between steps are
    called after each.

    Args:
        model: Model that is trained.
        batch_size: Number of rows in a batch.
        steps: Number of steps of an epoch.
        user_callbacks: Callbacks of the user.
    """
    if keras.backend.backend() == "torch" or any(map(has_batch_hooks, user_callbacks)):
        return 1
    if keras.backend.backend() == "jax" and not jax_steps.can_be_looped(model):
        return 1
    try:
        table = model_table(model)
    except ValueError:  # of a subclassed model that is not built
        return 1
    if table.unknown:
        return 1
    most = min(MOST_STEPS, MOST_MULTIPLY_ADDS / (_PASSES * max(1, table.multiply_adds) * batch_size))
    if keras.backend.backend() == "jax":
        row = sum(math.prod(filter(None, tensor.shape[1:])) for tensor in model.inputs)
        most = min(most, jax_steps.MOST_NUMBERS / (row * batch_size))
    greatest = max(number for number in range(1, MOST_STEPS + 1) if steps % number == 0 and number <= max(1, most))
    return greatest if greatest >= LEAST_STEPS else 1


@contextlib.contextmanager
def steps_in_one_call(
    model: keras.Model, number: int, remaining: int, batch_size: int, rows: int, one_validation_step: bool = False
) -> Iterator[None]:
    """Within it, `fit` makes `number` steps in one call; or as many as divide `remaining`, the steps of its epoch.

    Args:
        model: Compiled model.
        number: Number of steps, as `steps_of_call` gives it.
        remaining: Number of steps of the epoch, which calls must not exceed.
        batch_size: Number of rows in a batch.
        rows: Number of training rows.
        one_validation_step: Whether the rows of validation come as one batch again and again, which a call for
            `number` steps would validate as often.
    """
    if number == 1:
        yield
        return
    before = model.steps_per_execution
    model.train_function = model.test_function = None  # compiled with the number in them
    if one_validation_step:
        model.make_test_function()
    model.steps_per_execution = math.gcd(number, remaining)
    looped = contextlib.nullcontext()
    if keras.backend.backend() == "jax":
        looped = jax_steps.looped(model, number, batch_size, rows % batch_size or batch_size)
    try:
        with looped:
            yield
    finally:
        model.steps_per_execution = before
        model.train_function = model.test_function = None
