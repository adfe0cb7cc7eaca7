"""The configuration of a model file: every object in it is checked before Keras makes one of them."""

import json
import math
import re
from collections.abc import Iterable

import keras

from recipes.models.untrusted.allowed import custom_object, keras_class, keras_function
from recipes.models.untrusted.archive import RefusedError

MOST_DEPTH, MOST_CONTAINERS, MOST_OBJECTS, MOST_CALLS, MOST_TRIES = 100, 500_000, 50_000, 20_000, 100_000
MOST_IN_SHAPE = 2**27  # values of an array for one row, such as a picture of 11,000 x 11,000 points
CODE = "it holds Python code that would run while it loads"
# Keras's own notation for values that JSON lacks.
VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__slice__", "__ellipsis__")
NUMBERS = re.compile(r"bool|u?int(4|8|16|32|64)|b?float(16|32|64)|float8_\w+|complex(64|128)|string", re.ASCII)
# Numbers of which Keras makes lists or loops when it makes the object; metrics make arrays of all of theirs.
LOOPS = ("ngrams", "num_ops", "num_chains", "chain_depth", "num", "indices_or_sections", "num_thresholds")
MOST_IN_LOOP, MOST_NUMBERS = 4096, 2**24
LOOKUPS = (keras.layers.StringLookup, keras.layers.IntegerLookup, keras.layers.TextVectorization)


class UnknownNameError(ValueError):
    """A class or function that is not Keras's, and that the user has neither given nor registered."""


def parse(content: bytes) -> dict:
    """The configuration in `content`, as JSON of bounded depth and number of parts."""
    if content.count(b"[") + content.count(b"{") > MOST_CONTAINERS:
        raise RefusedError(f"its configuration has more than {MOST_CONTAINERS:,} parts")
    try:
        configuration = json.loads(content)
    except RecursionError:
        raise RefusedError(f"its configuration is nested more than {MOST_DEPTH} deep") from None
    if not isinstance(configuration, dict) or not {"module", "class_name", "config"} <= set(configuration):
        raise ValueError("its configuration is none of a model")
    return configuration


class Checked:
    """A configuration that holds nothing but what models may consist of.

    Args:
        configuration: Configuration of a model, as `parse` gives it.
        custom_objects: The user's own classes and functions, by name.

    Attributes:
        has_foreign_classes: Whether it names classes that are neither of Keras nor of this package.

    Raises:
        RefusedError: If it holds anything else, or more of it than a model needs.
        UnknownNameError: If it names a class or function that is not known.
    """

    def __init__(self, configuration: dict, custom_objects: dict | None):
        self.custom_objects = custom_objects or {}
        self.has_foreign_classes = False
        self._objects = self._numbers = 0
        self._check(configuration, depth=0)

    def _check(self, value, depth: int) -> int:
        """Check `value` and what is in it, and count the calls of layers that it asks for."""
        if depth > MOST_DEPTH:
            raise RefusedError(f"its configuration is nested more than {MOST_DEPTH} deep")
        if isinstance(value, list):
            return sum(self._check(part, depth + 1) for part in value)
        if not isinstance(value, dict):
            return 0
        is_layer = "class_name" in value and self._check_object(value)
        calls = sum(self._check(part, depth + 1) for part in value.values())
        for name, part in value.items():
            if "shape" in name:
                _check_shape(part)
            if name == "layers" and isinstance(part, list):
                _check_order(part)
        if is_layer:
            # Each call of a model within a model is a call of each layer in that.
            calls = (1 + calls) * max(1, _count_calls(value))
            if calls > MOST_CALLS:
                raise RefusedError(f"its layers are called more than {MOST_CALLS:,} times")
        return calls

    def _check_object(self, value: dict) -> bool:
        """Check the one object that `value` describes, without what is in it; whether it is a layer or operation."""
        name, config = value["class_name"], value.get("config")
        module, registered = value.get("module"), value.get("registered_name", name)
        self._objects += 1
        if self._objects > MOST_OBJECTS:
            raise RefusedError(f"its configuration has more than {MOST_OBJECTS:,} objects")
        if not isinstance(name, str) or not all(isinstance(text, str | None) for text in (module, registered)):
            raise RefusedError("its configuration names a class by something else than text")
        if name in VALUES:
            _check_value(config)
            return False
        if name in ("__lambda__", "Lambda") and custom_object(registered, self.custom_objects) is None:
            raise RefusedError(CODE)
        if name == "function":
            self._check_function(module or "builtins", config)
            return False
        kind = self._class_of(module, name, registered)
        if isinstance(config, dict) and isinstance(kind, type):
            self._check_arguments(kind, value)
        return isinstance(kind, type) and issubclass(kind, keras.Operation)

    def _check_function(self, module: str, name) -> None:
        if not isinstance(name, str):
            raise RefusedError("its configuration names a function by something else than text")
        if custom_object(name, self.custom_objects) is None and keras_function(module, name) is None:
            if module.partition(".")[0] == "keras":
                raise RefusedError(f"it calls {_named(module, name)}, which is no activation, loss or metric")
            raise UnknownNameError(f"the function {name[:80]!r}")

    def _class_of(self, module: str | None, name: str, registered: str | None):
        kind = custom_object(registered, self.custom_objects)
        if kind is not None:
            self.has_foreign_classes |= not registered.startswith("keras_recipes>")
            return kind
        if module is None or module.partition(".")[0] != "keras":
            raise UnknownNameError(f"the class {name[:80]!r}")
        kind = keras_class(module, name)
        if kind is None:
            raise RefusedError(f"it uses {_named(module, name)}, which is no part of models that are loaded here")
        return kind

    def _check_arguments(self, kind: type, value: dict) -> None:
        config = value["config"]
        if issubclass(kind, LOOKUPS) and isinstance(config.get("vocabulary"), str):
            raise RefusedError(f"the vocabulary of {kind.__name__} is another file, {config['vocabulary'][:80]!r}")
        if issubclass(kind, keras.layers.Normalization) and config.get("mean") is not None:
            self._count_numbers(_numbers_in_normalization(value))
        for name in ("optimizer_map", "policy_map", "exclude_layers"):
            _check_patterns(config.get(name))
        title = config.get("name")
        if isinstance(title, str) and (title in (".", "..") or not title.isprintable()):
            raise RefusedError(f"{kind.__name__} is called {title[:80]!r}")
        numbers = {key: part for key, part in config.items() if type(part) is int}
        if large := {key: part for key, part in numbers.items() if key in LOOPS and part > MOST_IN_LOOP}:
            raise RefusedError(f"{kind.__name__} asks for {large}, and at most {MOST_IN_LOOP} are allowed")
        if issubclass(kind, keras.Metric):
            self._count_numbers(max([0, *map(abs, numbers.values())]) ** 2)
        if issubclass(kind, keras.Optimizer):
            self._count_numbers(sum(map(abs, numbers.values())))  # such as a history of norms

    def _count_numbers(self, numbers: int) -> None:
        self._numbers += numbers
        if self._numbers > MOST_NUMBERS:
            raise RefusedError(
                f"its metrics, optimizers and normalizations keep more than {MOST_NUMBERS:,} numbers of their own"
            )


def _named(module: str, name: str) -> str:
    return repr(f"{module}.{name}"[:120])


def _count_calls(value: dict) -> int:
    calls = value.get("inbound_nodes", [])
    # A call without a tensor of the model would be computed at once, rather than be made a part of the model.
    if not isinstance(calls, list) or not all(isinstance(call, dict) and any(_tensors(call)) for call in calls):
        raise RefusedError("a layer is called with something else than outputs of other layers")
    return len(calls)


def _tensors(value):
    """Each output of a layer in `value`."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _tensors(part)


def _check_order(layers: list) -> None:
    # Keras tries each call again and again until the outputs that it needs are there. In a saved model they are there,
    # but for layers that are called several times.
    layers = [layer for layer in layers if isinstance(layer, dict) and isinstance(layer.get("name"), str)]
    places = {layer["name"]: place for place, layer in enumerate(layers)}
    late = 0
    for place, layer in enumerate(layers):
        for tensor in _tensors(layer.get("inbound_nodes")):
            config = tensor.get("config")
            history = config.get("keras_history") if isinstance(config, dict) else None
            source = history[0] if isinstance(history, list) and history else None
            late += isinstance(source, str) and places.get(source, -1) >= place
    if late * len(layers) > MOST_TRIES:
        raise RefusedError("its layers are not in the order of their calls")


def _check_value(config) -> None:
    kind = config.get("dtype", "float32") if isinstance(config, dict) else None
    if not isinstance(kind, str) or not NUMBERS.fullmatch(kind):
        raise RefusedError(f"an array in its configuration has the type {str(kind)[:80]!r}")


def _check_shape(shape) -> None:
    if isinstance(shape, dict):
        shape = list(shape.values())
    if isinstance(shape, list):
        check_size(shape)
        for part in shape:
            _check_shape(part)


def check_size(shape: Iterable) -> None:
    """Refuse a shape of more values than any layer needs for one row."""
    if math.prod(size for size in shape if type(size) is int and size > 0) > MOST_IN_SHAPE:
        raise RefusedError(f"its shape {str(list(shape))[:80]} has more than {MOST_IN_SHAPE:,} values")


def _numbers_in_normalization(value: dict) -> int:
    # Keras makes arrays of the means for the shape that the layer is built for.
    built = value.get("build_config")
    shape = built.get("input_shape") if isinstance(built, dict) else None
    if not isinstance(shape, list):
        raise RefusedError("a Normalization with means does not say its shape")
    return math.prod(size for size in shape if type(size) is int and size > 0)


def _check_patterns(patterns) -> None:
    # They are searched in the names of weights, which the file names, too: one with nested repeats would take for ever.
    for pattern in patterns or ():
        if isinstance(pattern, str) and (pattern.count("*") > 3 or re.search(r"[+{(?\\]", pattern)):
            raise RefusedError(f"it searches names by the pattern {pattern[:80]!r}")
