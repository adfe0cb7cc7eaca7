"""The classes and functions that a configuration may name: those of which models consist, and no other of Keras's."""

import sys
from collections.abc import Callable

import keras

_PLACES = (
    "layers", "models", "activations", "initializers", "regularizers", "constraints", "losses", "metrics", "optimizers",
    "dtype_policies", "quantizers", "random",
)  # fmt: skip
_MODULES = {"keras": keras, "keras.optimizers.schedules": keras.optimizers.schedules} | {
    f"keras.{place}": getattr(keras, place) for place in _PLACES
}
# Operations such as `x + 1` and models have no public place, and are saved under the private one.
_PRIVATE = ("keras.src.ops.", "keras.src.activations.", "keras.src.models.")
_KINDS = (
    keras.Operation, keras.Initializer, keras.Regularizer, keras.constraints.Constraint, keras.Loss, keras.Metric,
    keras.Optimizer, keras.optimizers.OptimizerMap, keras.optimizers.schedules.LearningRateSchedule, keras.DTypePolicy,
    keras.dtype_policies.DTypePolicyMap, keras.random.SeedGenerator, keras.Quantizer,
    keras.quantizers.QuantizationConfig,
)  # fmt: skip
# They run code of the file or read other files: Lambda and layers around models of other libraries, and quantizing by
# data. Operations that take functions have no use in a file, as it can hold none.
_NOT_ALLOWED = {
    "Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "GPTQConfig", "AWQConfig", "Map", "Scan",
    "AssociativeScan", "VectorizedMap", "WhileLoop", "ForiLoop", "Cond", "Switch", "JVP", "Function",
}  # fmt: skip
_FUNCTIONS = ("activations", "losses", "metrics")
_LOOKING_UP = ("get", "serialize", "deserialize")


def custom_object(name: str | None, custom_objects: dict):
    """What the user gave or registered as `name`; `None` if nothing."""
    return None if name is None else keras.saving.get_registered_object(name, custom_objects)


def keras_class(module: str, name: str) -> type | None:
    """The class of Keras that a configuration names, if models may consist of it."""
    if module in _MODULES:
        found = getattr(_MODULES[module], name, None)
    elif module.startswith(_PRIVATE):
        # What is not imported yet is not imported for a file's sake.
        found = vars(sys.modules.get(module, object)).get(name)
    else:
        found = None
    allowed = isinstance(found, type) and issubclass(found, _KINDS) and found.__name__ not in _NOT_ALLOWED
    return found if allowed else None


def keras_function(module: str, name: str) -> Callable | None:
    """The activation, loss or metric of Keras that a configuration names."""
    places = _FUNCTIONS if module == "builtins" else [place for place in _FUNCTIONS if module == f"keras.{place}"]
    found = [vars(_MODULES[f"keras.{place}"]).get(name) for place in places if name not in _LOOKING_UP]
    return next((function for function in found if callable(function) and not isinstance(function, type)), None)
