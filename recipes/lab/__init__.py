"""The lab: textbook experiments on training deep networks, each as one file, one command and one picture."""

import importlib
from typing import TYPE_CHECKING

from recipes.arguments.names import normalize, unknown

if TYPE_CHECKING:
    from recipes.lab.result import Result

# Experiments and what each shows, in the order of the gallery. An experiment lives in the module of its name, whose
# function `run` returns its result.
EXPERIMENTS = {
    "activations": "Shapes, ranges and derivatives of the activation functions.",
    "losses": "Worked examples of losses, where hinge saturates, and softmax of large scores.",
    "initialization": "What 10 layers make of a signal and of a gradient, by initial weights.",
    "signal": "Vanishing and exploding signals in deep nets, by activation and initialization.",
    "vanishing": "Gradient norms of each layer of a deep network while it trains, and four remedies.",
    "exploding": "A recurrent network without clipping and with four ways of clipping.",
    "dead-relu": "Units that high learning rates kill, and activations and biases that keep them.",
    "regularization": "Polynomials with L1 and L2 penalties, and what each penalty does to a weight.",
    "dropout": "Few rows with and without dropout, and outputs that keep their mean at inference.",
    "batch-normalization": "Bad initial weights forgiven, and training mode against inference mode.",
    "early-stopping": "The epoch at which the validation loss turns, and the weights that are kept.",
    "augmentation": "A network trained on 50 images, as they are and changed at random in every epoch.",
    "transfer": "Features of MNIST for other digits with few labels, frozen and fine-tuned, against from scratch.",
    "optimizers": "Eight optimizers in a ravine, on a saddle and on digits, and Adam's formula.",
    "learning-rate": "Rates too low, good and too high, the range test that tells them apart, and the schedules.",
    "bias-variance": "Under- and overfitting told apart by three errors, and the advice that follows.",
    "tuning": "Grid search against random search with the same budget, where one of two settings matters.",
    "metrics": "A classifier's report, and why accuracy misleads when classes are unbalanced.",
}


def names() -> list[str]:
    """Names of all experiments, in the order of the gallery."""
    return list(EXPERIMENTS)


def run(name: str) -> "Result":
    """The result of an experiment: its numbers, `.plot()`, `.explanation` and `.tables()`.

    Each run gives the same numbers, as all seeds are fixed. The global random generators are left as they were.

    Args:
        name: Name of the experiment, with `-` or `_`.

    Raises:
        ValueError: For an unknown name, with the nearest one.
    """
    name = known(name)
    # Loaded when it is needed, so that `import recipes` loads neither Keras nor a backend.
    return importlib.import_module("recipes.lab.running").result_of(name)


def known(name: str) -> str:
    """The name of an experiment as `names()` has it.

    Raises:
        ValueError: For an unknown name, with the nearest one.
    """
    normalized = normalize(name)
    if normalized not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS)
    return normalized
