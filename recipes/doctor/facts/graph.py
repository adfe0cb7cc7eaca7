"""The layers of a model one by one, also those inside nested models and wrappers, and which of them follow which.

A Sequential or functional model has a graph that shows it. The layers of a subclassed model are attributes, and what
follows what shows only while it computes: it is called on a row, and the inputs and outputs of each layer are noted.
"""

import contextlib
import functools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import keras

from callbacks.watching.activation_probe import unchanged
from callbacks.watching.watched_layers import watched_layers
from recipes.keras_internals.layers import graph_of
from recipes.keras_internals.private import all_layers, calls_in_order, direct_layers

_WHOLE = ("keras", "custom_layers")  # packages whose layers are one layer each, even if they are made of others


@dataclass(frozen=True, eq=False)
class Place:
    """One layer of a model.

    Attributes:
        name: Name as in `Record.layers`, such as `"body/dense"`.
        layer: The layer.
        in_sequence: Whether it takes the output of the layer before it and of no other.
        gives_output: Whether what it returns is the output of the model.
    """

    name: str
    layer: keras.Layer
    in_sequence: bool = False
    gives_output: bool = False


def places_of(model: keras.Model, row) -> tuple[Place, ...]:
    """The layers of a built `model` in the order of their computation; `row` is a batch of one row or a few."""
    names = {id(layer): name for name, layer in watched_layers(model).items()}
    if _has_graph(model):
        found = list(_of_graph(model, "", follows=False, last=True))
    else:
        found = _of_call(model, list(_inside(model, "")), row)
    return tuple(replace(place, name=names.get(id(place.layer), place.name)) for place in found)


def _has_graph(model) -> bool:
    """Whether the graph of `model` is what it computes, rather than a `call` of the user's own."""
    owner = next((kind for kind in type(model).__mro__ if "call" in vars(kind)), object)
    return owner.__module__.partition(".")[0] in _WHOLE and graph_of(model) is not None


def _of_graph(model, path: str, follows: bool, last: bool) -> Iterator[Place]:
    """The places in a model with a graph, which takes the output of the layer before it if `follows`."""
    graph = graph_of(model)
    nodes = [node for node in calls_in_order(graph) if not node.is_input]
    calls = [node for node in nodes if isinstance(node.operation, keras.Layer)]
    inputs, outputs = {id(tensor) for tensor in graph.inputs}, {id(tensor) for tensor in graph.outputs}
    single = len(graph.outputs) == 1
    seen: set[int] = set()
    previous: set[int] = set()
    for node in calls:
        layer = node.operation
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        taken = {id(tensor) for tensor in node.input_tensors}
        once = sum(other.operation is layer for other in calls) == 1
        is_next = once and len(taken) == 1 and (taken <= previous or (follows and not previous and taken <= inputs))
        previous = {id(tensor) for tensor in node.outputs}
        yield from _of_layer(layer, f"{path}{layer.name}", is_next, last and single and once and previous <= outputs)


def _of_layer(layer, path: str, follows: bool, last: bool) -> Iterator[Place]:
    if isinstance(layer, keras.Model) and _has_graph(layer):
        yield from _of_graph(layer, f"{path}/", follows, last)
    elif parts := _parts(layer):
        yield from (Place(f"{path}/{part.name}", part) for part in parts)
    else:
        yield Place(path, layer, follows, last)


def _inside(layer, path: str) -> Iterator[Place]:
    """The innermost layers of `layer` in the order in which they are its attributes."""
    for part in direct_layers(layer):
        inner = f"{path}/{part.name}" if path else part.name
        if _parts(part):
            yield from _inside(part, inner)
        elif not isinstance(part, keras.layers.InputLayer):
            yield Place(inner, part)


def _parts(layer) -> list:
    container = isinstance(layer, keras.Model | keras.layers.Bidirectional)
    if type(layer).__module__.split(".")[0] in _WHOLE and not container:
        return []
    return direct_layers(layer)


def _of_call(model, places: list[Place], row) -> list[Place]:
    """`places` in the order in which `model` calls them; those that it does not call stay behind them."""
    calls: list[tuple[Place, list, list]] = []
    with contextlib.ExitStack() as stack:
        for place in {id(place.layer): place for place in places}.values():
            stack.enter_context(_noting(place, calls))
        try:
            outputs = keras.tree.flatten(outputs_of(model, row))
        except Exception:  # of the user's own `call`, which shows again in the first step
            return places
    found: dict[int, Place] = {}
    previous: list = []
    for place, taken, given in calls:
        once = sum(other is place for other, _, _ in calls) == 1
        follows = once and len(taken) == 1 and len(previous) == 1 and taken[0] is previous[0]
        is_last = once and len(outputs) == 1 and len(given) == 1 and given[0] is outputs[0]
        found.setdefault(id(place.layer), replace(place, in_sequence=follows, gives_output=is_last))
        previous = given
    return [*found.values(), *(place for place in places if id(place.layer) not in found)]


@contextlib.contextmanager
def _noting(place: Place, calls: list) -> Iterator[None]:
    """Within it, each call of the layer is appended to `calls`, with the tensors that it takes and gives."""
    layer, call = place.layer, place.layer.call

    @functools.wraps(call)
    def noted(*args, **kwargs):
        outputs = call(*args, **kwargs)
        taken = [part for part in keras.tree.flatten((args, kwargs)) if keras.ops.is_tensor(part)]
        calls.append((place, taken, keras.tree.flatten(outputs)))
        return outputs

    had = "call" in vars(layer)
    # On this one object, past Keras's tracking of attributes: Keras has no hook around the call of a layer.
    object.__setattr__(layer, "call", noted)
    try:
        yield
    finally:
        if had:
            object.__setattr__(layer, "call", call)
        else:
            object.__delattr__(layer, "call")


def outputs_of(model: keras.Model, row):
    """The outputs of `model` for a batch of one row or a few, in inference; it and random state stay unchanged."""
    # What Keras warns of here, such as a softmax over one unit, is for the rules to tell.
    with warnings.catch_warnings(), unchanged(model):
        warnings.simplefilter("ignore")
        return model(row, training=False)


def frozen_layers(model: keras.Model, layers: list[keras.Layer]) -> set[int]:
    """Ids of those of `layers` whose weights would be trained, were not they or a model around them frozen."""
    trained = {id(weight) for weight in model.trainable_weights}
    return {
        id(layer)
        for layer in layers
        if layer.weights
        and not any(id(weight) in trained for weight in layer.weights)
        and (not layer.trainable or layer.trainable_weights)
    }


def is_built(model: keras.Model) -> bool:
    """Whether the model and all layers in it have their weights."""
    return all(layer.built for layer in all_layers(model))
