"""Optimizers: their paths through a ravine and off a saddle, their losses on digits, and Adam's formula."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from recipes.lab.digits import digits
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREEN, GREY, NOT_FINITE, ORANGE
from recipes.plots.curves import PURPLE, SKY

# For each optimizer of Keras, its learning rates in the ravine, on the saddle and on digits.
OPTIMIZERS = {
    "gradient descent": (keras.optimizers.SGD, {}, (0.035, 0.1, 0.1)),
    "momentum": (keras.optimizers.SGD, {"momentum": 0.9}, (0.01, 0.05, 0.02)),
    "Nesterov": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}, (0.01, 0.05, 0.02)),
    "AdaGrad": (keras.optimizers.Adagrad, {"initial_accumulator_value": 0.0}, (0.5, 0.1, 0.02)),
    "RMSProp": (keras.optimizers.RMSprop, {}, (0.1, 0.05, 0.002)),
    "Adam": (keras.optimizers.Adam, {}, (0.2, 0.05, 0.005)),
    "Nadam": (keras.optimizers.Nadam, {}, (0.2, 0.05, 0.005)),
    "LAMB": (keras.optimizers.Lamb, {}, (0.1, 0.1, 0.01)),
}
STEPS, RATE_STEPS, EPOCHS = 60, 100, 8
RAVINE_START, SADDLE_START = (-4.0, 0.8), (1.0, 0.01)
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # of Adam, as in Keras
_COLOURS = ("black", BLUE, SKY, NOT_FINITE, ORANGE, GREEN, PURPLE, GREY)


def ravine(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and gradients at points `(..., 2)` of x^2 / 2 + 25 y^2, 50 times as steep across as along."""
    return w[..., 0] ** 2 / 2 + 25 * w[..., 1] ** 2, w * (1.0, 50.0)


def saddle(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and gradients at points `(..., 2)` of x^2 / 2 - y^2 / 2 + y^4 / 4: a saddle at 0, minima at y = ±1."""
    x, y = w[..., 0], w[..., 1]
    return x**2 / 2 - y**2 / 2 + y**4 / 4, np.stack([x, y**3 - y], axis=-1)


def slope(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and gradients of -(x + y), whose gradient is the same everywhere."""
    return -w.sum(-1), -np.ones_like(w)


@dataclass(frozen=True)
class Path:
    """What one optimizer did.

    Attributes:
        ravine: Points of the path through the ravine `(steps + 1, 2)`.
        saddle: Points of the path from the saddle `(steps + 1, 2)`.
        step_sizes: Lengths of its steps relative to the first, where the gradient is always the same `(steps,)`.
        digits_loss: Loss on the training rows of digits in each epoch `(epochs,)`.
        rates: Learning rates in the ravine, on the saddle and on digits.
    """

    ravine: np.ndarray
    saddle: np.ndarray
    step_sizes: np.ndarray
    digits_loss: np.ndarray
    rates: tuple[float, float, float]

    @property
    def ravine_steps(self) -> float:
        """Number of steps to the last point with more than a hundredth of the first value; infinite if that is last."""
        values = ravine(self.ravine)[0]
        return _first_after(values > values[0] / 100)

    @property
    def saddle_steps(self) -> float:
        """Number of steps until y is above 0.5 for good; infinite if it never is."""
        return _first_after(np.abs(self.saddle[:, 1]) < 0.5)


@dataclass(frozen=True)
class Optimizers(Result):
    """The optimizers by name.

    Attributes:
        paths: What each optimizer did.
        adam: Paths through the ravine of the formula of Adam with the right signs and with wrong ones, by signs.
    """

    paths: dict[str, Path]
    adam: dict[str, np.ndarray]

    title = "Optimizers"
    point = "Momentum, and a rate for each weight, pass the ravine sooner than gradient descent, which zigzags."
    grid = (3, 4)
    panel = (3.0, 2.6)

    @property
    def adam_deviation(self) -> float:
        """Largest distance in a coordinate between Adam of Keras and the formula with the right signs."""
        return float(np.abs(self.adam["m + , v +"] - self.paths["Adam"].ravine).max())

    @property
    def explanation(self) -> str:
        paths = self.paths
        descent, adagrad = paths["gradient descent"], paths["AdaGrad"]
        quick = min(paths, key=lambda name: paths[name].saddle_steps)
        return (
            "In a ravine, the gradient points across rather than along: gradient descent zigzags, and takes "
            f"{descent.ravine_steps:g} steps to a hundredth of the first value. Momentum adds up what steps have in "
            "common; AdaGrad, RMSProp, Adam, Nadam and LAMB divide each gradient by its own size, so that flat and "
            "steep directions move alike. So do they leave a saddle, where the gradient is tiny: "
            f"{quick} in {paths[quick].saddle_steps:g} steps, gradient descent in {descent.saddle_steps:g}. AdaGrad's "
            "rate runs out: it divides by the root of the sum of all squared gradients, so that at a constant gradient "
            f"step t is 1 / √t of the first, {adagrad.step_sizes[-1]:.2f} of it after {len(adagrad.step_sizes)} steps, "
            f"where that of Adam is {paths['Adam'].step_sizes[-1]:.2f}. Some slides print Adam's averages with minus "
            "signs. Right is m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², w ← w - α m̂ / (√v̂ + ε), with m̂ = m / "
            f"(1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ): Keras follows it to {self.adam_deviation:.0e} over all steps. With a "
            "minus in m the path leads uphill, and with one in v the root is that of a negative number."
        )

    def tables(self) -> list[Table]:
        paths, adam = self.paths.items(), self.adam.items()
        shown = [
            (
                name, *path.rates, _count(path.ravine_steps), _count(path.saddle_steps), path.step_sizes[-1],
                path.digits_loss[-1],
            )
            for name, path in paths
        ]  # fmt: skip
        columns = (
            "optimizer", "rate: ravine", "saddle", "digits", "steps: ravine", "saddle", "last step", "loss: digits",
        )  # fmt: skip
        start, real = ravine(np.array(RAVINE_START))[0], self.paths["Adam"].ravine
        signs = [("Adam of Keras", start, ravine(real[-1])[0], 0.0)]
        signs += [(f"formula: {name}", start, ravine(w[-1])[0], float(np.abs(w - real).max())) for name, w in adam]
        title = (
            "Steps in the ravine and off the saddle, and the last step relative to the first at a constant gradient."
        )
        second = ("signs of the new terms", "first value", "last value", "distance")
        return [Table(title, columns, shown), Table("Adam in the ravine, and its formula.", second, signs)]

    def panels(self) -> list[Callable]:
        return [
            *(partial(self._draw_path, name, path) for name, path in self.paths.items()),
            self._draw_saddle, self._draw_digits, self._draw_step_sizes, self._draw_adam,
        ]  # fmt: skip

    def _draw_path(self, name: str, path: Path, ax) -> None:
        from matplotlib.patches import Ellipse

        for value in (0.25, 1, 3, 7, 13, 20):  # lines of equal values
            size = 2 * np.sqrt(2 * value), 2 * np.sqrt(value / 25)
            ax.add_patch(Ellipse((0, 0), *size, fill=False, edgecolor=GREY, linewidth=0.6))
        ax.plot(*path.ravine.T, ".-", color=BLUE, linewidth=1.3, markersize=3)
        ax.plot(0, 0, "*", color=ORANGE, markersize=10)
        ax.set(xlim=(-4.5, 2.5), ylim=(-1.1, 1.1), xticks=(-4, 0), yticks=(-1, 0, 1))
        ax.set_title(f"{name}: {_count(path.ravine_steps)} steps", fontsize=10)

    def _draw_saddle(self, ax) -> None:
        for path, colour in zip(self.paths.values(), _COLOURS, strict=False):
            ax.plot(np.abs(path.saddle[:, 1]), color=colour, linewidth=1.5)
        ax.set(xlabel="step", ylabel="distance from the saddle", title="off a saddle", ylim=(0, 1.4))

    def _draw_digits(self, ax) -> None:
        for (name, path), colour in zip(self.paths.items(), _COLOURS, strict=False):
            ax.plot(np.arange(1, len(path.digits_loss) + 1), path.digits_loss, color=colour, linewidth=1.5, label=name)
        ax.set(xlabel="epoch", ylabel="training loss", title="digits", yscale="log")
        ax.minorticks_off()
        ax.legend(frameon=False, fontsize=7, loc="upper right", ncols=2, columnspacing=0.8, handlelength=1.2)

    def _draw_step_sizes(self, ax) -> None:
        for name, colour in (("AdaGrad", NOT_FINITE), ("RMSProp", ORANGE), ("Adam", GREEN)):
            sizes = self.paths[name].step_sizes
            ax.plot(np.arange(1, len(sizes) + 1), sizes, color=colour, linewidth=2, label=name)
        ax.set(xlabel="step", ylabel="step / first step", title="steps at a constant gradient", ylim=(0, 1.2))
        ax.legend(frameon=False, fontsize=8, loc="center right")

    def _draw_adam(self, ax) -> None:
        ax.plot(ravine(self.paths["Adam"].ravine)[0], color=GREEN, linewidth=4, alpha=0.5, label="Keras")
        right, wrong = list(self.adam.values())[:2]
        ax.plot(ravine(right)[0], color="black", linewidth=1.2, linestyle=(0, (4, 3)), label="formula")
        ax.plot(ravine(wrong)[0], color=NOT_FINITE, linewidth=1.5, label="minus in m")
        ax.set(xlabel="step", ylabel="value in the ravine", title="signs of Adam's formula", yscale="log")
        ax.minorticks_off()
        ax.legend(frameon=False, fontsize=8, loc="center right")


def run(*, optimizers: dict[str, tuple] = OPTIMIZERS, steps: int = STEPS, epochs: int = EPOCHS) -> Optimizers:
    """Follow all optimizers, Adam among them, through the ravine and off the saddle, and train on digits with each.

    Args:
        optimizers: Class, arguments and three learning rates of each optimizer, by name.
        steps: Number of steps in the ravine and on the saddle.
        epochs: Number of epochs on digits.
    """
    (x, y), _, _ = digits()
    model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Flatten()])
    model.add(keras.layers.Dense(64, activation="relu", kernel_initializer=keras.initializers.HeNormal(seed=0)))
    model.add(keras.layers.Dense(10, kernel_initializer=keras.initializers.GlorotUniform(seed=1)))
    start, paths = model.get_weights(), {}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for name, (kind, arguments, rates) in optimizers.items():
        new = [partial(kind, rate, **arguments) for rate in rates]
        walked = np.linalg.norm(np.diff(followed(new[1](), slope, (1.0, 1.0), RATE_STEPS), axis=0), axis=1)
        model.set_weights(start)
        model.compile(new[2](), loss, jit_compile=False, steps_per_execution=-(-len(x) // 64))
        losses = model.fit(x, y, batch_size=64, epochs=epochs, shuffle=False, verbose=0).history["loss"]
        paths[name] = Path(
            followed(new[0](), ravine, RAVINE_START, steps), followed(new[1](), saddle, SADDLE_START, steps),
            walked / walked[0], np.array(losses), rates,
        )  # fmt: skip
    signs = {"m + , v +": (1, 1), "m - , v +": (-1, 1), "m + , v -": (1, -1)}
    rate = optimizers["Adam"][2][0]
    return Optimizers(paths, {text: adam_formula(*pair, rate, steps) for text, pair in signs.items()})


def followed(optimizer: keras.optimizers.Optimizer, function: Callable, start, steps: int) -> np.ndarray:
    """Points of an optimizer of Keras on a function of two weights, whose gradient is known `(steps + 1, 2)`."""
    weights = keras.Variable(np.array(start, "float32"))
    points = [np.array(start, float)]
    for _ in range(steps):
        gradient = function(points[-1])[1]
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [weights])
        points.append(keras.ops.convert_to_numpy(weights).astype(float))
    return np.stack(points)


def adam_formula(sign_m: int, sign_v: int, rate: float, steps: int) -> np.ndarray:
    """Points of Adam's formula in the ravine, in float64, with the signs given in front of the new terms of m and v."""
    w, m, v = np.array(RAVINE_START), np.zeros(2), np.zeros(2)
    points = [w]
    for step in range(1, steps + 1):
        gradient = ravine(w)[1]
        m = BETA_1 * m + sign_m * (1 - BETA_1) * gradient
        v = BETA_2 * v + sign_v * (1 - BETA_2) * gradient**2
        with np.errstate(invalid="ignore"):  # the root of a negative number
            w = w - rate * m / (1 - BETA_1**step) / (np.sqrt(v / (1 - BETA_2**step)) + EPSILON)
        points.append(w)
    return np.stack(points)


def _first_after(still: np.ndarray) -> float:
    """Place of the first value behind the last true one; infinite if that is the last."""
    place = np.flatnonzero(still)[-1] + 1
    return float(place) if place < len(still) else np.inf


def _count(steps: float) -> str:
    return f"{steps:g}" if np.isfinite(steps) else f"over {STEPS}"
