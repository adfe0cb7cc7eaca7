"""The dataset that a model is trained on: three parts, their preparation, and facts about them."""

import re
from dataclasses import dataclass

import numpy as np

from recipes.arguments.names import shorten
from recipes.arguments.text_table import text_of
from recipes.data.fingerprint import Fingerprint
from recipes.data.preparation import Preparation, SequencePreparation

Part = tuple[np.ndarray, np.ndarray]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training, validation and test rows, all of them raw, and their preparation.

    Attributes:
        name: Name for run folders and messages.
        task: `"classification"` or `"regression"`.
        train: Training rows `(x, y)`. `x`: `(rows, columns)` for tables, `(rows, height, width[, channels])` for
            images, `(rows, steps, features)` for sequences, whose padded steps are NaN. `y`: `(rows,)`, class numbers
            from 0 (int64) or target values (float64).
        validation: Validation rows `(x, y)`, for early stopping and the choice of the kept epoch.
        test: Test rows `(x, y)`, read only by the final report.
        class_names: Class names in the order of the class numbers; `None` for regression.
        feature_names: Names of the columns of a table; `None` for images and sequences.
        preparation: Scaling and encoding of raw rows, with constants computed from `train` alone.
        target_name: Name of the target, or `None`.
        how_split: Description of the split, in words.
        notes: Notes for the user.
        fingerprint: Digests of the rows as they were read, by which a run finds them again, or `None`.
    """

    name: str
    task: str
    train: Part
    validation: Part
    test: Part
    class_names: tuple[str, ...] | None
    feature_names: tuple[str, ...] | None
    preparation: Preparation
    target_name: str | None = None
    how_split: str = "as given"
    notes: tuple[str, ...] = ()
    fingerprint: Fingerprint | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one prepared row: what the first layer of a model takes."""
        return self.preparation.output_shape

    @property
    def num_outputs(self) -> int:
        """Units of a model's last layer: 1 for two classes and for regression, otherwise the number of classes."""
        return len(self.class_names) if self.class_names and len(self.class_names) > 2 else 1

    def prepared(self, part: str, limit: int | None = None) -> Part:
        """Prepared rows of a part, on which a network is trained.

        Args:
            part: `"train"`, `"validation"` or `"test"`.
            limit: Number of rows from the start of the part. Default: all.

        Returns:
            `x`, float32 of shape `(rows, *input_shape)`, and `y` `(rows,)`, in which regression targets are scaled.

        Raises:
            ValueError: If there is no such part.
        """
        if part not in PARTS:
            raise ValueError(f"`part` must be train, validation or test. Received: {part!r}")
        x, y = getattr(self, part)
        if limit is not None:
            x, y = x[:limit], y[:limit]
        return self.preparation(x), self.preparation.scale_target(y)

    @property
    def numbers(self) -> int:
        """Count of numbers and parts of dates, which a prepared row of a table begins with; 0 for images, sequences.

        `recipes.mlp(..., number_embedding="periodic", numbers=dataset.numbers)` learns a vector for each of them.
        """
        return getattr(self.preparation, "numbers", 0)

    @property
    def embedded(self) -> tuple[int, ...]:
        """Number of codes of each column of categories at the end of a prepared row that needs an embedding.

        `recipes.mlp(..., embedded=dataset.embedded)` learns a vector for each code; in a network of your own, the layer
        `custom_layers.CategoryEmbedding(dataset.embedded)` does so. `()` if there are none.
        """
        return getattr(self.preparation, "embedded", ())

    @property
    def mask_value(self) -> float | None:
        """Value of every feature of a padded step in a prepared sequence; `None` if nothing is padded.

        `recipes.recurrent(..., mask_value=dataset.mask_value)` skips such steps; in a network of your own, the layer
        `keras.layers.Masking(dataset.mask_value)` makes the layers behind it skip them.
        """
        return getattr(self.preparation, "mask_value", None)

    def describe(self) -> str:
        """Summary in a few lines: rows, columns, target, split and notes."""
        x, _ = self.train
        rows = {part: len(getattr(self, part)[1]) for part in PARTS}
        if x.ndim == 2:
            kind = f"{x.shape[1]} columns"
        elif isinstance(self.preparation, SequencePreparation):
            up_to = "up to " if self.mask_value is not None else ""
            kind = f"sequences of {up_to}{x.shape[1]:,} steps of {x.shape[2]} features"
        else:
            kind = f"images of {' x '.join(map(str, x.shape[1:]))}"
        target = f"{len(self.class_names)} classes" if self.class_names else "one number to predict"
        name = f" ({self.target_name})" if self.target_name else ""
        lines = [
            f"{self.name}: {sum(rows.values()):,} rows, {kind}, {target}{name}",
            f"split {self.how_split}: " + ", ".join(f"{part} {count:,}" for part, count in rows.items()),
        ]
        reasons = getattr(self.preparation, "left_out", {})
        for reason in dict.fromkeys(reasons.values()):
            names = [name for name, why in reasons.items() if why == reason]
            lines.append(f"note: left out, {reason}: {shorten([name or repr(name) for name in names])}")
        return text_of([*lines, *(f"note: {note}" for note in self.notes)])


def as_setting(names) -> str:
    """Names of columns in the form of a recipe or a flag, such as `[id, 'Unnamed: 0']`."""
    plain = re.compile(r"[^\W\d][\w.-]*")
    return f"[{', '.join(name if plain.fullmatch(name) else repr(name) for name in names)}]"
