"""Augmentation: a network that sees each of a few images changed in every epoch, against one that sees it as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from recipes import schedules
from recipes.lab.accuracy import accuracy_of
from recipes.lab.digits import digits
from recipes.lab.initial_state import InitialState
from recipes.lab.result import Result, Table
from recipes.models import convnet
from recipes.plots.axes import BLUE, ORANGE
from recipes.settings import Augmentation
from recipes.training.augmentation import augment
from recipes.training.batches import Batches, RowsInMemory

LABELS, DRAWS, EPOCHS, BATCH, RATE, EVERY = 5, 3, 60, 25, 0.004, 10  # labels of each class; draws of these rows
CHANGES = Augmentation(shift=0.1, rotate=15, zoom=0.1)
_VERSIONS = 12
_COLOURS = {"without": ORANGE, "with": BLUE}


@dataclass(frozen=True)
class Augmented(Result):
    """Trainings with and without augmentation, on the same few rows and from the same initial weights.

    Attributes:
        images: An image as it is, then changed versions of it `(versions, 8, 8)`.
        epochs: Epochs after which accuracy was measured `(points,)`.
        moved: Accuracy on all other rows, each moved and turned at random, `"with"` and `"without"` augmentation
            `(draws, points)`.
        unmoved: Accuracy on the other rows as they are after the last epoch, likewise `(draws,)`.
        training: Accuracy on the training rows during the last epoch, likewise `(draws,)`.
        rows: Number of training rows.
        held_out_rows: Number of the other rows.
    """

    images: np.ndarray
    epochs: np.ndarray
    moved: dict[str, np.ndarray]
    unmoved: dict[str, np.ndarray]
    training: dict[str, np.ndarray]
    rows: int
    held_out_rows: int

    title = "Augmentation"
    point = "A network that sees its few images moved and turned at random recognizes moved and turned ones."
    grid = (1, 2)
    panel = (4.6, 3.4)

    @property
    def explanation(self) -> str:
        plain, augmented = (self.moved[name][:, -1].mean() for name in ("without", "with"))
        return (
            f"Only {self.rows} digits have a label, {LABELS} of each class. With augmentation the network never sees "
            f"the same image twice: in each epoch, every digit is shifted by up to {CHANGES.shift:.0%} of its height, "
            f"turned by up to {CHANGES.rotate:g} degrees and resized by up to {CHANGES.zoom:.0%}. That makes training "
            f"harder ({self.training['with'].mean():.1%} right against {self.training['without'].mean():.1%}). Of "
            f"{self.held_out_rows:,} other digits, changed in the same way, the network then gets {augmented:.1%} "
            f"right, without augmentation {plain:.1%}. Digits as they are stand upright in the middle, so that it "
            f"gains nothing there: {self.unmoved['with'].mean():.1%} against {self.unmoved['without'].mean():.1%}. "
            f"Each thin line is a draw of {self.rows} other rows and of other initial weights. Changes must keep the "
            "class: a mirrored 2 is none."
        )

    def tables(self) -> list[Table]:
        columns = ("augmentation", "training rows", "others as they are", "others moved and turned")
        rows = [
            (name, self.training[name].mean(), self.unmoved[name].mean(), self.moved[name][:, -1].mean())
            for name in self.moved
        ]
        return [Table(f"Mean accuracy of {self._draws} networks after {self.epochs[-1]} epochs.", columns, rows)]

    @property
    def _draws(self) -> int:
        return len(self.moved["with"])

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
        for name, accuracy in self.moved.items():
            ax.plot(self.epochs, accuracy.T, color=_COLOURS[name], linewidth=0.8, alpha=0.6)
            label = f"{name} augmentation: {accuracy[:, -1].mean():.1%}"
            ax.plot(self.epochs, accuracy.mean(axis=0), color=_COLOURS[name], linewidth=2.4, label=label)
        ax.set(xlabel="epoch", ylabel="accuracy", ylim=(0.3, 1), xlim=(0, self.epochs[-1]))
        ax.legend(frameon=False, fontsize=9, loc="lower right")
        ax.set_title("other digits, moved and turned")


def run(*, draws: int = DRAWS, epochs: int = EPOCHS) -> Augmented:
    """Train on a few rows, with and without augmentation.

    Args:
        draws: Number of draws of the training rows.
        epochs: Number of epochs of each training, a multiple of 10.
    """
    parts = digits()
    x, y = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    moved, unmoved, training = ({"without": [], "with": []} for _ in range(3))
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(y))
        few = np.concatenate([order[y[order] == label][:LABELS] for label in range(10)])
        others = np.setdiff1d(order, few)
        # Other random numbers than in training.
        changed = augment(x[others], y[others], CHANGES, draws + draw, 0, others)
        start = InitialState(model := _network(x.shape[1:], draw, epochs * len(few) // BATCH))
        for name, changes in (("without", None), ("with", CHANGES)):
            start.restore()
            batches = Batches(RowsInMemory(x[few], y[few]), BATCH, seed=draw, augmentation=changes)
            history = model.fit(
                batches, steps_per_epoch=batches.steps_per_epoch, epochs=epochs, shuffle=False, verbose=0,
                validation_data=changed, validation_batch_size=len(others), validation_freq=EVERY,
            ).history  # fmt: skip
            moved[name].append(history["val_accuracy"])
            unmoved[name].append(accuracy_of(model, x[others], y[others]))
            training[name].append(history["accuracy"][-1])
    return Augmented(
        _versions(*parts[0]),
        np.arange(EVERY, epochs + 1, EVERY),
        *({name: np.array(values) for name, values in part.items()} for part in (moved, unmoved, training)),
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
