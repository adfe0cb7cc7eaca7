"""The forward pass of a model that returns, instead of the outputs, a few statistics of the outputs of each layer.

It is a model itself, so that Keras compiles it by its own means on every backend.
"""

import contextlib
import functools

import keras
import numpy as np
from keras import ops

from callbacks.watching.keras_private import (
    UnscopedModel,
    default_generator_unchanged,
    layer_and_all_inside,
    mask_of,
    shortcuts_of,
)

SAMPLE = 64  # outputs of each row that go into the histogram
_STEP = 7919  # a prime, so that the sample of the next row is taken from other units

# Activations that are 0 on a whole side of the axis, or tend to it: there their gradient is 0, too, or tends to it.
_SILENT = {
    "relu", "relu6", "gelu", "silu", "swish", "hard_silu", "hard_swish", "mish", "softplus", "squareplus",
    "sparse_plus", "exponential", "threshold", "hard_shrink", "soft_shrink",
}  # fmt: skip
_TANH, _SIGMOID = (-0.97, 0.97), (0.02, 0.98)
_SATURATION_BOUNDS = {
    "tanh": _TANH,
    "hard_tanh": _TANH,
    "softsign": _TANH,
    "sigmoid": _SIGMOID,
    "hard_sigmoid": _SIGMOID,
    "sparse_sigmoid": _SIGMOID,
}


def can_be_silent(layer) -> bool:
    """Whether a unit of `layer` can give 0 for every row, as it can with ReLU, but not with linear or leaky units."""
    return _activation(layer) in _SILENT


def saturation_bounds(layer) -> tuple[float, float] | None:
    """Bounds beyond which the outputs of `layer` are saturated; `None` if its activation does not saturate."""
    return _SATURATION_BOUNDS.get(_activation(layer))


def _activation(layer) -> str | None:
    """Name of the function whose values `layer` returns."""
    if isinstance(layer, keras.layers.RNN):
        # Gated cells have an activation as well, but return products of its values.
        return _name(layer.cell.activation) if isinstance(layer.cell, keras.layers.SimpleRNNCell) else None
    if isinstance(layer, keras.layers.Wrapper):
        return _activation(layer.layer)
    if isinstance(layer, keras.layers.ReLU):
        return None if layer.negative_slope else "relu"
    return _name(getattr(layer, "activation", None))


def _name(activation) -> str | None:
    if isinstance(activation, keras.Layer):
        return _activation(activation)
    if isinstance(activation, functools.partial):
        return None if activation.keywords.get("negative_slope") else _name(activation.func)
    return activation if isinstance(activation, str) else getattr(activation, "__name__", None)


class ActivationProbe(UnscopedModel):  # unscoped: a model that is first called here must not be named after the probe
    """Statistics of the outputs of `layers` during inference of `model`.

    The output is a list by name of the layer, with one dict for each call of it in the forward pass, all in float32:

    - `count`: number of outputs of each row `(rows,)`, without padded steps;
    - `mean`, `std`: mean and standard deviation of these outputs `(rows,)`;
    - `saturated`: share of them beyond the saturation bounds of the activation `(rows,)`, if it has any;
    - `peak`: largest absolute output of each unit `(1, units)`, if the activation can be silent;
    - `sample`: some of the outputs `(rows, up to 64)`, NaN for padded steps.

    Of a layer with several outputs, the first one counts. A layer that is not called is left out.

    Args:
        model: Built model.
        layers: Layers of the model, by name.

    Attributes:
        listened: Pairs of name and layer.
        failed: Name of the layer whose output could not be used, because it exists only inside a loop of the backend.
    """

    def __init__(self, model, layers):
        # Without autocast, inputs reach the model as they are, and it converts them by its own rules.
        super().__init__(name="activation_probe", dtype="float32", autocast=False)
        self.watched = model
        # Past Keras's tracking: the layers belong to the model alone.
        object.__setattr__(self, "listened", tuple(layers.items()))
        self.failed = None
        self.run_eagerly = model.run_eagerly
        # Without compilation, JAX compiles the loops of recurrent layers at every call. Elsewhere, compiling takes more
        # time than it saves.
        self.jit_compile = keras.backend.backend() == "jax" and bool(model.jit_compile)

    def call(self, inputs, training=False):
        outputs = {name: [] for name, _ in self.listened}
        with contextlib.ExitStack() as stack:
            for name, layer in self.listened:
                stack.enter_context(_listening(layer, outputs[name]))
            for layer in layer_and_all_inside(self.watched):
                for name, value in shortcuts_of(layer).items():
                    stack.enter_context(_replaced(layer, name, value))
            self.watched(inputs)
        return {name: self._statistics(name, layer, outputs[name]) for name, layer in self.listened if outputs[name]}

    def _statistics(self, name, layer, outputs):
        try:
            return [_of_one_call(layer, output) for output in outputs]
        except Exception:
            # Each backend raises errors of its own for a tensor that is used outside of the loop which it belongs to.
            self.failed = name
            raise


@contextlib.contextmanager
def unchanged(model):
    """Within this context `model` may compute; after it, its states and Keras's random generator are as before."""
    # Keras does not list the states of recurrent layers that outlive the batch among the model's variables.
    states = keras.tree.flatten([getattr(layer, "states", None) for layer in layer_and_all_inside(model)])
    kept = {
        id(variable): (variable, _value(variable))
        for variable in (*model.non_trainable_variables, *states)
        if isinstance(variable, keras.Variable)
    }.values()
    with default_generator_unchanged():
        try:
            yield
        finally:
            for variable, value in kept:
                # By bytes, as NaN equals nothing.
                if _value(variable).tobytes() != value.tobytes():
                    variable.assign(value)


def _value(variable) -> np.ndarray:
    return np.array(ops.convert_to_numpy(variable.value))


@contextlib.contextmanager
def _listening(layer, outputs: list):
    """Within this context, what `layer` returns is also appended to `outputs`."""
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
    """Within this context, the attribute `name` of this one object is `value`, past Keras's tracking of attributes."""
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
    # Only now, because Keras attaches the mask after the layer has been called.
    mask = _mask(layer, output, values)
    rows = ops.shape(values)[0]
    flat = ops.reshape(values, (rows, -1))
    width = ops.shape(flat)[1]
    is_counted = None if mask is None else ops.reshape(mask, (rows, -1))
    count = ops.sum(ops.ones_like(flat) if is_counted is None else ops.cast(is_counted, "float32"), axis=1)

    def masked(parts, other=0.0):
        # Without a mask nothing is selected: on PyTorch, which is not compiled, selecting would take most of the time.
        return parts if is_counted is None else ops.where(is_counted, parts, np.float32(other))

    def average(parts):
        return ops.sum(masked(parts), axis=1) / ops.maximum(count, 1.0)

    mean = average(flat)
    deviation = masked(flat - mean[:, None])
    # Scaled, because float32 holds no squares of vanishing and of exploding activations.
    largest = ops.max(ops.abs(deviation), axis=1)
    scale = ops.where(largest > 0, largest, 1.0)
    std = scale * ops.sqrt(average(ops.square(deviation / scale[:, None])))
    sample = ops.take_along_axis(masked(flat, np.nan), _positions(rows, width), axis=1)
    numbers = {"count": count, "mean": mean, "std": std, "sample": sample}
    if bounds := saturation_bounds(layer):
        numbers["saturated"] = average(ops.cast((flat < bounds[0]) | (flat > bounds[1]), "float32"))
    if can_be_silent(layer):
        sizes = ops.abs(values) if mask is None else ops.where(mask, ops.abs(values), 0.0)
        axis = _unit_axis(layer, values.ndim)
        others = [other for other in range(values.ndim) if other != axis]
        numbers["peak"] = ops.reshape(ops.max(sizes, axis=others), (1, -1))
    return numbers


def _mask(layer, output, values):
    """Keras's mask of `output`, broadcast to the shape of `values`; `None` if there is none."""
    mask = mask_of(output)
    if mask is None or mask.ndim > values.ndim:
        return None
    if getattr(layer, "go_backwards", False):
        # Such a layer returns its outputs in reversed order, but Keras attaches the mask in the order of the inputs.
        mask = ops.flip(mask, axis=1)
    mask = ops.reshape(mask, (*ops.shape(mask), *[1] * (values.ndim - mask.ndim)))
    return ops.broadcast_to(ops.cast(mask, "bool"), ops.shape(values))


def _positions(rows, width):
    """Indices of the sample of each row, `(rows, up to SAMPLE)`: spread over the row at random, but fixed, distances.

    Equal distances could meet the same channel or the same column of an image each time.
    """
    size = min(SAMPLE, width) if isinstance(width, int) else SAMPLE
    spread = (np.arange(size) + np.random.default_rng(0).random(size)) / size
    first = ops.cast(ops.floor(ops.multiply(spread.astype("float32"), ops.cast(width, "float32"))), "int32")
    return (first[None, :] + _STEP * ops.arange(rows, dtype="int32")[:, None]) % width


def _unit_axis(layer, ndim: int) -> int:
    order = getattr(layer, "data_format", None) or (keras.config.image_data_format() if ndim > 3 else None)
    return 1 if order == "channels_first" and ndim > 2 else ndim - 1
