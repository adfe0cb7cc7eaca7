"""Bias and variance: under- and overfitting told apart by three errors, and what the advice that follows is worth."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from recipes.lab.digits import digits
from recipes.lab.initial_state import InitialState
from recipes.lab.result import Result, Table
from recipes.metrics import BiasVariance, bias_and_variance
from recipes.models import mlp
from recipes.plots.axes import BLUE, GREY, ORANGE, label_epochs

# Errors of people, on training rows and on held-out rows, of the worked examples: the first is the lecture's.
EXAMPLES = ((0.01, 0.05, 0.08), (0.045, 0.05, 0.08), (0.01, 0.08, 0.085), (0.01, 0.012, 0.018))
TRUTH = 0.01  # error of people that is assumed for digits, as in the lecture's example
UNITS, FEW = {"2 units": 2, "64 units": 64}, 60
BATCH, RATE = 60, 0.02


@dataclass(frozen=True)
class Network:
    """A network that was trained on digits.

    Attributes:
        rows: Number of its training rows.
        training: Error on training rows while it learned, by epoch `(epochs,)`.
        held_out: Error on held-out rows at the end of each epoch `(epochs,)`.
        errors: Bias and variance at the end.
    """

    rows: int
    training: np.ndarray
    held_out: np.ndarray
    errors: BiasVariance


@dataclass(frozen=True)
class BiasAndVariance(Result):
    """Bias and variance of the worked examples, and of networks that were trained.

    Attributes:
        examples: Bias and variance of `EXAMPLES`.
        networks: Networks by their units and whether they had `"few"` or `"all"` rows.
    """

    examples: list[BiasVariance]
    networks: dict[tuple[str, str], Network]

    title = "Bias and variance"
    point = "Bias calls for a larger model, variance for more data: measure which is larger before you change anything."
    grid = (2, 2)
    panel = (4.8, 3.1)

    @property
    def explanation(self) -> str:
        lecture = self.examples[0]
        small, large = self.networks["2 units", "all"].errors, self.networks["64 units", "all"].errors
        few, rows = self.networks["64 units", "few"].errors, self.networks["64 units", "all"].rows
        return (
            f"Where people err in {lecture.human_error:.0%}, a network in {lecture.training_error:.0%} of its training "
            f"rows and in {lecture.held_out_error:.0%} of held-out rows, the avoidable bias is "
            f"{100 * lecture.avoidable_bias:.0f} points and the variance {100 * lecture.variance:.0f}: the bias comes "
            "first. On digits, two units cannot tell ten classes apart: both errors stay high "
            f"({small.training_error:.0%} and {small.held_out_error:.0%}), and still more rows could win back the "
            f"{100 * small.variance:.0f} points of variance at best. 64 units learn {FEW} rows by heart "
            f"({few.training_error:.0%}) and err in {few.held_out_error:.0%} of the others: there is no bias left that "
            "a larger network could remove. Either advice, a larger model there and more rows here, leads to the "
            f"last panel, 64 units on {rows:,} rows, with {large.training_error:.0%} and {large.held_out_error:.1%}. "
            "(For people, 1% is assumed on digits; all networks took the same number of steps.)"
        )

    def tables(self) -> list[Table]:
        columns = ("errors in %", "people", "training", "held-out", "avoidable bias", "variance", "larger", "advice")
        rows = [("lecture", self.examples[0]), *(("example", errors) for errors in self.examples[1:])]
        rows += [(self._name(key), network.errors) for key, network in self.networks.items()]
        return [
            Table(
                "Bias and variance, and what may help",
                columns,
                [
                    (
                        name,
                        *(100 * error for error in (errors.human_error, errors.training_error, errors.held_out_error)),
                        100 * errors.avoidable_bias,
                        100 * errors.variance,
                        errors.larger,
                        errors.remedy or "none needed",
                    )
                    for name, errors in rows
                ],
            )
        ]

    def panels(self) -> list[Callable]:
        shown = [("2 units", "all"), ("64 units", "few"), ("64 units", "all")]
        return [self._draw_parts, *(partial(self._draw_course, key) for key in shown)]

    def _name(self, key: tuple[str, str]) -> str:
        return f"{key[0]}, {self.networks[key].rows:,} rows"

    def _draw_parts(self, ax) -> None:
        bars = {"lecture:\n1%, 5%, 8%": self.examples[0]}
        bars |= {self._name(key).replace(", ", ",\n"): network.errors for key, network in self.networks.items()}
        for place, errors in enumerate(bars.values()):
            edges = (0, min(errors.human_error, errors.training_error), errors.training_error, errors.held_out_error)
            for left, right, colour in zip(edges, edges[1:], (GREY, BLUE, ORANGE), strict=False):
                ax.barh(place, max(right - left, 0) * 100, left=left * 100, color=colour, height=0.6)
            ax.text(100 * errors.held_out_error + 0.6, place, f"{errors.larger}", va="center", fontsize=9)
        ax.set_yticks(range(len(bars)), list(bars), fontsize=8)
        ax.invert_yaxis()
        ends = [100 * errors.held_out_error for errors in bars.values()]
        ax.set(xlabel="error in %", xlim=(0, 1.25 * max(ends)))
        for colour, name in ((GREY, "people"), (BLUE, "avoidable bias"), (ORANGE, "variance")):
            ax.barh(0, 0, color=colour, label=name)
        ax.legend(loc="upper right")
        ax.set_title("Where the error comes from")

    def _draw_course(self, key: tuple[str, str], ax) -> None:
        network = self.networks[key]
        epochs = np.arange(1, len(network.training) + 1)
        ax.plot(epochs, 100 * network.held_out, color=ORANGE, label="held-out rows")
        ax.plot(epochs, 100 * network.training, color=BLUE, label="training rows")
        ax.axhline(100 * TRUTH, color=GREY, linestyle=(0, (4, 2)), label="people")
        label_epochs(ax, epochs)
        ax.set(ylim=(0, 82), ylabel="error in %", yticks=(0, 20, 40, 60, 80))
        words = "both are small" if key == ("64 units", "all") else network.errors.larger
        ax.set_title(f"{self._name(key)}: {words}")
        ax.legend(loc="upper right")


def run(*, epochs: int = 20) -> BiasAndVariance:
    """The worked examples, and two networks on few and on all rows of digits.

    Args:
        epochs: Number of passes over all rows; over the few rows, as many steps.
    """
    (x, y), *others = digits()
    held_out = tuple(np.concatenate(parts) for parts in zip(*others, strict=True))
    inputs = keras.Input(x.shape[1:])
    # One model with an output for each network, which share nothing but the inputs: Keras compiles once.
    networks = {name: mlp(x.shape[1:], 10, widths=(units,), activation="tanh") for name, units in UNITS.items()}
    for name, network in networks.items():
        network.name = name.replace(" ", "_")
    model = keras.Model(inputs, [network(inputs) for network in networks.values()])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    count = len(UNITS)
    # A step is too small to gain from compilation.
    model.compile(keras.optimizers.Adam(RATE), [loss] * count, metrics=[["accuracy"]] * count, jit_compile=False)
    start = InitialState(model)
    found = {}
    for amount, rows in (("few", FEW), ("all", len(x) // BATCH * BATCH)):
        start.restore()
        # The few rows are repeated, so that an epoch has as many steps.
        chosen = np.resize(np.arange(rows), len(x) // BATCH * BATCH)
        history = model.fit(
            x[chosen], [y[chosen]] * count, BATCH, epochs, verbose=0, shuffle=False,
            validation_data=(held_out[0], [held_out[1]] * count), validation_batch_size=len(held_out[1]),
        ).history  # fmt: skip
        errors = [_errors(model, x[:rows], y[:rows]), _errors(model, *held_out)]
        keys = [key for key in history if key.endswith("accuracy") and not key.startswith("val_")]
        for number, name in enumerate(UNITS):
            training, unseen = errors[0][number], errors[1][number]
            course = (1 - np.array(history[prefix + keys[number]]) for prefix in ("", "val_"))
            found[name, amount] = Network(rows, *course, bias_and_variance(training, unseen, human_error=TRUTH))
    examples = [bias_and_variance(*errors, human_error=people) for people, *errors in EXAMPLES]
    return BiasAndVariance(examples, found)


def _errors(model: keras.Model, x: np.ndarray, y: np.ndarray) -> list[float]:
    """Share of wrong classes of each network."""
    return [float((logits.argmax(-1) != y).mean()) for logits in model.predict(x, batch_size=len(x), verbose=0)]
