"""Statistics of the outputs of layers for fixed rows, epoch by epoch: the data of all pictures of activations.

Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", sections 3 and 4,
where means, standard deviations and saturation of the layers are followed over the training.
"""

import contextlib
import numbers

import keras
import numpy as np

from callbacks.watching.activation_probe import ActivationProbe, unchanged
from callbacks.watching.activation_rows import batches, chosen_rows
from callbacks.watching.keras_private import build_for, layer_and_all_inside
from callbacks.watching.reasons import reason
from callbacks.watching.record import Record
from callbacks.watching.watched_layers import watched_layers

DEAD = 1e-6  # largest absolute output of a dead unit


class ActivationStatistics(keras.callbacks.Callback):
    """Before the first step and after each epoch, statistics of the outputs of each layer for the same rows.

    The rows pass through the model in inference mode (no dropout, moving averages of batch normalization). This does
    not change the training: neither weights nor the states of random generators.

    A unit is dead if it gives 0 (less than 1e-6) for every row, and at every step and place of it. Only activations
    that tend to 0 on one side, such as ReLU, GELU and SiLU, have dead units. Saturated are outputs of tanh, softsign
    and hard tanh below -0.97 or above 0.97, and outputs of sigmoids below 0.02 or above 0.98. These two statistics are
    NaN for other activations, and for outputs that are not finite. Padded steps of masked sequences do not count. The
    calls of a layer that is used several times count together. The histogram takes up to 64 outputs of each row.

    Args:
        x: Rows as the model takes them: an array, or a list or dict of arrays, of 512 rows or more. Or batches of them,
            with or without `y`, whose first rows are taken: a `tf.data.Dataset`, a `PyDataset` or a `DataLoader`. A
            model that is not built yet is built for these rows when `fit` begins.
        layers: Names of the layers, as in `record.layers`. Default: all layers with weights, and activations.
        rows: Largest number of rows to use; of more in `x`, evenly spaced ones are taken. Default: 512.
        batch_size: Number of rows in one forward pass. Default: 128, or the batch size that the model is fixed to.
        bins: Number of bins of the histogram. Default: 64.

    Attributes:
        record: A `Record` with the epochs from 0 (before the first step) and the fields `activation_mean`,
            `activation_std`, `activation_dead`, `activation_saturated`, `activation_histogram` and `activation_range`.

    Raises:
        ValueError: Without rows, with rows that are not finite or do not fit the model, or if a name in `layers` is
            unknown; in all cases before the first step.
    """

    def __init__(self, x, layers=None, rows=512, batch_size=128, bins=64):
        super().__init__()
        for name, value in {"rows": rows, "batch_size": batch_size, "bins": bins}.items():
            if not isinstance(value, numbers.Integral) or value < 1:
                raise ValueError(f"`{name}` must be a whole number from 1. Received: {name}={value!r}")
        if isinstance(layers, str):
            raise ValueError(f"`layers` must be a list of names. Received: layers={layers!r}")
        self.x = chosen_rows(x, rows)
        self.layers = layers
        self.batch_size = batch_size
        self.bins = bins
        self._probe = self._compiled = None
        self._epochs, self._measured = [], []

    def on_train_begin(self, logs=None):
        self._epochs, self._measured = [], []

    def on_epoch_begin(self, epoch, logs=None):
        # Not when training begins: other callbacks may restore weights then, and the number of the epoch is not known.
        if not self._epochs:
            self._measure(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self._measure(epoch + 1)

    def state(self) -> dict:
        """What a resumed training needs, between two steps or at the end of an epoch: plain values and arrays."""
        record = self.record
        return {"epochs": list(self._epochs), "layers": list(record.layers), "measured": record.measured()}

    def restore(self, state: dict) -> None:
        """The reverse of `state`, once the training has begun anew."""
        self._epochs = list(state["epochs"])
        fields = {name.removeprefix("activation_"): values for name, values in state["measured"].items()}

        def summary_of(*place):
            return {field: values[place] for field, values in fields.items()}

        layers = state["layers"]
        known = watched_layers(self.model)
        if not known.keys() >= set(layers) and len(layers) == len(chosen := self._chosen_layers(self.model)):
            layers = list(chosen)  # Keras numbers layers without a name anew where it has made such layers before
        layers = list(enumerate(layers))
        self._measured = [
            {name: summary_of(row, column) for column, name in layers} for row in range(len(self._epochs))
        ]

    @property
    def record(self) -> Record:
        if not self._measured:
            return Record()
        names, nothing = tuple(self._measured[0]), summary([], self.bins)
        fields = {
            f"activation_{field}": np.array(
                [[row.get(name, nothing)[field] for name in names] for row in self._measured], np.float32
            )
            for field in nothing
        }
        return Record(layers=names, epochs=np.array(self._epochs, np.int64), **fields)

    def _measure(self, epoch):
        model = self.model
        # Keras makes a new train function when the model has changed in a way that requires compiling it again.
        if self._probe is None or self._probe.watched is not model or self._compiled is not model.train_function:
            self._probe, self._compiled = None, model.train_function
            with self._explained():
                _build(model, self.x)
            self._probe = ActivationProbe(model, self._chosen_layers(model))
        with self._explained(), unchanged(model):
            calls = self._calls(self._probe)
        if missing := [name for name in self.layers or () if name not in calls]:
            raise ValueError(f"`layers` must be names of layers that the model calls. Received: {missing[0]!r}")
        self._epochs.append(epoch)
        self._measured.append(
            {
                name: summary(calls[name], self.bins, same_units=bool(layer.weights))
                for name, layer in self._probe.listened
                if name in calls
            }
        )

    def _chosen_layers(self, model):
        known = watched_layers(model)
        for name in self.layers or ():
            if name not in known:
                raise ValueError(f"`layers` must be names among {', '.join(known)}. Received: {name!r}")
        chosen = {name: layer for name, layer in known.items() if self.layers is None or name in self.layers}
        if not chosen:
            raise ValueError(f"There is no layer to watch. Received: layers={self.layers}, a model with {len(known)}")
        return chosen

    def _calls(self, probe) -> dict[str, list[list[dict]]]:
        """The statistics of each batch, for each call of a layer in the forward pass, by name of the layer."""
        calls = {}
        fixed = _fixed_batch_size(probe.watched)
        # In the scope of a distribution strategy, each device computes all rows, and the results are concatenated.
        copies = probe.distribute_strategy.num_replicas_in_sync if hasattr(probe, "distribute_strategy") else 1
        for batch, used, size in batches(self.x, fixed or self.batch_size, is_fixed=bool(fixed)):
            for name, parts in probe.predict_on_batch(batch).items():
                for call, part in zip(calls.setdefault(name, [[] for _ in parts]), parts, strict=True):
                    call.append(used_rows(part, used, size * copies))
        return calls

    @contextlib.contextmanager
    def _explained(self):
        """Errors of the first forward pass are due to the rows, or to a layer that cannot be watched: say so."""
        try:
            yield
        except Exception as error:
            failed, self._probe = getattr(self._probe, "failed", None), None
            if self._epochs:
                raise
            # Part of the message, because Keras's `fit` drops the error that led to this one.
            cause = reason(error)
            if failed:
                raise ValueError(
                    f"The outputs of the layer {failed!r} cannot be watched, as layers in a loop of the backend (scan, "
                    f"while_loop, vectorized_map) cannot; `layers=[...]` with other names leaves it out: {cause}"
                ) from error
            shapes = keras.tree.map_structure(lambda part: part.shape[1:], self.x)
            raise ValueError(f"The model cannot take `x`. Received: rows of shape {shapes}: {cause}") from error


def _build(model, x) -> None:
    """Make the weights of `model` that do not exist yet, as `fit` does at its first step."""
    if not all(layer.built for layer in layer_and_all_inside(model)):
        rows = keras.tree.map_structure(lambda part: keras.KerasTensor((None, *part.shape[1:]), str(part.dtype)), x)
        build_for(model, rows)


def _fixed_batch_size(model) -> int | None:
    """The number of rows that `model` is fixed to; `None` if it takes any number."""
    inputs = getattr(model, "inputs", None)
    return inputs[0].shape[0] if inputs else None


def used_rows(numbers: dict[str, np.ndarray], used: int, size: int) -> dict[str, np.ndarray]:
    """The statistics of one call in a batch, without the rows that only filled the batch.

    Args:
        numbers: Statistics of one call, as `ActivationProbe` returns them.
        used: Number of rows of the batch that are no filling.
        size: Number of rows of the batch.
    """
    # A layer may return several rows, or a part of one, for each row of the batch.
    kept = max(1, len(numbers["mean"]) * used // size)
    # Filling repeats rows from the start, so that it does not change the peaks.
    return {name: values if name == "peak" else values[:kept] for name, values in numbers.items()}


def summary(calls: list[list[dict[str, np.ndarray]]], bins: int, same_units: bool = True) -> dict:
    """The statistics of a layer over all rows, in float64.

    Args:
        calls: For each call of the layer in the forward pass, the results of `ActivationProbe`, batch by batch.
        bins: Number of bins of the histogram.
        same_units: Whether all calls are of the same units, which are dead if they are dead in each call.

    Returns:
        `mean`, `std`, `dead` and `saturated`, NaN where they do not apply; `histogram` `(bins,)`, the shares of the
        finite outputs; `range` `(2,)`, the lower end of the first bin and the upper end of the last one.
    """
    parts = [numbers for batches in calls for numbers in batches]
    count, mean, std, saturated, sample = (
        np.concatenate([part[name].ravel() for part in parts if name in part] or [np.zeros(0)]).astype(np.float64)
        for name in ("count", "mean", "std", "saturated", "sample")
    )
    whole, spread = _pooled(count, mean, std)
    shares, bounds = _histogram(sample[np.isfinite(sample)], bins)
    return {
        "mean": whole,
        "std": spread,
        "dead": _dead(calls, same_units),
        "saturated": np.average(saturated, weights=count) if len(saturated) and np.isfinite(whole) else np.nan,
        "histogram": shares,
        "range": bounds,
    }


def _pooled(count, mean, std) -> tuple[float, float]:
    """Mean and standard deviation of all values, from those of groups of `count` values."""
    if not count.sum() > 0:
        return np.nan, np.nan
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.average(mean, weights=count)
        return whole, np.sqrt(np.average(np.square(std) + np.square(mean - whole), weights=count))


def _dead(calls, same_units: bool) -> float:
    peaks = [np.max([numbers["peak"][0] for numbers in batches], axis=0) for batches in calls if "peak" in batches[0]]
    if len({len(peak) for peak in peaks}) == 1 and same_units:
        peaks = [np.max(peaks, axis=0)]
    units = np.concatenate(peaks or [np.zeros(0)])
    return np.mean(units <= DEAD) if len(units) and not np.isnan(units).any() else np.nan


def _histogram(values, bins: int) -> tuple[np.ndarray, np.ndarray]:
    if not len(values):
        return np.full(bins, np.nan), np.full(2, np.nan)
    # A range no wider than rounding errors leaves no room for bins.
    low, high = values.min(), values.max()
    least = max(abs(low), abs(high)) * 1e-6 or 1.0
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    counts, _ = np.histogram(values, bins, (low, high))
    return counts / len(values), np.array([low, high])
