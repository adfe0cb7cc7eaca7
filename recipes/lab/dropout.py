"""Dropout: what it does on few rows, and why outputs keep their scale between training and inference."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from recipes.initialization import initializer_for
from recipes.lab.digits import Part, digits
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREY, ORANGE
from recipes.training.prepared import Training

ROWS, UNITS, RATE = 300, 256, 0.5
WRONG = 0.2  # share of the training rows with a wrong label
RATES = (0.2, 0.5, 0.8)
INPUTS, MASKS = 1000, 4000


@dataclass(frozen=True)
class Trained:
    """A network that was trained on few rows.

    Attributes:
        training_loss: Loss on the training rows in training mode, after each epoch `(epochs,)`.
        validation_loss: Loss on the validation rows after each epoch `(epochs,)`.
        validation_accuracy: Accuracy on the validation rows after each epoch `(epochs,)`.
        test_accuracy: Accuracy on the test rows at the end.
    """

    training_loss: np.ndarray
    validation_loss: np.ndarray
    validation_accuracy: np.ndarray
    test_accuracy: float


@dataclass(frozen=True)
class Dropped(Result):
    """What dropout does.

    Attributes:
        networks: Trainings `"without"` and `"with"` dropout.
        kept: Values that a 1 takes in training where it is kept, by rate.
        shares: Shares of the ones that were dropped, by rate.
        sums: Outputs of one unit in training, behind dropout of half of its inputs, for many masks `(masks,)`.
        inference: Output of this unit at inference.
    """

    networks: dict[str, Trained]
    kept: dict[float, float]
    shares: dict[float, float]
    sums: np.ndarray
    inference: float

    title = "Dropout"
    point = (
        "With dropout, a network learns few rows less by heart; outputs keep their mean between training and inference."
    )
    grid = (1, 3)
    panel = (3.8, 3.0)

    @property
    def explanation(self) -> str:
        without, dropped = self.networks["without"], self.networks["with"]
        return (
            f"Left: two hidden layers of {UNITS} units learn {ROWS} digits, of whose labels {WRONG:.0%} are wrong. "
            f"Without dropout the training loss falls to {without.training_loss[-1]:.2g}: all is learned by heart, "
            f"wrong labels too, and the loss on unseen rows rises from {without.validation_loss.min():.2f} to "
            f"{without.validation_loss[-1]:.2f}. With half of the units dropped at random in each step, none can "
            f"rely on another: training gets harder ({dropped.training_loss[-1]:.2g}), and the validation loss ends at "
            f"{dropped.validation_loss[-1]:.2f}. Middle: {dropped.validation_accuracy[-1]:.1%} of the unseen rows are "
            f"right at the end, against {without.validation_accuracy[-1]:.1%} (test rows: {dropped.test_accuracy:.1%} "
            f"and {without.test_accuracy:.1%}). Right: Keras divides what is kept by 1 - rate in training (at rate "
            f"{RATE:g}, each 1 becomes {self.kept[RATE]:g}), so that a sum over all units has the same mean, "
            f"{self.sums.mean():.2f} over {MASKS:,} masks, as at inference, where nothing is dropped "
            f"({self.inference:.2f}). Slides that do not scale in training multiply by 1 - rate at inference instead; "
            f"without either, sums at inference would be {1 / (1 - RATE):g} times as large as in training."
        )

    def tables(self) -> list[Table]:
        ends = [
            (f"{name} dropout", network.training_loss[-1], network.validation_loss.min(), network.validation_loss[-1],
             network.validation_accuracy[-1], network.test_accuracy)
            for name, network in self.networks.items()
        ]  # fmt: skip
        heads = ("network", "training loss", "lowest validation loss", "last", "validation accuracy", "test accuracy")
        rates = [(f"{rate:g}", self.shares[rate], self.kept[rate], 1 / (1 - rate), 1.0) for rate in RATES]
        return [
            Table(f"Two hidden layers on {ROWS} digits, {WRONG:.0%} of them with wrong labels.", heads, ends),
            Table(
                f"{INPUTS:,} ones behind dropout.",
                ("rate", "share dropped", "kept ones become", "1 / (1 - rate)", "at inference"), rates,
            ),
            Table(
                f"A sum over {INPUTS:,} inputs behind dropout of rate {RATE:g}, over {MASKS:,} masks.",
                ("mode", "mean", "standard deviation"),
                [("training", self.sums.mean(), self.sums.std()), ("inference", self.inference, 0.0)],
            ),
        ]  # fmt: skip

    def panels(self) -> list[Callable]:
        return [self._draw_losses, self._draw_accuracies, self._draw_sums]

    def _draw_losses(self, ax) -> None:
        for name, colour in (("without", ORANGE), ("with", BLUE)):
            network = self.networks[name]
            epochs = np.arange(1, len(network.training_loss) + 1)
            ax.plot(epochs, network.validation_loss, color=colour, linewidth=2.2, label=f"{name}, validation")
            style = {"linewidth": 1.2, "linestyle": (0, (3, 2))}
            ax.plot(epochs, network.training_loss, color=colour, label=f"{name}, training", **style)
        ax.set(ylim=(0, 2.8), xlabel="epoch", ylabel="loss", yticks=(0, 1, 2))
        ax.set_title("learned by heart, or not")
        ax.legend(loc="upper right")

    def _draw_accuracies(self, ax) -> None:
        for name, colour in (("without", ORANGE), ("with", BLUE)):
            accuracy = self.networks[name].validation_accuracy
            ax.plot(np.arange(1, len(accuracy) + 1), accuracy, color=colour, linewidth=2.2, label=f"{name} dropout")
        ax.set(ylim=(0.5, 1), xlabel="epoch", ylabel="validation accuracy", yticks=(0.5, 0.75, 1))
        ax.set_title("unseen rows")
        ax.legend(loc="lower right")

    def _draw_sums(self, ax) -> None:
        counts, edges = np.histogram(self.sums, 40)
        ax.stairs(counts, edges, fill=True, color=GREY, label="training, by mask")
        ax.axvline(self.sums.mean(), color=ORANGE, linewidth=4, label=f"training, mean: {self.sums.mean():.2f}")
        label = f"inference: {self.inference:.2f}"
        ax.axvline(self.inference, color=BLUE, linewidth=1.8, linestyle=(0, (3, 2)), label=label)
        ax.set(xlabel="sum behind dropout", yticks=(), ylim=(0, 1.75 * counts.max()))
        ax.set_title("the same mean at inference")
        ax.legend(loc="upper left")


def run(*, epochs: int = 50) -> Dropped:
    """Dropout on digits and on ones.

    Args:
        epochs: Number of epochs of each training.
    """
    (x, y), *others = digits(rows=ROWS)
    rng = np.random.default_rng(0)
    wrong = (y + rng.integers(1, 10, ROWS)) % 10
    parts = (x, np.where(rng.random(ROWS) < WRONG, wrong, y)), *others
    networks = {name: _trained(rate, *parts, epochs) for name, rate in (("without", 0.0), ("with", RATE))}
    return Dropped(networks, *_ones(), *_sums())


def _trained(rate: float, train: Part, validation: Part, test: Part, epochs: int) -> Trained:
    layers = [keras.Input(train[0].shape[1:]), keras.layers.Flatten()]
    for seed in (1, 2):
        layers.append(keras.layers.Dense(UNITS, activation="relu", kernel_initializer=initializer_for("relu")))
        if rate:
            layers.append(keras.layers.Dropout(rate, seed=seed))
    model = keras.Sequential([*layers, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    training = Training.of_compiled(model, *train, validation, epochs=epochs, batch_size=100)
    history = {name: np.array(values) for name, values in training.fit().history.items()}
    test_accuracy = model.evaluate(*test, verbose=0, return_dict=True)["accuracy"]
    return Trained(history["loss"], history["val_loss"], history["val_accuracy"], test_accuracy)


def _ones() -> tuple[dict[float, float], dict[float, float]]:
    """What dropout leaves of ones in training: the value of those kept, and the share of those dropped, by rate."""
    kept, shares = {}, {}
    for rate in RATES:
        layer = keras.layers.Dropout(rate, seed=0)
        outputs = keras.ops.convert_to_numpy(layer(keras.ops.ones((1, INPUTS)), training=True))
        kept[rate], shares[rate] = float(outputs.max()), float((outputs == 0).mean())
    return kept, shares


def _sums() -> tuple[np.ndarray, float]:
    """Outputs of one unit behind dropout: in training for many masks, and at inference."""
    rng = np.random.default_rng(0)
    # Outputs of ReLU units, and weights of which some cancel others.
    inputs = np.maximum(rng.standard_normal(INPUTS), 0).astype("float32")
    kernel = (rng.standard_normal((INPUTS, 1)) / INPUTS**0.5 + 2 / INPUTS).astype("float32")
    dropout, unit = keras.layers.Dropout(RATE, seed=0), keras.layers.Dense(1, use_bias=False)
    unit.build((None, INPUTS))
    unit.set_weights([kernel])
    rows = keras.ops.convert_to_tensor(np.tile(inputs, (MASKS, 1)))
    sums = keras.ops.convert_to_numpy(unit(dropout(rows, training=True)))[:, 0].astype(float)
    return sums, float(keras.ops.convert_to_numpy(unit(dropout(rows[:1], training=False)))[0, 0])
