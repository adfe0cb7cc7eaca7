"""Initial weights: what 10 layers make of a signal and of a gradient, and why units must not start equal."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from recipes.initialization import get, initializer_for
from recipes.lab.digits import digits
from recipes.lab.flow import Flow, Stack
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREEN, GREY, ORANGE

LAYERS, UNITS = 10, 500
SATURATED = 0.97  # absolute value of tanh from which the derivative is below 0.06
# Activation, initializer, and what becomes of outputs and of gradients, in the order of the picture.
CASES: dict[str, tuple[str, Callable, tuple[str, str]]] = {
    "tanh, σ = 0.01": ("tanh", partial(get, "normal_0.01"), ("vanish", "vanish")),
    "tanh, σ = 1": ("tanh", partial(get, "normal_1"), ("saturate", "explode")),
    "tanh, uniform (0 to 1)": ("tanh", partial(get, "uniform_positive"), ("saturate", "are exactly 0")),
    "tanh, σ = 0.1": ("tanh", partial(get, "normal_0.1"), ("partly saturate", "grow")),
    "tanh, Xavier": ("tanh", partial(initializer_for, "tanh"), ("stay alive", "stay alive")),
    "ReLU, Xavier": ("relu", partial(get, "glorot_normal"), ("shrink", "shrink")),
    "ReLU, variance 2/n": ("relu", partial(initializer_for, "relu"), ("stay alive", "stay alive")),
}
STARTS = {"all 0": "zeros", "all 0.05": keras.initializers.Constant(0.05), "random": "glorot_normal"}
UNITS_OF_START, EPOCHS = 32, 8
COLOURS = (GREY, ORANGE, BLUE)
_EDGES = {"tanh": np.linspace(-1, 1, 16), "relu": np.linspace(0, 3, 16)}
_DECADES = np.arange(-10, 7)  # powers of ten between which gradients are shown


@dataclass(frozen=True)
class Case:
    """What became of the signal in one stack of layers.

    Attributes:
        activation: Name of the activation.
        deviation: Standard deviation of the outputs, over rows and units, of each layer `(layers,)`.
        extreme: Share of the outputs of each layer whose gradient is lost: saturated tanh, or ReLU at 0 `(layers,)`.
        gradient: Root mean square of the gradient with respect to the outputs of each layer `(layers,)`.
        output_shares: Shares of the outputs of each layer in bins from -1 to 1 for tanh, from 0 to 3 for ReLU
            `(layers, bins)`.
        gradient_shares: Share of the gradients in each power of ten from 1e-10 to 1e6, by absolute value; those of
            exactly 0 are in none `(layers, powers)`.
    """

    activation: str
    deviation: np.ndarray
    extreme: np.ndarray
    gradient: np.ndarray
    output_shares: np.ndarray
    gradient_shares: np.ndarray


@dataclass(frozen=True)
class Start:
    """A hidden layer that was trained on digits.

    Attributes:
        accuracy: Share of the training rows classified right after each epoch `(epochs,)`.
        different_units: Number of hidden units with different weights after training.
    """

    accuracy: np.ndarray
    different_units: int


@dataclass(frozen=True)
class Initialized(Result):
    """All initializations.

    Attributes:
        cases: Stacks of 10 layers by name.
        starts: Trainings of one hidden layer by the weights that it started from.
    """

    cases: dict[str, Case]
    starts: dict[str, Start]

    title = "Initial weights"
    point = "Only weights of the right size let the signal up and the gradient down through all ten layers."
    grid = (4, 4)
    panel = (2.8, 2.2)

    @property
    def explanation(self) -> str:
        small, large, positive, tenth, xavier, relu, he = self.cases.values()
        zeros, equal, random = self.starts.values()
        return (
            f"Unit Gaussian rows go up through {LAYERS} layers of {UNITS} units (blue, green), and a gradient of unit "
            "size comes down from layer 10 to layer 1 (orange). With weights of standard deviation σ = 0.01 the "
            f"outputs of tanh shrink to {small.deviation[-1]:.0e} and the gradient to {small.gradient[0]:.0e}. With "
            f"σ = 1, {large.extreme[-1]:.0%} of the outputs are saturated: there, the slope is below 6 %. Many slides "
            "say that the gradient vanishes with it; in fact the few units in between multiply it by such large "
            f"weights that it grows to {large.gradient[0]:,.0f}. Weights that are all positive saturate "
            f"every unit, and the gradient is {positive.gradient[0]:g}. σ = 0.1 is about twice too large: "
            f"{tenth.extreme[-1]:.0%} are saturated. Xavier's variance 1/n keeps outputs ({xavier.deviation[-1]:.2f}) "
            f"and gradient ({xavier.gradient[0]:.2f}) alive. ReLU drops half of the signal, so that Xavier leaves "
            f"{relu.gradient[0]:.3f} of the gradient (2^-4.5 = {2**-4.5:.3f} expected), while twice the variance, 2/n, "
            f"leaves {he.gradient[0]:.2f}. Last two panels: equal units stay equal. From 0 only the last biases "
            f"learn (accuracy {zeros.accuracy[-1]:.0%}), and {UNITS_OF_START} units that start at 0.05 are "
            f"{equal.different_units} unit ({equal.accuracy[-1]:.0%}, against {random.accuracy[-1]:.0%})."
        )

    def tables(self) -> list[Table]:
        columns = ("weights", "layer 1", "layer 5", "layer 10", "saturated or 0", "gradient, layer 1")
        rows = [
            (name, *case.deviation[[0, 4, -1]], case.extreme[-1], case.gradient[0]) for name, case in self.cases.items()
        ]
        title = (
            "Standard deviation of the outputs in layers 1, 5 and 10; share of the outputs of layer 10 that are beyond "
            f"±{SATURATED} (tanh) or 0 (ReLU); root mean square of the gradient, which is 1 at layer 10."
        )
        starts = [(name, start.accuracy[-1], start.different_units) for name, start in self.starts.items()]
        return [
            Table(title, columns, rows),
            Table(
                f"One hidden layer of {UNITS_OF_START} units, trained on digits.",
                ("all weights start", "training accuracy", "different units"),
                starts,
            ),
        ]

    def panels(self) -> list[Callable]:
        outputs = [partial(_draw_outputs, name, case) for name, case in self.cases.items()] + [self._draw_accuracy]
        gradients = [partial(_draw_gradients, name, case) for name, case in self.cases.items()] + [self._draw_units]
        return [*outputs[:4], *gradients[:4], *outputs[4:], *gradients[4:]]

    def _draw_accuracy(self, ax) -> None:
        for (name, start), colour in zip(self.starts.items(), COLOURS, strict=True):
            epochs = np.arange(1, len(start.accuracy) + 1)
            ax.plot(epochs, start.accuracy, color=colour, linewidth=2, label=name)
        ax.set(ylim=(0, 1.02), xlabel="epoch", ylabel="accuracy", xticks=(1, len(start.accuracy)), yticks=(0, 0.5, 1))
        ax.set_title("equal weights\nhardly learn", fontsize=10)
        ax.legend(fontsize=8, loc="upper right", bbox_to_anchor=(1, 0.85), handlelength=1.2)

    def _draw_units(self, ax) -> None:
        counts = [start.different_units for start in self.starts.values()]
        ax.bar_label(ax.bar(list(self.starts), counts, color=COLOURS))
        ax.set(ylim=(0, 1.15 * UNITS_OF_START), yticks=(), ylabel="different units")
        ax.set_title("equal units\nstay equal", fontsize=10)
        ax.tick_params(axis="x", labelsize=8)


def run(*, rows: int = 500, epochs: int = EPOCHS) -> Initialized:
    """All initializations.

    Args:
        rows: Number of Gaussian rows.
        epochs: Number of epochs in which a hidden layer is trained on digits.
    """
    rng = np.random.default_rng(0)
    x, gradient = (rng.standard_normal((rows, UNITS)).astype("float32") for _ in range(2))
    cases, stacks = {}, {}
    for name, (activation, initializer, _) in CASES.items():
        if activation not in stacks:
            layers = [keras.layers.Dense(UNITS, activation=activation) for _ in range(LAYERS)]
            stacks[activation] = layers, Stack(layers, x.shape)
        layers, stack = stacks[activation]
        for layer in layers:
            layer.kernel.assign(initializer()((UNITS, UNITS)))
        cases[name] = _case_of(activation, stack.flow(x, gradient))
    return Initialized(cases, _trained(epochs))


def _case_of(activation: str, flow: Flow) -> Case:
    outputs, gradients = flow.outputs.astype(float), np.abs(flow.gradients.astype(float))
    is_extreme = outputs <= 0 if activation == "relu" else np.abs(outputs) > SATURATED
    edges = _EDGES[activation]
    powers = np.log10(gradients, where=gradients > 0, out=np.full(gradients.shape, np.nan))
    return Case(
        activation,
        deviation=outputs.std(axis=(1, 2)),
        extreme=is_extreme.mean(axis=(1, 2)),
        gradient=np.sqrt((gradients**2).mean(axis=(1, 2))),
        output_shares=_shares(outputs, edges),
        gradient_shares=_shares(powers, _DECADES),
    )


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of the values of each layer in each bin; values beyond the ends are in the outermost bins."""
    inside = np.clip(values, edges[0], edges[-1])  # NaN stays, and is in no bin
    return np.stack([np.histogram(layer, edges)[0] / layer.size for layer in inside])


def _trained(epochs: int) -> dict[str, Start]:
    """One hidden layer, trained on digits from each of `STARTS`."""
    (x, y), *_ = digits()
    hidden = keras.layers.Dense(UNITS_OF_START, activation="tanh", name="hidden")
    model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Flatten(), hidden, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Without momentum, a training leaves nothing behind but weights, which the next one replaces. At a higher rate,
    # rounding errors grow until they part the units that started equal.
    model.compile(keras.optimizers.SGD(0.05), loss, metrics=["accuracy"])
    starts = {}
    for name, initializer in STARTS.items():
        draw = keras.initializers.get(initializer)
        model.set_weights(
            [draw(weight.shape) if len(weight.shape) == 2 else np.zeros(weight.shape) for weight in model.weights]
        )
        history = model.fit(x, y, batch_size=32, epochs=epochs, shuffle=False, verbose=0).history
        kernel, _, out, _ = model.get_weights()
        starts[name] = Start(np.array(history["accuracy"]), _different(np.concatenate([kernel.T, out], axis=1)))
    return starts


def _different(units: np.ndarray) -> int:
    """Number of units whose weights differ by more than rounding errors `(units, weights)`."""
    found = units[:1]
    for unit in units[1:]:
        if np.abs(found - unit).max(axis=1).min() > 1e-2:
            found = np.concatenate([found, unit[None]])
    return len(found)


def _draw_outputs(name: str, case: Case, ax) -> None:
    edges = _EDGES[case.activation]
    _draw_histograms(ax, case.output_shares, edges, BLUE if case.activation == "tanh" else GREEN)
    ax.set(ylim=(edges[0] - 0.05, edges[-1] + 0.05), yticks=(-1, 0, 1) if case.activation == "tanh" else (0, 1, 2, 3))
    ax.set(title=f"{name}:\noutputs {CASES[name][2][0]}", ylabel="output")


def _draw_gradients(name: str, case: Case, ax) -> None:
    _draw_histograms(ax, case.gradient_shares, _DECADES, ORANGE)
    ax.set(ylim=(_DECADES[0], _DECADES[-1]))
    ax.set_yticks((-10, -5, 0, 5), ("$10^{-10}$", "$10^{-5}$", "1", "$10^{5}$"))
    ax.set(title=f"{name}:\ngradients {CASES[name][2][1]}", ylabel="absolute gradient")


def _draw_histograms(ax, shares: np.ndarray, edges: np.ndarray, colour: str) -> None:
    """A histogram for each layer, side by side, each relative to its peak."""
    for layer, share in enumerate(shares, start=1):
        widths = 0.85 * np.sqrt(share / max(share.max(), 1e-12))
        ax.stairs(
            layer - 0.45 + widths, edges, baseline=layer - 0.45, orientation="horizontal", fill=True, color=colour
        )
    ax.set(xlim=(0.4, len(shares) + 0.6), xticks=(1, 5, 10), xlabel="layer")
    ax.title.set_size(10)
