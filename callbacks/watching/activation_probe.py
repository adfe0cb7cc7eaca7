"""The forward pass of a model that gives, instead of the outputs, a few numbers of what each layer puts out.

It is a model itself, so that Keras compiles it by its own means on every backend.
"""

import contextlib
import functools
import random

import keras
import numpy as np
from keras import ops
from keras.src.backend import get_keras_mask
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR, global_seed_generator

from callbacks.watching.activation_kinds import can_be_silent, flat_ends

SAMPLE = 64  # values of each row that go into the histogram
# What layers do not do while they are listened to: compute again for a gradient, in a function of the backend; and, on
# a GPU, compute both directions of a Bidirectional in one, without its two layers.
_HINDRANCES = {
    "_remat_mode": None,
    "_can_attempt_fused_lstm": lambda *args, **kwargs: False,
    "_can_attempt_fused_gru": lambda *args, **kwargs: False,
}
_STEP = 7919  # a prime: from row to row the sample moves on to other units


class ActivationProbe(keras.Model):
    """Statistics of the outputs of `layers` in the inference of `model`.

    Its output is, by name of the layer, a list with one dict for each call of it in the forward pass, all in float32:

    - `count`: outputs of each row `(rows,)`, without those of padded steps;
    - `mean`, `std`: of those `(rows,)`;
    - `saturated`: share of them beyond the flat ends of the activation `(rows,)`, where it has such;
    - `peak`: largest absolute output of each unit `(1, units)`, where the activation can be silent;
    - `sample`: some of the outputs `(rows, up to 64)`, NaN for padded steps.

    Of a layer with several outputs the first one counts. A layer that is not called is left out.

    Args:
        model: The model, built.
        layers: The layers, by name.

    Attributes:
        listened: The layers that it listens to, pairs of name and layer.
        failed: Name of the layer whose output could not be used, as it exists only inside a loop of the backend.
    """

    def __init__(self, model, layers):
        # Inputs reach the model as they are: it converts them by its own rules.
        super().__init__(name="activation_probe", dtype="float32", autocast=False)
        self.watched = model
        # In a tuple, so that Keras takes the layers for those of the model only.
        object.__setattr__(self, "listened", tuple(layers.items()))
        self.failed = None
        self.run_eagerly = model.run_eagerly
        # Without compilation JAX compiles the loops of recurrent layers at every call; elsewhere it does not pay.
        self.jit_compile = keras.backend.backend() == "jax" and bool(model.jit_compile)

    def call(self, inputs, training=False):
        outputs = {name: [] for name, _ in self.listened}
        with contextlib.ExitStack() as stack:
            for name, layer in self.listened:
                stack.enter_context(_listening(layer, outputs[name]))
            for layer in self.watched._flatten_layers():
                for name, value in _HINDRANCES.items():
                    if getattr(layer, name, None):
                        stack.enter_context(_replaced(layer, name, value))
            self.watched(inputs)
        return {name: self._statistics(name, layer, outputs[name]) for name, layer in self.listened if outputs[name]}

    def _statistics(self, name, layer, outputs):
        try:
            return [_of_one_call(layer, output) for output in outputs]
        except Exception:
            # The backends raise errors of their own here.
            self.failed = name
            raise

    def _open_name_scope(self):
        # A model that is called here first must not be named after the probe.
        return contextlib.nullcontext()


@contextlib.contextmanager
def unchanged(model):
    """Within it `model` may compute; after it, it has the state of before, and so has Keras's own random generator."""
    generator = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    numbers = random.getstate()
    is_new = generator is None
    generator = generator or global_seed_generator()
    # Keras does not count the states of recurrent layers, if they outlive the batch, among the model's variables.
    states = keras.tree.flatten([getattr(layer, "states", None) for layer in model._flatten_layers()])
    kept = {
        id(variable): (variable, _bits(variable))
        for variable in (*model.non_trainable_variables, generator.state, *states)
        if isinstance(variable, keras.Variable)
    }.values()
    try:
        yield
    finally:
        changed = [(variable, value) for variable, value in kept if _bits(variable).tobytes() != value.tobytes()]
        for variable, value in changed:
            variable.assign(value)
        if is_new and not any(variable is generator.state for variable, _ in changed):
            global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, None)
            random.setstate(numbers)


def _bits(variable) -> np.ndarray:
    return np.array(ops.convert_to_numpy(variable.value))


@contextlib.contextmanager
def _listening(layer, outputs: list):
    """What `layer` puts out goes to `outputs`, too."""
    name = "quantized_call" if getattr(layer, "quantization_mode", None) else "call"
    call = getattr(layer, name)

    @functools.wraps(call)
    def listened(*args, **kwargs):
        output = call(*args, **kwargs)
        first = next((part for part in keras.tree.flatten(output) if part is not None), None)
        if first is not None and "float" in keras.backend.standardize_dtype(first.dtype):
            outputs.append(first)
        return output

    with _replaced(layer, name, listened):
        yield


@contextlib.contextmanager
def _replaced(layer, name: str, value):
    """An attribute of this one object, past Keras's tracking."""
    own = vars(layer)
    had, before = name in own, own.get(name)
    object.__setattr__(layer, name, value)
    try:
        yield
    finally:
        if had:
            object.__setattr__(layer, name, before)
        else:
            object.__delattr__(layer, name)


def _of_one_call(layer, output) -> dict:
    values = ops.cast(output, "float32")
    if values.ndim < 2:
        values = ops.reshape(values, (-1, 1))
    # Only now: Keras attaches the mask after the layer has been called.
    mask = _mask(layer, output, values)
    rows = ops.shape(values)[0]
    flat = ops.reshape(values, (rows, -1))
    width = ops.shape(flat)[1]
    counts = None if mask is None else ops.reshape(mask, (rows, -1))
    count = ops.sum(ops.ones_like(flat) if counts is None else ops.cast(counts, "float32"), axis=1)

    def kept(parts, other=0.0):
        # Without a mask nothing is selected: on PyTorch, which compiles nothing, that would take most of the time.
        return parts if counts is None else ops.where(counts, parts, np.float32(other))

    def share(parts):
        return ops.sum(kept(parts), axis=1) / ops.maximum(count, 1.0)

    mean = share(flat)
    deviation = kept(flat - mean[:, None])
    # Scaled, as the squares of vanishing and of exploding activations are not float32 numbers.
    largest = ops.max(ops.abs(deviation), axis=1)
    scale = ops.where(largest > 0, largest, 1.0)
    std = scale * ops.sqrt(share(ops.square(deviation / scale[:, None])))
    sample = ops.take_along_axis(kept(flat, np.nan), _positions(rows, width), axis=1)
    numbers = {"count": count, "mean": mean, "std": std, "sample": sample}
    if ends := flat_ends(layer):
        numbers["saturated"] = share(ops.cast((flat < ends[0]) | (flat > ends[1]), "float32"))
    if can_be_silent(layer):
        sizes = ops.abs(values) if mask is None else ops.where(mask, ops.abs(values), 0.0)
        axis = _unit_axis(layer, values.ndim)
        others = [other for other in range(values.ndim) if other != axis]
        numbers["peak"] = ops.reshape(ops.max(sizes, axis=others), (1, -1))
    return numbers


def _mask(layer, output, values):
    """Keras's mask of `output` in its full shape; `None` if there is none."""
    mask = get_keras_mask(output)
    if mask is None or mask.ndim > values.ndim:
        return None
    if getattr(layer, "go_backwards", False):
        # The outputs of such a layer are in reversed order, but Keras leaves the mask in that of the inputs.
        mask = ops.flip(mask, axis=1)
    mask = ops.reshape(mask, (*ops.shape(mask), *[1] * (values.ndim - mask.ndim)))
    return ops.broadcast_to(ops.cast(mask, "bool"), ops.shape(values))


def _positions(rows, width):
    """Where the sample of each row is taken, `(rows, up to SAMPLE)`: spread over the row, but not in step with it."""
    size = min(SAMPLE, width) if isinstance(width, int) else SAMPLE
    spread = (np.arange(size) + np.random.default_rng(0).random(size)) / size
    first = ops.cast(ops.floor(ops.multiply(spread.astype("float32"), ops.cast(width, "float32"))), "int32")
    return (first[None, :] + _STEP * ops.arange(rows, dtype="int32")[:, None]) % width


def _unit_axis(layer, ndim: int) -> int:
    order = getattr(layer, "data_format", None) or (keras.config.image_data_format() if ndim > 3 else None)
    return 1 if order == "channels_first" and ndim > 2 else ndim - 1
