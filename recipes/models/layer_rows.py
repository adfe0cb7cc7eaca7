"""The layers of a model as rows: what each is, what shape it outputs, how it was initialized and what it costs."""

import itertools
from collections import Counter
from dataclasses import dataclass, replace

import keras

from recipes.keras_internals.layers import graph_of
from recipes.keras_internals.private import calls_in_order
from recipes.models.layer_costs import NORMALIZATIONS, bytes_of, multiply_adds, values_kept
from recipes.models.layer_descriptions import activation_of, is_activation, kernel_of, kind_of


@dataclass(frozen=True)
class LayerRow:
    """One layer of a `ModelTable`, together with the normalization and the activation directly behind it.

    Attributes:
        name: Name of the layer.
        kind: Class of the layer, shortened, and that of the normalization behind it.
        shape: Shape of its (first) output, without the batch; `None` for a size that is not known.
        parameters: Number of parameters of all layers of the row.
        activation: Name of its activation, or of the activation layer behind it; `None` where there is none.
        initializer: Class of the initializer of its kernel; `None` without a kernel.
        variance: Variance of the current values of its kernel; `None` without a kernel.
        multiply_adds: Multiply-adds for one row of data, over all its calls; `None` if they are not known.
        activation_bytes: Estimated bytes kept for the backward pass of one row of data.
        layers: Names of the layers of the row.
        depth: Level of nesting: 0 in the model itself, 1 in a model inside it, and so on.
        is_model: Whether it is a model inside: its numbers are the sums of its layers, whose rows follow.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]
    parameters: int
    activation: str | None
    initializer: str | None
    variance: float | None
    multiply_adds: int | None
    activation_bytes: int
    layers: tuple[str, ...]
    depth: int = 0
    is_model: bool = False


def rows_of(graph: keras.Function, calls: int = 1, depth: int = 0) -> list[LayerRow]:
    """The rows of all layers of a graph, in the order of the signal.

    Args:
        graph: Graph of a model that is built.
        calls: Number of times that the whole graph is called.
        depth: Level of nesting of the graph.
    """
    nodes_of = {}  # layer -> its calls, in the order of the signal
    readers = Counter(id(tensor) for tensor in graph.outputs)
    for node in calls_in_order(graph):
        nodes_of.setdefault(id(node.operation), []).append(node)
        readers.update(id(tensor) for tensor in node.input_tensors)
    rows = {}  # layer -> its rows; a normalization or activation that joins the layer in front has none
    open_rows = {}  # tensor -> the layer whose row ends there and may still be joined
    for layer, nodes in nodes_of.items():
        first = nodes[0]
        if depth and first.is_input:
            continue
        front = _layer_in_front(nodes, readers, open_rows)
        if front is not None and (joined := _joined(rows[front][0], first, calls)):
            rows[front] = [joined]
            open_rows[id(first.outputs[0])] = front
            continue
        inner = graph_of(first.operation)
        if inner is not None:
            inside = rows_of(inner, calls * len(nodes), depth + 1)
            rows[layer] = [_model_row(first, inside, depth), *inside]
            continue
        rows[layer] = [_layer_row(nodes, calls, depth)]
        if len(nodes) == 1 and _can_be_joined(first.operation):
            open_rows[id(first.outputs[0])] = layer
    return list(itertools.chain.from_iterable(rows.values()))


def _layer_in_front(nodes, readers, open_rows) -> int | None:
    """The layer whose row the layer called at `nodes` may join: one that feeds this layer alone, which is called once.

    Whatever else reads that layer does not read its normalization or activation, so that these need rows of their own.
    """
    if len(nodes) != 1 or len(nodes[0].input_tensors) != 1:
        return None
    tensor = id(nodes[0].input_tensors[0])
    return open_rows.get(tensor) if readers[tensor] == 1 else None


def _can_be_joined(operation) -> bool:
    return isinstance(operation, keras.layers.Layer) and bool(operation.weights) and not is_activation(operation)


def _joined(row: LayerRow, node, calls: int) -> LayerRow | None:
    """`row` with the normalization or activation called at `node`; `None` for any other layer."""
    layer = node.operation
    if row.activation not in (None, "linear"):
        return None
    if isinstance(layer, NORMALIZATIONS):
        changes = {"kind": f"{row.kind}, {kind_of(layer)}"}
    elif is_activation(layer):
        changes = {"activation": activation_of(layer)}
    else:
        return None
    own = _layer_row([node], calls, row.depth)
    return replace(
        row,
        **changes,
        parameters=row.parameters + own.parameters,
        activation_bytes=row.activation_bytes + own.activation_bytes,
        layers=(*row.layers, layer.name),
    )


def _layer_row(nodes, calls: int, depth: int) -> LayerRow:
    """The row of one layer, which is called at all these `nodes`."""
    layer, first = nodes[0].operation, nodes[0]
    is_layer = isinstance(layer, keras.layers.Layer)
    costs, kept = [], 0
    for node in nodes:
        inputs, outputs = ([tuple(tensor.shape) for tensor in part] for part in (node.input_tensors, node.outputs))
        costs.append(multiply_adds(layer, inputs, outputs[0]))
        kept += values_kept(layer, inputs, outputs)
    initializer, variance = kernel_of(layer) if is_layer else (None, None)
    return LayerRow(
        name=layer.name,
        kind=kind_of(layer),
        shape=tuple(first.outputs[0].shape[1:]),
        parameters=layer.count_params() if is_layer and layer.built else 0,
        activation=activation_of(layer),
        initializer=initializer,
        variance=variance,
        multiply_adds=None if None in costs else calls * sum(costs),
        activation_bytes=calls * kept * bytes_of(first.outputs[0].dtype),
        layers=(layer.name,),
        depth=depth,
    )


def _model_row(node, inside: list[LayerRow], depth: int) -> LayerRow:
    """The row of the model called at `node`, with the rows of its layers `inside`."""
    model, layers = node.operation, [row for row in inside if not row.is_model]
    costs = [row.multiply_adds for row in layers]
    return LayerRow(
        name=model.name,
        kind=kind_of(model),
        shape=tuple(node.outputs[0].shape[1:]),
        parameters=model.count_params(),
        activation=None,
        initializer=None,
        variance=None,
        multiply_adds=None if None in costs else sum(costs),
        activation_bytes=sum(row.activation_bytes for row in layers),
        layers=tuple(layer.name for layer in model.layers),
        depth=depth,
        is_model=True,
    )
