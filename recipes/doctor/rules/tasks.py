"""Rules on the task: loss, range of the outputs and metrics must belong to the kind of targets.

All are contradictions between the program and its targets, visible without training. Sources: UMLAUT (CHI 2021),
DeepDiagnosis (ICSE 2022) and TheDeepChecker (TOSEM 2022) have rules of this kind.
"""

from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.rules.programs import (
    ABSOLUTE,
    BINARY,
    CATEGORICAL,
    CLASSIFICATION,
    OWN,
    POISSON,
    PROBABILITIES,
    REGRESSION,
    SPARSE,
    are_class_numbers,
    asks_accuracy,
    compile_line,
    family,
    fitting_lines,
    loss_name,
    output_line,
)
from recipes.doctor.seen import ModelFacts, Seen, TargetFacts

_SLACK = 1e-3  # of rounding, by which targets may leave the range of a loss or an activation
_CLEAR = 0.1  # of the span of the targets: what lies so far out of reach is a fault, less a note
_NEGLIGIBLE = 0.02
_FEW = 20  # distinct whole numbers, up to which they may be class numbers
_INFINITE = float("inf")
_RANGES = {
    **dict.fromkeys(PROBABILITIES, (0.0, 1.0)),
    **dict.fromkeys(("tanh", "hard_tanh", "softsign"), (-1.0, 1.0)),
    **dict.fromkeys(("relu", "softplus", "squareplus", "sparse_plus", "exponential"), (0.0, _INFINITE)),
    "relu6": (0.0, 6.0),
}
_OF_CLASSES = ("precision", "recall", "auc", "f1score", "fbetascore")


def loss_of_another_task(seen: Seen) -> Finding | None:
    """Class losses need classes, Poisson counts, and losses of numbers need numbers.

    A squared error between probabilities and classes trains (it is the Brier score), more slowly than a crossentropy:
    a note. An absolute error has the same slope however wrong the output is, and class numbers are no quantities:
    faults.
    """
    model, targets, kind = seen.model, seen.data.targets, family(seen.model.loss)
    if not kind or not targets.finite:
        return None
    if kind in CLASSIFICATION or kind == POISSON:
        why, remedy = _against_classes(seen, kind)
        return None if why is None else _task(seen, FAULT, why, remedy)
    if kind == REGRESSION and model.loss.startswith(("msle", "meansquaredlog")) and targets.low <= -1:
        return _task(seen, FAULT, "it is not defined for targets of -1 and below", _numbers(model))
    severity, why = _numbers_against_classes(model, targets)
    return None if why is None else _task(seen, severity, why, fitting_lines(seen))


def _against_classes(seen: Seen, kind: str) -> tuple[str | None, str]:
    """Why a loss of classes or counts does not fit the targets, and what does; `None` where it fits."""
    model, targets = seen.model, seen.data.targets
    beyond = targets.low < -_SLACK or targets.high > 1 + _SLACK
    if kind == POISSON:
        return ("it is a loss of counts, and there are targets below 0", _numbers(model)) if targets.low < 0 else _FITS
    if kind == SPARSE:
        if targets.form in ("one_hot", "multi_label") and len(targets.shape) == len(model.output_shape):
            loss = "categorical_crossentropy" if targets.form == "one_hot" else "binary_crossentropy"
            return "it expects class numbers, and the targets are columns of 0 and 1", compile_line(model, loss)
        if targets.form == "numbers" and (not targets.is_whole or (targets.low < 0 and not model.ignores_class)):
            return "it expects class numbers from 0, and the targets are other numbers", _numbers(model)
        return _FITS
    if are_class_numbers(targets) and model.units > 1 and kind in (CATEGORICAL, BINARY):
        wanted = "one-hot targets" if kind == CATEGORICAL else "0 or 1 for each output"
        if targets.classes <= model.units and len(targets.shape) < 2:
            line = compile_line(model, "sparse_categorical_crossentropy")
            return f"it expects {wanted}, and the targets are class numbers", line
    if targets.form != "numbers" and not (targets.form == "labels" and targets.distinct > 100):
        return _FITS
    if kind in (BINARY, OWN) and beyond:
        if targets.distinct == 2 and targets.low == -1 and targets.high == 1:
            return "it expects targets of 0 and 1, and these are -1 and 1", "y = (y + 1) / 2  # -1, 1 -> 0, 1"
        return "it expects targets from 0 to 1, and these are numbers beyond", _numbers(model)
    if kind == CATEGORICAL and model.units > 1:
        return "it expects one-hot targets or probabilities that sum to 1", _numbers(model)
    return _FITS


_FITS = (None, "")


def _numbers(model: ModelFacts) -> str:
    return f"{output_line(model, model.units, None)}\n{compile_line(model, 'mean_squared_error', None)}"


def _numbers_against_classes(model: ModelFacts, targets: TargetFacts) -> tuple[str, str | None]:
    """Severity, and why a loss of numbers does not fit the targets; `None` where it fits."""
    activation, accuracy = model.output_activation, asks_accuracy(model)
    absolute = model.loss.startswith(ABSOLUTE)
    if targets.form == "labels" and targets.classes > 2:
        if activation == "softmax" and model.units > 1 and targets.classes <= model.units:
            return FAULT, "it compares the probability of each class with the number of the class"
        if model.units == 1 and accuracy and targets.distinct <= _FEW and targets.distinct == targets.classes:
            return FAULT, "it takes class numbers for quantities: class 3 would be three times class 1"
        return NOTE, None
    is_binary = targets.form == "binary" and model.units == 1 and (accuracy or activation in PROBABILITIES)
    is_one_hot = (
        targets.form == "one_hot" and targets.is_whole and model.units > 1 and (accuracy or activation == "softmax")
    )
    if not (is_binary or is_one_hot):
        return NOTE, None
    if absolute:
        return FAULT, "it is a loss of numbers, whose slope is the same however wrong a class is"
    return NOTE, "it is a loss of numbers, which learns classes more slowly than a crossentropy"


def _task(seen: Seen, severity: str, why: str, remedy: str) -> Finding:
    targets = seen.data.targets
    evidence = (
        Evidence("loss", loss_name(seen.model)),
        Evidence("targets", _told(targets)),
        Evidence("least and greatest target", f"{targets.low:,.4g} to {targets.high:,.4g}"),
    )
    confidence = 1.0 if severity == FAULT else 0.4
    sentence = f"The loss {loss_name(seen.model)} does not belong to these targets: {why}."
    return Finding("loss_task_mismatch", severity, sentence, evidence, remedy, None, confidence)


def _told(targets: TargetFacts) -> str:
    forms = {
        "labels": f"class numbers of {targets.classes} classes",
        "binary": "0 and 1",
        "one_hot": f"one-hot, {targets.classes} classes",
        "multi_label": "several labels a row, each 0 or 1",
    }
    return forms.get(targets.form, f"numbers, {targets.distinct:,} different ones")


def targets_out_of_reach(seen: Seen) -> Finding | None:
    """An output activation with bounds cannot reach targets beyond them, so the error never gets small.

    A fault where the targets reach beyond the bounds by over 10 % of their span, a note from 2 %; less is rounding.
    """
    model, targets, kind = seen.model, seen.data.targets, family(seen.model.loss)
    bounds = _RANGES.get(model.output_activation)
    of_numbers = kind == REGRESSION or (kind == POISSON and targets.low >= 0)
    if bounds is None or not of_numbers or not targets.finite:
        return None
    if model.output_activation == "softmax" and (model.units == 1 or targets.form == "labels"):
        return None  # other rules name these by their cause
    excess = max(bounds[0] - targets.low, targets.high - bounds[1])
    span = max(targets.high - targets.low, abs(targets.high), abs(targets.low))
    if excess <= max(_SLACK, _NEGLIGIBLE * span):
        return None
    allowed = f"{bounds[0]:g} to {bounds[1]:g}" if bounds[1] < _INFINITE else f"at least {bounds[0]:g}"
    low, high = f"{targets.low:,.4g}", f"{targets.high:,.4g}"
    remedy = f"{output_line(model, model.units, None)}\ny = (y - y.mean(axis=0)) / y.std(axis=0)  # targets as well"
    return Finding(
        "output_range_mismatch",
        FAULT if excess > _CLEAR * span else NOTE,
        f"Targets reach from {low} to {high}, and the outputs of {model.output_activation} only "
        f"{'from ' if bounds[1] < _INFINITE else ''}{allowed}.",
        (Evidence("least target", targets.low, allowed), Evidence("greatest target", targets.high, allowed)),
        remedy,
        model.output_layer,
    )


def metric_of_another_task(seen: Seen) -> Finding | None:
    """Accuracy counts outputs that equal their target, which numbers hardly ever do; R2 is about numbers, not classes.

    A fault for one number a row under a loss of numbers; a note for several, such as the pixels of an autoencoder.
    """
    model, targets, kind = seen.model, seen.data.targets, family(seen.model.loss)
    of_classes = [name for name in model.metrics if name.endswith(("accuracy", *_OF_CLASSES)) or name == "acc"]
    is_number = targets.form == "numbers" or (targets.form == "labels" and targets.distinct > _FEW)
    if of_classes and is_number and kind in (REGRESSION, POISSON):
        fault = model.units == 1
        return Finding(
            "wrong_metric",
            FAULT if fault else NOTE,
            f"The metric {of_classes[0]} counts classes, but the targets are numbers: it stays near 0 however good "
            f"the model is.",
            (
                Evidence("metric", of_classes[0], "a metric of numbers, such as R2"),
                Evidence("different targets", targets.distinct),
            ),
            "metrics=[keras.metrics.R2Score()]  # in model.compile",
            confidence=1.0 if fault else 0.5,
        )
    if "r2score" in model.metrics and kind in CLASSIFICATION and targets.form != "numbers":
        return Finding(
            "wrong_metric",
            NOTE,
            "The metric R2Score measures how well numbers are predicted, but the targets are classes.",
            (Evidence("metric", "r2score", "a metric of classes, such as accuracy"),),
            'metrics=["accuracy"]  # in model.compile',
            confidence=0.5,
        )
    return None


RULES = (loss_of_another_task, targets_out_of_reach, metric_of_another_task)
