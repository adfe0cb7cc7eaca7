"""Whole-model initialization without data: kernels drawn for the calculated variance of the signal in front of them.

Written from the paper: Bingham & Miikkulainen 2023, "AutoInit: Analytic Signal-Preserving Weight Initialization for
Neural Networks" (arXiv:2109.08958). Beyond it, the walk carries the variance that all rows share (`moments.py`),
accounts for `"same"` padding, and passes the signal through each kernel as it was drawn.
"""

from collections import Counter

import keras
import numpy as np

from recipes.initialization import moments
from recipes.initialization.kernels import MAXOUT, KernelStart, has_kernels, hits, kernels
from recipes.initialization.moments import Signal
from recipes.initialization.rules import SELF_INITIALIZED, activation, array, rule_for
from recipes.keras_internals.layers import graph_of, known_class
from recipes.keras_internals.private import calls_in_order

_ROWS = 32  # of synthetic inputs for an unknown layer
_LENGTH = 8  # assumed for their axes of unknown length


class Walk:
    """One pass through a graph, from the inputs to the outputs, that draws each trainable kernel it meets.

    Attributes:
        starts: Records of the kernels that were drawn, in order.
        unknown: Names of the layers and operations without a rule.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.starts: list[KernelStart] = []
        self.unknown: list[str] = []
        self._seen: set[int] = set()

    def through(self, graph: keras.Function, signals: list[Signal]) -> list[Signal]:
        """The signals at the outputs of `graph`, from those at its inputs."""
        at = {id(tensor): signal for tensor, signal in zip(graph.inputs, signals, strict=True)}
        nodes = [node for node in calls_in_order(graph) if not node.is_input]
        left = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
        left.update(id(tensor) for tensor in graph.outputs)
        for node in nodes:
            incoming = [at[id(tensor)] for tensor in node.input_tensors]
            at.update(zip(map(id, node.outputs), self._behind(node, incoming), strict=True))
            for tensor in node.input_tensors:  # the grid of a signal is large: none is kept for longer than needed
                left[id(tensor)] -= 1
                if not left[id(tensor)]:
                    del at[id(tensor)]
        return [at[id(tensor)] for tensor in graph.outputs]

    def _behind(self, node, signals: list[Signal]) -> list[Signal]:
        operation = node.operation
        inner = graph_of(operation)
        if inner is not None:
            return self.through(inner, signals)
        shapes, output = [tensor.shape for tensor in node.input_tensors], node.outputs[0].shape
        if has_kernels(operation):
            return [self._kernel_layer(operation, signals[0], shapes[0], output)]
        result = None
        if not isinstance(operation, keras.layers.Layer) and len(signals) == 1:
            result = _elementwise_operation(node, signals[0])
        rule = rule_for(operation)
        if result is None and rule is not None:
            result = rule(operation, signals, shapes, output)
        if result is not None:
            return [result]
        if operation.name not in self.unknown and not known_class(operation, SELF_INITIALIZED):
            self.unknown.append(operation.name)
        return _measured(node, signals)

    def _kernel_layer(self, layer, signal: Signal, shape, output) -> Signal:
        draw = layer.trainable and id(layer) not in self._seen  # a shared layer is drawn at its first call
        self._seen.add(id(layer))
        parts = kernels(layer)
        for kernel in parts:
            # The second kernel of a separable convolution covers one position, which is never padding.
            fraction = hits(layer, shape, output) if kernel is parts[0] else 1.0
            bias = array(layer.bias) if kernel is parts[-1] and layer.bias is not None else None
            if draw:
                # Without a signal (behind a gamma of 0, for example), the kernel is drawn as for a mean square of 1.
                variance = 1 / (kernel.fan_in * fraction * (signal.raw[1] or 1.0))
                kernel.write(kernel.normal(variance, self.rng))
            signal = moments.kernel(signal, kernel.read(), bias, fraction)
            if draw:
                name = layer.name if len(parts) == 1 else f"{layer.name}/{kernel.variable.name}"
                self.starts.append(KernelStart.of(name, variance, signal))
        if known_class(layer, MAXOUT):
            return moments.largest([signal] * layer.pieces)
        return activation(signal, layer.activation, output[-1])


def _elementwise_operation(node, signal: Signal) -> Signal | None:
    """The signal behind an operation on one tensor, such as `keras.ops.relu(x)` or `2 * x`; `None` if it fails."""

    def in_keras(values):
        tensor = keras.ops.convert_to_tensor(values, "float32")
        arguments, keywords = node.arguments.convert(lambda x: tensor if isinstance(x, keras.KerasTensor) else x)
        return array(node.operation(*arguments, **keywords))

    try:
        return moments.elementwise(signal, in_keras)
    except Exception:  # a backend may raise anything for a shape that the operation does not take
        return None


def _measured(node, signals: list[Signal]) -> list[Signal]:
    """The signals behind an operation without a rule: measured on normal inputs, or unchanged if that fails."""
    rng = np.random.default_rng(0)
    inputs = {
        id(tensor): _synthetic(tensor, signal, rng) for tensor, signal in zip(node.input_tensors, signals, strict=True)
    }
    state = [
        (variable, np.array(keras.ops.convert_to_numpy(variable.value)))
        for variable in getattr(node.operation, "non_trainable_variables", ())
    ]
    try:
        arguments, keywords = node.arguments.fill_in(inputs)
        outputs = keras.tree.flatten(node.operation(*arguments, **keywords))
        results = [measured(array(value)) for value in outputs]
        fits = len(results) == len(node.outputs) and all(np.isfinite(result.raw).all() for result in results)
    except Exception:  # an unknown layer may raise anything
        fits = False
    finally:
        for variable, value in state:
            variable.assign(value)
    return results if fits else [signals[0]] * len(node.outputs)


def _synthetic(tensor, signal: Signal, rng: np.random.Generator):
    shape = [_LENGTH if size is None else size for size in tensor.shape[1:]]
    units = rng.standard_normal(shape)
    rows = rng.standard_normal((_ROWS, *shape))
    values = signal.mean + signal.shared**0.5 * units + max(signal.variance - signal.shared, 0.0) ** 0.5 * rows
    return keras.ops.convert_to_tensor(values, tensor.dtype)


def measured(values: np.ndarray) -> Signal:
    """The moments of `values`, rows first."""
    units = values.mean(axis=0)
    # Part of the variance between the means of units is due to the finite number of rows.
    by_chance = values.var(axis=0).mean() / max(len(values) - 1, 1)
    variance = values.var()
    return Signal(values.mean(), variance, float(np.clip(units.var() - by_chance, 0.0, variance)))
