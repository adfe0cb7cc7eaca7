"""Dead ReLUs: high learning rates push units to where their gradient is 0, from where only a slope brings them back."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from custom_layers import PReLU
from recipes import initialization
from recipes.lab.digits import digits
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREEN, GREY, NOT_FINITE, ORANGE
from recipes.plots.curves import PURPLE
from recipes.training.state import assign_copies, copies_of

WIDTH, DEPTH, BATCH = 64, 3, 64
EPOCHS, BURST = 8, 2  # of which the first are those at the learning rate that is studied
LATER_RATE = 0.002  # in all further epochs
RATES = (0.001, 0.01, 0.03)  # of Adam, whose steps are as long as its rate
LEAKY_SLOPE, BIAS = 0.1, 0.1
# For each network, its activation layer and the initial value of its biases.
NETWORKS = {
    "ReLU": (keras.layers.ReLU, 0.0),
    f"ReLU, biases {BIAS}": (keras.layers.ReLU, BIAS),
    f"leaky ReLU, slope {LEAKY_SLOPE}": (lambda: keras.layers.LeakyReLU(LEAKY_SLOPE), 0.0),
    "PReLU": (PReLU, 0.0),
    "ELU": (keras.layers.ELU, 0.0),
}
_COLOURS = (NOT_FINITE, ORANGE, BLUE, GREEN, PURPLE)


@dataclass(frozen=True)
class Course:
    """The training of one network, begun at each learning rate.

    Attributes:
        silent: Share of the hidden units whose pre-activation is negative for every training row, after each epoch
            `(rates, epochs)`. Such a ReLU is dead.
        accuracy: Accuracy on the training rows in the last epoch, at the low rate again `(rates,)`.
    """

    silent: np.ndarray
    accuracy: np.ndarray


@dataclass(frozen=True)
class DeadReLU(Result):
    """The networks by name.

    Attributes:
        rates: Learning rates of the first epochs, ascending.
        courses: Training of each network.
    """

    rates: tuple[float, ...]
    courses: dict[str, Course]

    title = "Dead ReLUs"
    point = "High learning rates kill ReLUs for good; units with a slope below 0 live on."
    grid = (1, 2)
    panel = (5.0, 3.4)

    @property
    def explanation(self) -> str:
        relu, biased, leaky, prelu, elu = self.courses.values()
        low, high, last = self.rates[0], self.rates[-1], BURST - 1
        others = (leaky, prelu, elu)
        return (
            "A step that is too long can make the weights of a unit such that its pre-activation is negative for every "
            "row. A ReLU gives 0 then, with a gradient of 0: it is dead, and no further step reaches its weights. Here "
            f"the first {BURST} epochs have the rate on the axis, and all later ones a moderate {LATER_RATE:g}. At "
            f"{high:g}, {relu.silent[-1, last]:.0%} of the ReLUs are dead after {BURST} epochs, and "
            f"{relu.silent[-1, -1]:.0%} at the end: the lower rate does not wake them. Behind leaky ReLU, PReLU and "
            "ELU a gradient passes on both sides, so that no unit is lost: at the end, "
            f"{_listed(course.silent[-1, -1] for course in others)} of the units are negative for every row. Small "
            "positive biases let ReLUs begin on the good side: they help while steps are short "
            f"({biased.silent[0, -1]:.1%} instead of {relu.silent[0, -1]:.1%} dead at {low:g}), but an initial value "
            f"does not outlast long ones ({biased.silent[-1, -1]:.0%} and {relu.silent[-1, -1]:.0%} at {high:g}). "
            f"The accuracy is {relu.accuracy[-1]:.1%} with ReLU and {_listed(c.accuracy[-1] for c in others)} with the "
            "others: this network has units to spare, and dead ones are capacity that is paid for and not used."
        )

    def tables(self) -> list[Table]:
        columns = ("network", *(f"rate {rate:g}" for rate in self.rates))
        silent = [(name, *(round(float(v), 3) for v in course.silent[:, -1])) for name, course in self.courses.items()]
        accuracy = [(name, *(round(float(v), 3) for v in course.accuracy)) for name, course in self.courses.items()]
        return [
            Table("Share of hidden units that are negative for every row, after the last epoch.", columns, silent),
            Table("Accuracy on training rows in the last epoch.", columns, accuracy),
        ]

    def panels(self) -> list[Callable]:
        return [self._draw_epochs, self._draw_rates]

    def _draw_epochs(self, ax) -> None:
        for (name, course), colour in zip(self.courses.items(), _COLOURS, strict=False):
            shares = 100 * course.silent[-1]
            ax.plot(np.arange(1, len(shares) + 1), shares, color=colour, linewidth=2, label=name)
        ax.set(ylim=(0, 60), yticks=(0, 20, 40), xlabel="epoch", ylabel="silent units in %")
        ax.axvspan(0.5, BURST + 0.5, color=GREY, alpha=0.25, linewidth=0)
        ax.set_xlim(0.5, course.silent.shape[1] + 0.5)
        ax.set_title(f"units negative for every row\nrate {self.rates[-1]:g} (shaded), then {LATER_RATE:g}")
        ax.legend(frameon=False, fontsize=8, loc="upper right", ncols=2, columnspacing=1)

    def _draw_rates(self, ax) -> None:
        for course, colour in zip(self.courses.values(), _COLOURS, strict=False):
            ax.plot(self.rates, 100 * course.silent[:, -1], "o-", color=colour, linewidth=2, markersize=4)
        ax.set(xscale="log", ylim=(0, 60), yticks=(0, 20, 40), ylabel="silent units in %")
        ax.set(xlabel="learning rate", title="the same at the end\nby rate of the first epochs")
        ax.set_xticks(self.rates, [f"{rate:g}" for rate in self.rates])
        ax.minorticks_off()


def run(*, networks: dict[str, tuple] = NETWORKS, rates: tuple[float, ...] = RATES, epochs: int = EPOCHS) -> DeadReLU:
    """Train all networks, from the same initial weights, at each learning rate first and at a moderate one then.

    Args:
        networks: Activation layer and initial biases of each network, by name.
        rates: Learning rates of Adam in the first epochs, ascending.
        epochs: Number of epochs.
    """
    (x, y), _, _ = digits()
    # One model with an output for each network, which share nothing but the inputs: Keras compiles once.
    inputs = keras.Input(x.shape[1:])
    parts = [network(inputs, *settings) for settings in networks.values()]
    model = keras.Model(inputs, [logits for logits, _ in parts])
    watched = keras.Model(inputs, [keras.layers.Concatenate()(signals) for _, signals in parts])
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer,
        [keras.losses.SparseCategoricalCrossentropy(from_logits=True) for _ in parts],
        metrics=[["accuracy"] for _ in parts],
        jit_compile=False,
    )
    weights, moments = copies_of(model.variables), copies_of(optimizer.variables)
    silent, accuracy = np.zeros((len(parts), len(rates), epochs)), np.zeros((len(parts), len(rates)))
    for column, rate in enumerate(rates):
        assign_copies(weights)
        for epoch in range(epochs):
            if epoch in (0, BURST):
                assign_copies(moments)
                optimizer.learning_rate = LATER_RATE if epoch else rate
            targets = [y] * len(parts)
            history = model.fit(x, targets, batch_size=BATCH, shuffle=False, verbose=0).history
            signals = watched.predict(x, batch_size=len(x), verbose=0)
            signals = signals if isinstance(signals, list) else [signals]
            silent[:, column, epoch] = [np.mean(np.max(signal, axis=0) <= 0) for signal in signals]
        accuracy[:, column] = [value[-1] for name, value in history.items() if name.endswith("accuracy")]
    return DeadReLU(tuple(rates), {name: Course(silent[n], accuracy[n]) for n, name in enumerate(networks)})


def network(inputs, activation: Callable[[], keras.layers.Layer], bias: float):
    """The logits of a network of equal hidden layers, and the pre-activations of each of them."""
    x, signals = keras.layers.Flatten()(inputs), []
    for _ in range(DEPTH):
        layer = activation()
        signal = keras.layers.Dense(
            WIDTH,
            kernel_initializer=initialization.initializer_for(layer),
            bias_initializer=keras.initializers.Constant(bias),
        )(x)
        signals.append(signal)
        x = layer(signal)
    return keras.layers.Dense(10)(x), signals


def _listed(shares) -> str:
    return ", ".join(f"{share:.1%}" for share in shares)
