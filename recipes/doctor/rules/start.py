"""What the initial weights and the first steps show."""

import numpy as np

from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.outcome import is_at_chance
from recipes.doctor.seen import Seen

# Factor by which the standard deviation of a kernel may miss that of the variance rule. Glorot and He differ by up to 4
# where a convolution widens; a factor of 5 in each of several layers changes the signal by orders.
KERNEL_FACTOR = 5.0
# Initial loss over that of a constant prediction beyond which the outputs of the first step are of no use.
# Karpathy 2019, "A Recipe for Training Neural Networks": verify the loss at initialization.
LOSS_FACTOR, MOST_LOSS_FACTOR = 10.0, 100.0
LARGE_INPUTS = 20.0  # absolute value of inputs that make outputs large by themselves


def failing_step(seen: Seen) -> Finding | None:
    """The first training step raises an error: what the backend says of it, and the shapes that met."""
    if seen.error is None:
        return None
    shapes = seen.model.output_shape, seen.data.targets.shape
    outputs, targets = (", ".join(map(str, ("rows", *shape))) + "," * (not shape) for shape in shapes)
    return Finding(
        "first_step_fails",
        FAULT,
        f"The first training step fails: {seen.error}",
        (Evidence("shape of the outputs", f"({outputs})"), Evidence("shape of the targets", f"({targets})")),
        "model.train_on_batch(x[:2], y[:2])  # shows the error with its place in the model",
    )


def identical_units(seen: Seen) -> Finding | None:
    """All units of a hidden layer are alike, get the same gradient, and stay alike: the layer is as good as one unit.

    Goodfellow et al. 2016, Deep Learning, section 8.4: initial weights must break the symmetry between units. The
    output layer may begin at 0, as its targets differ.
    """
    for layer in _hidden(seen):
        if layer.identical_units and (layer.units or 0) > 1 and layer.trainable:
            return Finding(
                "bad_init",
                FAULT,
                f"All {layer.units} units of {layer.name!r} have the same initial weights, and so stay the same.",
                (Evidence("different units in the layer", 1, f"up to {layer.units}"),),
                f'kernel_initializer="{_rule(layer)}"  # of {layer.name!r}',
                layer.name,
            )
    return None


def unsuitable_kernels(seen: Seen) -> Finding | None:
    """Kernels whose spread is far from that of the variance rule (He et al. 2015, Glorot and Bengio 2010).

    A note, as normalization and skips forgive much: a trial with kernels drawn by the rule decides.
    """
    factors = {
        layer.name: layer.kernel_std / layer.kernel_rule_std
        for layer in _hidden(seen)
        if layer.untouched is not False and layer.kernel_std and layer.kernel_rule_std
    }
    if not factors:
        return None
    name = max(factors, key=lambda name: abs(np.log(factors[name])))
    if 1 / KERNEL_FACTOR < factors[name] < KERNEL_FACTOR:
        return None
    layer = next(layer for layer in seen.model.layers if layer.name == name)
    size = "large" if factors[name] > 1 else "small"
    wrong = sum(not 1 / KERNEL_FACTOR < factor < KERNEL_FACTOR for factor in factors.values())
    return Finding(
        "bad_init",
        NOTE,
        f"The initial weights of {name!r} are {max(factors[name], 1 / factors[name]):.2g} times too {size}"
        + (f", and {wrong - 1} more layers are like it." if wrong > 1 else "."),
        (
            Evidence(
                f"standard deviation of the kernel of {name!r}", layer.kernel_std, f"about {layer.kernel_rule_std:.2g}"
            ),
        ),
        f'kernel_initializer="{_rule(layer)}"  # or recipes.initialize(model) before training',
        name,
        0.7,
    )


def initial_loss(seen: Seen) -> Finding | None:
    """The first loss is far above that of a constant prediction: the outputs begin large and wrong.

    By 10 times it is a note. By 100 times it is a fault, unless the inputs are that large themselves: the first steps
    only bring the outputs back, and leave the hidden layers where they are.
    """
    course = seen.course
    expected = _constant_loss(seen)
    if course is None or not course.losses.size or expected is None:
        return None
    loss = float(course.losses[0])
    if not np.isfinite(loss) or loss < LOSS_FACTOR * expected:
        return None
    inputs = seen.data.inputs
    is_fault = loss > MOST_LOSS_FACTOR * expected and np.abs([inputs.low, inputs.high]).max() < LARGE_INPUTS
    return Finding(
        "bad_init",
        FAULT if is_fault else NOTE,
        "The first loss is far above that of a constant prediction: the untrained outputs are large and wrong.",
        (Evidence("loss before the first step", loss, f"about {expected:.3g}"),),
        "recipes.initialize(model)  # before training",
        None,
        0.8 if is_fault else 0.6,
    )


def no_signal_through(seen: Seen) -> Finding | None:
    """The signal is lost between inputs and outputs before the first step, and the training ends at chance.

    Units that give the same for every row, all the way to the end: nothing reaches the outputs.
    """
    course = seen.course
    if course is None or course.watched.record.activation_dead is None or not is_at_chance(seen):
        return None
    record = course.watched.record
    kernels = {layer.name for layer in _hidden(seen)}
    for name, dead in zip(record.layers, record.activation_dead[0], strict=True):
        if name in kernels and dead == 1.0:
            layer = next(layer for layer in seen.model.layers if layer.name == name)
            return Finding(
                "bad_init",
                FAULT,
                f"Every unit of {name!r} gives 0 for every row before the first step, so that nothing is learnt in "
                f"front of it.",
                (Evidence(f"dead units of {name!r} before training", 1.0, "below 0.5"),),
                f'kernel_initializer="{_rule(layer)}"  # and wider layers, or activation="leaky_relu"',
                name,
                0.8,
            )
    return None


def _hidden(seen: Seen):
    return [layer for layer in seen.model.layers if layer.has_kernel and layer.name != seen.model.output_layer]


def _rule(layer) -> str:
    """Name of Keras's initializer that suits the activation of a layer."""
    if layer.activation == "selu":
        return "lecun_normal"
    rectified = (layer.activation or "").startswith(("relu", "leaky", "elu", "gelu", "silu", "swish"))
    return "he_normal" if rectified else "glorot_uniform"


def _constant_loss(seen: Seen) -> float | None:
    targets = seen.data.targets
    if "crossentropy" not in seen.model.loss or targets.form == "multi_label" or not targets.counts.any():
        return None
    shares = targets.counts[targets.counts > 0] / targets.counts.sum()
    return float(max(-(shares * np.log(shares)).sum(), 0.1))


RULES = (failing_step, identical_units, unsuitable_kernels, initial_loss, no_signal_through)
