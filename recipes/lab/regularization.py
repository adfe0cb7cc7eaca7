"""Regularization: polynomials under L1 and L2 penalties of all strengths, and what each does to a single weight."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREEN, GREY, ORANGE

DEGREES, PENALTIES = (1, 4, 15), ("L2", "L1")
COLOURS = {"L2": BLUE, "L1": ORANGE}
STRENGTHS = np.array([0, *np.logspace(-5, 1, 49), np.inf])
SHOWN = (0, 1e-4, 1e-3, 1e-2, 0.1, 1, np.inf)  # strengths in the table
RATE, STRENGTH = 0.1, 0.5  # of the steps of a single weight: alpha and lambda
BEST = np.array([2.0, 0.5])  # weights with the smallest loss |w - BEST|^2 of the surface, whose lambda is 1
_ROWS, _NOISE = 20, 0.3
_X = np.linspace(-1, 1, _ROWS)
_GRID = np.linspace(-1, 1, 121)


@dataclass(frozen=True)
class Regularization(Result):
    """Weights and errors of polynomials by degree and penalty, and the smaller examples.

    Polynomials minimize the mean squared error plus lambda times the penalty of the weights, which is the sum of their
    squares for L2 and of their absolute values for L1. Their powers of x are scaled to mean 0 and variance 1.

    Attributes:
        y: Noisy values at the training points `(20,)`.
        weights: Weights by degree and penalty, for each of `STRENGTHS` `(strengths, degree)`.
        training_error: Mean squared error on the training points, likewise `(strengths,)`.
        true_error: Mean squared difference from the function without noise, likewise `(strengths,)`.
        penalty: L1 and L2 penalty of the weights (1, 0, 0, 0) and of four times 0.25 `(2, 2)`.
        output: Output for the input (1, 1, 1, 1) with either weights `(2,)`.
        steps: A weight after each step of gradient descent on its penalty alone, by penalty `(steps,)`.
        surface_minimum: Weights with the smallest penalized loss of the surface, by penalty `(2,)`.
    """

    y: np.ndarray
    weights: dict[tuple[int, str], np.ndarray]
    training_error: dict[tuple[int, str], np.ndarray]
    true_error: dict[tuple[int, str], np.ndarray]
    penalty: np.ndarray
    output: np.ndarray
    steps: dict[str, np.ndarray]
    surface_minimum: dict[str, np.ndarray]

    title = "L1 and L2 regularization"
    point = "A penalty keeps a large model from fitting the noise: L2 makes weights small, L1 makes them 0."
    grid = (3, 3)
    panel = (3.7, 2.8)

    def best(self, penalty: str) -> int:
        """Place in `STRENGTHS` of the lambda with the smallest true error of degree 15."""
        return int(np.argmin(self.true_error[15, penalty]))

    @property
    def explanation(self) -> str:
        error, zeros = self.true_error, self._zeros(15, "L1")[self.best("L1")]
        return (
            f"Degree 1 is too stiff (error {error[1, 'L2'][0]:.2f} against the curve without noise), degree 4 fits "
            f"({error[4, 'L2'][0]:.3f}), and degree 15 follows the noise ({error[15, 'L2'][0]:.2f}) until a penalty "
            f"holds it: at its best lambda, L2 has an error of {error[15, 'L2'].min():.3f} and L1 of "
            f"{error[15, 'L1'].min():.3f}. As lambda grows, every fit becomes the mean. L2 makes no weight 0, L1 sets "
            f"{zeros} of 15 to exactly 0 at its best lambda: its contours have corners on the axes. In a step of "
            f"gradient descent, L2 multiplies a weight by 1 - 2 alpha lambda = {1 - 2 * RATE * STRENGTH:g}, so that "
            f"small weights hardly move; L1 takes off alpha lambda = {RATE * STRENGTH:g} whatever the size, until the "
            "weight flips around 0. The weights (1, 0, 0, 0) and four times 0.25 have the same output and the same L1 "
            "penalty; L2 prefers the latter, which use all inputs. (The fits are exact: L2 is solved, L1 is "
            "scikit-learn's path of LARS. Penalties and steps are Keras's.)"
        )

    def tables(self) -> list[Table]:
        rows = []
        for degree in DEGREES:
            for strength in SHOWN:
                at = int(np.searchsorted(STRENGTHS, 0.99 * strength))
                cells = [
                    values
                    for penalty in PENALTIES
                    for values in (
                        self.training_error[degree, penalty][at],
                        self.true_error[degree, penalty][at],
                        int(self._zeros(degree, penalty)[at]),
                    )
                ]
                rows.append((f"{degree}, {'∞' if np.isinf(strength) else f'{strength:g}'}", *cells))
        columns = [f"{penalty} {what}" for penalty in PENALTIES for what in ("training error", "true error", "zeros")]
        names = "(1, 0, 0, 0)", "(.25, .25, .25, .25)"
        return [
            Table("Polynomials", ("degree, lambda", *columns), rows),
            Table(
                "Two ways to the same output for the input (1, 1, 1, 1)",
                ("weights", "output", "L1", "L2"),
                [(name, out, *both) for name, out, both in zip(names, self.output, self.penalty, strict=True)],
            ),
            Table(
                f"Steps of a weight with alpha = {RATE:g} and lambda = {STRENGTH:g}",
                ("penalty", *(f"step {step}" for step in (0, 1, 2, 10, 19))),
                [(name, *(self.steps[name][step] for step in (0, 1, 2, 10, 19))) for name in PENALTIES],
            ),
        ]

    def panels(self) -> list[Callable]:
        return [
            *(partial(self._draw_degree, degree) for degree in DEGREES),
            self._draw_penalized,
            *(partial(self._draw_path, penalty) for penalty in PENALTIES),
            *(partial(self._draw_surface, penalty) for penalty in PENALTIES),
            self._draw_steps,
        ]

    def _zeros(self, degree: int, penalty: str) -> np.ndarray:
        return (self.weights[degree, penalty] == 0).sum(-1)

    def _draw_fits(self, ax, fits) -> None:
        ax.plot(_GRID, _function(_GRID), color=GREY, linewidth=1.2, linestyle=(0, (4, 2)))
        ax.plot(_X, self.y, "o", color=GREY, markersize=4)
        for degree, weights, colour, label in fits:
            ax.plot(_GRID, _columns(_GRID, degree) @ weights + self.y.mean(), color=colour, linewidth=2, label=label)
        ax.set(ylim=(-1.9, 1.9), xticks=(-1, 0, 1), yticks=(-1, 0, 1))

    def _draw_degree(self, degree: int, ax) -> None:
        self._draw_fits(ax, [(degree, self.weights[degree, "L2"][0], GREEN, None)])
        words = {1: "too stiff", 4: "good", 15: "fits the noise"}[degree]
        ax.set_title(f"Degree {degree}: {words}, error {self.true_error[degree, 'L2'][0]:.2f}")

    def _draw_penalized(self, ax) -> None:
        fits = []
        for name in PENALTIES:
            at = self.best(name)
            label = f"{name}: error {self.true_error[15, name][at]:.3f}"
            fits.append((15, self.weights[15, name][at], COLOURS[name], label))
        self._draw_fits(ax, [*fits, (15, np.zeros(15), GREEN, "lambda = ∞: the mean")])
        ax.legend(loc="upper right", fontsize=8)
        ax.set_title("Degree 15 with the best penalties")

    def _draw_path(self, penalty: str, ax) -> None:
        ax.plot(STRENGTHS[1:-1], self.weights[15, penalty][1:-1], color=COLOURS[penalty], linewidth=1, alpha=0.8)
        ax.axhline(0, color=GREY, linewidth=0.8)
        at = self.best(penalty)
        ax.axvline(STRENGTHS[at], color=GREY, linestyle=(0, (4, 2)), linewidth=1)
        ax.text(STRENGTHS[at] * 1.25, 7, f"{self._zeros(15, penalty)[at]} of 15\nare 0", va="top", fontsize=9)
        ax.set(xscale="log", ylim=(-8, 8), yticks=(-5, 0, 5), xlabel="lambda", xticks=(1e-4, 1e-2, 1))
        ax.minorticks_off()
        ax.set_title(f"{penalty}: weights of degree 15")

    def _draw_surface(self, penalty: str, ax) -> None:
        first, second = np.meshgrid(np.linspace(-1, 3.4, 45), np.linspace(-1.5, 1.5, 31))
        size = first**2 + second**2 if penalty == "L2" else np.abs(first) + np.abs(second)
        surface = (first - BEST[0]) ** 2 + (second - BEST[1]) ** 2 + size
        levels = surface.min() + np.array([0.1, 0.5, 1.5, 3, 5])
        ax.contour(first, second, surface, levels=levels, colors=COLOURS[penalty], linewidths=1)
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.axvline(0, color=GREY, linewidth=0.8)
        minimum = self.surface_minimum[penalty]
        ax.plot(*BEST, "x", color=GREY, markersize=8, markeredgewidth=2)
        ax.plot(*minimum, "o", color=COLOURS[penalty], markersize=8)
        style = {"textcoords": "offset points", "fontsize": 9, "ha": "center"}
        ax.annotate("without penalty", BEST, (0, 8), **style)
        ax.annotate(f"({minimum[0]:g}, {minimum[1]:g})", minimum, (0, -14), **style)
        ax.set(xlabel="weight 1", ylabel="weight 2", xticks=(0, 2), yticks=(-1, 0, 1))
        ax.set_title(f"Loss with {penalty}: {'on an axis' if minimum[1] == 0 else 'between the axes'}")

    def _draw_steps(self, ax) -> None:
        for penalty in PENALTIES:
            ax.plot(self.steps[penalty], "o-", color=COLOURS[penalty], markersize=3, linewidth=1.2)
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.text(15, 0.3, f"L2: times {1 - 2 * RATE * STRENGTH:g}", color=BLUE, fontsize=9)
        ax.text(1, 0.05, f"L1: minus {RATE * STRENGTH:g}", color=ORANGE, fontsize=9)
        ax.set(xlabel="step", ylabel="weight", yticks=(0, 0.5, 1), xticks=(0, 10, 20, 30))
        ax.set_title("A weight under each penalty alone")


def run() -> Regularization:
    """Polynomials of degree 1, 4 and 15 under both penalties, and the examples of single weights."""
    y = _function(_X) + _NOISE * np.random.default_rng(0).standard_normal(_ROWS)
    weights, training, true = {}, {}, {}
    for degree in DEGREES:
        columns, grid = _columns(_X, degree), _columns(_GRID, degree)
        for penalty, solve in (("L2", _least_squares), ("L1", _lars)):
            found = solve(columns, y - y.mean())
            weights[degree, penalty] = found
            training[degree, penalty] = ((found @ columns.T + y.mean() - y) ** 2).mean(-1)
            true[degree, penalty] = ((found @ grid.T + y.mean() - _function(_GRID)) ** 2).mean(-1)
    ways = np.array([(1.0, 0, 0, 0), (0.25,) * 4], "float32")
    regularizers = keras.regularizers.L1(1.0), keras.regularizers.L2(1.0)
    penalties = [[float(penalty(keras.ops.convert_to_tensor(way))) for penalty in regularizers] for way in ways]
    minima = {"L2": BEST / 2, "L1": np.maximum(BEST - 0.5, 0)}
    return Regularization(y, weights, training, true, np.array(penalties), ways @ np.ones(4), _steps(), minima)


def _function(x):
    return np.cos(0.75 * np.pi * (x + 1))


def _columns(x, degree: int) -> np.ndarray:
    """Powers of x from 1 to `degree` `(points, degree)`, scaled as the training points need it."""
    powers = np.arange(1, degree + 1)
    scaling = _X[:, None] ** powers
    return (x[:, None] ** powers - scaling.mean(0)) / scaling.std(0)


def _least_squares(columns: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights with the smallest mean squared error plus lambda times their squares, by lambda `(strengths, degree)`."""
    rows, degree = columns.shape
    solved = [
        np.linalg.lstsq(
            np.concatenate([columns, np.sqrt(rows * strength) * np.eye(degree)]),
            np.concatenate([y, np.zeros(degree)]),
            rcond=None,
        )[0]
        for strength in STRENGTHS[:-1]
    ]
    return np.array([*solved, np.zeros(degree)])


def _lars(columns: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights with the smallest mean squared error plus lambda times their sizes, by lambda `(strengths, degree)`."""
    from sklearn.linear_model import lars_path

    bends, _, path = lars_path(columns, y, method="lasso")
    # Half the mean squared error plus alpha times the sizes is minimized there: lambda is twice alpha. Between its
    # bends, the path is straight.
    found = np.array([np.interp(STRENGTHS[1:-1] / 2, bends[::-1], weight[::-1]) for weight in path]).T
    none = np.linalg.lstsq(columns, y, rcond=None)[0]
    return np.array([none, *found, np.zeros(columns.shape[1])])


def _steps(number: int = 30) -> dict[str, np.ndarray]:
    """A weight that starts at 1, after each step of SGD on its penalty alone: all inputs are 0."""
    inputs = keras.Input((1,))
    regularizers = {"L2": keras.regularizers.L2(STRENGTH), "L1": keras.regularizers.L1(STRENGTH)}
    outputs = [
        keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", kernel_regularizer=regularizer)(inputs)
        for regularizer in regularizers.values()
    ]
    model = keras.Model(inputs, keras.layers.Add()(outputs))
    model.compile(keras.optimizers.SGD(RATE), "mse")
    zero, weights = np.zeros((1, 1)), [model.get_weights()]
    for _ in range(number):
        model.train_on_batch(zero, zero)
        weights.append(model.get_weights())
    return dict(zip(regularizers, np.array(weights).reshape(number + 1, 2).T, strict=True))
