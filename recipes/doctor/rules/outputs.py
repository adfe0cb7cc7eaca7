"""Rules on the outputs: units, output activation and loss must fit each other and the form of the targets.

All are contradictions within the program: they hold whatever a training does, so their thresholds are none.
Sources: UMLAUT (CHI 2021), NeuraLint (TOSEM 2021), DeepDiagnosis (ICSE 2022) have rules of this kind; the behaviour of
the losses is that of keras/src/losses and keras/src/ops/nn.py, Keras 3.15.
"""

import itertools

from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.rules.programs import (
    BINARY,
    CATEGORICAL,
    CLASSIFICATION,
    DIVERGENCE,
    OWN,
    POISSON,
    PROBABILITIES,
    REGRESSION,
    SIGMOIDS,
    SPARSE,
    SQUASHING,
    are_class_numbers,
    compile_line,
    family,
    fitting_lines,
    loss_name,
    output_line,
    outputs,
    without_ones,
)
from recipes.doctor.seen import LayerFacts, ModelFacts, Seen

_MANY_CLASSES = 100  # distinct whole numbers, above which targets are taken for numbers under a binary loss
_POSITIVE = ("relu", "softplus", "squareplus", "sparse_plus", "exponential", "relu6", *PROBABILITIES)
_LOGITS = {
    BINARY: "keras.losses.BinaryCrossentropy(from_logits=True)",
    SPARSE: "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
    CATEGORICAL: "keras.losses.CategoricalCrossentropy(from_logits=True)",
}


def softmax_of_one_unit(seen: Seen) -> Finding | None:
    """Softmax over one unit is exp(z) / exp(z) = 1 for every row, and its gradient is 0."""
    if not _is_constant(seen.model):
        return None
    return Finding(
        "output_softmax_single_unit",
        FAULT,
        "The output is a softmax over one unit, which is 1 for every row: the model can learn nothing.",
        (Evidence("units of the softmax", seen.model.units, "at least 2"),),
        fitting_lines(seen),
        seen.model.output_layer,
    )


def units_that_do_not_fit(seen: Seen) -> Finding | None:
    """A sparse loss needs a unit for each class number; all other losses need targets of the shape of the outputs."""
    model, targets, kind = seen.model, seen.data.targets, family(seen.model.loss)
    if not kind or _is_constant(model) or not targets.finite:
        return None
    classes, numbers = targets.classes, are_class_numbers(targets) and not model.ignores_class
    one_each = _same_shape(targets.shape, model.output_shape)
    if kind == SPARSE:
        if numbers and classes > model.units:
            return _units(seen, f"Class numbers go up to {classes - 1}, and the model has {outputs(model)}", classes)
        one_class = _same_shape(targets.shape, model.output_shape[:-1])
        return None if one_class or not numbers else _shapes(seen, model.output_shape[:-1])
    if kind in (BINARY, OWN) and targets.form == "labels" and model.units == 1 and one_each:
        if classes > 2 and targets.distinct <= _MANY_CLASSES:
            return _units(
                seen, f"There are {classes} classes, and the model has 1 output, which tells 2 apart", classes
            )
        return None
    if kind == CATEGORICAL and numbers:
        return None  # class numbers under a loss of one-hot targets: the loss is the wrong one
    if kind in (BINARY, REGRESSION) and numbers and model.output_activation == "softmax" and classes <= model.units:
        return None  # likewise
    return None if one_each or kind == OWN else _shapes(seen, model.output_shape)


def _is_constant(model: ModelFacts) -> bool:
    return model.output_activation == "softmax" and model.units == 1


def _same_shape(targets: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return without_ones(targets) == without_ones(expected)


def _units(seen: Seen, sentence: str, classes: int) -> Finding:
    most, low = max(seen.model.units, 2), seen.data.targets.low
    if low == 1 and classes - 1 <= most:
        sentence = f"Class numbers go from 1 to {classes - 1}, but they count from 0"
        evidence = (
            Evidence("least class number", low, "0"),
            Evidence("greatest class number", classes - 1, f"at most {most - 1}"),
        )
        remedy = f"y = y - 1  # class numbers 0 to {classes - 2}"
    else:
        evidence = (
            Evidence("classes in the targets", classes, f"at most {most}"),
            Evidence("output units", seen.model.units, f"{classes}"),
        )
        remedy = fitting_lines(seen)
    return Finding("output_units_mismatch", FAULT, f"{sentence}.", evidence, remedy, seen.model.output_layer)


def _shapes(seen: Seen, expected: tuple[int, ...]) -> Finding:
    model, targets = seen.model, seen.data.targets
    deeper = len(without_ones(model.output_shape)) > max(len(without_ones(targets.shape)), 1)
    if deeper:
        sentence = (
            f"The model gives outputs of shape {model.output_shape} for one row, and the target of a row has shape "
            f"{targets.shape}: an axis of places or time steps goes through to the outputs."
        )
        remedy = (
            "keras.layers.Flatten()  # or keras.layers.GlobalAveragePooling2D(), in front of the last layer; "
            "of a recurrent layer: return_sequences=False"
        )
    else:
        sentence = (
            f"The model gives {outputs(model)} for one row, and the target of a row has shape {targets.shape}: "
            f"the loss compares each output with the wrong target."
        )
        remedy = fitting_lines(seen)
    evidence = (
        Evidence("shape of the target of a row", str(targets.shape), f"{expected}"),
        Evidence("shape of the outputs of a row", str(model.output_shape)),
    )
    return Finding("output_units_mismatch", FAULT, sentence, evidence, remedy, model.output_layer)


def missing_output_activation(seen: Seen) -> Finding | None:
    """Crossentropy takes the logarithm of the outputs, unless it has from_logits=True: they must lie within 0 and 1.

    Keras clips raw outputs to [1e-7, 1 - 1e-7], where the gradient is 0. A function of the user's own counts by its
    name, unless its values show that it takes logits (`ModelFacts.takes_logits`).
    """
    model, targets, kind = seen.model, seen.data.targets, family(seen.model.loss)
    fits = targets.form != "numbers" or (targets.low >= 0 and targets.high <= 1)
    takes_them = not model.takes_logits and model.takes_probabilities
    if model.output_activation != "linear" or not takes_them or kind not in CLASSIFICATION or not fits:
        return None
    activation = "sigmoid" if kind == BINARY or model.units == 1 else "softmax"
    remedy = output_line(model, model.units, activation)
    if kind in _LOGITS:
        remedy = f"{compile_line(model, _LOGITS[kind])}\n# or: {remedy}"
    return Finding(
        "missing_output_activation",
        FAULT,
        f"The last layer has no activation, but {loss_name(model)} expects probabilities: it takes the logarithm of "
        f"raw outputs, which is not defined below 0.",
        (Evidence("output activation", "linear", activation), Evidence("from_logits of the loss", "False", "True")),
        remedy,
        model.output_layer,
        confidence=0.9 if kind == OWN else 1.0,
    )


def activation_twice(seen: Seen) -> Finding | None:
    """A loss with from_logits=True applies softmax or sigmoid itself, and an activation layer that of its own.

    A second squashing function leaves probabilities between 1 / (1 + (k - 1) e) and e / (e + k - 1) for k classes, and
    between 0.5 and 0.73 for a sigmoid. Two activations in a row inside the model are a note.
    """
    model = seen.model
    if model.takes_logits and model.output_activation in PROBABILITIES and not _is_constant(model):
        activation = model.output_activation
        return Finding(
            "double_activation",
            FAULT,
            f"The model ends in {activation}, and the loss applies it once more (from_logits=True).",
            (
                Evidence("output activation", activation, "linear"),
                Evidence("from_logits of the loss", "True", "False behind an activation"),
            ),
            f"{output_line(model, model.units, None)}",
            model.output_layer,
        )
    pair = next(((a, b) for a, b in itertools.pairwise(model.layers) if _activates_twice(a, b)), None)
    if pair is None:
        return None
    first, second = pair
    fault = first.name == model.output_layer and {first.activation, second.activation} <= set(SQUASHING)
    return Finding(
        "double_activation",
        FAULT if fault else NOTE,
        f"The layer {first.name!r} has the activation {first.activation}, and {second.name!r} applies "
        f"{second.activation} to its values once more.",
        (Evidence("activations in a row", f"{first.activation}, {second.activation}", "one"),),
        f"keras.layers.{first.kind}({first.units}, ...)  # {first.name!r}, without an activation",
        first.name,
        confidence=1.0 if fault else 0.5,
    )


def _activates_twice(first: LayerFacts, second: LayerFacts) -> bool:
    plain = first.kind == "Dense" or first.kind.startswith(("Conv", "Activation", "Softmax"))
    active = all(layer.activation not in (None, "linear") for layer in (first, second))
    return plain and active and second.in_sequence and not second.has_kernel


def loss_and_activation(seen: Seen) -> Finding | None:
    """Each crossentropy has the one activation that it is derived for: softmax, or sigmoid for independent outputs.

    With sigmoid under the categorical loss, all outputs may rise together; ReLU outputs of 0 have an infinite loss, or
    no gradient. Softmax under a binary loss and sigmoids for exclusive classes do train: they are a note.
    """
    model, targets, kind = seen.model, seen.data.targets, family(seen.model.loss)
    activation = model.output_activation
    if activation is None or _is_constant(model):
        return None
    if kind == POISSON and activation not in _POSITIVE:
        return _pair(seen, "exponential", "poisson takes the logarithm of the outputs, which must be above 0")
    if activation == "linear" or kind not in CLASSIFICATION:
        return None
    several = kind in (CATEGORICAL, SPARSE, DIVERGENCE) or (kind == OWN and model.units > 1)
    wanted = "softmax" if several else "sigmoid"
    if activation not in PROBABILITIES and not (activation == "log_softmax" and model.takes_logits):
        why = "it bounds the logits" if model.takes_logits else "the loss takes the logarithm of probabilities"
        return _pair(seen, None if model.takes_logits else wanted, why, NOTE if model.takes_logits else FAULT)
    if several and activation in SIGMOIDS and not model.takes_logits and kind != OWN:
        if targets.form == "multi_label" or (kind == CATEGORICAL and model.units == 1):
            return _pair(seen, "sigmoid", "the outputs are independent, which is a binary loss", loss=BINARY)
        return _pair(seen, "softmax", "the outputs of exclusive classes must sum to 1 for this loss")
    if kind == BINARY and model.units > 1 and not model.takes_logits:
        if activation == "softmax" and targets.form == "multi_label":
            return _pair(seen, "sigmoid", "a row may have several labels, but the outputs of a softmax sum to 1")
        if targets.form == "one_hot":
            why = "each row has one class, for which softmax and a categorical loss are made"
            return _pair(seen, "softmax", why, NOTE, loss=CATEGORICAL)
    return None


def _pair(seen: Seen, wanted: str | None, why: str, severity: str = FAULT, loss: str | None = None) -> Finding:
    model = seen.model
    lines = [output_line(model, model.units, wanted)]
    if loss is not None:
        lines.append(compile_line(model, f"{loss}_crossentropy"))
    return Finding(
        "output_loss_pairing",
        severity,
        f"The output activation {model.output_activation} does not fit the loss {loss_name(model)}: {why}.",
        (
            Evidence("output activation", model.output_activation, wanted or "linear"),
            Evidence("loss", loss_name(model), f"{loss}_crossentropy" if loss else ""),
        ),
        "\n".join(lines),
        model.output_layer,
        confidence=1.0 if severity == FAULT else 0.4,
    )


RULES = (
    softmax_of_one_unit,
    units_that_do_not_fit,
    missing_output_activation,
    activation_twice,
    loss_and_activation,
)
