"""The state of a training between two of its steps, as plain arrays: what the rest of the training depends on."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from callbacks.averaged_weights import training_weights
from callbacks.watching.optimizer_hook import unwatched_variables
from recipes.keras_internals.private import global_seed, set_global_seed


def variables_of(model: keras.Model) -> list[keras.Variable]:
    """Every variable of a compiled model in a fixed order.

    Those of layers, with the states of their seed generators, which `save_weights` leaves out; of the optimizer, with
    its averages and its learning rate; and of the metrics.
    """
    optimizer = unwatched_variables(model.optimizer)
    return [*model.trainable_variables, *model.non_trainable_variables, *optimizer, *model.metrics_variables]


def values_of(model: keras.Model) -> list[np.ndarray]:
    """The values of `variables_of(model)` that the training goes on with, averages put aside."""
    with training_weights(model):
        return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables_of(model)]


def check_values(model: keras.Model, values: Sequence[np.ndarray]) -> None:
    """Refuse `values` that are not those of such a model.

    Raises:
        ValueError: With the number of variables, or the first variable of another shape.
    """
    variables = variables_of(model)
    if len(values) != len(variables):
        raise ValueError(f"the model has {len(variables)} variables, and the checkpoint {len(values)}")
    for variable, value in zip(variables, values, strict=True):
        if tuple(variable.shape) != value.shape:
            shape = tuple(variable.shape)
            raise ValueError(f"{variable.path} of the model has the shape {shape}, and in the checkpoint {value.shape}")


def assign_values(model: keras.Model, values: Sequence[np.ndarray]) -> None:
    """Assign what `values_of` has returned.

    Raises:
        ValueError: As `check_values`, before anything is assigned.
    """
    check_values(model, values)
    for variable, value in zip(variables_of(model), values, strict=True):
        variable.assign(value)


def copies_of(variables: Iterable[keras.Variable]) -> list[tuple[keras.Variable, np.ndarray]]:
    """Each variable with a copy of its value, to be put back by `assign_copies` as often as one likes."""
    # Copied, as the array may be a view of what the training changes.
    return [(variable, np.array(keras.ops.convert_to_numpy(variable.value))) for variable in variables]


def assign_copies(copies: Iterable[tuple[keras.Variable, np.ndarray]]) -> None:
    """Give variables the values that they had at `copies_of`."""
    # Copied, as JAX takes over the memory of an array, and the next training would write into it.
    for variable, value in copies:
        variable.assign(value.copy())


def random_state() -> dict[str, Any]:
    """States of the generators that belong to no model: those of Python, NumPy and Keras, and of PyTorch if it runs."""
    version, numbers, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002 (users may draw from it)
    seed = global_seed()
    state = {
        "python": [version, list(numbers), gauss],
        "numpy": [kind, keys, position, has_gauss, cached],
        "keras": None if seed is None else np.array(keras.ops.convert_to_numpy(seed.state)),
    }
    if keras.backend.backend() == "torch":
        import torch  # only where it is the backend

        state["torch"] = torch.get_rng_state().numpy()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Set the generators to what `random_state` has returned.

    Raises:
        Exception: Of any kind, for other values.
    """
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    if not 0 <= position <= len(keys):  # NumPy would read memory that is not its own
        raise ValueError(f"the position in the {len(keys)} numbers of a generator is {position}")
    np.random.set_state((kind, keys, position, has_gauss, cached))  # noqa: NPY002
    if state["keras"] is not None:
        set_global_seed(state["keras"])
    if "torch" in state:
        import torch

        torch.set_rng_state(torch.from_numpy(state["torch"]))
