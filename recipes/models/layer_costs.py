"""What a layer costs for one row: multiply-adds, and the number of values kept for the backward pass."""

import math
import re

import keras

from custom_layers import (
    ActivatedCell,
    CategoryEmbedding,
    FeatureScale,
    MemberDense,
    MemberScale,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    PReLU,
    ScheduledDropout,
)
from recipes.initialization.kernels import MAXOUT
from recipes.keras_internals.layers import CONVOLUTIONS, DEPTHWISE, SEPARABLE, TRANSPOSED, known_class

CELLS = (keras.layers.SimpleRNNCell, keras.layers.LSTMCell, keras.layers.GRUCell, ActivatedCell)
RECURRENT = (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU, keras.layers.RNN)
NORMALIZATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
    keras.layers.Normalization,
)
# Layers that have weights, but compute no products of matrices.
_ELEMENTWISE = (
    *NORMALIZATIONS, keras.layers.PReLU, PReLU, ParametricActivation, FeatureScale, MemberScale, keras.layers.Embedding,
    CategoryEmbedding, ScheduledDropout,
)  # fmt: skip
# Operations of `keras.ops` that compute such products, whose multiply-adds are not known here.
_PRODUCTS = {"Einsum", "Dot", "Tensordot", "Inner", "Outer", "Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose"}


def multiply_adds(operation, inputs: list[tuple], output: tuple) -> int | None:
    """Number of multiply-adds in the matrix products and convolutions of a layer, for one row.

    Elementwise work is not counted: biases, activations, normalization, pooling. Products with the zeros of `"same"`
    padding are counted. A recurrent layer counts all its steps.

    Args:
        operation: A layer, or another operation of a Keras graph; no model.
        inputs: Shapes of its inputs, batch first.
        output: Shape of its (first) output, batch first.

    Returns:
        The number; `None` for layers of unknown kinds that have weights, and where sizes are not known.
    """
    if not isinstance(operation, keras.layers.Layer):
        return _of_operation(operation, inputs, output)
    kind = known_class(operation, _RULES)
    try:
        if kind is not None:
            return int(_RULES[kind](operation, inputs, output))
    except TypeError:  # from a rule: a size that is not known is `None`, which cannot be multiplied
        return None
    return 0 if not operation.weights or known_class(operation, _ELEMENTWISE) else None


def values_kept(operation, inputs: list[tuple], outputs: list[tuple]) -> int:
    """Number of values that a layer keeps for the backward pass of one row: its outputs, and intermediate results.

    Sizes that are not known count as 1. For layers of unknown kinds, only the outputs are counted.
    """
    kept = sum(_size(shape) for shape in outputs)
    if known_class(operation, MAXOUT):
        kept += operation.pieces * kept
    if isinstance(operation, keras.layers.Bidirectional):
        layers = (operation.forward_layer, operation.backward_layer)
    else:
        layers = (operation,)
    for layer in layers:
        if known_class(layer, RECURRENT):
            # In each step the gates, the state and the new state.
            gates = sum(cell.recurrent_kernel.shape[-1] + 2 * cell.units for cell in cells(layer))
            kept += (inputs[0][1] or 1) * gates
    if known_class(operation, (keras.layers.MultiHeadAttention,)):
        query, value = (shape[1] or 1 for shape in inputs[:2])
        heads, key_dim, value_dim = operation.num_heads, operation.key_dim, operation.value_dim
        # Scores and their softmax; the projections of query, key and value; the weighted sums of the values.
        kept += heads * (2 * query * value + query * key_dim + value * (key_dim + value_dim) + query * value_dim)
    return kept


def bytes_of(dtype) -> int:
    """Number of bytes of one value of type `dtype`."""
    bits = re.search(r"\d+", keras.backend.standardize_dtype(dtype))
    return int(bits[0]) // 8 if bits else 1


def cells(layer: keras.layers.RNN) -> list:
    """The cells of a recurrent layer, bottom first."""
    return list(getattr(layer.cell, "cells", [layer.cell]))


def _size(shape: tuple) -> int:
    """Number of values in one row of `shape`, batch first."""
    return math.prod(size or 1 for size in shape[1:])


def _positions(layer, shape: tuple) -> int:
    """Number of positions at which a kernel is applied: pixels, or steps of a sequence."""
    return math.prod(shape[2:] if getattr(layer, "data_format", None) == "channels_first" else shape[1:-1])


def _of_operation(operation, inputs: list[tuple], output: tuple) -> int | None:
    name = type(operation).__name__
    if name == "Matmul" and len(inputs) == 2 and None not in (*inputs[0][1:], *output[1:]):
        return math.prod(output[1:]) * inputs[0][-1]
    return None if name == "Matmul" or name in _PRODUCTS else 0


def _at_outputs(layer, inputs, output):
    return math.prod(layer.kernel.shape) * _positions(layer, output)


def _at_inputs(layer, inputs, output):
    return math.prod(layer.kernel.shape) * _positions(layer, inputs[0])


def _separable(layer, inputs, output):
    kernels = math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)
    return kernels * _positions(layer, output)


def _einsum(layer, inputs, output):
    operands, result = layer.equation.replace(" ", "").split("->")
    sizes = dict(zip(operands.split(",")[1], layer.kernel.shape, strict=True))
    return math.prod(layer.kernel.shape) * math.prod(output[1:]) // math.prod(sizes.get(letter, 1) for letter in result)


def _recurrent(layer, inputs, output):
    if not all(isinstance(cell, CELLS) for cell in cells(layer)):
        raise TypeError
    weights = sum(math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape) for cell in cells(layer))
    return inputs[0][1] * weights


def _bidirectional(layer, inputs, output):
    return sum(multiply_adds(one, inputs, output) for one in (layer.forward_layer, layer.backward_layer))


def _time_distributed(layer, inputs, output):
    if isinstance(layer.layer, keras.Model):
        raise TypeError
    ((batch, steps, *rest),) = inputs
    return steps * multiply_adds(layer.layer, [(batch, *rest)], (output[0], *output[2:]))


def _attention(layer, inputs, output):
    query, value, key = (*inputs, inputs[1])[:3]
    return query[1] * value[1] * (key[2] + value[2])


def _multi_head_attention(layer, inputs, output):
    query, value, key = (*inputs, inputs[1])[:3]
    heads, key_dim, value_dim = layer.num_heads, layer.key_dim, layer.value_dim
    projections = query[1] * query[2] * key_dim + key[1] * key[2] * key_dim + value[1] * value[2] * value_dim
    scores = query[1] * value[1] * (key_dim + value_dim)
    return heads * (projections + scores + query[1] * value_dim * output[-1])


def _once(layer, inputs, output):
    return math.prod(layer.kernel.shape)


def _unknown(layer, inputs, output):
    raise TypeError


def _dot(layer, inputs, output):
    axes = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    return _size(output) * inputs[0][axes]


_RULES = {
    keras.layers.Dense: _at_outputs,
    keras.layers.EinsumDense: _einsum,
    **dict.fromkeys((*CONVOLUTIONS, *DEPTHWISE), _at_outputs),
    **dict.fromkeys(TRANSPOSED, _at_inputs),
    **dict.fromkeys(SEPARABLE, _separable),
    **dict.fromkeys(MAXOUT, lambda layer, inputs, output: _at_outputs(layer.affine, inputs, output)),
    **dict.fromkeys(RECURRENT, _recurrent),
    keras.layers.Bidirectional: _bidirectional,
    keras.layers.TimeDistributed: _time_distributed,
    keras.layers.Attention: _attention,
    keras.layers.AdditiveAttention: _unknown,
    keras.layers.MultiHeadAttention: _multi_head_attention,
    keras.layers.Dot: _dot,
    **dict.fromkeys((PeriodicEmbedding, PiecewiseLinearEmbedding, MemberDense), _once),
}
