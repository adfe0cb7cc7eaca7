"""Initial weights for a whole model at once, so that the signal keeps its variance through all layers."""

import random
import warnings
from dataclasses import dataclass

import keras
import numpy as np

from recipes.arguments.names import normalize, unknown
from recipes.arguments.numbers import is_whole
from recipes.arguments.text_table import table_lines, text_of
from recipes.initialization.data_driven import DataDriven
from recipes.initialization.kernels import KernelStart
from recipes.initialization.lsuv import TRIALS, Scaling
from recipes.initialization.moments import Signal
from recipes.initialization.variance import Walk, measured
from recipes.keras_internals.layers import graph_of

METHODS = ("variance", "lsuv", "data_driven")
_ON_ROWS = {"lsuv": Scaling, "data_driven": DataDriven}
ROWS = 512  # used of `x`
# Second seed, so that a user who draws rows with the same seed does not get the numbers that the kernels are made of.
_STREAM = 2109_08958


@dataclass(frozen=True)
class Initialization:
    """What `initialize` did. It prints as a table.

    Attributes:
        method: `"variance"`, `"lsuv"` or `"data_driven"`.
        layers: Record of each kernel that was drawn, in the order of the signal, with `layer` (its name),
            `kernel_variance`, and the `mean`, `variance` and `spread` of the pre-activations, which `"variance"`
            calculates and the others measure. `spread` is their standard deviation over rows, unit by unit, relative
            to that over rows and units: near 0, the layer gives nearly the same for every row.
        unknown: Names of the layers that were left alone because their kind is not known.
    """

    method: str
    layers: tuple[KernelStart, ...]
    unknown: tuple[str, ...] = ()

    def __str__(self):
        heads = ("layer", "kernel variance", "mean", "variance", "spread over rows")
        rows = [
            (
                start.layer,
                f"{start.kernel_variance:.3g}",
                *(f"{v:.3f}" for v in (start.mean, start.variance, start.spread)),
            )
            for start in self.layers
        ]
        lines = table_lines([heads, *rows])
        lines += [f"left alone: {', '.join(self.unknown)}"] if self.unknown else []
        return text_of(lines)


def initialize(model: keras.Model, method: str = "variance", x=None, *, seed: int | None = None) -> Initialization:
    """Draw the kernels of a built model anew, each to suit the signal that reaches it.

    `"variance"` needs no data. It walks the graph, calculates the mean m and the variance v of the signal in front of
    each kernel, through dense, convolutional, pooling, dropout, normalization, merge and activation layers, and draws

        W ~ truncated normal, mean 0, variance 1 / (fan_in (m^2 + v)),

    for which the pre-activations have variance 1. `"lsuv"` runs one batch through the model: each kernel becomes a
    random orthonormal matrix, and is divided by the standard deviation of its own pre-activations until their variance
    is within 0.01 of 1. It measures what the other calculates, and takes subclassed models, too.

    `"data_driven"` draws normal kernels on one batch, and divides each unit by the standard deviation of its own
    pre-activation. It draws biases, too: minus a random mean of the pre-activations of five rows, so that units bend at
    different places among the rows.

    Otherwise biases and all other weights stay as they are, and so do frozen layers; their effect on the signal is
    included. A layer that is used several times is drawn at its first call. Layers whose kind is not known (recurrent
    layers, attention, your own) are named and left alone with all layers in them; the methods that use a batch do draw
    the layers in your own.

    `"variance"` calculates for wide layers. Behind GELU, SiLU and Mish a deviation of the variance, once there, grows
    by a factor of 1.14, 1.17 and 1.08 from layer to layer (the slope of log E[f(x)^2] in log variance, at 1): in a net
    100 layers deep without normalization only `"lsuv"` keeps their signal (benchmarks/signal_at_depth.py).

    A variance of 1 does not suffice: behind sigmoid and softplus, after a few layers nearly all of it lies between the
    units and is the same for every row, which neither method prevents. `spread`, in the result, shows what is left.

    Args:
        model: Built model: for `"variance"` Sequential or functional, with or without models inside; else any.
        method: Method: `"variance"`, `"lsuv"` or `"data_driven"`.
        x: Rows as the model takes them, prepared: an array, or a list or dict of arrays for several inputs. The first
            512 are used: by `"lsuv"` and `"data_driven"`, which need them, as their batch; by `"variance"` for the mean
            and variance of the inputs, which are taken for 0 and 1 without `x`.
        seed: Seed of the weights, a whole number of at least 0, for which they are up to rounding the same on every
            backend. `None`: new weights at each call, which `keras.utils.set_random_seed` makes repeatable.

    Returns:
        An `Initialization`, which prints as a table of the layers.

    Raises:
        ValueError: For what is not a built Keras model, an unknown method, a subclassed model with `"variance"`, a
            method on a batch without `x`, a seed that is no whole number, and an `x` that does not fit the model or
            holds NaN or infinity. No weight is changed then.

    Warns:
        UserWarning: Names the layers that are left alone because they are not known, and for methods on a batch those
            whose pre-activations do not vary and those that the model does not call.

    Sources: `"variance"`: Bingham & Miikkulainen 2023 (AutoInit, arXiv:2109.08958), written from the paper. `"lsuv"`:
    Mishkin & Matas 2016 (arXiv:1511.06422, algorithm 1). `"data_driven"`: Holzmüller et al. 2024 (RealMLP,
    arXiv:2407.04491), whose biases are those of Steinwart 2019 (arXiv:1903.11482).
    """
    method = _check(model, method, x, seed)
    parts, rows = (None, None) if x is None else _rows(model, x)
    seed = random.randint(1, 10**9) if seed is None else int(seed)  # as Keras draws its seeds
    rng = np.random.default_rng([seed, _STREAM])
    notes = []
    if method == "variance":
        graph = graph_of(model)
        signals = [Signal(0.0, 1.0) for _ in graph.inputs] if x is None else [measured(part) for part in parts]
        worker = Walk(rng)
        worker.through(graph, signals)
    else:
        worker = _ON_ROWS[method](model, rng)
        worker.run(rows)
        if worker.failed:
            trials = f" in {TRIALS} trials" if method == "lsuv" else ""
            names = ", ".join(worker.failed)
            notes.append(f"not brought to unit variance{trials}, or without any variance: {names}")
        if worker.missed:
            notes.append(f"not called by the model, so left alone: {', '.join(worker.missed)}")
    if worker.unknown:
        notes.insert(0, f"layers of unknown kinds, left alone: {', '.join(worker.unknown)}")
    if notes:
        warnings.warn(f"initialize({method!r}): {'; '.join(notes)}.", UserWarning, stacklevel=2)
    return Initialization(method, tuple(worker.starts), tuple(worker.unknown))


def _check(model, method, x, seed) -> str:
    """The name of the method, once all arguments are checked."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a keras.Model. Received: {model!r} of type {type(model).__name__}")
    name = normalize(method).replace("-", "_")
    if name not in METHODS:
        raise unknown("initialization method", method, METHODS)
    if seed is not None and (not is_whole(seed) or seed < 0):
        raise ValueError(f"`seed` must be a whole number of at least 0, or None. Received: seed={seed!r}")
    if not model.built:
        raise ValueError(
            f"the model {model.name!r} has no weights yet: begin it with keras.Input(shape), call "
            f"model.build(input_shape), or call the model on a batch."
        )
    if name == "variance" and graph_of(model) is None:
        raise ValueError(
            f"method 'variance' walks the graph of a Sequential or functional model, and {model.name!r}, a "
            f"{type(model).__name__}, has none: use method='lsuv' with a batch of rows x."
        )
    if name in _ON_ROWS and x is None:
        raise ValueError(
            f"method {name!r} measures the signal on one batch: pass rows as the model takes them. Received: x=None"
        )
    return name


def _rows(model, x) -> tuple[list[np.ndarray], object]:
    """The first rows of `x`: as arrays in the order of the model's inputs, and as the model takes them."""
    graph = graph_of(model)
    several = isinstance(x, dict) or (isinstance(x, list | tuple) and all(hasattr(part, "shape") for part in x))
    rows = keras.tree.map_structure(_first, x) if several else _first(x)
    parts = keras.tree.flatten(rows)
    if graph is not None:
        names = [tensor.name for tensor in graph.inputs]
        if isinstance(rows, dict) and set(rows) == set(names):
            parts = [rows[name] for name in names]
        if len(parts) != len(names):
            raise ValueError(f"`x` must be {len(names)} array(s), for the inputs {names}. Received: {len(parts)}")
        for part, tensor in zip(parts, graph.inputs, strict=True):
            if len(part.shape) != len(tensor.shape) or any(
                size is not None and size != found for size, found in zip(tensor.shape[1:], part.shape[1:], strict=True)
            ):
                raise ValueError(
                    f"`x` must have the shape that input {tensor.name!r} takes, {tensor.shape}. Received: {part.shape}"
                )
    if len({len(part) for part in parts}) > 1 or len(parts[0]) < 2:
        raise ValueError(f"`x` must hold at least 2 rows, as many for each input. Received: {[len(p) for p in parts]}")
    return parts, rows


def _first(x) -> np.ndarray:
    """The first rows of one array, which must be finite numbers."""
    is_tensor = keras.ops.is_tensor(x)
    values = keras.ops.convert_to_numpy(x[:ROWS]) if is_tensor else np.asarray(x)[:ROWS]
    if values.dtype.kind not in "fiub" or not values.ndim:
        raise ValueError(f"`x` must be arrays of numbers. Received: {type(x).__name__} of dtype {values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError(f"`x` must be finite. Received: {(~np.isfinite(values)).sum()} NaN or infinite values")
    return values
