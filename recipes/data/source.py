"""The common result of all readers: raw parts, and what the source of the data states about them."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(eq=False)
class Source:
    """Data as they were read, before they are split and prepared.

    Attributes:
        name: Name for run folders and messages.
        parts: Inputs and targets `(x, y)`, by part: `"all"`, to be split, or `"train"`; with `"validation"` and
            `"test"` if the source has them. `x`: `(rows, columns)`, float32, or `(rows, height, width[, channels])`, or
            sequences `(rows, steps, features)`, float32. `y`: `(rows,)`.
        task: `"classification"` or `"regression"`; `None` if the source does not determine it.
        class_names: Class names, if `y` holds class numbers; otherwise `None`.
        labels: Codes `(rows,)` of the targets of a table, counted from 1, by part. Targets that are whole numbers have
            codes besides their values, in case that they are classes: a label keeps its text, such as 00501, and whole
            numbers beyond float64 stay different.
        label_names: Texts of the labels, in the order of their codes.
        target: Name of the target, or `None`.
        feature_names: Names of the columns of a table; otherwise `None`.
        vocabularies: Categories, by column of a table that holds some. The values of such columns in `x` are codes: 1
            is the first category, and 0 every value that is not a category.
        dates: Names of the columns that hold dates, in days.
        rescaled: Offset and unit, by column of a table whose values float32 would merge: `x` holds
            `(value - offset) / unit`.
        groups: Group of each row of the main part, `(rows,)`; rows of one group stay together.
        times: Time of each row of the main part, `(rows,)`; the latest rows are the test part.
        left_out: Reason why a column of a table does not take part, by column.
        formats: Formats of numbers and dates of a table, by column, unless plain.
        notes: Notes for the user.
        kind: `"sequences"`, or `None` for other data.
        depth: Bits of a pixel value of image files, as in `images.decoding.Form`; `None` for other data.
        row_digests: Digest of each row as it was read, `(rows,)`, uint64, by part.
        digest_columns: Names of the columns of a table from which the digests are made.
    """

    name: str
    parts: dict[str, tuple[np.ndarray, np.ndarray]]
    task: str | None = None
    class_names: tuple[str, ...] | None = None
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    label_names: tuple[str, ...] = ()
    target: str | None = None
    feature_names: tuple[str, ...] | None = None
    vocabularies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    rescaled: dict[str, tuple[float, float]] = field(default_factory=dict)
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    formats: dict[str, dict] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    kind: str | None = None
    depth: int | None = None
    row_digests: dict[str, np.ndarray] = field(default_factory=dict)
    digest_columns: tuple[str, ...] = ()

    @property
    def main_part(self) -> tuple[np.ndarray, np.ndarray]:
        """The part `"all"` or `"train"`, whose columns and classes are those of all parts."""
        return self.parts["all"] if "all" in self.parts else self.parts["train"]
