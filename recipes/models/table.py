"""A network as a table, layer by layer: shape, parameters, activation, initialization and cost."""

import math
from dataclasses import asdict, dataclass

import keras

from recipes.arguments.text_table import table_lines, text_of
from recipes.keras_internals.layers import graph_of
from recipes.models.layer_rows import LayerRow, rows_of

_HEADS = ("layer", "kind", "output", "parameters", "activation", "initializer", "variance", "multiply-adds")
_TEXT_COLUMNS = (0, 1, 2, 4, 5)


@dataclass(frozen=True)
class ModelTable:
    """What `model_table` returns. `print` shows it as a table with one line for each row.

    Attributes:
        name: Name of the model.
        rows: Rows of the layers, in the order of the signal.
        parameters: Number of parameters of the whole model.
        trainable: Number of parameters that are trained.
        multiply_adds: Multiply-adds for one row of data, without those of the layers in `unknown`.
        activation_bytes: Estimated bytes that a training step keeps for the backward pass of one row of data.
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
        return text_of([*table_lines([_HEADS, *map(_cells, self.rows)], left=_TEXT_COLUMNS), self._totals()])

    def _totals(self) -> str:
        frozen = self.parameters - self.trainable
        parameters = f"{self.parameters:,} parameters{f', {frozen:,} of them not trained' if frozen else ''}"
        costs = f"{'at least ' if self.unknown else ''}{self.multiply_adds:,} multiply-adds a row"
        names = f" (not known: {', '.join(self.unknown)})" if self.unknown else ""
        return f"total: {parameters}; {costs}{names}"


def model_table(model: keras.Model, input_shape: tuple[int, ...] | None = None) -> ModelTable:
    """The layers of `model` as a table: shape, parameters, activation, initialization and cost of each.

    An activation or normalization that only one layer feeds is shown in the row of that layer. The variance is that of
    the current values of the kernel: in a new model, as they were drawn; for a recurrent layer, those of the kernel for
    its inputs; for a separable one, those of the kernel that mixes the channels. Multiply-adds are those of matrix
    products and convolutions; a recurrent layer counts all its steps, and a layer that is called twice both calls.

    Args:
        model: A built Sequential or functional model, with or without models inside.
        input_shape: Shape of one row, for a model that takes rows of any size, such as sequences of any number of
            steps. Default: the model's own; what depends on a size that it leaves open is then not known.

    Returns:
        A `ModelTable`: `print` it, or read its `rows`.

    Raises:
        ValueError: If `model` is not a built Sequential or functional model, or `input_shape` does not fit it.
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
    rows = tuple(rows_of(graph))
    layers = [row for row in rows if not row.is_model]
    return ModelTable(
        name=model.name,
        rows=rows,
        parameters=model.count_params(),
        trainable=sum(math.prod(weight.shape) for weight in model.trainable_weights),
        multiply_adds=sum(row.multiply_adds or 0 for row in layers),
        activation_bytes=sum(row.activation_bytes for row in layers),
        unknown=tuple(row.name for row in layers if row.multiply_adds is None),
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


def _cells(row: LayerRow) -> tuple[str, ...]:
    """The cells of the line of `row`; costs of layers that compute nothing to speak of are left blank."""
    costs = "?" if row.multiply_adds is None else f"{row.multiply_adds:,}"
    return (
        "  " * row.depth + row.name,
        row.kind,
        " x ".join("?" if size is None else str(size) for size in row.shape),
        f"{row.parameters:,}" if row.parameters else "",
        row.activation or "",
        row.initializer or "",
        "" if row.variance is None else f"{row.variance:.3g}",
        costs if row.parameters or row.multiply_adds != 0 else "",
    )
