"""Augmentation: a network that sees each of a few images changed in every epoch, against one that sees it as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from recipes import schedules
from recipes.lab.digits import digits
from recipes.lab.result import Result, Table
from recipes.lab.start import Start
from recipes.models import convnet
from recipes.plots.axes import BLUE, ORANGE
from recipes.settings import Augmentation
from recipes.training.augmentation import augment
from recipes.training.batches import Batches, RowsInMemory

LABELS, DRAWS, EPOCHS, BATCH, RATE, EVERY = 5, 3, 100, 25, 0.004, 10  # labels of each class; draws of these rows
CHANGES = Augmentation(shift=0.1, rotate=10, zoom=0.1)
_VERSIONS = 12
_COLOURS = {"without": ORANGE, "with": BLUE}


@dataclass(frozen=True)
class Augmented(Result):
    """Trainings with and without augmentation, on the same few rows and from the same initial weights.

    Attributes:
        images: An image as it is, then changed versions of it `(versions, 8, 8)`.
        epochs: Epochs after which accuracy was measured `(points,)`.
        held_out: Accuracy on all other rows, `"with"` and `"without"` augmentation `(draws, points)`.
        training: Accuracy on the training rows during the last epoch, likewise `(draws,)`.
        rows: Number of training rows.
        held_out_rows: Number of the other rows.
    """

    images: np.ndarray
    epochs: np.ndarray
    held_out: dict[str, np.ndarray]
    training: dict[str, np.ndarray]
    rows: int
    held_out_rows: int

    title = "Augmentation"
    point = "Changed at random in every epoch, a few images teach a network more."
    grid = (1, 2)
    panel = (4.6, 3.4)

    @property
    def explanation(self) -> str:
        plain, augmented = self.held_out["without"][:, -1], self.held_out["with"][:, -1]
        return (
            f"Only {self.rows} digits have a label, {LABELS} of each class. A convolutional network knows them all by "
            f"heart ({self.training['without'].mean():.1%} right in training), but of {self.held_out_rows:,} others it "
            f"gets {plain.mean():.1%} right. With augmentation it never sees the same image twice: in each epoch every "
            f"digit is shifted by up to {CHANGES.shift:.0%} of its height, turned by up to {CHANGES.rotate:g} degrees and resized by up to "
            f"{CHANGES.zoom:.0%}, and what it is does not change. That makes training harder "
            f"({self.training['with'].mean():.1%}) and the network better: {augmented.mean():.1%} of the others, "
            f"{(1 - plain.mean()) / (1 - augmented.mean()):.1f} times fewer errors. Each thin line is a draw of "
            f"{self.rows} other rows. Only changes that keep the class help: mirrored, a 2 is none."
        )

    def tables(self) -> list[Table]:
        columns = ("augmentation", "training rows", *(f"others, draw {place}" for place in range(1, 1 + self._draws)))
        rows = [
            (name, self.training[name].mean(), *self.held_out[name][:, -1], self.held_out[name][:, -1].mean())
            for name in self.held_out
        ]
        return [Table(f"Accuracy after {self.epochs[-1]} epochs.", (*columns, "mean"), rows)]

    @property
    def _draws(self) -> int:
        return len(self.held_out["with"])

    def panels(self) -> list[Callable]:
        return [self._draw_images, self._draw_accuracy]

    def _draw_images(self, ax) -> None:
        columns = 4
        gap = np.full((self.images.shape[1] + 1, self.images.shape[2] + 1), np.nan)
        tiles = []
        for image in self.images:
            tiles.append(gap.copy())
            tiles[-1][1:, 1:] = image
        rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
        ax.imshow(np.vstack(rows), cmap="gray", interpolation="nearest")
        ax.axis("off")
        ax.set_title("one digit, and what augmentation makes of it")

    def _draw_accuracy(self, ax) -> None:
        for name, accuracy in self.held_out.items():
            ax.plot(self.epochs, accuracy.T, color=_COLOURS[name], linewidth=0.8, alpha=0.6)
            label = f"{name} augmentation: {accuracy[:, -1].mean():.1%}"
            ax.plot(self.epochs, accuracy.mean(axis=0), color=_COLOURS[name], linewidth=2.4, label=label)
        ax.set(xlabel="epoch", ylabel="accuracy", ylim=(0.5, 1), xlim=(0, self.epochs[-1]))
        ax.legend(frameon=False, fontsize=9, loc="lower right")
        ax.set_title(f"other digits, after training on {self.rows}")


def run(*, draws: int = DRAWS, epochs: int = EPOCHS) -> Augmented:
    """Train on a few rows, with and without augmentation.

    Args:
        draws: Number of draws of the training rows.
        epochs: Number of epochs of each training, a multiple of 10.
    """
    parts = digits()
    x, y = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    held_out, training = {"without": [], "with": []}, {"without": [], "with": []}
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(y))
        few = np.concatenate([order[y[order] == label][:LABELS] for label in range(10)])
        others = np.setdiff1d(order, few)
        start = Start(model := _network(x.shape[1:], draw, epochs * len(few) // BATCH))
        for name, changes in (("without", None), ("with", CHANGES)):
            start.restore()
            batches = Batches(RowsInMemory(x[few], y[few]), BATCH, seed=draw, augmentation=changes)
            history = model.fit(
                batches, steps_per_epoch=batches.steps_per_epoch, epochs=epochs, shuffle=False, verbose=0,
                validation_data=(x[others], y[others]), validation_batch_size=len(others), validation_freq=EVERY,
            ).history  # fmt: skip
            held_out[name].append(history["val_accuracy"])
            training[name].append(history["accuracy"][-1])
    return Augmented(
        _versions(*parts[0]),
        np.arange(EVERY, epochs + 1, EVERY),
        {name: np.array(values) for name, values in held_out.items()},
        {name: np.array(values) for name, values in training.items()},
        rows=len(few),
        held_out_rows=len(others),
    )


def _network(shape: tuple[int, ...], seed: int, steps: int) -> keras.Model:
    model = convnet(shape, 10, widths=(16, 32), kernel_initializer=keras.initializers.HeNormal(seed=seed))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rate = schedules.get("cosine", RATE, steps)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"], jit_compile=False)
    return model


def _versions(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """An image, then changed versions of it."""
    image, label = (part[y == 5][:1] for part in (x, y))
    changed = partial(augment, image, label, CHANGES, 0, rows=np.arange(1))
    return np.concatenate([image, *(changed(epoch)[0] for epoch in range(_VERSIONS - 1))])[..., 0]
