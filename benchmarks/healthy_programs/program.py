"""One healthy program: a compiled model and its rows, as they are given to `fit`."""

import dataclasses
from dataclasses import dataclass
from typing import Self

import keras
import numpy as np


@dataclass(frozen=True, eq=False)
class Program:
    """A training as its author would write it.

    Attributes:
        model: Compiled Keras model.
        x: Training rows.
        y: Targets of the training rows.
        validation_data: Held-out rows and their targets `(x, y)`.
        epochs: Number of epochs.
        batch_size: Number of rows in one batch.
        least: Held-out score that the finished training must reach, as a share of the way from the best constant
            prediction to the perfect one.
    """

    model: keras.Model
    x: np.ndarray
    y: np.ndarray
    validation_data: tuple[np.ndarray, np.ndarray]
    epochs: int
    batch_size: int
    least: float = 0.5

    def limited(self, rows: int, epochs: int) -> Self:
        """The same program on at most `rows` training rows, for at most `epochs` epochs."""
        x, y = self.validation_data
        parts = {"x": self.x[:rows], "y": self.y[:rows], "validation_data": (x[:rows], y[:rows])}
        return dataclasses.replace(self, **parts, epochs=min(epochs, self.epochs))

    def fit(self) -> None:
        """Train the model as the author would, in silence."""
        settings = {"epochs": self.epochs, "batch_size": self.batch_size}
        self.model.fit(self.x, self.y, validation_data=self.validation_data, verbose=0, **settings)

    def score(self) -> tuple[float, float]:
        """Score of the model on the held-out rows and that of the best constant: accuracy for classes, else R2."""
        x, y = self.validation_data
        outputs = np.asarray(self.model.predict(x, batch_size=256, verbose=0))
        if _loss(self.model) == "SparseCategoricalCrossentropy":
            return _accuracy(outputs.argmax(-1), np.ravel(y), np.ravel(self.y))
        if _loss(self.model) in ("CategoricalCrossentropy", "CategoricalHinge"):
            return _accuracy(outputs.argmax(-1), y.argmax(-1), self.y.argmax(-1))
        if (
            set(np.unique(self.y)) in ({0, 1}, {-1, 1})
            and outputs.shape[1:] in ((1,), y.shape[1:])
            and outputs.ndim < 3
        ):
            middle = 0.5 if outputs.min() >= 0 and outputs.max() <= 1 else 0
            found, true, known = outputs.reshape(len(y), -1) > middle, y.reshape(len(y), -1) > 0, self.y > 0
            known = known.reshape(len(known), -1).mean(0) > 0.5
            return float((found == true).mean()), float((known == true).mean())
        outputs, y = outputs.reshape(len(y), -1), np.reshape(y, (len(y), -1))
        return float(1 - ((outputs - y) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()), 0.0


def _loss(model: keras.Model) -> str:
    """Name of the class of the compiled loss."""
    return type(keras.losses.get(model.loss)).__name__ if not isinstance(model.loss, str) else _named(model.loss)


def _named(loss: str) -> str:
    return "".join(part.capitalize() for part in loss.split("_"))


def _accuracy(found: np.ndarray, true: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """Share of the labels `true` that were found, and that of the most frequent of the labels `known`."""
    return float((found == true).mean()), float((true == np.bincount(known.astype(int)).argmax()).mean())
