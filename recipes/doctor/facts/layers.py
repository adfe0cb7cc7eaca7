"""Facts about each layer of a model: what it is, what its weights look like, and where it stands."""

import functools

import keras
import numpy as np

from recipes.doctor.facts.graph import Place, frozen_layers
from recipes.doctor.facts.weights import is_untouched, kernel_of, plain_layer, rule_std
from recipes.doctor.seen import LayerFacts

# Activations that are layers of their own, by the name of the class.
_ACTIVATION_LAYERS = {
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "PReLU": "prelu",
    "RandomizedLeakyReLU": "rrelu",
    "ELU": "elu",
    "Softmax": "softmax",
}
# Layers behind which the activation of a kernel may still follow.
_BETWEEN = ("BatchNormalization", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "Identity", "Flatten", "Reshape")


def layer_facts(model: keras.Model, places: tuple[Place, ...]) -> tuple[LayerFacts, ...]:
    """Facts about the layers of a built `model`, at `places`."""
    kernels = [kernel_of(place.layer) for place in places]
    frozen = frozen_layers(model, [place.layer for place in places])
    last = max((index for index, kernel in enumerate(kernels) if kernel is not None), default=len(places))
    facts = []
    for index, (place, kernel) in enumerate(zip(places, kernels, strict=True)):
        layer, activation = place.layer, activation_name(place.layer)
        behind = _activation_behind(places, index) if kernel is not None else None
        facts.append(
            LayerFacts(
                name=place.name,
                kind=type(layer).__name__,
                activation=activation,
                units=_units(layer),
                has_kernel=kernel is not None,
                trainable=id(layer) not in frozen,
                fan_in=None if kernel is None else kernel.fan_in,
                kernel_std=None if kernel is None else float(np.std(kernel.matrix)),
                kernel_rule_std=None if kernel is None else rule_std(behind, kernel.shape),
                identical_units=kernel is not None and kernel.identical_units,
                untouched=is_untouched(layer) if layer.weights else None,
                rate=_rate(layer),
                in_sequence=place.in_sequence,
                behind_outputs=index > last,
            )
        )
    return tuple(facts)


def activation_name(layer: keras.Layer) -> str | None:
    """Name of the activation of `layer` in lower case, `"linear"` for none; `None` where it has no such thing.

    A softmax over another axis than the last has none: what is said of its units does not hold for it.
    """
    kind = type(layer).__name__
    if kind == "Softmax" and layer.axis not in (-1, [-1], (-1,)):
        return None
    if kind == "ReLU" and layer.negative_slope:
        return "leaky_relu"
    if kind in _ACTIVATION_LAYERS:
        return _ACTIVATION_LAYERS[kind]
    inner = plain_layer(layer)
    return _name(inner.activation) if hasattr(inner, "activation") else None


def _name(activation) -> str:
    if isinstance(activation, keras.Layer):
        return activation_name(activation) or type(activation).__name__.lower()
    while isinstance(activation, functools.partial):
        activation = activation.func
    if activation is None:
        return "linear"
    return str(getattr(activation, "__name__", type(activation).__name__)).lower()


def _activation_behind(places: tuple[Place, ...], index: int):
    """The activation that the values of a kernel go through: its own, or that of an activation layer behind it."""
    own = getattr(plain_layer(places[index].layer), "activation", None)
    if own is not None and _name(own) != "linear":
        return own
    for place in places[index + 1 :]:
        kind = type(place.layer).__name__
        if not place.in_sequence:
            break
        if kind in ("Activation", "ParametricActivation"):
            return place.layer.activation
        if kind in _ACTIVATION_LAYERS:
            return place.layer
        if kind not in _BETWEEN:
            break
    return "linear"


def _units(layer) -> int | None:
    layer = plain_layer(layer)
    for name in ("units", "filters", "output_dim"):
        units = getattr(layer, name, None)
        if isinstance(units, int):
            return units
    return None


def _rate(layer) -> float | None:
    kind = type(layer).__name__
    rate = getattr(layer, "rate", None)
    return float(rate) if "Dropout" in kind and isinstance(rate, int | float) else None
