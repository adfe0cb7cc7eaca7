"""Evaluation batch by batch: the interface of the three classes that collect rows without keeping them."""

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import numpy as np

from recipes.arguments.npz import read_npz, write_npz
from recipes.disk.whole import write_whole


class Accumulator(ABC):
    """Collects what a report needs from any number of batches, in memory that does not grow with them.

    Several processes can collect their own batches; `merge` joins them, and `save` and `load` carry them across.
    """

    @abstractmethod
    def update(self, y_true, y_predicted, sample_weight=None) -> Self:
        """Add a batch, and return self.

        Args:
            y_true: Labels or targets.
            y_predicted: Predictions or scores, in the same order.
            sample_weight: Weight of each row `(rows,)`. Default: every row counts 1.

        Raises:
            ValueError: If the batch is wrong; nothing of it is added.
        """

    def merge(self, other: Self) -> Self:
        """Add the rows of `other`, as if they had come after those of this one, and return self.

        Raises:
            ValueError: If the two do not fit each other; nothing is added.
        """
        if not isinstance(other, type(self)):
            name = type(self).__name__
            raise ValueError(f"{name} can be merged with {name} alone. Received: {type(other).__name__}")
        self._merge(other)
        return self

    @abstractmethod
    def result(self, confidence: float = 0.95):
        """The report on all rows so far.

        Args:
            confidence: Confidence level of the intervals, between 0 and 1.

        Raises:
            ValueError: If there are no rows, or all have a weight of 0.
        """

    def save(self, path: str | Path) -> None:
        """Write everything into the NPZ file `path`, whole or not at all."""
        meta, arrays = self._state()
        arrays = {"meta": np.array(json.dumps({"kind": type(self).__name__, **meta})), **arrays}
        write_whole(Path(path), lambda file: write_npz(file, arrays))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `save` has written.

        Raises:
            FileNotFoundError, ValueError: If there is no such file, or it holds something else.
        """
        arrays = read_npz(path)
        try:
            meta = cls._read_meta(arrays)
            if meta["kind"] != cls.__name__:
                raise ValueError
            return cls._from_state(meta, arrays)
        except (KeyError, ValueError, TypeError):
            raise ValueError(f"{path} holds no {cls.__name__} as `save` writes it") from None

    @abstractmethod
    def _merge(self, other: Self) -> None:
        """Add the rows of `other`, of the same class, or raise a ValueError before anything is added."""

    @abstractmethod
    def _state(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Plain values and arrays, from which `_from_state` makes the same object."""

    @classmethod
    @abstractmethod
    def _from_state(cls, meta: dict, arrays: dict[str, np.ndarray]) -> Self:
        """The object that gave `_state`."""

    @classmethod
    def _read_meta(cls, arrays: dict[str, np.ndarray]) -> dict:
        """Take the plain values out of the arrays of a file."""
        return json.loads(str(arrays.pop("meta")))
