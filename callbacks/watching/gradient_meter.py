"""What is measured of gradients and updates inside the compiled step: a few running numbers for each layer."""

import math

import keras
import numpy as np
from keras import ops

from callbacks.watching.optimizer_hook import sums_of_squares
from callbacks.watching.watched_layers import trained_weights, watched_layers

# A weight with more than LARGEST_WHOLE numbers is cut into up to PIECES pieces, of which each update looks at the next
# one: looking at all of them would make a step slower by some percent.
PIECES, LARGEST_WHOLE = 16, 4096
# Fewest traced updates that the device holds until they are fetched.
LEAST_CAPACITY = 256


class GradientMeter:
    """A meter for `OptimizerHook`: gradient norms and update ratios by layer, counts of steps, a trace.

    Args:
        model: Model whose layers are measured.
        trace_every: Number of updates from one traced update to the next; `None` for no trace.
        steps_per_execution: Number of steps that pass at least until the trace can be fetched.

    Attributes:
        built: Whether the variables exist.
        layers: Names of the layers with trainable weights; empty before the meter is built.
    """

    def __init__(self, model, trace_every=None, steps_per_execution=1):
        self.model = model
        self.trace_every = trace_every
        self.capacity = max(LEAST_CAPACITY, 2 * steps_per_execution)
        self.built = False
        self.layers = ()
        self.fetched = 0

    def build(self, hook, weights):
        self.built = True
        self._rows, self.layers = rows_of(self.model, weights)
        width = len(self.layers) + 1  # the last column is for all layers together
        # Rows: mean, maximum and last of the norms, number of finite ones.
        self._norms = hook.add_variable((4, width), "float32", "watched_norms")
        # Rows: sums of squares of the updates and of the weights.
        self._moves = hook.add_variable((2, width), "float32", "watched_moves")
        # Steps, skipped steps, steps that are not finite, updates, updates clipped by Keras.
        self._counts = hook.add_variable((5,), "int32", "watched_counts")
        if self.trace_every:
            self._traced = hook.add_variable((), "int32", "watched_updates")
            self._trace = hook.add_variable((self.capacity, width), "float32", "watched_trace")

    def _variables(self):
        return [self._norms, self._moves, self._counts, *([self._traced, self._trace] if self.trace_every else [])]

    def before(self, weights):
        # PyTorch changes variables in place, the count and the weights: there, what is kept must be a copy.
        number = self._counts.value[3] + 0
        pieces = [_piece(weight, number) for weight in weights]
        return number, list(map(ops.copy, pieces)) if keras.backend.backend() == "torch" else pieces

    def after(self, weights, seen, before):
        norms = ops.sqrt(self._by_layer(seen.squares, [weights[place] for place in seen.places]))
        finite = ops.isfinite(norms)
        is_broken = ops.logical_not(finite[-1])
        is_update = ops.logical_and(seen.is_update, ops.logical_not(seen.is_skipped))
        is_clipped = ops.logical_and(is_update, seen.is_clipped)
        self._add_norms(norms, is_update, ops.logical_and(is_update, finite))
        self._add_moves(weights, is_update, *before)
        counted = [True, seen.is_skipped, is_broken, is_update, is_clipped]
        self._counts.assign(self._counts + ops.stack([ops.cast(count, "int32") for count in counted]))
        if self.trace_every:
            self._add_to_trace(norms, is_update)

    def _add_norms(self, norms, is_update, is_counted):
        mean, largest, last, count = ops.unstack(self._norms.value, num=4)
        count = count + ops.cast(is_counted, "float32")
        # A running mean, because a float32 sum over many steps would lose digits.
        mean = ops.where(is_counted, mean + (norms - mean) / ops.maximum(count, 1.0), mean)
        largest = ops.where(is_counted, ops.maximum(largest, norms), largest)
        self._norms.assign(ops.stack([mean, largest, ops.where(is_update, norms, last), count]))

    def _add_moves(self, weights, is_update, number, pieces):
        moves = [_piece(weight, number) - old for weight, old in zip(weights, pieces, strict=True)]
        scales = [math.prod(weight.shape) / math.prod(old.shape) for weight, old in zip(weights, pieces, strict=True)]
        scales = ops.convert_to_tensor(np.array(scales, np.float32))
        both = ops.stack([self._by_layer(sums_of_squares(part) * scales, weights) for part in (moves, pieces)])
        self._moves.assign(self._moves + ops.where(is_update, both, 0.0))

    def _add_to_trace(self, norms, is_update):
        traced = self._traced.value
        # A selection of the row rather than an update of a slice: where the place of a slice is not constant, XLA takes
        # minutes to compile.
        rows = ops.arange(self.capacity) == (traced // self.trace_every) % self.capacity
        is_traced = ops.logical_and(rows, ops.logical_and(is_update, traced % self.trace_every == 0))
        self._trace.assign(ops.where(is_traced[:, None], norms, self._trace.value))
        self._traced.assign(traced + ops.cast(is_update, "int32"))

    def _by_layer(self, squares, weights):
        """Sums of `squares`, one for each layer and one for all: NaN for a layer without any of `weights`."""
        rows = [self._rows[id(weight)] for weight in weights]
        sums = ops.segment_sum(squares, ops.convert_to_tensor(np.array(rows, np.int32)), len(self.layers))
        unknown = [np.nan if row not in rows else 0 for row in range(len(self.layers))]
        unknown = ops.convert_to_tensor(np.array(unknown, np.float32))
        return ops.concatenate([sums + unknown, ops.sum(squares)[None]])

    def read(self) -> dict[str, np.ndarray]:
        """The measurements since the last call, after which all start again: by layer `(layers,)`, and the totals."""
        mean, largest, last, count = _fetch(self._norms)
        moved, weighed = _fetch(self._moves)
        counts = _fetch(self._counts)
        for variable in (self._norms, self._moves, self._counts):
            variable.assign(np.zeros(variable.shape, variable.dtype))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.sqrt(moved / weighed)
        none = count == 0
        mean, largest = np.where(none, np.nan, mean), np.where(none, np.nan, largest)
        steps, skipped, broken, updates, clipped = counts
        last = last if updates else np.full_like(last, np.nan)
        return {
            "gradient_norm_mean": mean[:-1],
            "gradient_norm_max": largest[:-1],
            "gradient_norm_last": last[:-1],
            "update_ratio": ratio[:-1],
            "total_gradient_norm_mean": mean[-1],
            "total_gradient_norm_max": largest[-1],
            "total_gradient_norm_last": last[-1],
            "steps": steps,
            "clipped_steps": clipped,
            "skipped_steps": skipped,
            "nonfinite_steps": broken,
        }

    def fetch_trace(self) -> tuple[np.ndarray, np.ndarray]:
        """The updates traced since the last call: their numbers from 1 `(rows,)`, and norms `(rows, layers + 1)`."""
        until = -(-int(_fetch(self._traced)) // self.trace_every)
        places = np.arange(max(self.fetched, until - self.capacity), until)
        self.fetched = until
        return places * self.trace_every + 1, _fetch(self._trace)[places % self.capacity]

    def state(self) -> dict | None:
        """All that was measured and not read yet, for `restore`; `None` before the meter is built."""
        if not self.built:
            return None
        return {"fetched": self.fetched, "variables": list(map(_fetch, self._variables()))}

    def restore(self, state: dict) -> None:
        """The reverse of `state`, for a meter that is built."""
        self.fetched = state["fetched"]
        for variable, value in zip(self._variables(), state["variables"], strict=True):
            variable.assign(value)

    def must_fetch(self, steps: int, steps_per_execution: int) -> bool:
        """Whether the next execution could overwrite traced norms, `steps` steps after the last call of fetch_trace."""
        return (steps + steps_per_execution) // self.trace_every + 1 >= self.capacity


def rows_of(model, weights) -> tuple[dict[int, int], tuple[str, ...]]:
    """The layer of each weight.

    Args:
        model: Model with the layers.
        weights: Weights that are trained.

    Returns:
        The number of the layer of each weight, by the weight's id; and the names of the layers with trained weights, in
        the order of the model.
    """
    owner = {id(weight): name for name, layer in watched_layers(model).items() for weight in trained_weights(layer)}
    for weight in weights:  # a weight of the model itself, or of an object that is no layer, goes by its path
        owner.setdefault(id(weight), weight.path.rpartition("/")[0] or weight.path)
    trained = {id(weight) for weight in weights}
    names = list(dict.fromkeys(name for key, name in owner.items() if key in trained))
    return {key: names.index(name) for key, name in owner.items() if key in trained}, tuple(names)


def _piece(weight, number):
    """Piece `number` of a weight, as a vector; the whole weight if it is small."""
    size = math.prod(weight.shape)
    flat = ops.reshape(ops.convert_to_tensor(weight), (-1,))
    if size <= LARGEST_WHOLE:
        return flat
    pieces = next(pieces for pieces in range(PIECES, 0, -1) if size % pieces == 0)
    # A row of a matrix rather than a slice, for the same reason as in the trace.
    return ops.take(ops.reshape(flat, (pieces, -1)), number % pieces, axis=0)


def _fetch(variable) -> np.ndarray:
    return np.array(ops.convert_to_numpy(variable.value))
