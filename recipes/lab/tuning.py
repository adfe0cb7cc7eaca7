"""Tuning: grid search against random search with the same budget, where one of two hyperparameters matters."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from recipes.lab.digits import digits
from recipes.lab.initial_state import InitialState
from recipes.lab.result import Result, Table
from recipes.models import mlp
from recipes.plots.axes import BLUE, GREY, ORANGE

RATES, BIASES, SIDE = (1e-3, 3.0), (0.0, 0.2), 4
BATCH = 60
COLOURS = {"grid": BLUE, "random": ORANGE}


@dataclass(frozen=True)
class Search:
    """Trials of a search.

    Attributes:
        rates: Learning rates `(trials,)`.
        biases: Initial biases of the hidden units `(trials,)`.
        losses: Validation losses at the end `(trials,)`.
    """

    rates: np.ndarray
    biases: np.ndarray
    losses: np.ndarray

    @property
    def best(self) -> int:
        """Number of the trial with the lowest validation loss."""
        return int(np.nanargmin(self.losses))


@dataclass(frozen=True)
class Tuning(Result):
    """Grid search and random search with the same number of trials.

    Attributes:
        searches: Trials of `"grid"` and `"random"`.
    """

    searches: dict[str, Search]

    title = "Grid search and random search"
    point = "In 16 trials, a grid tries 4 learning rates and random search 16, one of which comes closer to the best."
    grid = (2, 2)
    panel = (4.6, 3.1)

    @property
    def explanation(self) -> str:
        grid, chance = self.searches["grid"], self.searches["random"]
        rate, bias = self.spread("rate"), self.spread("bias")
        return (
            f"Both searches train a network on digits {SIDE**2} times, with other learning rates and other initial "
            f"biases. The rate matters: the validation loss varies over it by a factor of {rate:.0f}, and over the "
            f"bias, at the grid's best rate, by a factor of {bias:.2f}. The grid tries each of its {SIDE} rates {SIDE} "
            f"times, which is wasted on the bias; its best loss is {grid.losses[grid.best]:.3f}, at a rate of "
            f"{grid.rates[grid.best]:.2g}. Random search tries another rate each time and comes closer to the best: "
            f"{chance.losses[chance.best]:.3f} at {chance.rates[chance.best]:.2g}. That is luck in part: by the losses "
            f"read off between all trials, {self.share_of_wins():.0%} of such random searches beat the grid. One "
            "seldom knows before which settings matter, and random search need not know. (Rates are spread evenly on a "
            "log scale.)"
        )

    def share_of_wins(self, searches: int = 1000) -> float:
        """Share of random searches with a rate that beats the grid, by losses interpolated between all trials."""
        grid = self.searches["grid"]
        rates = np.log(np.concatenate([search.rates for search in self.searches.values()]))
        losses = np.concatenate([search.losses for search in self.searches.values()])
        known = np.unique(rates)
        means = [losses[rates == rate].mean() for rate in known]
        drawn = np.random.default_rng(0).uniform(*np.log(RATES), (searches, len(grid.rates)))
        return float((np.interp(drawn, known, means).min(-1) < grid.losses[grid.best]).mean())

    def spread(self, what: str) -> float:
        """Largest validation loss of the grid over its smallest: over the rates at the best bias, or the reverse."""
        grid = self.searches["grid"]
        fixed = grid.biases if what == "rate" else grid.rates
        losses = grid.losses[fixed == fixed[grid.best]]
        return float(losses.max() / losses.min())

    def tables(self) -> list[Table]:
        columns = ("search", "trials", "learning rates", "best rate", "its bias", "validation loss")
        summary = [
            (name, len(of.losses), len(np.unique(of.rates)), of.rates[of.best], of.biases[of.best], of.losses[of.best])
            for name, of in self.searches.items()
        ]
        trials = [
            (f"{name} {number}", *values)
            for name, of in self.searches.items()
            for number, values in enumerate(zip(of.rates, of.biases, of.losses, strict=True), start=1)
        ]
        return [
            Table("Best trials", columns, summary),
            Table("All trials", ("trial", "learning rate", "initial bias", "validation loss"), trials),
        ]

    def panels(self) -> list[Callable]:
        return [*(partial(self._draw_plan, name) for name in COLOURS), self._draw_rates, self._draw_biases]

    def _draw_plan(self, name: str, ax) -> None:
        of = self.searches[name]
        for rate in np.unique(of.rates):
            ax.axvline(rate, ymax=0.06, color=COLOURS[name], linewidth=2)
        ax.plot(of.rates, of.biases, "o", color=COLOURS[name])
        self._mark_best(ax, of.rates[of.best], of.biases[of.best], name)
        ax.set(xscale="log", xlim=(RATES[0] / 1.5, RATES[1] * 1.5), ylim=(-0.03, 0.22), yticks=(0, 0.1, 0.2))
        ax.set(xlabel="learning rate (matters)", ylabel="initial bias (hardly matters)")
        ax.set_title(f"{name.capitalize()}: {len(np.unique(of.rates))} learning rates in {len(of.rates)} trials")

    def _draw_rates(self, ax) -> None:
        for name, of in self.searches.items():
            ax.plot(of.rates, of.losses, "o", color=COLOURS[name], markersize=5, alpha=0.8)
            label = f"{name}: best {of.losses[of.best]:.3f}"
            self._mark_best(ax, of.rates[of.best], of.losses[of.best], name, label)
        ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="validation loss")
        self._label_losses(ax)
        ax.set_title("The learning rate decides")
        ax.legend(loc="lower left")

    def _draw_biases(self, ax) -> None:
        for name, of in self.searches.items():
            ax.plot(of.biases, of.losses, "o", color=COLOURS[name], markersize=5, alpha=0.8)
            self._mark_best(ax, of.biases[of.best], of.losses[of.best], name)
        grid = self.searches["grid"]
        same = grid.rates == grid.rates[grid.best]
        ax.plot(grid.biases[same], grid.losses[same], color=BLUE, linewidth=1, label="the grid's best rate")
        ax.set(yscale="log", xlabel="initial bias", ylabel="validation loss", xticks=(0, 0.1, 0.2))
        self._label_losses(ax)
        ax.set_title("The initial bias hardly matters")
        ax.legend(loc="lower left")

    def _mark_best(self, ax, x: float, y: float, name: str, label: str | None = None) -> None:
        ax.plot(x, y, "*", color=COLOURS[name], markersize=15, markeredgecolor=GREY, label=label)

    def _label_losses(self, ax) -> None:
        ax.minorticks_off()
        ax.set_yticks((0.1, 0.2, 0.5, 1, 2), ("0.1", "0.2", "0.5", "1", "2"))


def run(*, epochs: int = 5) -> Tuning:
    """Trials of both searches on digits.

    Args:
        epochs: Number of passes over the training rows in a trial.
    """
    (x, y), (x_validation, y_validation), _ = digits()
    steps = len(x) // BATCH
    rows = np.tile(np.arange(steps * BATCH), epochs)
    model = mlp(x.shape[1:], 10, widths=(32,))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Compilation of so small a step takes longer than it saves; many steps in one call save most of the time.
    model.compile(keras.optimizers.SGD(), loss, jit_compile=False, steps_per_execution=steps)
    start = InitialState(model)
    bias = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dense)).bias

    def loss_of(rate: float, initial_bias: float) -> float:
        start.restore()
        model.optimizer.learning_rate.assign(rate)
        bias.assign(np.full(bias.shape, initial_bias))
        model.fit(x[rows], y[rows], BATCH, verbose=0, shuffle=False)
        return float(model.evaluate(x_validation, y_validation, len(y_validation), verbose=0))

    generator, (low, high) = np.random.default_rng(0), np.log(RATES)
    grid = np.meshgrid(np.exp(np.linspace(low, high, SIDE)), np.linspace(*BIASES, SIDE))
    chance = np.exp(generator.uniform(low, high, SIDE**2)), generator.uniform(*BIASES, SIDE**2)
    searches = {}
    for name, (rates, biases) in (("grid", grid), ("random", chance)):
        losses = np.array([loss_of(*trial) for trial in zip(rates.ravel(), biases.ravel(), strict=True)])
        searches[name] = Search(rates.ravel(), biases.ravel(), losses)
    return Tuning(searches)
