"""Rules on the targets: of one value, on a scale out of reach, rare classes."""

import numpy as np

from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.rules.programs import POISSON, REGRESSION, SQUASHING, family
from recipes.doctor.seen import LayerFacts, ModelFacts, Seen

# Mean and standard deviation of targets up to which outputs reach them in few steps, and the least useful spread.
LARGEST_SCALE, SMALLEST_STD = 10.0, 0.01
# Size of the first step of a bias under SGD and mean squared error that the layers behind cannot take.
LARGEST_STEP = 50.0
# Rows of the most frequent class for one of the rarest (SageMaker Debugger: 10), and recall above chance that counts.
LARGEST_CLASS_RATIO, FOUND = 10.0, 0.1
# With more classes, rare ones are the rule.
MOST_CLASSES, FEWEST_RARE = 20, 5

_ADAPTIVE = ("Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Lion", "Adafactor", "AdaBelief")
_BOUNDED = (*SQUASHING, "relu6")
_RENEWING = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization")
# Standard deviations within which nearly all values lie.
_WITHIN = 3.0


def one_value(seen: Seen) -> Finding | None:
    """Targets of one value leave nothing to learn: no bound."""
    targets, rows = seen.data.targets, seen.data.rows
    is_constant = targets.distinct <= 1 or (targets.form in ("numbers", "multi_label") and targets.std == 0)
    if rows < 2 or not targets.finite or not is_constant:
        return None
    value = f"class {int(np.argmax(targets.counts))}" if len(targets.counts) else f"{targets.low:g}"
    return Finding(
        "degenerate_labels",
        FAULT,
        f"All {rows:,} training targets are the same, {value}: a model that answers this every time has learnt all "
        "there is.",
        (Evidence("distinct targets", targets.distinct, "at least 2"),),
        "print(np.unique(y, return_counts=True))  # read the targets again: they were lost before training",
        confidence=1.0,
    )


def unscaled(seen: Seen) -> Finding | None:
    """Targets with mean or standard deviation beyond 10 are a note; a fault where the optimizer cannot reach them.

    Under an optimizer whose steps have the size of the learning rate (Adam and its kin), no weight moves further than
    steps x rate. Layer by layer, that bounds how far the outputs can get from 0 in all epochs: targets beyond it are
    out of reach (an inequality, no threshold). Under SGD with a squared error, the first step grows with the targets:
    beyond 50 the next one overflows through a hidden layer. Both bounds were set on the cases of the development part.
    Targets with a standard deviation below 0.01 are a note.
    """
    model, targets = seen.model, seen.data.targets
    if targets.form != "numbers" or targets.std == 0 or not targets.finite or family(model.loss) == POISSON:
        return None
    if any(layer.behind_outputs and layer.kind in ("Rescaling", "Normalization", "Lambda") for layer in model.layers):
        return None
    scale = max(abs(targets.mean), targets.std)
    if targets.std >= SMALLEST_STD and scale <= LARGEST_SCALE:
        return None
    evidence = [
        Evidence("mean of the targets", targets.mean, "-10 to 10"),
        Evidence("standard deviation of the targets", targets.std, "0.01 to 10"),
    ]
    severity, confidence, follows = NOTE, 0.5, "outputs begin near 0 and are made for values of about 1"
    reach = _reach(seen)
    if reach is not None and scale > reach:
        steps = seen.epochs * _steps(seen)
        evidence.append(Evidence(f"furthest output after {steps:,} steps of {model.optimizer}", reach, f"{scale:,.3g}"))
        severity, confidence = FAULT, 0.9
        follows = f"within {steps:,} steps at this learning rate no output gets beyond {reach:,.3g}"
    elif (step := _first_step(model, scale)) > LARGEST_STEP:
        evidence.append(Evidence("first step of the output bias", step, f"at most {LARGEST_STEP:g}"))
        severity, confidence = FAULT, 0.8
        follows = f"the first step of the output bias is about {step:,.3g}, which overflows through the other layers"
    return Finding(
        "target_unscaled",
        severity,
        f"The targets are not scaled (mean {targets.mean:,.3g}, standard deviation {targets.std:,.3g}): {follows}.",
        tuple(evidence),
        "mean, std = y.mean(axis=0), y.std(axis=0)\n"
        "y = (y - mean) / std  # and those of all other rows\n"
        "predictions = model.predict(x) * std + mean",
        confidence=confidence,
    )


def rare_class(seen: Seen) -> Finding | None:
    """Classes in a ratio of 10 or more are a note; a fault where the trained model never finds the rare one.

    The ratio is that of SageMaker Debugger's ClassImbalance. A fault needs a balanced accuracy less than 0.1 above
    chance, outputs that do depend on the inputs, no class weights, and simple models that find the rare class with
    equal weights of classes.
    """
    targets = seen.data.targets
    counts = targets.counts[targets.counts > 0]
    if len(counts) < 2 or targets.classes > MOST_CLASSES or counts.min() < FEWEST_RARE or seen.model.has_class_weight:
        return None
    ratio = float(counts.max() / counts.min())
    if ratio < LARGEST_CLASS_RATIO:
        return None
    rare = int(np.flatnonzero(targets.counts == counts.min())[0])
    evidence = [Evidence("rows of the most frequent class for one of the rarest", ratio, "below 10")]
    severity, follows, confidence = NOTE, "accuracy says little about it", 0.5
    course, chance = seen.course, 1 / len(counts)
    if course is not None and course.is_finite and np.isfinite(course.balanced) and not course.constant_output:
        evidence.append(Evidence("balanced accuracy at the end", course.balanced, f"at least {chance + FOUND:.2g}"))
        best = np.nan if seen.reference is None else seen.reference.balanced
        if np.isfinite(best):
            evidence.append(Evidence("balanced accuracy of simple models with equal weights of classes", best))
        if course.balanced < chance + FOUND and best > course.balanced + FOUND:
            severity, confidence = FAULT, 0.8
            follows = "the trained model hardly ever predicts it, though it can be told apart"
    weights = ", ".join(
        f"{label}: {counts.sum() / len(counts) / count:.3g}" for label, count in enumerate(targets.counts) if count
    )
    return Finding(
        "class_imbalance",
        severity,
        f"Class {rare} has {counts.min():,} of {counts.sum():,} training rows: {follows}.",
        tuple(evidence),
        f"model.fit(x, y, class_weight={{{weights}}})",
        confidence=confidence,
    )


def _steps(seen: Seen) -> int:
    return max(1, -(-seen.data.rows // max(1, seen.batch_size)))


def _first_step(model: ModelFacts, scale: float) -> float:
    """First step of the output bias under SGD and mean squared error; 0 where that is not the case, or harmless."""
    hidden = sum(layer.has_kernel for layer in model.layers) - 1
    is_squared = model.loss.startswith(("meansquarederror", "mse"))
    if model.optimizer != "SGD" or model.clips or not is_squared or hidden < 1 or _is_bounded(model):
        return 0.0
    return 2 * model.learning_rate * scale / max(1, int(np.prod(model.output_shape)))


def _is_bounded(model: ModelFacts) -> bool:
    return model.output_activation in _BOUNDED


def _reach(seen: Seen) -> float | None:
    """Largest output that the training can reach; `None` where no bound is known.

    Every weight moves by at most `step` from its initial value, so an output of a layer is at most that many inputs
    times the largest weight, and the bias.
    """
    model, inputs = seen.model, seen.data.inputs
    kernels = [layer for layer in model.layers if layer.has_kernel]
    is_known = all(_is_new(layer) and layer.fan_in and layer.kernel_std is not None for layer in kernels)
    if not kernels or not is_known or not all(layer.in_sequence for layer in model.layers):
        return None
    if model.optimizer not in _ADAPTIVE or model.has_schedule or family(model.loss) != REGRESSION:
        return None
    if _is_bounded(model) or inputs.kind == "tokens":
        return None
    # RMSprop divides by a root mean square that starts at 0: its first steps are 3 times as large as those of Adam.
    moved = model.learning_rate * seen.epochs * _steps(seen) * (_WITHIN if model.optimizer == "RMSprop" else 1.0)
    size = _WITHIN if inputs.is_normalized_inside else float(np.hypot(inputs.mean, inputs.std).mean())
    for layer in model.layers:
        if layer.kind in _RENEWING:
            size = _WITHIN * (1 + moved)
        if layer.has_kernel:
            size = layer.fan_in * (moved + _WITHIN * layer.kernel_std) * size + moved
        if layer.activation in _BOUNDED:
            size = min(size, 6.0 if layer.activation == "relu6" else 1.0)
        elif layer.activation in ("exponential", "exp"):
            return None
    return size


def _is_new(layer: LayerFacts) -> bool:
    return layer.untouched is not False


RULES = (one_value, unscaled, rare_class)
