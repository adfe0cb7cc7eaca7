"""A network as a table: what each layer is, gives, begins with and costs."""

import itertools
import math
import statistics
from collections import Counter
from dataclasses import asdict, dataclass, replace

import keras

from custom_layers import RandomizedLeakyReLU
from recipes.initialization.kernels import MAXOUT
from recipes.keras_internals.layers import graph_of
from recipes.models.layer_costs import NORMALIZATIONS, bytes_of, cells, multiply_adds, values_kept

# So many alike, one behind the other, and they are printed once.
FEWEST_ALIKE = 4
_LARGEST_GROUP = 16  # rows that are looked for as one group
_ACTIVATIONS = {
    keras.layers.ReLU: "relu",
    keras.layers.LeakyReLU: "leaky_relu",
    keras.layers.PReLU: "prelu",
    keras.layers.ELU: "elu",
    keras.layers.Softmax: "softmax",
    RandomizedLeakyReLU: "rrelu",
}
# Initializer and weight of the largest kernel, in the words of Keras's layers.
_KERNELS = (
    ("kernel_initializer", "kernel"),
    ("pointwise_initializer", "pointwise_kernel"),
    ("depthwise_initializer", "kernel"),
    ("embeddings_initializer", "embeddings"),
)
_HEADS = ("layer", "kind", "output", "parameters", "activation", "initializer", "variance", "multiply-adds")
_LEFT = (0, 1, 2, 4, 5)  # columns of text; the others are of numbers
_SPANNED = 3  # columns that a heading of a group may fill


@dataclass(frozen=True)
class LayerRow:
    """One layer of a `ModelTable`, with the normalization and the activation that stand directly behind it.

    Attributes:
        name: Of the layer.
        kind: Its class, and that of the normalization behind it.
        shape: Of its (first) output, without the batch; `None` for a size that is not known.
        parameters: Of all that the row holds.
        activation: Its own, or that of the activation layer behind it; `None` where there is none.
        initializer: Class of its kernel's initializer; `None` without a kernel.
        variance: Of the values that its kernel has now.
        multiply_adds: For one row of data, at all its calls; `None` if it is not known.
        activation_bytes: About what is kept for the backward pass, for one row of data.
        layers: Names of the layers that the row holds.
        depth: 0 in the model itself, 1 in a model inside, and so on.
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


@dataclass(frozen=True)
class ModelTable:
    """What `model_table` gives. It prints as a table, in which many alike layers take one line.

    Attributes:
        name: Of the model.
        rows: In the order of the signal.
        parameters: Of the whole model.
        trainable: So many of them are trained.
        multiply_adds: For one row of data; at least so many, if there are `unknown` ones.
        activation_bytes: About what a training step keeps for the backward pass, for one row of data.
        unknown: Names of the layers whose multiply-adds are not known.
    """

    name: str
    rows: tuple[LayerRow, ...]
    parameters: int
    trainable: int
    multiply_adds: int
    activation_bytes: int
    unknown: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        """Plain values for programs."""
        return asdict(self)

    def __str__(self):
        return "\n".join([*_aligned([_HEADS, *_cells(self.rows)]), *self._totals()])

    def _totals(self) -> list[str]:
        frozen = self.parameters - self.trainable
        parameters = f"{self.parameters:,} parameters{f', {frozen:,} of them not trained' if frozen else ''}"
        costs = f"{'at least ' if self.unknown else ''}{self.multiply_adds:,} multiply-adds a row"
        names = f" (not known: {', '.join(self.unknown)})" if self.unknown else ""
        return [f"total: {parameters}; {costs}{names}"]


def model_table(model: keras.Model, input_shape: tuple[int, ...] | None = None) -> ModelTable:
    """What each layer of `model` is, gives, begins with and costs.

    An activation or normalization that only one layer feeds is shown in the row of that layer. The variance is that of
    the kernel's values as they are: of a new model as they were drawn; of a recurrent layer, of the kernel for its
    inputs; of a separable one, of that which mixes the channels. Multiply-adds are those of matrix products and
    convolutions; a recurrent layer counts all its steps, and a layer that is called twice both calls.

    Args:
        model: A built Sequential or functional model, with models inside or not; of the user's own, too.
        input_shape: Of one row, for a model that takes rows of any size, such as sequences of any number of steps:
            without it, what depends on that size is not known.

    Returns:
        A `ModelTable`: `print` it, or read its `rows`.

    Raises:
        ValueError: For what is not a built Sequential or functional model.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a keras.Model. Received: {model!r} of type {type(model).__name__}")
    graph = graph_of(model) if model.built else None
    if graph is None:
        raise ValueError(
            f"the layers of {model.name!r} cannot be listed: `model` must be a Sequential or functional model that "
            f"begins with keras.Input. Received: {type(model).__name__}{'' if model.built else ', not built'}"
        )
    if input_shape is not None:
        _check_shape(model, input_shape)
        if None in model.inputs[0].shape[1:]:
            graph = graph_of(_with_size(model, input_shape))
    rows = tuple(_rows(graph))
    layers = [row for row in rows if not row.is_model]
    return ModelTable(
        model.name,
        rows,
        model.count_params(),
        sum(math.prod(weight.shape) for weight in model.trainable_weights),
        sum(row.multiply_adds or 0 for row in layers),
        sum(row.activation_bytes for row in layers),
        tuple(row.name for row in layers if row.multiply_adds is None),
    )


def _check_shape(model: keras.Model, input_shape) -> None:
    taken = tuple(model.inputs[0].shape[1:])
    fits = isinstance(input_shape, tuple | list) and len(input_shape) == len(taken)
    if not fits or any(own not in (None, size) for own, size in zip(taken, input_shape, strict=True)):
        raise ValueError(f"`input_shape` must fit the rows that the model takes, {taken}. Received: {input_shape!r}")


def _with_size(model: keras.Model, input_shape) -> keras.Model:
    """A copy of `model`, which takes rows of any size, for rows of `input_shape`."""
    inputs = keras.Input(tuple(input_shape), dtype=model.inputs[0].dtype, name=model.inputs[0].name)
    copy = keras.models.clone_model(model, input_tensors=inputs)
    copy.set_weights(model.get_weights())
    return copy


def _rows(graph: keras.Function, calls: int = 1, depth: int = 0) -> list[LayerRow]:
    """Of all layers of a graph that is called so many times."""
    by_depth = graph._nodes_by_depth
    nodes = {}  # of each layer, in the order of the signal
    readers = Counter(id(tensor) for tensor in graph.outputs)
    for node in (node for level in sorted(by_depth, reverse=True) for node in by_depth[level]):
        nodes.setdefault(id(node.operation), []).append(node)
        readers.update(id(tensor) for tensor in node.input_tensors)
    rows = {}  # by the layer; one that is shown with the layer in front of it has the row of that
    behind = {}  # by a tensor: the layer whose row ends there
    for layer, own in nodes.items():
        if depth and own[0].is_input:
            continue
        front = _in_front(own, readers, behind)
        if front is not None and (joined := _joined(rows[front][0], own[0], calls)):
            rows[front] = [joined]
            behind[id(own[0].outputs[0])] = front
            continue
        inner = graph_of(own[0].operation)
        if inner is not None:
            rows[layer] = _model_rows(own[0], _rows(inner, calls * len(own), depth + 1), depth)
            continue
        rows[layer] = [_row(own, calls, depth)]
        if len(own) == 1 and _can_lead(own[0].operation):
            behind[id(own[0].outputs[0])] = layer
    return [row for group in rows.values() for row in group]


def _in_front(nodes, readers, behind) -> int | None:
    """The layer whose row may go on: that which feeds only this one, which is called only once."""
    if len(nodes) != 1 or len(nodes[0].input_tensors) != 1:
        return None
    tensor = id(nodes[0].input_tensors[0])
    return behind.get(tensor) if readers[tensor] == 1 else None


def _can_lead(operation) -> bool:
    return isinstance(operation, keras.layers.Layer) and bool(operation.weights) and not _is_activation(operation)


def _joined(row: LayerRow, node, calls: int) -> LayerRow | None:
    """`row` with the normalization or activation behind it; `None` if what is called at `node` needs its own row."""
    layer = node.operation
    if row.activation not in (None, "linear"):
        return None
    if isinstance(layer, NORMALIZATIONS):
        changes = {"kind": f"{row.kind}, {_kind(layer)}"}
    elif _is_activation(layer):
        changes = {"activation": _activation(layer)}
    else:
        return None
    own = _row([node], calls, row.depth)
    return replace(
        row,
        **changes,
        parameters=row.parameters + own.parameters,
        activation_bytes=row.activation_bytes + own.activation_bytes,
        layers=(*row.layers, layer.name),
    )


def _row(nodes, calls: int, depth: int) -> LayerRow:
    """Of one layer, which is called at all these `nodes`."""
    layer, first = nodes[0].operation, nodes[0]
    is_layer = isinstance(layer, keras.layers.Layer)
    costs, kept = [], 0
    for node in nodes:
        inputs, outputs = ([tuple(tensor.shape) for tensor in part] for part in (node.input_tensors, node.outputs))
        costs.append(multiply_adds(layer, inputs, outputs[0]))
        kept += values_kept(layer, inputs, outputs)
    initializer, kernel = _kernel(layer) if is_layer else (None, None)
    return LayerRow(
        layer.name,
        _kind(layer),
        tuple(first.outputs[0].shape[1:]),
        layer.count_params() if is_layer and layer.built else 0,
        _activation(layer),
        None if initializer is None else getattr(initializer, "__name__", type(initializer).__name__),
        None if kernel is None else _variance(kernel),
        None if None in costs else calls * sum(costs),
        calls * kept * bytes_of(first.outputs[0].dtype),
        (layer.name,),
        depth,
    )


def _model_rows(node, inside: list[LayerRow], depth: int) -> list[LayerRow]:
    """The row of a model inside, and those of its layers."""
    model, layers = node.operation, [row for row in inside if not row.is_model]
    costs = [row.multiply_adds for row in layers]
    return [
        LayerRow(
            model.name,
            _kind(model),
            tuple(node.outputs[0].shape[1:]),
            model.count_params(),
            None,
            None,
            None,
            None if None in costs else sum(costs),
            sum(row.activation_bytes for row in layers),
            tuple(layer.name for layer in model.layers),
            depth,
            is_model=True,
        ),
        *inside,
    ]


def _kind(layer) -> str:
    """The class of a layer in short, with what is inside of a wrapper."""
    name = type(layer).__name__.removesuffix("Layer").replace("Normalization", "Norm")
    name = name.replace("AveragePooling", "AvgPool").replace("MaxPooling", "MaxPool")  # Keras knows these names, too
    inner = getattr(layer, "layer", None) or getattr(layer, "forward_layer", None)
    if isinstance(layer, keras.layers.Bidirectional | keras.layers.TimeDistributed):
        return f"{name}({type(inner).__name__})"
    if isinstance(layer, keras.layers.Dropout | keras.layers.AlphaDropout):
        return f"{name} {layer.rate:g}"
    return name


def _is_activation(layer) -> bool:
    return isinstance(layer, (keras.layers.Activation, *_ACTIVATIONS))


def _activation(layer) -> str | None:
    if isinstance(layer, MAXOUT):
        return f"maxout {layer.pieces}"
    for kind, name in _ACTIVATIONS.items():
        if isinstance(layer, kind):
            return name
    if isinstance(layer, keras.layers.Bidirectional):
        layer = layer.forward_layer
    if isinstance(layer, keras.layers.TimeDistributed):
        layer = layer.layer
    activation = getattr(layer, "activation", None)
    return None if activation is None else getattr(activation, "__name__", type(activation).__name__)


def _kernel(layer) -> tuple:
    """Initializer and values of the largest kernel of a layer; `None` twice if it has none."""
    if isinstance(layer, keras.layers.Bidirectional):
        layer = layer.forward_layer
    if isinstance(layer, keras.layers.TimeDistributed):
        layer = layer.layer
    if isinstance(layer, keras.layers.RNN):
        layer = cells(layer)[0]
    for initializer, kernel in _KERNELS:
        if getattr(layer, initializer, None) is not None and getattr(layer, kernel, None) is not None:
            return getattr(layer, initializer), getattr(layer, kernel)
    return None, None


def _variance(kernel) -> float:
    """Of the values of a kernel, or of the tables of an embedding."""
    tables = kernel if isinstance(kernel, list) else [kernel]
    values = keras.ops.concatenate([keras.ops.reshape(keras.ops.cast(table, "float32"), [-1]) for table in tables])
    return float(keras.ops.convert_to_numpy(values).astype("float64").var())


def _cells(rows) -> list[tuple[str, ...]]:
    """What is printed: of many alike rows or groups of rows the first, and how many there are."""
    keys = [replace(row, name="", layers=(), variance=None) for row in rows]
    lines, start = [], 0
    while start < len(rows):
        size, times = _repetition(rows, keys, start)
        group = rows[start : start + size]
        end = start + size * times
        if times == 1:
            lines.append(_line(group[0], _name(group[0])))
        elif size == 1:
            variances = [row.variance for row in rows[start:end]]
            one = group[0] if None in variances else replace(group[0], variance=statistics.fmean(variances))
            name = f"{_name(one)} ... {rows[end - 1].name} ({times} layers)"
            lines.append(_line(one, name, times))
        else:
            lines.append(_heading(group, rows[end - size : end], times))
            lines += [_line(row, f"  {_name(row)}") for row in group]
        start = end
    return lines


def _repetition(rows, keys: list, start: int) -> tuple[int, int]:
    """Rows of the group that begins at `start`, and how many times it stands there: `(1, 1)` if it is not repeated."""
    best, length = (1, 1), 1
    for size in range(1, min(_LARGEST_GROUP, (len(keys) - start) // FEWEST_ALIKE) + 1):
        same = 0  # rows that are as those of one group before
        while start + size + same < len(keys) and keys[start + size + same] == keys[start + same]:
            same += 1
        times = 1 + same // size
        if times >= FEWEST_ALIKE and size * times > best[0] * best[1]:
            best, length = (size, times), size + same
    size, times = best

    def prefix(shift):
        return len(_prefix(rows[start + shift : start + shift + size]))

    # Any row of a group could be its first: a block begins where the names have most in common.
    later = [shift for shift in range(1, size) if (length - shift) // size >= FEWEST_ALIKE]
    return (1, 1) if any(prefix(shift) > prefix(0) for shift in later) else best


def _prefix(group: list[LayerRow]) -> str:
    """What all names of a group begin with."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*(row.name for row in group), strict=False))
    return "".join(letters[0] for letters in alike).rstrip("_")


def _heading(first: list[LayerRow], last: list[LayerRow], times: int) -> tuple[str, ...]:
    """The line above a group of rows that is repeated."""
    names = [_prefix(group) for group in (first, last)]
    if not all(names) or names[0] == names[1]:
        names = first[0].name, last[-1].name
    layers = [row for row in first if not row.is_model]
    costs = [row.multiply_adds for row in layers]
    total = replace(
        first[0],
        kind="",
        shape=(),
        parameters=sum(row.parameters for row in layers),
        activation=None,
        initializer=None,
        variance=None,
        multiply_adds=None if None in costs else sum(costs),
    )
    return _line(total, f"{'  ' * first[0].depth}{names[0]} ... {names[1]} ({times} times these {len(first)}):", times)


def _name(row: LayerRow) -> str:
    return "  " * row.depth + row.name


def _line(row: LayerRow, name: str, times: int = 1) -> tuple[str, ...]:
    """What is printed of a row that stands for so many."""
    each = f"{times} x " if times > 1 else ""
    costs = "?" if row.multiply_adds is None else f"{row.multiply_adds:,}"
    return (
        name,
        row.kind,
        " x ".join("?" if size is None else str(size) for size in row.shape),
        f"{each}{row.parameters:,}" if row.parameters else "",
        row.activation or "",
        row.initializer or "",
        "" if row.variance is None else f"{row.variance:.3g}",
        f"{each}{costs}" if row.parameters or row.multiply_adds != 0 else "",
    )


def _aligned(table: list[tuple[str, ...]]) -> list[str]:
    widths = []
    for column in range(len(_HEADS)):
        # A heading has no kind, and room in the columns behind it.
        widths.append(max(len(row[column]) for row in table if column or row[1]))
    lines = []
    for row in table:
        cells = [
            cell.ljust(width) if column in _LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        if not row[1]:
            cells = [row[0].ljust(sum(widths[:_SPANNED]) + 2 * (_SPANNED - 1)), *cells[_SPANNED:]]
        lines.append("  ".join(cells).rstrip())
    return lines
