"""A short training with rising learning rates, of which nothing remains: the part of the range test that trains."""

import contextlib
import itertools
from collections.abc import Iterator

import keras
import numpy as np

from recipes.arguments.numbers import require_whole
from recipes.keras_internals.private import build_layers, separate_global_seed, trains_with
from recipes.optimizers.copying import copied


def losses_at(model: keras.Model, batches, rates, class_weight: dict[int, float] | None = None) -> Iterator[float]:
    """Train `model` for one update at each of the `rates`, and give the training loss of each; then undo it all.

    The loss is measured before its update. When the generator ends or is closed, or an error leaves it, the model has
    its former optimizer, compiled state and values of all variables.

    Args:
        model: A compiled model.
        batches: Batches `(x, y, sample_weight)` without end, from `batches_of`.
        rates: Learning rates.
        class_weight: Weight of each class in the loss, by class number.
    """
    with scope_of(model):
        outer, inner = copied(model.optimizer, float(rates[0]))
    with trains_with(model, outer):
        build_layers(model, batches)
        with _values_kept(model), separate_global_seed(), _generators_of_torch_kept():
            stream = iter(batches)
            for rate in rates:
                inner.learning_rate = float(rate)
                # An update of accumulated gradients takes several batches.
                used = itertools.islice(stream, inner.gradient_accumulation_steps or 1)
                losses = [_loss(model, batch, class_weight) for batch in used]
                yield sum(losses) / len(losses)


def scope_of(model: keras.Model):
    """The context in which an optimizer for `model` is made."""
    # An optimizer made outside of the strategy of its model cannot update it. Only models on TensorFlow have one.
    strategy = getattr(model, "distribute_strategy", None)
    return strategy.scope() if strategy else contextlib.nullcontext()


def _generators_of_torch_kept():
    # On PyTorch, the dropout of Keras draws from the global generator of PyTorch, whatever the seed of the layer.
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch  # only where it is the backend

    return torch.random.fork_rng()


@contextlib.contextmanager
def _values_kept(model):
    """Give all variables of `model` back the values that they have now; among them are the seeds of its layers."""
    variables = [*model.variables, *model.metrics_variables]
    # Copied, as the array may be a view of what the training changes.
    values = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _loss(model, batch, class_weight) -> float:
    x, y, sample_weight = batch
    logs = model.train_on_batch(x, y, sample_weight, class_weight=class_weight, return_dict=True)
    if "loss" not in logs:
        raise ValueError(f"the model's `train_step` must report a `loss`. Received: {', '.join(logs) or 'nothing'}")
    return float(logs["loss"])


def batches_of(x, y, sample_weight, batch_size: int, seed: int):
    """Batches `(x, y, sample_weight)` without end, of rows in memory or of batches that are given.

    Raises:
        ValueError: For rows of different lengths or fewer than a batch, values that are not finite, a generator, and
            targets or weights beside batches that have their own.
    """
    return _Rows(x, y, sample_weight, batch_size, seed) if _is_rows(x) else _Given(x, y, sample_weight)


class _Rows:
    """Whole batches of rows in memory, in an order that depends on the seed and the pass alone."""

    def __init__(self, x, y, sample_weight, batch_size, seed):
        self.parts = (x, y, sample_weight)
        arrays = [part for part in keras.tree.flatten(self.parts) if part is not None]
        counts = sorted({len(part) for part in arrays})
        if len(counts) > 1:
            raise ValueError(f"`x`, `y` and `sample_weight` must have equally many rows. Received: {counts}")
        require_whole("batch_size", batch_size, least=1)
        require_whole("seed", seed)
        if counts[0] < batch_size:
            raise ValueError(f"`x` must have the rows of one batch, {batch_size}, at least. Received: {counts[0]} rows")
        # ReLUs may turn NaN into 0, and the loss would not show it.
        for part in arrays:
            if not np.isfinite(np.sum(keras.ops.convert_to_numpy(part), dtype="float64")):
                raise ValueError("`x`, `y` and `sample_weight` must be finite. Received: NaN or infinite values")
        self.rows, self.batch_size, self.seed = counts[0], batch_size, seed

    def __iter__(self):
        rng = np.random.default_rng(self.seed)
        while True:
            order = rng.permutation(self.rows)
            # A shorter batch at the end would be noisier, and compiled anew.
            for start in range(0, self.rows - self.batch_size + 1, self.batch_size):
                chosen = np.sort(order[start : start + self.batch_size])
                yield keras.tree.map_structure(lambda part, chosen=chosen: _take(part, chosen), self.parts)


class _Given:
    """The batches of a `PyDataset`, a `tf.data.Dataset` or a `DataLoader`, over and over."""

    def __init__(self, x, y, sample_weight):
        if y is not None or sample_weight is not None:
            raise ValueError(f"`y` and `sample_weight` must come with the batches of `x`. Received: {type(x).__name__}")
        self.x = x

    def __iter__(self):
        while True:
            empty = True
            for batch in self._pass():
                empty = False
                x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
                yield keras.tree.map_structure(_array, (x, y, sample_weight))
            if empty:
                raise ValueError(f"`x` must give a batch at least. Received: an empty {type(self.x).__name__}")

    def _pass(self):
        if not isinstance(self.x, keras.utils.PyDataset):
            return iter(self.x)
        numbers = itertools.count() if self.x.num_batches is None else range(self.x.num_batches)
        return map(self.x.__getitem__, numbers)


def _is_rows(x) -> bool:
    if isinstance(x, keras.utils.PyDataset):
        return False
    if isinstance(x, list | tuple | dict) or hasattr(x, "shape"):
        return True
    if not hasattr(x, "__iter__") or iter(x) is x:
        raise ValueError(
            "`x` must be an array, a list or dict of arrays, a PyDataset, a tf.data.Dataset or a DataLoader (iterators "
            f"are used up). Received: {type(x).__name__}"
        )
    return False


def _take(part, chosen):
    if part is None:
        return None
    return part.iloc[chosen].to_numpy() if hasattr(part, "iloc") else np.asarray(part)[chosen]


def _array(part):
    return part.numpy() if hasattr(part, "numpy") else part
