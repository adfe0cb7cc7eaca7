"""Activation functions: their curves, ranges and derivatives, as layers of Keras and of this package compute them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from custom_layers import Maxout, PReLU, RandomizedLeakyReLU
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREY, ORANGE

LEAKY_SLOPE, PARAMETRIC_SLOPE, RANDOMIZED_SLOPE = 0.01, 0.25, 11 / 48
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
FAR = 10.0  # where sigmoid and tanh are saturated
# Slopes and offsets of the pieces of a Maxout unit. Of five, each touches z^2 / 4 at -4, -2, 0, 2 and 4.
TWO_PIECES = ((-1.0, 0.0), (1.0, 0.0))
FIVE_PIECES = tuple((place / 2, -(place**2) / 4) for place in (-4.0, -2.0, 0.0, 2.0, 4.0))
_POINTS = np.linspace(-5, 5, 401)
_NODES = np.linspace(-9, 9, 18_001)  # of the sum that stands for the mean over a standard normal distribution


@dataclass(frozen=True)
class Activation:
    """An activation function.

    Attributes:
        name: Its name.
        formula: Its value at `z`.
        curve: Values at `z` `(points,)`, computed by the Keras layer.
        derivative: Derivatives at `z`, by formula in float64.
        range: Set of its values, in mathematical notation.
        mean: Mean output for inputs of a standard normal distribution.
        at_rest: Derivative at 0; at a kink, the derivatives on its left and on its right.
        saturated: Derivatives at -10 and 10.
    """

    name: str
    formula: str
    curve: np.ndarray
    derivative: np.ndarray
    range: str
    mean: float
    at_rest: tuple[float, float]
    saturated: tuple[float, float]

    @property
    def is_zero_centred(self) -> bool:
        """Whether the mean output for standard normal inputs is 0, to one hundredth."""
        return abs(self.mean) < 0.01


@dataclass(frozen=True)
class Activations(Result):
    """All activation functions, in the order of the lectures.

    Attributes:
        z: Inputs of the curves `(points,)`.
        functions: The functions by name.
    """

    z: np.ndarray
    functions: dict[str, Activation]

    title = "Activation functions"
    point = "A gradient passes only where the dashed derivative is not 0."
    grid = (3, 5)
    panel = (2.7, 2.4)

    @property
    def explanation(self) -> str:
        leaky = float(self.functions["leaky ReLU"].curve[0])
        sigmoid, tanh = (self.functions[name].saturated[1] for name in ("sigmoid", "tanh"))
        return (
            "Where the derivative is 0, the layers below learn nothing. Sigmoid and "
            f"tanh are flat on both sides: at z = ±{FAR:g} their derivatives are {sigmoid:.1e} and {tanh:.1e}. Even at "
            "its best, sigmoid passes a quarter of the gradient, so that ten layers of it divide the gradient by a "
            "million. ReLU is flat on one side, where a unit can die; leaky, parametric and randomized leaky ReLU, ELU "
            "and SELU keep a slope there. Sigmoid, ReLU and softplus give positive values only, which pushes all "
            "gradients of a unit's weights to the same sign; tanh and SELU are zero-centred. A Maxout unit learns its "
            "shape: the largest of two pieces is |z| here, and five follow a parabola. The step function has no "
            f"gradient at all, and layers of linear units are one linear layer. (A printed table has {LEAKY_SLOPE:g} "
            f"for leaky ReLU below 0, without the z: it is {LEAKY_SLOPE:g} z, which is {leaky:.2g} at -5.)"
        )

    def tables(self) -> list[Table]:
        columns = (
            "activation",
            "value at z",
            "range",
            "zero-centred",
            "mean output",
            "slope at -10",
            "slope at 0",
            "slope at 10",
        )
        rows = [
            (
                name,
                function.formula,
                function.range,
                "yes" if function.is_zero_centred else "no",
                round(function.mean, 3),
                function.saturated[0],
                _at_rest(*function.at_rest),
                function.saturated[1],
            )
            for name, function in self.functions.items()
        ]
        return [Table("Mean output is that for inputs of a standard normal distribution.", columns, rows)]

    def panels(self) -> list[Callable]:
        return [partial(self._draw, function, number == 0) for number, function in enumerate(self.functions.values())]

    def _draw(self, function: Activation, has_legend: bool, ax) -> None:
        ax.axhline(0, color=GREY, linewidth=0.6)
        ax.axvline(0, color=GREY, linewidth=0.6)
        is_step = function.name == "step"
        ax.plot(
            self.z, np.where(is_step & (self.z == 0), np.nan, function.curve), color=BLUE, linewidth=2, label="value"
        )
        slopes = np.where(np.abs(np.diff(function.derivative, prepend=np.nan)) > 0.2, np.nan, function.derivative)
        ax.plot(self.z, slopes, color=ORANGE, linewidth=1.6, linestyle=(0, (3, 1.5)), label="derivative")
        ax.set(xlim=(-5, 5), ylim=(-2.2, 3.2), xticks=(-5, 0, 5), yticks=(-2, -1, 0, 1, 2, 3))
        ax.set_title(function.name, fontsize=11)
        if has_legend:
            ax.legend(frameon=False, fontsize=8, loc="lower right", handlelength=1.6)


def run() -> Activations:
    """The curves and derivatives of all activation functions."""
    layers = {
        "sigmoid": ("1 / (1 + e^-z)", keras.layers.Activation("sigmoid"), _sigmoid_slope, "(0, 1)"),
        "tanh": ("tanh z", keras.layers.Activation("tanh"), lambda z: 1 / np.cosh(z) ** 2, "(-1, 1)"),
        "ReLU": ("max(0, z)", keras.layers.ReLU(), lambda z: _pieces(z, 0.0), "[0, ∞)"),
        "leaky ReLU": (
            "z, or 0.01 z below 0",
            keras.layers.LeakyReLU(negative_slope=LEAKY_SLOPE), lambda z: _pieces(z, LEAKY_SLOPE), "(-∞, ∞)",
        ),
        "parametric ReLU": (
            "z, or 0.25 z below 0",
            PReLU(alpha_initializer=keras.initializers.Constant(PARAMETRIC_SLOPE)),
            lambda z: _pieces(z, PARAMETRIC_SLOPE), "(-∞, ∞)",
        ),
        "randomized ReLU": (
            "z, or 0.229 z below 0",
            RandomizedLeakyReLU(), lambda z: _pieces(z, RANDOMIZED_SLOPE), "(-∞, ∞)",
        ),
        "ELU": (
            "z, or e^z - 1 below 0",
            keras.layers.ELU(), lambda z: np.where(z > 0, 1, np.exp(np.minimum(z, 0))), "(-1, ∞)",
        ),
        "SELU": (
            "1.051 z, or 1.758 (e^z - 1) below 0",
            keras.layers.Activation("selu"),
            lambda z: SELU_SCALE * np.where(z > 0, 1, SELU_ALPHA * np.exp(np.minimum(z, 0))),
            f"({-SELU_SCALE * SELU_ALPHA:.3f}, ∞)",
        ),
        "softplus": ("log(1 + e^z)", keras.layers.Activation("softplus"), lambda z: 1 / (1 + np.exp(-z)), "(0, ∞)"),
        "Swish": ("z / (1 + e^-z)", keras.layers.Activation("silu"), _swish_slope, "[-0.278, ∞)"),
        "Maxout, k = 2": ("max(-z, z)", _maxout(TWO_PIECES), partial(_piece_slope, TWO_PIECES), "[0, ∞)"),
        "Maxout, k = 5": (
            "largest of t z / 2 - t² / 4 for t = -4, -2, 0, 2, 4",
            _maxout(FIVE_PIECES), partial(_piece_slope, FIVE_PIECES), "[0, ∞)",
        ),
        "linear": ("z", keras.layers.Activation("linear"), np.ones_like, "(-∞, ∞)"),
        "step": ("0, or 1 from 0 on", keras.layers.Activation(_step), np.zeros_like, "{0, 1}"),
    }  # fmt: skip
    functions = {name: _measured(name, *parts) for name, parts in layers.items()}
    return Activations(_POINTS, functions)


def _measured(name: str, formula: str, layer: keras.layers.Layer, slope: Callable, range_of_values: str) -> Activation:
    density = np.exp(-(_NODES**2) / 2)
    mean = float(_values(layer, _NODES) @ density / density.sum())
    left, right, low, high = (float(slope(np.array(z))) for z in (-1e-9, 1e-9, -FAR, FAR))
    derivative = np.asarray(slope(_POINTS), dtype=float)
    return Activation(
        name, formula, _values(layer, _POINTS), derivative, range_of_values, mean, (left, right), (low, high)
    )


def _values(layer: keras.layers.Layer, z: np.ndarray) -> np.ndarray:
    outputs = layer(keras.ops.convert_to_tensor(z[:, None].astype("float32")))
    return keras.ops.convert_to_numpy(outputs)[:, 0].astype(float)


def _maxout(pieces) -> Maxout:
    """One unit with the slopes and offsets given."""
    layer = Maxout(1, pieces=len(pieces))
    layer.build((None, 1))
    slopes, offsets = np.array(pieces).T
    layer.set_weights([slopes[None, :], offsets])
    return layer


def _step(z):
    return keras.ops.cast(z >= 0, "float32")


def _pieces(z, slope: float):
    return np.where(z > 0, 1.0, slope)


def _piece_slope(pieces, z):
    slopes, offsets = np.array(pieces).T
    return slopes[np.argmax(np.multiply.outer(z, slopes) + offsets, axis=-1)]


def _sigmoid_slope(z):
    return 1 / (2 + np.exp(z) + np.exp(-z))


def _swish_slope(z):
    return 1 / (1 + np.exp(-z)) + z * _sigmoid_slope(z)


def _at_rest(left: float, right: float) -> str:
    return f"{left:.4g}" if abs(left - right) < 1e-6 else f"{left:.4g} | {right:.4g}"
