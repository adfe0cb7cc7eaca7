"""Things that a trial changes about a training, one at a time, in the causal order of what they mend."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

import recipes.initialization
from recipes.keras_internals.private import all_layers

# Hidden activations that a trial replaces by ReLU, and what a layer without one counts as.
_REPLACED = ("linear", "sigmoid", "hard_sigmoid", "softmax", "exponential")


@dataclass(frozen=True)
class Change:
    """One thing that is mended in a trial, or several of them.

    Attributes:
        causes: Causes that the change mends, in causal order.
        inputs: Whether inputs are standardized, column by column, or channel by channel.
        targets: Whether targets are standardized, column by column.
        initialize: Whether the kernels are drawn anew, each to suit the signal that reaches it.
        activations: Whether hidden layers that are linear or squash their inputs get ReLU.
        dropout: Whether dropout is left out.
        rate: Factor of the learning rate.
        batch_size: Number of rows in a batch; `None` for that of the training.
        adam: Whether Adam with a learning rate of 0.001 takes the place of the optimizer.
        epochs: Factor of the number of epochs.
    """

    causes: tuple[str, ...]
    inputs: bool = False
    targets: bool = False
    initialize: bool = False
    activations: bool = False
    dropout: bool = False
    rate: float = 1.0
    batch_size: int | None = None
    adam: bool = False
    epochs: int = 1

    @property
    def name(self) -> str:
        """Name of the trial."""
        return " + ".join(self.causes)

    def __or__(self, other: "Change") -> "Change":
        """Both changes at once."""
        return Change(
            self.causes + other.causes,
            self.inputs or other.inputs,
            self.targets or other.targets,
            self.initialize or other.initialize,
            self.activations or other.activations,
            self.dropout or other.dropout,
            self.rate * other.rate,
            self.batch_size or other.batch_size,
            self.adam or other.adam,
            max(self.epochs, other.epochs),
        )


def standardized(values: np.ndarray, *others: np.ndarray | None) -> tuple[np.ndarray | None, ...]:
    """`values` and `others` with the mean and the standard deviation of `values` taken out, by their last axis.

    A column that never changes becomes 0.
    """
    axes = tuple(range(values.ndim - 1)) if values.ndim > 1 else None
    mean, std = values.mean(axes, dtype="float64"), values.std(axes, dtype="float64")
    std = np.where(std > 1e-9 * np.maximum(np.abs(mean), 1e-30), std, np.inf)
    return tuple(part if part is None else ((part - mean) / std).astype("float32") for part in (values, *others))


@contextlib.contextmanager
def changed_layers(model: keras.Model, change: Change) -> Iterator[None]:
    """Within it, the layers of `model` are as `change` says; the values of its weights are not put back."""
    with contextlib.ExitStack() as stack:
        if change.dropout:
            for layer in all_layers(model):
                if isinstance(getattr(layer, "rate", None), float):
                    stack.enter_context(_attribute(layer, "rate", 0.0))
        if change.activations:
            for layer in _hidden(model):
                stack.enter_context(_attribute(layer, "activation", keras.activations.relu))
        if change.initialize or change.activations:
            recipes.initialization.initialize(model, seed=0)
        yield


def _hidden(model) -> list[keras.layers.Layer]:
    """Layers with a kernel in front of the last one, whose activation a trial may replace."""
    kernels = [
        layer for layer in all_layers(model)
        if isinstance(layer, keras.layers.Dense | keras.layers.Conv1D | keras.layers.Conv2D | keras.layers.Conv3D)
    ]  # fmt: skip
    return [layer for layer in kernels[:-1] if layer.activation.__name__ in _REPLACED]


@contextlib.contextmanager
def _attribute(layer, name, value):
    before = getattr(layer, name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        setattr(layer, name, before)
