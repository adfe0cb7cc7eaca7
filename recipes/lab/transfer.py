"""Transfer learning: features that were learned on MNIST serve other digits, of which few have a label."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from recipes.lab.accuracy import accuracy_of
from recipes.lab.digits import digits
from recipes.lab.initial_state import InitialState
from recipes.lab.result import Result, Table
from recipes.models import convnet, transfer
from recipes.plots.axes import BLUE, GREEN, ORANGE
from recipes.training.fine_tuning import fine_tune

LABELS, DRAWS = (1, 2, 5), 3  # labels of each class; draws of these rows
SOURCE = "mnist-small"  # a run that comes with the package
# Steps of gradient descent and their rates: the head on a frozen body, then both, and a network from scratch.
HEAD_STEPS, HEAD_RATE, BODY_STEPS, BODY_RATE, SCRATCH_RATE = 60, 0.01, 25, 0.001, 0.003
_COLOURS = {"from scratch": ORANGE, "frozen body": BLUE, "fine-tuned": GREEN}


@dataclass(frozen=True)
class Transferred(Result):
    """Networks for the digits of scikit-learn, with and without the features of a network for MNIST.

    Attributes:
        labels: Numbers of labelled rows of each class `(sizes,)`.
        accuracy: Accuracy on the other rows, by way of training `(sizes, draws)`: `"from scratch"`, `"frozen body"`
            (only the new head is trained) and `"fine-tuned"` (then the body as well).
        parameters: Number of weights of the network from scratch, of the body and of the new head, by these names.
        held_out_rows: Number of rows on which accuracy is measured.
    """

    labels: np.ndarray
    accuracy: dict[str, np.ndarray]
    parameters: dict[str, int]
    held_out_rows: int

    title = "Transfer learning"
    point = "With few labels, features learned elsewhere are worth more than learning from scratch."
    panel = (5.6, 3.6)

    @property
    def explanation(self) -> str:
        scratch, frozen, tuned = (values.mean(axis=1) for values in self.accuracy.values())
        few, many = self.labels[0], self.labels[-1]
        return (
            f"The run `{SOURCE}` that comes with this package has learned MNIST, whose digits were written by other "
            "people and scanned in another way. `recipes.transfer` keeps its layers, frozen, and puts a new head of "
            f"{self.parameters['head']} weights on them, for images of 8 x 8 pixels. With {few} labelled row of each "
            f"class, the head gets {frozen[0]:.0%} of {self.held_out_rows:,} other rows right; a convolutional network "
            f"of {self.parameters['scratch']:,} weights that begins from scratch gets {scratch[0]:.0%}. The gain "
            f"shrinks as labels grow: {frozen[-1]:.0%} against {scratch[-1]:.0%} with {many} of each class. "
            f"`recipes.fine_tune` then trains the body as well, at a tenth of the rate: {tuned[0]:.0%} with {few} "
            f"label, {tuned[-1]:.0%} with {many}. Dots are draws of other labelled rows, lines their means."
        )

    def tables(self) -> list[Table]:
        columns = ("training", *(f"{count} a class" for count in self.labels))
        means = [(name, *values.mean(axis=1)) for name, values in self.accuracy.items()]
        spread = [(name, *np.ptp(values, axis=1)) for name, values in self.accuracy.items()]
        return [
            Table(f"Mean accuracy on {self.held_out_rows} other rows, by number of labels.", columns, means),
            Table("Highest minus lowest accuracy over the draws.", columns, spread),
        ]

    def panels(self) -> list[Callable]:
        return [self._draw]

    def _draw(self, ax) -> None:
        for place, (name, values) in enumerate(self.accuracy.items()):
            shift = 1.04 ** (place - 1)  # side by side
            ax.plot(self.labels * shift, values.mean(axis=1), color=_COLOURS[name], linewidth=2.2, label=name)
            ax.plot(self.labels * shift, values, ".", color=_COLOURS[name], markersize=6)
        ax.set(xscale="log", xlabel="labels of each class", ylabel="accuracy on other rows")
        ax.set_xticks(self.labels, [str(count) for count in self.labels])
        ax.minorticks_off()
        ax.legend(frameon=False, fontsize=9, loc="lower right")


def run(*, labels: tuple[int, ...] = LABELS, draws: int = DRAWS) -> Transferred:
    """Train on few rows with and without what was learned on MNIST.

    Args:
        labels: Numbers of labelled rows of each class.
        draws: Number of draws of the labelled rows.
    """
    x, y = (np.concatenate(columns) for columns in zip(*digits(), strict=True))
    shape = x.shape[1:]
    models = {
        "from scratch": _compiled(convnet(shape, 10, widths=(16, 32)), SCRATCH_RATE),
        "frozen body": _compiled(transfer(SOURCE, 10, input_shape=shape), HEAD_RATE),
        "fine-tuned": _compiled(transfer(SOURCE, 10, input_shape=shape), HEAD_RATE),
    }
    fine_tune(models["fine-tuned"], learning_rate=BODY_RATE)
    steps = {"from scratch": HEAD_STEPS + BODY_STEPS, "frozen body": HEAD_STEPS, "fine-tuned": BODY_STEPS}
    starts = {name: InitialState(model) for name, model in models.items()}
    accuracy = {name: np.empty((len(labels), draws)) for name in models}
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(y))
        few = np.concatenate([order[y[order] == label][: max(labels)] for label in range(10)]).reshape(10, -1)
        others = np.setdiff1d(order, few)
        for size, count in enumerate(labels):
            rows = few[:, :count].ravel()
            for name, model in models.items():
                starts[name].restore()
                if name == "fine-tuned":
                    model.set_weights(models["frozen body"].get_weights())
                # Each step takes all labelled rows; repeated to equal numbers, so that Keras compiles once.
                used = np.resize(rows, steps[name] * few.size)
                model.fit(x[used], y[used], few.size, verbose=0, shuffle=False)
                accuracy[name][size, draw] = accuracy_of(model, x[others], y[others])
    body = models["frozen body"].get_layer("body").count_params()
    parameters = {
        "scratch": models["from scratch"].count_params(),
        "body": body,
        "head": models["frozen body"].count_params() - body,
    }
    return Transferred(np.array(labels), accuracy, parameters, len(others))


def _compiled(model: keras.Model, rate: float) -> keras.Model:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    return model
