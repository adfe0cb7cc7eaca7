"""Learning rates as numbers, asked for outside of a training step."""

import contextlib
from collections.abc import Callable

import keras


def current_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The learning rate of the next step of an optimizer, by its schedule if it has one."""
    with _operation_by_operation():
        return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


def rate_at(schedule: Callable, step: int, optimizer: keras.optimizers.Optimizer) -> float:
    """The learning rate of a schedule at a step.

    Args:
        schedule: Schedule, or a function of the step number.
        step: Number of the step, counted from 0.
        optimizer: Optimizer that calls the schedule, by whose step number the dtype of `step` is chosen.
    """
    number = keras.ops.convert_to_tensor(int(step), optimizer.iterations.dtype)
    with _operation_by_operation():
        return float(keras.ops.convert_to_numpy(schedule(number)))


def _operation_by_operation():
    """Within it, JAX compiles no condition.

    Those of a schedule, such as whether its warm-up is over, would be compiled anew each time that a rate is asked for,
    which takes a tenth of a second: more than an epoch of a small training.
    """
    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.disable_jit()
