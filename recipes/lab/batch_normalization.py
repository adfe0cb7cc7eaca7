"""Batch normalization: it forgives bad initial weights, and it computes differently in training and at inference."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from recipes.initialization import initializer_for
from recipes.lab.accuracy import accuracy_of
from recipes.lab.digits import Part, digits
from recipes.lab.result import Result, Table
from recipes.plots.axes import BLUE, GREEN, GREY, ORANGE

SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)  # factors of He's standard deviation
HIDDEN, UNITS, RATE, BATCH = 5, 64, 0.05, 64
SLOW, FAST = 0.99, 0.9  # momentum of the moving averages: Keras's default, and one that follows sooner
VALUES, OTHERS = (1.0, 2.0, 3.0, 6.0), (2.0, 10.0, 11.0, 13.0)  # two batches that share the value 2
COUNTS = (1, 3, 10, 30, 100, 300)  # numbers of batches after which inference is looked at


@dataclass(frozen=True)
class BatchNormalized(Result):
    """What batch normalization does to a batch and to a training.

    Attributes:
        accuracy: Validation accuracy after training on digits, by `"with"` and `"without"` batch normalization, for
            each of `SCALES` `(scales,)`.
        modes: Accuracy on the training rows after each epoch, by momentum: in training mode `(epochs,)` and at
            inference `(epochs,)`.
        trained: Outputs of the layer for `VALUES` in training mode `(4,)`.
        among_others: Outputs for `OTHERS` in training mode `(4,)`.
        inferred: Outputs for `VALUES` at inference, after each of `COUNTS` batches of them `(counts, 4)`.
    """

    accuracy: dict[str, np.ndarray]
    modes: dict[float, tuple[np.ndarray, np.ndarray]]
    trained: np.ndarray
    among_others: np.ndarray
    inferred: np.ndarray

    title = "Batch normalization"
    point = "Normalized layers learn from weights of any size, but differ between training and inference."
    grid = (1, 3)
    panel = (3.8, 3.0)

    @property
    def explanation(self) -> str:
        plain, normalized = self.accuracy["without"], self.accuracy["with"]
        training, inference = self.modes[SLOW]
        return (
            f"Left: {HIDDEN} hidden layers of ReLU are trained on digits from He's weights times a factor. Without "
            f"normalization only weights of about the right size work ({plain[0]:.0%} at {SCALES[0]:g}, "
            f"{plain[2]:.0%} at 1, {plain[-1]:.0%} at {SCALES[-1]:g} times); with it all of them learn, "
            f"{normalized.min():.0%} or better, because each layer divides by the spread of its own inputs. Middle: in "
            "training the layer takes mean and variance of the present batch; at inference it takes moving averages, "
            f"which start at 0 and 1. With Keras's default momentum, {SLOW:g}, they lag: after the first epoch, the "
            f"same rows are {training[0]:.0%} right in training and {inference[0]:.0%} at inference, after the last "
            f"one {training[-1]:.0%} and {inference[-1]:.0%}. Low validation accuracy in the first epochs may be "
            f"nothing else; momentum {FAST:g} follows at once. Right: the batch 1, 2, 3, 6, with mean 3 and variance "
            f"3.5. The value 2 becomes {self.trained[1]:.3f} in training, {self.inferred[0, 1]:.3f} at inference after "
            f"one batch, and {self.inferred[-1, 1]:.3f} after {COUNTS[-1]}. In training it depends on the other rows: "
            f"among 10, 11 and 13 it becomes {self.among_others[0]:.3f}."
        )

    def tables(self) -> list[Table]:
        factors = [
            (f"{scale:g} x He", without, normalized)
            for scale, without, normalized in zip(SCALES, self.accuracy["without"], self.accuracy["with"], strict=True)
        ]
        modes = [
            (str(epoch), *numbers)
            for epoch, numbers in enumerate(
                zip(*(part for momentum in (SLOW, FAST) for part in self.modes[momentum]), strict=True), start=1
            )
        ]
        heads = ("epoch", *(f"{mode}, {momentum:g}" for momentum in (SLOW, FAST) for mode in ("training", "inference")))
        after = zip(COUNTS, self.inferred, strict=True)
        outputs = [
            ("training mode", *self.trained),
            *((f"inference after {count} batch{'es' if count > 1 else ''}", *values) for count, values in after),
        ]
        return [
            Table(
                "Validation accuracy by size of the initial weights.",
                ("initial weights", "without normalization", "with normalization"), factors,
            ),
            Table("Accuracy on the same training rows in both modes, by momentum.", heads, modes),
            Table("Outputs for the batch 1, 2, 3, 6.", ("mode", *(f"{value:g}" for value in VALUES)), outputs),
        ]  # fmt: skip

    def panels(self) -> list[Callable]:
        return [self._draw_scales, self._draw_modes, self._draw_outputs]

    def _draw_scales(self, ax) -> None:
        for name, colour in (("without", ORANGE), ("with", BLUE)):
            ax.plot(SCALES, self.accuracy[name], "o-", color=colour, linewidth=2, label=f"{name} normalization")
        ax.axhline(0.1, color=GREY, linewidth=0.8)
        ax.text(SCALES[-1], 0.12, "guessing", ha="right", fontsize=8)
        ax.set(xscale="log", ylim=(0, 1.35), yticks=(0, 0.5, 1))
        ax.set_xticks(SCALES, [f"{scale:g}" for scale in SCALES])
        ax.minorticks_off()
        ax.set(xlabel="size of the initial weights, times He's", ylabel="validation accuracy")
        ax.set_title("bad initial weights are forgiven")
        ax.legend(loc="upper center")

    def _draw_modes(self, ax) -> None:
        epochs = np.arange(1, len(self.modes[SLOW][0]) + 1)
        ax.plot(epochs, self.modes[SLOW][0], color=BLUE, linewidth=2, label="training mode")
        for momentum, colour in ((FAST, GREEN), (SLOW, ORANGE)):
            label = f"inference, momentum {momentum:g}"
            ax.plot(epochs, self.modes[momentum][1], "o-", color=colour, linewidth=2, markersize=4, label=label)
        ax.set(ylim=(0, 1.03), yticks=(0, 0.5, 1), xlabel="epoch", ylabel="accuracy, same rows")
        ax.set_xticks(epochs[::2] if len(epochs) > 6 else epochs)
        ax.set_title("averages lag behind")
        ax.legend(loc="lower right")

    def _draw_outputs(self, ax) -> None:
        for number, value in enumerate(VALUES):
            ax.axhline(self.trained[number], color=BLUE, linewidth=1.2, linestyle=(0, (3, 2)))
            ax.plot(COUNTS, self.inferred[:, number], "o-", color=ORANGE, linewidth=1.8, markersize=4)
            ax.text(0.85, self.inferred[0, number], f"{value:g}", ha="right", va="center")
        ax.plot([], [], color=BLUE, linestyle=(0, (3, 2)), label="training mode")
        ax.plot([], [], "o-", color=ORANGE, markersize=4, label="inference")
        ax.set(xscale="log", xlim=(0.6, 400), xlabel="batches seen", ylabel="output")
        ax.set_xticks((1, 10, 100), ("1", "10", "100"))
        ax.minorticks_off()
        ax.set_title("outputs for 1, 2, 3 and 6")
        ax.legend(loc="upper right")


def run(*, epochs: int = 8) -> BatchNormalized:
    """Batch normalization on digits and on four numbers.

    Args:
        epochs: Number of epochs of each training.
    """
    train, validation, _ = digits()
    without, fast, slow = (_network(train, momentum) for momentum in (None, FAST, SLOW))
    accuracy = {
        name: np.array([_accuracy(network, scale, train, validation, epochs) for scale in SCALES])
        for name, network in (("without", without), ("with", fast))
    }
    modes = {}
    for momentum, network in ((SLOW, slow), (FAST, fast)):
        history = _fitted(network, 1.0, train, train, epochs)
        modes[momentum] = np.array(history["accuracy"]), np.array(history["val_accuracy"])
    return BatchNormalized(accuracy, modes, *_outputs())


Network = tuple[keras.Model, list[np.ndarray]]  # a compiled model and its first weights


def _network(train: Part, momentum: float | None) -> Network:
    """A deep network for digits, with batch normalization in front of each ReLU unless `momentum` is `None`."""
    layers = [keras.Input(train[0].shape[1:]), keras.layers.Flatten()]
    for _ in range(HIDDEN):
        layers.append(keras.layers.Dense(UNITS, kernel_initializer=initializer_for("relu"), use_bias=momentum is None))
        if momentum is not None:
            layers.append(keras.layers.BatchNormalization(momentum=momentum))
        layers.append(keras.layers.ReLU())
    model = keras.Sequential([*layers, keras.layers.Dense(10, name="logits")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Without momentum, a training leaves nothing behind but weights, which the next one replaces.
    # All steps of an epoch in one call, which takes a third of the time on TensorFlow.
    steps = -(-len(train[0]) // BATCH)
    model.compile(keras.optimizers.SGD(RATE), loss, metrics=["accuracy"], steps_per_execution=steps)
    return model, model.get_weights()


def _accuracy(network: Network, scale: float, train: Part, validation: Part, epochs: int) -> float:
    """Accuracy on validation rows after a training from the first weights, those of the hidden layers times `scale`."""
    _fitted(network, scale, train, None, epochs)
    return accuracy_of(network[0], *validation)


def _fitted(network: Network, scale: float, train: Part, seen: Part | None, epochs: int) -> dict[str, list[float]]:
    """The history of a training, with the accuracy on the rows `seen` at inference after each epoch."""
    model, start = network
    model.set_weights(start)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense) and layer.name != "logits":
            layer.kernel.assign(layer.kernel * scale)
    options = {"batch_size": BATCH, "epochs": epochs, "shuffle": False, "verbose": 0}
    return model.fit(*train, validation_data=seen, **options).history


def _outputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outputs of one layer: for `VALUES` in training, for `OTHERS` in training, for `VALUES` at inference."""
    layer = keras.layers.BatchNormalization()
    values, others = (np.array(batch, "float32")[:, None] for batch in (VALUES, OTHERS))

    def outputs(batch, training):
        return keras.ops.convert_to_numpy(layer(batch, training=training))[:, 0]

    inferred = []
    for count in range(1, COUNTS[-1] + 1):
        trained = outputs(values, True)
        if count in COUNTS:
            inferred.append(outputs(values, False))
    return trained, outputs(others, True), np.stack(inferred)
