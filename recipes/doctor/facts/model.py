"""Facts about a compiled model: its layers, its outputs, its loss and its optimizer."""

import functools
import math
import warnings

import keras
import numpy as np

from callbacks.watching.keras_private import build_for
from recipes.doctor.facts.graph import Place, is_built, outputs_of, places_of
from recipes.doctor.facts.layers import activation_name, layer_facts
from recipes.doctor.facts.optimizer import facts_since_compile, optimizer_facts
from recipes.doctor.seen import LayerFacts, ModelFacts
from recipes.keras_internals.private import compile_arguments
from recipes.models.outputs import Outputs, compiled_loss

# Layers that pass on what an activation gives, so that it is still the activation of the outputs.
_PASSING = (
    "Dropout", "AlphaDropout", "GaussianDropout", "ScheduledDropout", "GaussianNoise", "ActivityRegularization",
    "Identity",
)  # fmt: skip
_RESHAPING = ("Flatten", "Reshape", "Permute", "Cropping1D", "Cropping2D", "GlobalAveragePooling1D")
_CLASSES = ("crossentropy", "focal", "bce")
_DIFFERENT = 1e-3


def model_facts(model: keras.Model, row, *, steps: int | None = None, since_compile: dict | None = None) -> ModelFacts:
    """Facts about a compiled `model`. It is built where it is not; nothing else about it changes.

    Args:
        model: Compiled model: Sequential, functional, nested or subclassed.
        row: Batch of one row or a few, in any structure that the model takes.
        steps: Number of steps of the training, over which the schedule of the learning rate is followed. Default: not
            known, so that it is not followed.
        since_compile: Facts of `facts_since_compile`, where the model trains with a copy of its optimizer now. Default:
            those of the optimizer that it has.

    Raises:
        ValueError: If the model is not compiled. Where the model itself cannot be called, no error is raised, and the
            facts of its outputs are missing.
    """
    if not getattr(model, "compiled", False):
        raise ValueError(f"`model` must be compiled: call model.compile(...) first. Received: {model.name!r}")
    loss, takes_logits = compiled_loss(model)
    try:
        if not is_built(model):
            build_for(model, keras.tree.map_structure(_symbolic, row))
        shape = _output_shape(model, row)
    except Exception:  # of the user's own code, which shows again in the first step; rules on the outputs say nothing
        shape, loss = (), ""
    places = places_of(model, row)
    layers = layer_facts(model, places)
    by_values = _takes_by_values(model, loss, shape)
    return ModelFacts(
        layers=layers,
        output_layer=_output_layer(places, layers),
        output_activation=_output_activation(model, places),
        output_shape=shape,
        loss=loss,
        takes_logits=takes_logits or by_values == "logits",
        margins=Outputs.of(model).margins,
        takes_probabilities=by_values in (None, "probabilities"),
        ignores_class=getattr(_single(model.loss), "ignore_class", None) is not None,
        metrics=_metrics(model),
        has_class_weight="focal" in loss or "weighted" in loss,
        parameters=sum(math.prod(weight.shape) for weight in model.trainable_weights),
        **optimizer_facts(model.optimizer, steps),
        **(facts_since_compile(model, row) if since_compile is None else since_compile),
    )


def _symbolic(array) -> keras.KerasTensor:
    values = array if hasattr(array, "shape") else np.asarray(array)
    return keras.KerasTensor(tuple(values.shape), keras.backend.standardize_dtype(values.dtype))


def _output_shape(model, row) -> tuple[int, ...]:
    """Shape of the outputs of one row, of the first output where there are several."""
    try:
        shape = model.output_shape
    except (AttributeError, ValueError, RuntimeError):
        shape = None
    if not (isinstance(shape, tuple) and all(isinstance(size, int) for size in shape[1:])):
        shape = keras.tree.flatten(outputs_of(model, row))[0].shape
    return tuple(int(size) for size in shape[1:])


def _output_layer(places: tuple[Place, ...], layers: tuple[LayerFacts, ...]) -> str | None:
    """Name of the last layer with a kernel on the unbranched way to the outputs."""
    for index in _chain(places):
        if layers[index].has_kernel:
            return layers[index].name
    return None


def _chain(places: tuple[Place, ...]) -> list[int]:
    """Indices of the layers on the unbranched way to the outputs, from the outputs backwards."""
    # Dropout gives its input as it is in inference: then both it and the layer before it give the output.
    ends = [index for index, place in enumerate(places) if place.gives_output]
    if not ends:
        return []
    indices = ends[-1:]
    while places[indices[-1]].in_sequence and indices[-1] > 0:
        indices.append(indices[-1] - 1)
    return indices


def _output_activation(model, places: tuple[Place, ...]) -> str | None:
    for index in _chain(places):
        layer = places[index].layer
        name = activation_name(layer)
        if name is not None and not (name == "linear" and isinstance(layer, keras.layers.Activation)):
            return name
        if name is None and type(layer).__name__ not in (*_PASSING, *_RESHAPING):
            return None
    # The outputs may come from an operation that is no layer, such as `keras.ops.softmax`.
    name = Outputs.of(model).activation if not _chain(places) and _ends_in_operation(model) else None
    return name if name is not None and callable(getattr(keras.activations, name, None)) else None


def _ends_in_operation(model) -> bool:
    """Whether the one output of `model` comes from an operation, which is over the last axis if it is over one."""
    last = next(iter(reversed(getattr(model, "operations", ()))), None)
    is_single = len(keras.tree.flatten(getattr(model, "outputs", None))) == 1
    return is_single and not isinstance(last, keras.Layer) and getattr(last, "axis", -1) == -1


def _takes_by_values(model, loss: str, shape: tuple[int, ...]) -> str | None:
    """What a crossentropy of the user's own takes, by its values: `"logits"`, `"probabilities"`, or `"unknown"`.

    Of -3 and -6 for the true class, a loss of logits makes two different finite numbers. A loss of probabilities clips
    both to the same value, or takes the logarithm of a negative number, but tells 0.3 from 0.6. `None` for losses that
    are not the user's own.
    """
    function = _single(model.loss)
    is_own = callable(function) and all(
        not str(module).startswith(("keras.", "recipes."))
        for module in (type(function).__module__, getattr(function, "__module__", ""))
    )
    if not is_own or not any(part in loss for part in _CLASSES) or not shape:
        return None
    answers = [
        _answer(function, true, shape, form) for true in {0, shape[-1] - 1} for form in ("one_hot", "number", "column")
    ]
    return next((name for name in ("logits", "probabilities") if name in answers), "unknown")


def _answer(function, true: int, shape: tuple[int, ...], form: str) -> str:
    """What `function` takes, by its values where class number `true` is right in each place."""
    hot = np.broadcast_to(np.eye(shape[-1], dtype="float32")[true], (1, *shape))
    number = np.full((1, *shape[:-1]), true, "int32")
    targets = {"one_hot": hot, "number": number, "column": number[..., None]}[form]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            low, lower, high, higher = (
                float(keras.ops.mean(function(keras.ops.convert_to_tensor(targets), keras.ops.convert_to_tensor(y))))
                for y in (-3 * hot, -6 * hot, 0.3 + 0 * hot, 0.3 + 0.3 * hot)
            )
    except Exception:  # a function of the user's own may refuse this form of targets in any way
        return "unknown"
    if math.isfinite(low) and math.isfinite(lower) and abs(low - lower) > _DIFFERENT:
        return "logits"
    return "probabilities" if math.isfinite(high) and high - higher > _DIFFERENT else "unknown"


def _single(loss):
    """The one loss of a model, without the list or dict around it and without what `partial` has fixed."""
    parts = keras.tree.flatten(loss)
    function = parts[0] if len(parts) == 1 else None
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _metrics(model) -> tuple[str, ...]:
    given = compile_arguments(model)
    parts = keras.tree.flatten([given.get("metrics"), given.get("weighted_metrics")])
    return tuple(_plain(part) for part in parts if part is not None)


def _plain(metric) -> str:
    """The name of a metric without separators: of its class, or of the function that it wraps."""
    while isinstance(metric, functools.partial):
        metric = metric.func
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
    if name in ("MeanMetricWrapper", "Mean", "SumOverBatchSizeMetricWrapper"):
        name = metric.name
    return name.lower().replace("_", "").replace(" ", "")
