"""Depth: a product of many factors vanishes or explodes, in linear nets and for each activation and initialization."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from custom_layers import Maxout, PReLU, RandomizedLeakyReLU
from recipes.initialization import get, initializer_for
from recipes.lab.flow import Flow, Stack
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREEN, GREY, ORANGE

LINEAR_DEPTH, DEPTH, UNITS, ROWS = 50, 20, 200, 100
GAINS = (1.5, 0.5)
SMALL, LARGE = (0.1, 0.2, 0.3), (10.0, 20.0, 30.0)  # ratios as the chain rule multiplies them
FITTED = "for the activation"
# Initializers by name, given the activation as `initializer_for` takes it, and their colours.
INITIALIZERS: dict[str, tuple[Callable, str]] = {
    "σ = 0.01": (lambda **_: get("normal_0.01"), GREY),
    "Xavier, LeCun: 1/n": (lambda **_: get("lecun_normal"), ORANGE),
    "He: 2/n": (lambda **_: get("he_normal"), GREEN),
    FITTED: (initializer_for, BLUE),
}
# Activations of the dense layers by name, and what `initializer_for` is told of them. A Maxout layer has none.
ACTIVATIONS: dict[str, tuple[Callable | None, dict]] = {
    "sigmoid": (partial(keras.layers.Activation, "sigmoid"), {"activation": "sigmoid"}),
    "tanh": (partial(keras.layers.Activation, "tanh"), {"activation": "tanh"}),
    "ReLU": (keras.layers.ReLU, {"activation": "relu"}),
    "leaky ReLU": (
        partial(keras.layers.LeakyReLU, negative_slope=0.01), {"activation": "leaky_relu", "negative_slope": 0.01},
    ),
    "parametric ReLU": (PReLU, {"activation": "prelu"}),
    "randomized ReLU": (RandomizedLeakyReLU, {"activation": "rrelu"}),
    "ELU": (keras.layers.ELU, {"activation": "elu"}),
    "SELU": (partial(keras.layers.Activation, "selu"), {"activation": "selu"}),
    "softplus": (partial(keras.layers.Activation, "softplus"), {"activation": "softplus"}),
    "Swish": (partial(keras.layers.Activation, "silu"), {"activation": "silu"}),
    "Maxout, k = 2": (None, {"activation": "maxout", "pieces": 2}),
    "Maxout, k = 5": (None, {"activation": "maxout", "pieces": 5}),
}  # fmt: skip
_LIMITS = (1e-6, 1e6)


@dataclass(frozen=True)
class Course:
    """What became of unit Gaussian rows, and of a gradient of unit size, in a stack of layers.

    Attributes:
        output: Root mean square of the outputs of each layer `(layers,)`.
        spread: Standard deviation of each unit's outputs over the rows, root mean square over the units `(layers,)`:
            near 0, a layer gives the same for every row.
        gradient: Root mean square of the gradient with respect to the outputs of each layer `(layers,)`.
    """

    output: np.ndarray
    spread: np.ndarray
    gradient: np.ndarray

    @classmethod
    def of(cls, flow: Flow) -> "Course":
        outputs, gradients = flow.outputs.astype(float), flow.gradients.astype(float)
        spread = np.sqrt(outputs.var(axis=1).mean(axis=1))
        return cls(np.sqrt((outputs**2).mean(axis=(1, 2))), spread, np.sqrt((gradients**2).mean(axis=(1, 2))))


@dataclass(frozen=True)
class Signal(Result):
    """The signal in deep stacks of layers.

    Attributes:
        linear: Courses through linear layers with the weights c I, by c.
        products: Products of three small and of three large ratios.
        courses: Courses by activation and initializer.
    """

    linear: dict[float, Course]
    products: tuple[float, float]
    courses: dict[str, dict[str, Course]]

    title = "Depth: vanishing and exploding signals"
    point = "Depth multiplies: factors below 1 vanish and factors above 1 explode, so that a deep net needs flat lines."
    grid = (3, 5)
    panel = (2.7, 2.4)

    @property
    def explanation(self) -> str:
        grown, shrunk = (self.linear[gain].output[-1] for gain in GAINS)
        relu, swish, sigmoid = (self.courses[name] for name in ("ReLU", "Swish", "sigmoid"))
        xavier, he = "Xavier, LeCun: 1/n", "He: 2/n"
        return (
            f"A linear layer with the weights 1.5 I multiplies by 1.5, and L of them by 1.5^L: {grown:.2g} for L = "
            f"{LINEAR_DEPTH}; 0.5 I leaves {shrunk:.2g}. On the way down the gradient is multiplied by the same "
            f"weights. So it is with the ratios of the chain rule: three small ones give {self.products[0]:.3f}, three "
            f"large ones {self.products[1]:,.0f}. The other panels send unit Gaussian rows up (solid) and a unit "
            f"gradient down (dashed) through {DEPTH} layers; the third shows where all end. ReLU "
            "needs 2/n: with 1/n, "
            f"{relu[xavier].gradient[0]:.1g} of the gradient arrives at layer 1, with 2/n {relu[he].gradient[0]:.2g}. "
            f"Swish loses it with either ({swish[he].gradient[0]:.1g} with 2/n); `initializer_for`, which fits the "
            f"variance to the activation, leaves {swish[FITTED].gradient[0]:.2g}. No variance saves sigmoid: its "
            f"outputs look healthy, {sigmoid[FITTED].output[-1]:.2f} on average, but are the same for every row (they "
            f"spread by {sigmoid[FITTED].spread[-1]:.0e}), and the gradient is {sigmoid[FITTED].gradient[0]:.0e}."
        )

    def tables(self) -> list[Table]:
        linear = [
            (depth, *(number for gain in GAINS for number in (self.linear[gain].output[depth - 1], gain**depth)))
            for depth in (1, 10, 25, LINEAR_DEPTH)
        ]
        heads = ("layers", "1.5 I, measured", "1.5^L", "0.5 I, measured", "0.5^L")
        ratios = [
            (" x ".join(f"{ratio:g}" for ratio in part), product)
            for part, product in zip((SMALL, LARGE), self.products, strict=True)
        ]
        what = {
            "output": f"Root mean square of the outputs of layer {DEPTH}, by variance of the weights.",
            "spread": f"Spread of the outputs of layer {DEPTH} over the rows, unit by unit.",
            "gradient": f"Root mean square of the gradient at layer 1, where it is 1 at layer {DEPTH}.",
        }
        return [
            Table("Outputs of a linear net for an input of 1.", heads, linear),
            Table("Products of ratios.", ("ratios", "product"), ratios),
            *(
                Table(title, ("activation", *INITIALIZERS), [
                    (name, *(getattr(course, field)[0 if field == "gradient" else -1] for course in courses.values()))
                    for name, courses in self.courses.items()
                ])
                for field, title in what.items()
            ),
        ]  # fmt: skip

    def panels(self) -> list[Callable]:
        courses = [partial(_draw_courses, name, courses) for name, courses in self.courses.items()]
        return [self._draw_linear, self._draw_products, self._draw_ends, *courses]

    def _draw_linear(self, ax) -> None:
        for gain, colour in zip(GAINS, (ORANGE, BLUE), strict=True):
            layers = np.arange(1, LINEAR_DEPTH + 1)
            ax.plot(layers, self.linear[gain].output, color=colour, linewidth=2, label=f"{gain:g} I: ${gain:g}^L$")
        ax.set(yscale="log", ylim=(1e-16, 1e10), yticks=(1e-15, 1e-10, 1e-5, 1, 1e5, 1e10), xlabel="layers L")
        ax.set_title("linear net, outputs for 1")
        ax.legend(loc="lower left")

    def _draw_products(self, ax) -> None:
        for ratios, colour in ((LARGE, ORANGE), (SMALL, BLUE)):
            steps = np.cumprod([1, *ratios])
            label = " · ".join(f"{ratio:g}" for ratio in ratios) + f" = {steps[-1]:g}"
            ax.plot(range(4), steps, "o-", color=colour, linewidth=2, label=label)
        ax.set(yscale="log", ylim=(1e-3, 1e6), xlabel="ratios multiplied", xticks=range(4), yticks=(1e-2, 1, 1e2, 1e4))
        ax.set_title("chain rule: a product")
        ax.legend(loc="upper left")

    def _draw_ends(self, ax) -> None:
        ax.axhline(1, color=GREY, linewidth=0.6)
        ax.axvline(1, color=GREY, linewidth=0.6)
        for name, (_, colour) in INITIALIZERS.items():
            ends = [(course[name].output[-1], course[name].gradient[0]) for course in self.courses.values()]
            x, y = np.clip(np.array(ends).T, *_LIMITS)
            ax.plot(x, y, "o", color=colour, markersize=5, alpha=0.9, label=name, clip_on=False)
        _log_axis(ax.xaxis, ax.set_xlim, f"outputs, layer {DEPTH}")
        _log_axis(ax.yaxis, ax.set_ylim, "gradient, layer 1")
        ax.set_title("healthy: near (1, 1)")
        ax.legend(fontsize=7.5, loc="upper left", handlelength=0.8, borderaxespad=0)


def _log_axis(axis, set_limits: Callable, label: str) -> None:
    axis.axes.set(**{f"{axis.axis_name}scale": "log", f"{axis.axis_name}label": label})
    set_limits(*_LIMITS)
    axis.set_ticks((1e-6, 1, 1e6))
    axis.set_ticks([], minor=True)


def _draw_courses(name: str, courses: dict[str, Course], ax) -> None:
    layers = np.arange(1, DEPTH + 1)
    ax.axhline(1, color=GREY, linewidth=0.6)
    for initializer, course in courses.items():
        width = 2.6 if initializer == FITTED else 1.4
        style = {"color": INITIALIZERS[initializer][1], "linewidth": width, "zorder": 1 if initializer == FITTED else 2}
        ax.plot(layers, course.output, label=initializer, **style)
        ax.plot(layers, course.gradient, linestyle=(0, (2.5, 1.2)), **style)
    _log_axis(ax.yaxis, ax.set_ylim, "up (solid), down (dashed)")
    if name == "sigmoid":  # the first one, which has room
        ax.legend(fontsize=7.5, loc="upper left", handlelength=1.2, borderaxespad=0)
    ax.set(title=name, xlabel="layer", xlim=(1, DEPTH), xticks=(1, 10, DEPTH))


def run() -> Signal:
    """The signal in linear nets, and for each activation and initializer."""
    one = np.ones((1, 1), "float32")
    layers, linear = [keras.layers.Dense(1) for _ in range(LINEAR_DEPTH)], {}
    stack = Stack(layers, one.shape)
    for gain in GAINS:
        for layer in layers:
            layer.kernel.assign(keras.initializers.Identity(gain)((1, 1)))
        linear[gain] = Course.of(stack.flow(one, one))
    rng = np.random.default_rng(0)
    x, gradient = (rng.standard_normal((ROWS, UNITS)).astype("float32") for _ in range(2))
    courses = {name: _courses(*parts, x, gradient) for name, parts in ACTIVATIONS.items()}
    return Signal(linear, (math.prod(SMALL), math.prod(LARGE)), courses)


def _courses(activation: Callable | None, description: dict, x: np.ndarray, gradient: np.ndarray) -> dict[str, Course]:
    """The course through layers of one activation, by initializer."""
    pieces = description.get("pieces", 1)
    if activation is None:
        layers = [Maxout(UNITS, pieces=pieces) for _ in range(DEPTH)]
    else:
        layers = [keras.layers.Dense(UNITS, activation=activation()) for _ in range(DEPTH)]
    stack = Stack(layers, x.shape)
    courses = {}
    for name, (initializer, _) in INITIALIZERS.items():
        for layer in layers:
            kernel = layer.weights[0]
            kernel.assign(initializer(**description)(kernel.shape))
        courses[name] = Course.of(stack.flow(x, gradient))
    return courses
