"""What the layers of a model put out on fixed rows, epoch by epoch: the pictures of activations of any training.

Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", sections 3 and 4,
where the layers' means, standard deviations and saturation are followed over the training.
"""

import contextlib
import numbers
import re

import keras
import numpy as np
from keras.src.backend import compute_output_spec

from callbacks.watching.activation_probe import ActivationProbe, unchanged
from callbacks.watching.activation_rows import batches, chosen_rows
from callbacks.watching.activation_summary import summary, used_rows
from callbacks.watching.layers import watched_layers
from callbacks.watching.record import Record


class ActivationStatistics(keras.callbacks.Callback):
    """Before the first step and after each epoch, statistics of each layer's outputs on the same rows.

    The rows go through the model in inference (no dropout, moving averages of batch normalization). The training is
    not changed by it: neither weights nor states of random generators are.

    A unit is dead if it gives 0 (less than 1e-6) for every row, and at every step and place of it; only activations
    that go to 0 on one side, as ReLU, GELU and SiLU, have such units. Saturated are outputs of tanh, softsign and hard
    tanh beyond -0.97 and 0.97, and those of sigmoids outside 0.02 to 0.98. Elsewhere these two are NaN; so they are
    for outputs that are not finite. Padded steps of masked sequences do not count. The calls of a layer that is used
    several times count together. The histogram is that of up to 64 outputs of each row.

    Args:
        x: Rows as the model takes them: an array, or a list or dict of arrays. 512 or more are advised. Or batches of
            them, with or without `y`: a `tf.data.Dataset`, a `PyDataset` or a `DataLoader`, whose first rows are drawn.
            A model that is not built when `fit` begins is built for the rows.
        layers: Names of the layers, as in `record.layers`; default: all that have weights or are an activation.
        rows: How many are used at most: of more, these many, evenly spaced; of batches, the first.
        batch_size: Rows in one forward pass. A model with a fixed batch size keeps to that.
        bins: Of the histogram.

    Attributes:
        record: A `Record` with the epochs from 0 (before the first step) and the fields `activation_mean`,
            `activation_std`, `activation_dead`, `activation_saturated`, `activation_histogram` and `activation_range`.

    Raises:
        ValueError: Without rows, with rows that are not finite or do not fit the model, or if a name in `layers` is
            unknown; before the first step.
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
        # Not when training begins: only here weights that another callback restores are there, and the epoch is known.
        if not self._epochs:
            self._measure(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self._measure(epoch + 1)

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
        # Keras makes a new train function when something has changed that has to be compiled again.
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
        """By name of the layer: for each call of it in the forward pass, the numbers of each batch."""
        calls = {}
        fixed = _fixed_batch_size(probe.watched)
        # In the scope of a distribution strategy each device computes all rows.
        copies = probe.distribute_strategy.num_replicas_in_sync if hasattr(probe, "distribute_strategy") else 1
        for batch, used, size in batches(self.x, fixed or self.batch_size, is_fixed=bool(fixed)):
            for name, parts in probe.predict_on_batch(batch).items():
                for call, part in zip(calls.setdefault(name, [[] for _ in parts]), parts, strict=True):
                    call.append(used_rows(part, used, size * copies))
        return calls

    @contextlib.contextmanager
    def _explained(self):
        """What fails at the first forward pass is due to the rows, or to a layer that cannot be watched."""
        try:
            yield
        except Exception as error:
            failed, self._probe = getattr(self._probe, "failed", None), None
            if self._epochs:
                raise
            # Said in the message, as Keras's `fit` drops the error that led to this one.
            cause = _reason(error)
            if failed:
                raise ValueError(
                    f"The outputs of the layer {failed!r} cannot be watched, as layers in a loop of the backend (scan, "
                    f"while_loop, vectorized_map) cannot; `layers=[...]` with other names leaves it out: {cause}"
                ) from error
            shapes = keras.tree.map_structure(lambda part: part.shape[1:], self.x)
            raise ValueError(f"The model cannot take `x`. Received: rows of shape {shapes}: {cause}") from error


def _build(model, x) -> None:
    """Make the weights of `model`, as `fit` does at its first step; those that it has stay."""
    if not all(layer.built for layer in model._flatten_layers()):
        rows = keras.tree.map_structure(lambda part: keras.KerasTensor((None, *part.shape[1:]), str(part.dtype)), x)
        compute_output_spec(model, rows, training=False)


def _fixed_batch_size(model) -> int | None:
    """The only number of rows that `model` takes; `None` if it takes any."""
    inputs = getattr(model, "inputs", None)
    return inputs[0].shape[0] if inputs else None


def _reason(error) -> str:
    """The line that says it, without what Keras puts around it."""
    lines = re.sub("\x1b\\[[0-9;]*m", "", str(error)).splitlines()
    return next((line for line in lines if line and not line.startswith("Exception encountered")), repr(error))
