"""What the course of a training shows: symptoms, each with the layer where it begins."""

import numpy as np

from recipes.doctor import outcome
from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.seen import Seen

# Gradient of the first layer over that of the last, below which the first learns orders slower. AUTOTRAINER (ICSE
# 2021) has the same ratio; its second condition, an absolute size, depends on units and is left out.
VANISHED = 1e-3
# Share of dead units of a layer: with more, what the layer passes on is nearly nothing. SageMaker Debugger: 0.5.
DEAD, MANY_DEAD = 0.95, 0.5
# Share of saturated outputs of a hidden layer. TheDeepChecker: 0.5 of the units.
SATURATED = 0.9


def exploding(seen: Seen) -> Finding | None:
    """Loss, weights or outputs are not finite any more."""
    course = seen.course
    if course is None or course.is_finite:
        return None
    record = course.watched.record
    evidence = [Evidence("epoch in which the training stopped being finite", course.epochs)]
    if record.activation_std is not None and np.isfinite(record.activation_std[0]).any():
        largest = int(np.nanargmax(record.activation_std[0]))
        evidence.append(
            Evidence(
                f"standard deviation of the outputs of {record.layers[largest]!r} before the first step",
                float(record.activation_std[0][largest]),
            )
        )
    return Finding(
        "exploding_gradient",
        FAULT,
        f"The training stopped being finite in epoch {course.epochs}: activations, gradients or loss overflow.",
        tuple(evidence),
        "optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)  # clipped, with a lower learning rate",
        None,
        0.6,
    )


def vanishing(seen: Seen) -> Finding | None:
    """The gradient of the first layers is orders smaller than that of the last, and the training is at chance."""
    norms = _gradient_norms(seen)
    if norms is None or not seen.course.is_finite:
        return None
    names, values = norms
    first, last = float(values[0]), float(values[-1])
    if len(values) < 3 or not last > 0 or first / last >= VANISHED:
        return None
    at_chance = outcome.is_at_chance(seen)
    squashing = [layer.activation for layer in seen.model.layers if layer.activation in ("sigmoid", "tanh", "softsign")]
    remedy = (
        'activation="relu", kernel_initializer="he_normal"  # in the hidden layers, in place of ' + squashing[0]
        if len(squashing) > 2
        else "keras.layers.BatchNormalization()  # behind each hidden layer; or recipes.initialize(model)"
    )
    return Finding(
        "vanishing_gradient",
        FAULT if at_chance else NOTE,
        f"The gradient fades on its way back: {names[0]!r} gets {first / last:.1g} of what {names[-1]!r} gets, and "
        f"hardly learns.",
        (Evidence("gradient norm of the first layer over that of the last", first / last, f"above {VANISHED:g}"),),
        remedy,
        names[0],
        0.8 if at_chance else 0.5,
    )


def unmoved(seen: Seen) -> Finding | None:
    """No weight changes, though gradients arrive: each step is lost in the rounding of float32.

    A relation that holds for every training, so that it needs no threshold. Embeddings get gradients of few rows, and
    the updates of large weights are sampled, so that all layers together count.
    """
    record = seen.course.watched.record if seen.course is not None else None
    if record is None or record.update_ratio is None or record.gradient_norm_mean is None:
        return None
    gradients, updates = record.gradient_norm_mean, record.update_ratio
    if not np.nanmax(gradients, initial=0.0) > 0 or np.nanmax(updates, initial=0.0) > 0:
        return None
    if not np.isfinite(updates).any() or (record.skipped_steps is not None and np.nanmax(record.skipped_steps) > 0):
        return None
    return Finding(
        "lr_too_low",
        FAULT,
        f"No weight has changed in {seen.course.epochs:,} epochs though gradients arrive: the steps are so small that "
        f"rounding takes them away.",
        (
            Evidence("change of the weights in a step, relative to their size", 0.0, "about 0.001"),
            Evidence("learning rate", seen.model.learning_rate),
        ),
        f"keras.optimizers.{seen.model.optimizer}(learning_rate=0.001)",
        None,
        0.95,
    )


def oscillating(seen: Seen) -> Finding | None:
    """The score swings from epoch to epoch instead of settling. A note: few held-out rows swing by themselves.

    Bound: 0.03 an epoch, over the second half (AUTOTRAINER, ICSE 2021, counts swings of 0.03). A trial with a lower
    learning rate or larger batches tells why.
    """
    if seen.course is None or not seen.course.is_finite or outcome.swing(seen.course) <= outcome.SWING:
        return None
    return Finding(
        "oscillating_loss",
        NOTE,
        "The score swings from epoch to epoch instead of settling.",
        (Evidence("mean change of the score in an epoch", outcome.swing(seen.course), f"at most {outcome.SWING:g}"),),
        f"keras.optimizers.{seen.model.optimizer}({seen.model.learning_rate / 10:.2g})  # or larger batches",
        None,
        0.5,
    )


def dying(seen: Seen) -> Finding | None:
    """Units that give 0 for every row get no gradient, and never come back."""
    record = seen.course.watched.record if seen.course is not None else None
    if record is None or record.activation_dead is None:
        return None
    last = record.activation_dead[-1]
    if not np.isfinite(last).any():
        return None
    worst = int(np.nanargmax(last))
    if last[worst] < MANY_DEAD:
        return None
    is_fault = last[worst] >= DEAD and seen.course.is_finite and outcome.is_at_chance(seen)
    if not is_fault and not outcome.is_unwell(seen):
        return None  # sparse by nature
    return Finding(
        "dying_relu",
        FAULT if is_fault else NOTE,
        f"{last[worst]:.0%} of the units of {record.layers[worst]!r} give 0 for every row, and get no gradient.",
        (Evidence(f"dead units of {record.layers[worst]!r} at the end", float(last[worst]), f"below {MANY_DEAD:g}"),),
        'activation="leaky_relu"  # or kernel_initializer="he_normal", wider layers, and a lower learning rate',
        record.layers[worst],
        0.8 if is_fault else 0.5,
    )


def saturated(seen: Seen) -> Finding | None:
    """Outputs of a hidden sigmoid or tanh lie at their limits, where the slope is nearly 0."""
    record = seen.course.watched.record if seen.course is not None else None
    if record is None or record.activation_saturated is None or not outcome.is_unwell(seen):
        return None
    hidden = [name != seen.model.output_layer for name in record.layers]
    shares = np.where(hidden, record.activation_saturated[-1], np.nan)
    if not np.isfinite(shares).any() or np.nanmax(shares) < SATURATED:
        return None
    worst = int(np.nanargmax(shares))
    return Finding(
        "saturation",
        FAULT,
        f"{shares[worst]:.0%} of the outputs of {record.layers[worst]!r} are at their limits, where nothing is learnt.",
        (Evidence(f"saturated outputs of {record.layers[worst]!r}", float(shares[worst]), f"below {SATURATED:g}"),),
        'keras.layers.BatchNormalization()  # in front of the activation; or activation="relu", and inputs scaled',
        record.layers[worst],
        0.7,
    )


def overfitting(seen: Seen) -> Finding | None:
    """Held-out rows were scored clearly better earlier, while the training rows are fit ever better."""
    course = seen.course
    if course is None or not seen.data.validation_rows or not course.is_finite:
        return None
    lost, needed = outcome.lost_since_best(course), outcome.clear_difference(seen)
    gap = outcome.final_train_score(course) - outcome.final_score(course)
    if lost < needed or gap < 2 * needed:
        return None
    best = int(np.nanargmax(course.score))
    return Finding(
        "overfit",
        FAULT,
        f"Held-out rows were predicted best after epoch {best}, and ever worse since, while the training rows are "
        f"learnt by heart.",
        (
            Evidence("held-out score lost since its best epoch", lost, f"at most {needed:.2g}"),
            Evidence("training score above the held-out one", gap, f"at most {2 * needed:.2g}"),
        ),
        "model.fit(..., callbacks=[keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)])\n"
        "keras.layers.Dropout(0.3)  # behind the hidden layers, or fewer units, or more rows",
        None,
        0.9,
    )


def too_small(seen: Seen) -> Finding | None:
    """Even the training rows are fit worse than simple models predict held-out ones, and a layer is very narrow."""
    course = seen.course
    if course is None or not course.is_finite or not outcome.is_short(seen) or outcome.is_at_chance(seen):
        return None
    reached = outcome.final_train_score(course)
    hidden = [
        layer for layer in seen.model.layers
        if layer.has_kernel and layer.units and layer.name != seen.model.output_layer
    ]  # fmt: skip
    if outcome.expected_score(seen) - reached < outcome.clear_difference(seen) or not hidden:
        return None
    narrow = min(hidden, key=lambda layer: layer.units)
    needed = max(4, min(2 * seen.model.units, 16))
    if narrow.units >= needed:
        return None
    return Finding(
        "capacity_too_small",
        NOTE,
        f"The model does not fit even the rows that it is trained on, and all it knows of a row passes through the "
        f"{narrow.units} units of {narrow.name!r}.",
        (
            Evidence("score of the training rows", reached, f"{outcome.expected_score(seen):.3g}"),
            Evidence(f"units of {narrow.name!r}", narrow.units, f"at least {needed}"),
        ),
        f"keras.layers.Dense({max(32, 4 * narrow.units)}, ...)  # in place of {narrow.name!r}",
        narrow.name,
        0.6,
    )


def _gradient_norms(seen: Seen):
    """Names of the trained layers with a kernel, and the mean norm of their gradients in the first epoch."""
    record = seen.course.watched.record if seen.course is not None else None
    if record is None or record.gradient_norm_mean is None:
        return None
    kernels = {layer.name for layer in seen.model.layers if layer.has_kernel and layer.trainable}
    known = np.flatnonzero(np.isfinite(record.gradient_norm_mean).any(axis=1))
    if not len(known):
        return None
    row = record.gradient_norm_mean[known[0]]
    chosen = [place for place, name in enumerate(record.layers) if name in kernels and np.isfinite(row[place])]
    return ([record.layers[place] for place in chosen], row[chosen]) if chosen else None


RULES = (exploding, unmoved, oscillating, vanishing, dying, saturated, overfitting, too_small)
