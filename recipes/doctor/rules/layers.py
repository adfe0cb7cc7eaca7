"""Rules on the hidden layers: dropout, frozen layers and activations.

Sources: UMLAUT (CHI 2021; dropout above 0.5, linear layers), NeuraLint (TOSEM 2021; activations), and the behaviour of
`trainable` in Keras 3.15.
"""

import itertools

from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.seen import LayerFacts, ModelFacts, Seen

_HIGH, _VERY_HIGH, _EXTREME = 0.5, 0.8, 0.9  # rates of dropout
_FEW_KEPT = 32  # units that dropout keeps on average: a wide layer stands a high rate
_PLAIN = ("Dense", "Conv1D", "Conv2D", "Conv3D", "TimeDistributed")
# Layers through which a linear function stays a linear one.
_LINEAR = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "GaussianNoise",
    "Identity",
    "Flatten",
    "Reshape",
    "Permute",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "AveragePooling1D",
    "AveragePooling2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
)
_WIDE_SOFTMAX = 16  # units, from which a softmax inside makes signals so small that the layers behind hardly learn


def dropout_on_outputs(seen: Seen) -> Finding | None:
    """Dropout behind the last layer sets outputs to 0 and scales the others, so the loss compares noise with targets.

    Only activations and dropout may stand between it and the outputs: in front of a pooling it drops features.
    """
    model = seen.model
    behind = [layer for layer in model.layers if layer.behind_outputs]
    layer = next((layer for layer in behind if layer.rate), None)
    plain = all(other.in_sequence and (other.activation is not None or other.rate is not None) for other in behind)
    if layer is None or not plain or not model.loss:
        return None
    return Finding(
        "dropout_misuse",
        FAULT,
        f"The dropout layer {layer.name!r} stands behind the last layer {model.output_layer or ''!r}: in training it "
        f"sets {layer.rate:.0%} of the outputs themselves to 0.",
        (Evidence("rate of the dropout on the outputs", layer.rate, "0"),),
        f"# leave out the layer {layer.name!r}, or put it in front of the last layer:\n"
        f"keras.layers.Dropout({layer.rate:g})\n{_last(model)}",
        layer.name,
    )


def _last(model: ModelFacts) -> str:
    layer = next((layer for layer in model.layers if layer.name == model.output_layer), None)
    return f"keras.layers.{layer.kind}({layer.units}, ...)  # {layer.name!r}" if layer else "# the last layer"


def high_dropout(seen: Seen) -> Finding | None:
    """Dropout at a rate of 0.8 or more is a fault, unless the layer is so wide that over 32 units remain (to 0.9).

    Above 0.5, or where fewer than two units remain, it is a note. Srivastava et al. 2014 use 0.5 for hidden layers.
    """
    dropped = [(layer, _width(seen.model, index)) for index, layer in enumerate(seen.model.layers) if layer.rate]
    if not dropped:
        return None
    layer, width = max(dropped, key=lambda pair: _strength(*pair))
    strength = _strength(layer, width)
    if strength == 0:
        return None
    kept = "" if width is None else f", which leaves about {width * (1 - layer.rate):.2g} of {width} units"
    evidence = [Evidence(f"rate of {layer.name!r}", layer.rate, "at most 0.5")]
    if width is not None:
        evidence.append(Evidence("units that remain in a step, on average", width * (1 - layer.rate), "many"))
    return Finding(
        "dropout_misuse",
        FAULT if strength == 2 else NOTE,
        f"The dropout layer {layer.name!r} drops {layer.rate:.0%} of its inputs in training{kept}.",
        tuple(evidence),
        f"keras.layers.{layer.kind}(0.2)  # {layer.name!r}",
        layer.name,
        confidence=0.9 if strength == 2 else 0.4,
    )


def _strength(layer: LayerFacts, width: int | None) -> int:
    """2 for a rate that is too high, 1 for one that may be, 0 for a usual one."""
    few = width is not None and width * (1 - layer.rate) < _FEW_KEPT
    if layer.rate >= _EXTREME or (layer.rate >= _VERY_HIGH and few):
        return 2
    return int(layer.rate > _HIGH or (width is not None and width * (1 - layer.rate) < 2))


def _width(model: ModelFacts, index: int) -> int | None:
    """Units of the layer whose values the dropout layer at `index` drops."""
    while index > 0 and model.layers[index].in_sequence:
        index -= 1
        if model.layers[index].units is not None:
            return model.layers[index].units
        if model.layers[index].activation is None and model.layers[index].kind not in ("BatchNormalization", "Dropout"):
            return None
    return None


def frozen_layer(seen: Seen) -> Finding | None:
    """A frozen layer whose weights are still those of its initializer passes on random features, and never learns.

    A layer that is frozen with trained weights is what transfer learning does. A change of `trainable` after the first
    step has no effect on TensorFlow and fails on JAX until `compile` is called again.
    """
    model = seen.model
    remedy = "model.compile(...)  # again, with a new optimizer, after the change"
    if model.trained_since_compile_changed:
        names = ", ".join(map(repr, model.trained_since_compile_changed[:3]))
        return Finding(
            "frozen_layer",
            FAULT,
            f"`trainable` of {names} was changed after `compile`: the training goes on as if it had not been.",
            (Evidence("layers whose `trainable` has no effect", len(model.trained_since_compile_changed), "0"),),
            remedy,
            model.trained_since_compile_changed[0],
        )
    # The layers of a model that fails as it is built have no weights at all.
    if model.layers and not model.parameters and seen.error is None:
        return Finding(
            "frozen_layer",
            FAULT,
            "No weight of the model is trained: all its layers are frozen.",
            (Evidence("trained numbers", 0, "at least 1"),),
            f"model.trainable = True\n{remedy}",
        )
    frozen = [layer for layer in model.layers if not layer.trainable and layer.has_kernel]
    random = [layer for layer in frozen if layer.untouched]
    if not random:
        return None
    layer, name = random[0], random[0].name.split("/")
    get = "".join(f".get_layer({part!r})" for part in name)
    others = f" and {len(random) - 1} more layers are" if len(random) > 1 else " is"
    return Finding(
        "frozen_layer",
        FAULT,
        f"The layer {layer.name!r}{others} frozen with the random weights of the start: nothing in it learns.",
        (
            Evidence("frozen layers with random weights", len(random), "0"),
            Evidence("standard deviation of the kernel", layer.kernel_std or 0.0, "that of a trained layer"),
        ),
        f"model{get}.trainable = True\n{remedy}",
        layer.name,
    )


def unfit_hidden_activation(seen: Seen) -> Finding | None:
    """Softmax inside makes the signals compete and shrinks them to 1 / units; exponentials in a row overflow.

    A fault for two layers or more of them, and for one softmax of 16 units or more that the next layer takes; a single
    exponential, or a narrow softmax, is a note. A softmax that is multiplied with something, as in attention, is none.
    """
    layers = seen.model.layers
    hidden = [
        layer
        for layer, following in itertools.pairwise(layers)
        if layer.has_kernel and layer.kind in _PLAIN and layer.name != seen.model.output_layer
        if following.in_sequence and (layer.activation == "exponential" or _is_softmax_taken(layer, following))
        if not layer.behind_outputs
    ]
    if not hidden:
        return None
    layer = hidden[0]
    wide = layer.activation == "softmax" and (layer.units or 0) >= _WIDE_SOFTMAX
    follows = (
        "its values sum to 1 over all units, which leaves each of them next to nothing"
        if layer.activation == "softmax"
        else "its values and gradients grow exponentially with its inputs"
    )
    fault = wide or len(hidden) > 1
    return Finding(
        "wrong_hidden_activation",
        FAULT if fault else NOTE,
        f"The hidden layer {layer.name!r} has the activation {layer.activation}: {follows}.",
        (Evidence(f"hidden layers with {layer.activation}", len(hidden), "0"),),
        f'keras.layers.{layer.kind}({layer.units}, ..., activation="relu")  # {layer.name!r}',
        layer.name,
        confidence=0.9 if fault else 0.4,
    )


def _is_softmax_taken(layer: LayerFacts, following: LayerFacts) -> bool:
    taken = following.has_kernel or following.kind in (*_LINEAR, "BatchNormalization")
    return layer.activation == "softmax" and taken


def missing_hidden_activation(seen: Seen) -> Finding | None:
    """Linear layers in a row are one linear layer. A note: a linear task needs no more, and a training shows it."""
    model = seen.model
    linear = [layer for index, layer in enumerate(model.layers) if _is_linear_into_kernel(model.layers, index)]
    if not linear:
        return None
    hidden = [layer for layer in model.layers if layer.has_kernel and layer.name != model.output_layer]
    every = len(linear) == len(hidden)
    names = ", ".join(repr(layer.name) for layer in linear[:3])
    more = f" and {len(linear) - 3} more" if len(linear) > 3 else ""
    return Finding(
        "missing_hidden_activation",
        NOTE,
        f"{names}{more} {'has' if len(linear) == 1 else 'have'} no activation, so with the next layer "
        f"{'it computes' if len(linear) == 1 else 'they compute'} no more than one linear layer.",
        (Evidence("hidden layers without an activation", len(linear), f"0 of {len(hidden)}"),),
        f'keras.layers.{linear[0].kind}({linear[0].units}, ..., activation="relu")  # {linear[0].name!r}',
        linear[0].name,
        confidence=0.6 if every else 0.4,
    )


def _is_linear_into_kernel(layers: tuple[LayerFacts, ...], index: int) -> bool:
    """Whether the layer has a kernel, and all between it and the next kernel is linear."""
    layer = layers[index]
    if not layer.has_kernel or layer.kind not in _PLAIN or layer.activation != "linear":
        return False
    for following in layers[index + 1 :]:
        if not following.in_sequence:
            return False
        if following.has_kernel:
            return following.kind in _PLAIN
        if following.kind not in _LINEAR:
            return False
    return False


RULES = (
    frozen_layer,
    dropout_on_outputs,
    high_dropout,
    unfit_hidden_activation,
    missing_hidden_activation,
)
