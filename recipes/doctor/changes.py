"""Things that a trial changes about a training, one at a time."""

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

import recipes.initialization
from recipes.keras_internals.layers import graph_of
from recipes.keras_internals.private import all_layers

# Hidden activations that a trial replaces by ReLU, and what a layer without one counts as.
_REPLACED = ("linear", "sigmoid", "hard_sigmoid", "softmax", "exponential")
INITIALIZING_ROWS = 256
WIDTH = 64  # least number of units of hidden layers in a trial of capacity


@dataclass(frozen=True)
class Change:
    """One thing that is mended in a trial, or several of them.

    Attributes:
        causes: Causes that the change mends, in causal order; the name of a trial that mends nothing.
        inputs: Whether inputs are standardized, column by column, or channel by channel.
        targets: Whether targets are standardized, column by column.
        initialize: Whether the kernels are drawn anew, each to suit the signal that reaches it.
        activations: Whether hidden layers that are linear or squash their inputs get ReLU.
        dropout: Whether dropout is left out.
        rate: Factor of the learning rate.
        batch_size: Number of rows in a batch; `None` for that of the training.
        adam: Whether Adam with a learning rate of 0.001 takes the place of the optimizer.
        epochs: Factor of the number of epochs.
        wider: Whether hidden layers get at least 64 units, in a model of its own.
        permuted: Whether the training labels are permuted, which leaves nothing to learn.
        rows: Number of training rows; `None` for all. They are scored themselves, after at most 300 steps.
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
    wider: bool = False
    permuted: bool = False
    rows: int | None = None

    @property
    def name(self) -> str:
        """Name of the trial."""
        return " + ".join(self.causes)

    def __or__(self, other: "Change") -> "Change":
        """Both changes at once."""
        return dataclasses.replace(
            self,
            causes=self.causes + other.causes,
            inputs=self.inputs or other.inputs,
            targets=self.targets or other.targets,
            initialize=self.initialize or other.initialize,
            activations=self.activations or other.activations,
            dropout=self.dropout or other.dropout,
            rate=self.rate * other.rate,
            epochs=max(self.epochs, other.epochs),
        )


# In causal order: what is mended in the data and in the layers.
MENDING = (
    Change(("input_unscaled",), inputs=True),
    Change(("target_unscaled",), targets=True),
    Change(("dropout_misuse",), dropout=True),
    Change(("bad_init",), initialize=True),
    Change(("wrong_hidden_activation",), activations=True),
    Change(("missing_hidden_activation",), activations=True),
)
SMALLER_BATCH = Change(("batch_size",), batch_size=32)
LOWER_RATE, HIGHER_RATE = Change(("lr_too_high",), rate=0.1), Change(("lr_too_low",), rate=10.0)
LONGER = Change(("too_few_epochs",), epochs=5)
ADAM = Change(("optimizer_choice",), adam=True)
WIDER = Change(("capacity_too_small",), wider=True)
PERMUTED = Change(("permuted labels",), permuted=True)
EIGHT_ROWS = Change(("eight rows",), rows=8)


def standardized(values: np.ndarray, *others: np.ndarray | None) -> tuple[np.ndarray | None, ...]:
    """`values` and `others` with the mean and the standard deviation of `values` taken out, by their last axis.

    A column that never changes becomes 0.
    """
    axes = tuple(range(values.ndim - 1)) if values.ndim > 1 else None
    mean, std = values.mean(axes, dtype="float64"), values.std(axes, dtype="float64")
    std = np.where(std > 1e-9 * np.maximum(np.abs(mean), 1e-30), std, np.inf)
    return tuple(part if part is None else ((part - mean) / std).astype("float32") for part in (values, *others))


class ImpossibleChangeError(ValueError):
    """A change that cannot be made to a model, such as other widths to one of the user's own class."""


@contextlib.contextmanager
def changed_layers(model: keras.Model, change: Change, x: np.ndarray) -> Iterator[None]:
    """Within it, the layers of `model` are as `change` says; the values of its weights are not put back.

    Args:
        model: Built model.
        change: What to change.
        x: Rows as the model takes them, by which the kernels of a model without a graph are drawn.

    Raises:
        ImpossibleChangeError: If the kernels of the model cannot be drawn anew.
    """
    with contextlib.ExitStack() as stack:
        if change.dropout:
            for layer in all_layers(model):
                if isinstance(getattr(layer, "rate", None), float):
                    stack.enter_context(_attribute(layer, "rate", 0.0))
        if change.activations:
            for layer in _hidden(model):
                stack.enter_context(_attribute(layer, "activation", keras.activations.relu))
        if change.dropout or change.activations:
            # The compiled step holds the layers as they were when it was traced.
            stack.callback(setattr, model, "train_function", None)
            model.train_function = None
        if change.initialize or change.activations:
            options = {} if graph_of(model) is not None else {"method": "lsuv", "x": x[:INITIALIZING_ROWS]}
            try:
                recipes.initialization.initialize(model, seed=0, **options)
            except ValueError as error:
                raise ImpossibleChangeError(str(error)) from error
        yield


def widened(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """A new model like `model`, whose hidden kernels have at least 64 units, compiled with the same loss.

    Args:
        model: Model to be built again.
        optimizer: Optimizer of the new model, not built.

    Raises:
        ImpossibleChangeError: If the model cannot be built from its configuration with other widths.
    """
    wide = {layer.name for layer in _kernels(model)[:-1]}

    def wider(layer):
        config = layer.get_config()
        if layer.name in wide:
            width = "units" if "units" in config else "filters"
            config[width] = max(config[width], WIDTH)
        return type(layer).from_config(config)

    try:
        clone = keras.models.clone_model(model, clone_function=wider)
    except Exception as error:  # Keras raises errors of several kinds for what it cannot clone, or wire up
        raise ImpossibleChangeError(str(error)) from error
    clone.compile(optimizer, loss=model.loss)
    return clone


def _hidden(model) -> list[keras.layers.Layer]:
    """Layers with a kernel in front of the last one, whose activation a trial may replace."""
    return [layer for layer in _kernels(model)[:-1] if layer.activation.__name__ in _REPLACED]


def _kernels(model) -> list[keras.layers.Layer]:
    kinds = keras.layers.Dense | keras.layers.Conv1D | keras.layers.Conv2D | keras.layers.Conv3D
    return [layer for layer in all_layers(model) if isinstance(layer, kinds)]


@contextlib.contextmanager
def _attribute(layer, name, value):
    before = getattr(layer, name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        setattr(layer, name, before)
