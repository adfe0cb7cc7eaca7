"""What every reader hands over: raw parts, and what the source itself says about them."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(eq=False)
class Source:
    """Data as they were found, before they are checked, split and prepared.

    Attributes:
        name: For run folders and messages.
        parts: By name, `(x, y)`. Either `"all"`, to be split, or `"train"`; with `"validation"` and `"test"` where the
            source has them. `x`: `(rows, columns)`, float32, or `(rows, height, width[, channels])`, or of sequences
            `(rows, steps, features)`, float32. `y`: `(rows,)`.
        task: `"classification"` or `"regression"`, where the source knows.
        class_names: Where the source knows them; `y` then holds class numbers.
        labels: By part, codes `(rows,)` of the targets of a table, counted from 1. Targets that are whole numbers have
            them beside their values, for the case that they are classes: a label keeps its text, such as 00501, and
            whole numbers beyond float64 stay different.
        label_names: Texts of the codes.
        target: Name of what is predicted.
        feature_names: Of the columns of a table.
        vocabularies: Of the columns of a table that hold categories, by column name. Their values in `x` are codes: 1
            is the first category, and 0 none of them.
        dates: Names of the columns that hold dates, in days.
        rescaled: By name of a column of a table, the offset and the unit that its values in `x` are counted from and
            in, for float32 would merge them.
        groups: Of each row of the part to be split, `(rows,)`: rows of one group stay together.
        times: Of each row of the part to be split, `(rows,)`: the latest are the test.
        formats: How numbers and dates of a table are written, by column name, where it is not plainly.
        left_out: By column name, why a column does not take part.
        notes: Whatever else is worth a line.
        kind: `"sequences"`, where the source knows that it holds them.
        row_digests: By part, a number for each row, `(rows,)`, uint64, as `row_digests` makes them of what was read.
        digest_columns: Columns of a table that the digests are made of.
        depth: Bits of a pixel value of image files, as in `image_files.Form`, where the source read such files.
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
