"""Vanishing gradients: how fast each layer of a deep network learns, and what makes all layers learn."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from callbacks import GradientNormLogger
from recipes import initialization
from recipes.lab.digits import digits
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREY, ORANGE, decades

WIDTH, DEPTH, EPOCHS = 32, 8, 20
RATE, BATCH = 0.1, 128  # of gradient descent without momentum, whose steps are as large as the gradients
NAIVE = "normal_0.1"


@dataclass(frozen=True)
class Variant:
    """A way to build the network.

    Attributes:
        activation: Activation behind each hidden layer.
        is_proper: Whether the initial weights suit the activation; otherwise they are normal with deviation 0.1.
        is_normalized: Whether batch normalization stands in front of each activation.
        has_shortcuts: Whether the input of each hidden layer but the first is added to its output.
    """

    activation: str
    is_proper: bool = False
    is_normalized: bool = False
    has_shortcuts: bool = False


VARIANTS = {
    "sigmoid": Variant("sigmoid"),
    "tanh": Variant("tanh"),
    "ReLU": Variant("relu"),
    "sigmoid, batch normalization": Variant("sigmoid", is_normalized=True),
    "sigmoid, Glorot": Variant("sigmoid", is_proper=True),
    "tanh, Glorot": Variant("tanh", is_proper=True),
    "ReLU, He": Variant("relu", is_proper=True),
    "sigmoid, shortcuts": Variant("sigmoid", has_shortcuts=True),
}


@dataclass(frozen=True)
class Course:
    """The training of one network.

    Attributes:
        norms: Gradient norm of the kernel and bias of each hidden layer, mean over the steps of the epoch
            `(epochs, layers)`.
        accuracy: Accuracy on the training rows in each epoch `(epochs,)`.
    """

    norms: np.ndarray
    accuracy: np.ndarray

    @property
    def first_over_last(self) -> float:
        """Gradient norm of the first hidden layer relative to that of the last one, in the first epoch."""
        return float(self.norms[0, 0] / self.norms[0, -1])

    @property
    def per_layer(self) -> float:
        """Factor by which the gradient norm changes from a layer to the one below it, geometric mean."""
        return self.first_over_last ** (1 / (self.norms.shape[1] - 1))


@dataclass(frozen=True)
class Vanishing(Result):
    """The networks by name, in the order of the panels.

    Attributes:
        courses: Training of each network.
    """

    courses: dict[str, Course]

    title = "Vanishing gradients"
    point = "A network learns where the blue line, its first layer, runs near the orange one, its last layer."
    grid = (2, 4)
    panel = (3.0, 2.7)

    @property
    def explanation(self) -> str:
        sigmoid, relu, glorot, he, normalized, shortcuts = (
            self.courses[name]
            for name in (
                "sigmoid", "ReLU", "sigmoid, Glorot", "ReLU, He", "sigmoid, batch normalization", "sigmoid, shortcuts",
            )
        )  # fmt: skip
        depth = sigmoid.norms.shape[1]
        loss = float(f"{1 / sigmoid.first_over_last:.1g}")
        return (
            f"Each layer learns at its own speed: the network has {depth} equal hidden layers, and each line is the "
            "gradient norm of one of them while digits are learned by gradient descent. With sigmoids and small "
            f"initial weights, each layer gets {1 / sigmoid.per_layer:.1f} times less gradient than the one above it, "
            f"and the first one {loss:,.0f} times less than the last: it stays as it was initialized, and the accuracy "
            f"at {sigmoid.accuracy[-1]:.0%}, that of guessing. ReLU loses a factor of {1 / relu.per_layer:.1f} a "
            "layer, as its weights are too small. Proper initialization heals tanh and ReLU (accuracy "
            f"{he.accuracy[-1]:.0%} with ReLU) but not sigmoid, whose slope is a quarter at most: a factor of "
            f"{1 / glorot.per_layer:.1f} a layer remains. Batch normalization rescales the signal in front of each "
            "sigmoid, and shortcuts lead the gradient past it: even with the small initial weights, the first layer "
            f"then gets {normalized.first_over_last:.1f} and {shortcuts.first_over_last:.1f} times the gradient of the "
            f"last one, and the accuracy is {normalized.accuracy[-1]:.0%} and {shortcuts.accuracy[-1]:.0%}."
        )

    def tables(self) -> list[Table]:
        columns = ("network", "first layer", "last layer", "first / last", "factor a layer", "accuracy")
        rows = [
            (
                name, course.norms[0, 0], course.norms[0, -1], course.first_over_last, course.per_layer,
                round(float(course.accuracy[-1]), 3),
            )
            for name, course in self.courses.items()
        ]  # fmt: skip
        return [
            Table("Gradient norms in the first epoch, and accuracy on training rows after the last.", columns, rows)
        ]

    def panels(self) -> list[Callable]:
        limits = decades(np.concatenate([course.norms.ravel() for course in self.courses.values()]))
        return [
            partial(self._draw, name, course, limits, place)
            for place, (name, course) in enumerate(self.courses.items())
        ]

    def _draw(self, name: str, course: Course, limits: tuple[float, float], place: int, ax) -> None:
        epochs = np.arange(1, len(course.norms) + 1)
        ax.plot(epochs, course.norms[:, 1:-1], color=GREY, linewidth=0.9)
        ax.plot(epochs, course.norms[:, -1], color=ORANGE, linewidth=2.2, label="last hidden layer")
        ax.plot(epochs, course.norms[:, 0], color=BLUE, linewidth=2.2, label="first layer")
        ax.set(yscale="log", ylim=limits, xlim=(1, epochs[-1]), xticks=(1, epochs[-1] // 2, epochs[-1]))
        ax.set_yticks(10.0 ** np.arange(np.log10(limits[0]), np.log10(limits[1]) + 0.5, 2))
        ax.minorticks_off()
        ax.set_title(f"{name}\naccuracy {course.accuracy[-1]:.0%}", fontsize=10)
        ax.set(xlabel="epoch", ylabel="gradient norm")
        if place == 1:  # where there is room
            ax.legend(frameon=False, fontsize=9, loc="lower right")


def run(*, variants: dict[str, Variant] = VARIANTS, depth: int = DEPTH, epochs: int = EPOCHS) -> Vanishing:
    """Train all networks, and log the gradient norm of each layer.

    Args:
        variants: Networks by name.
        depth: Number of hidden layers.
        epochs: Number of epochs.
    """
    (x, y), _, _ = digits()
    # One model with an output for each network, which share nothing but the inputs: Keras compiles once.
    inputs = keras.Input(x.shape[1:])
    names = [f"network_{number}" for number in range(len(variants))]
    outputs = [network(inputs, name, variant, depth) for name, variant in zip(names, variants.values(), strict=True)]
    model = keras.Model(inputs, outputs)
    losses = [keras.losses.SparseCategoricalCrossentropy(from_logits=True) for _ in names]
    model.compile(keras.optimizers.SGD(RATE), losses, metrics=[["accuracy"] for _ in names], jit_compile=False)
    log = GradientNormLogger()
    targets = [y] * len(names)
    history = model.fit(x, targets, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, callbacks=[log]).history
    courses = {}
    for variant, name in zip(variants, names, strict=True):
        layers = [log.record.layers.index(f"{name}_dense_{number}") for number in range(1, depth + 1)]
        key = f"{name}_logits_accuracy" if len(names) > 1 else "accuracy"
        courses[variant] = Course(log.record.gradient_norm_mean[:, layers].astype(float), np.array(history[key]))
    return Vanishing(courses)


def network(inputs, name: str, variant: Variant, depth: int):
    """The logits of a network with equal hidden layers, called `<name>_dense_1` and so on."""
    x = keras.layers.Flatten()(inputs)
    for number in range(1, depth + 1):
        initializer = (
            initialization.initializer_for(variant.activation) if variant.is_proper else initialization.get(NAIVE)
        )
        output = keras.layers.Dense(WIDTH, kernel_initializer=initializer, name=f"{name}_dense_{number}")(x)
        if variant.is_normalized:
            output = keras.layers.BatchNormalization()(output)
        output = keras.layers.Activation(variant.activation)(output)
        x = keras.layers.Add()([x, output]) if variant.has_shortcuts and number > 1 else output
    return keras.layers.Dense(10, name=f"{name}_logits")(x)
