"""How large the weights of a configuration are, found out without making them."""

import math
import random

import keras

from recipes.keras_internals.layers import graph_of
from recipes.keras_internals.private import all_layers, calls_in_order, weights_undrawn
from recipes.models.untrusted.archive import RefusedError
from recipes.models.untrusted.configuration import check_size

# Weights that need not be stored, such as the states of random generators; and more than once for quantized ones.
ROOM, MOST_EXPANSION = 1_000_000, 2


def check_sizes(configuration: dict, stored: int, custom_objects: dict | None, has_foreign_classes: bool) -> None:
    """Refuse a configuration that asks for many more numbers than are `stored`, before memory is spent on them.

    Args:
        configuration: Configuration of a model, of which every object has been checked.
        stored: Count of the numbers in its file of weights.
        custom_objects: The user's own classes and functions, by name.
        has_foreign_classes: Whether classes of the user's own are in it.

    Raises:
        RefusedError: If it asks for more.
        Exception: Whatever Keras raises for a configuration of which it makes no model.
    """
    most = ROOM + MOST_EXPANSION * stored
    message = f"its layers ask for more than {most:,} weights, and {stored:,} are stored"
    asked = 0

    def count(weight):
        nonlocal asked
        asked += math.prod(weight.shape)
        if asked > most:
            raise RefusedError(message)

    # Generators without a seed draw one from Python's own, which loading a model should not move twice.
    state = random.getstate()
    try:
        with weights_undrawn(count):
            model = keras.saving.deserialize_keras_object(_uncompiled(configuration), custom_objects)
        _check_outputs(model)
    except RefusedError:
        raise
    except Exception:
        if asked > most:  # Keras has made another error of it
            raise RefusedError(message) from None
        # The user's own classes may read weights while they are made, which have no values here.
        if not has_foreign_classes:
            raise
    finally:
        random.setstate(state)


def _check_outputs(model: keras.Model) -> None:
    """Refuse a model with an output, of any layer, that has no room in memory."""
    for layer in all_layers(model):
        graph = graph_of(layer)
        for call in [] if graph is None else calls_in_order(graph):
            for tensor in call.outputs:
                check_size(tensor.shape)


def _uncompiled(value):
    # Optimizers cannot be made without values. What they hold is bounded by the weights, and metrics are by number.
    if isinstance(value, dict):
        return {key: _uncompiled(part) for key, part in value.items() if key != "compile_config"}
    return [_uncompiled(part) for part in value] if isinstance(value, list) else value
