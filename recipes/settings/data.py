"""Settings of the data: which they are, how a file is read, and how rows are split and images are prepared."""

import re
from dataclasses import dataclass
from typing import Literal

from recipes.arguments.checked import Checked
from recipes.arguments.names import column_name

# Largest number of pixels of one image: a small file can claim billions, and decoding it would fill the memory.
MOST_PIXELS = 50_000_000


@dataclass(frozen=True, kw_only=True)
class Data(Checked):
    """Which data, and how they are split.

    Args:
        name: Name of a dataset, such as iris, tfds:NAME, uci:NAME or adding:STEPS; or the path of a table (CSV, Parquet
            and others), of an NPZ file or of a folder of images.
        directory: Folder with local copies of named datasets. Not set: the environment variable KERAS_RECIPES_DATA.
        task: Kind of the prediction: classification for classes, regression for numbers. Not set: classification if the
            target holds text or few different whole numbers, else regression.
        target: Column to predict.
        ignore: Columns to leave out.
        keep: Columns to use although they look like an index or an identifier of the rows.
        categorical: Columns of numbers that are codes, such as postal codes; each number is a category of its own.
        missing: Words that mean "no value", besides the common ones such as NA, null and ?.
        kept_classes: Names of classes that usually mean "no value", such as None, NA or ?.
        decimal: Decimal mark of numbers such as 28,7: a point (.) or a comma (,). Not set: a point, but a comma in
            columns where nothing else fits.
        thousands: Mark between thousands in numbers such as 12,345: a comma (,), a point (.), a space or an apostrophe.
            Not set: read only in columns where nothing else fits (1,234,567).
        dates: Order of dates such as 05/06/2024. Not set: read only in columns that show the order (31/12/2024).
        encoding: Text encoding of a CSV file, such as latin-1 or cp1252. Not set: UTF-8, or UTF-16 for a file that
            begins with its mark.
        header: Whether the first line of a text file holds the names of the columns. Not set: detected.
        train_rows: Number of rows to train on, drawn at random from each class in proportion. The number of a named
            recipe is for its own data alone. Not set: all rows of the training part.
        validation_fraction: Fraction of the rows for validation, which decides which epoch is kept.
        test_fraction: Fraction of the rows for the final report.
        group_column: Column of groups, such as patients: all rows of a group are in the same part.
        time_column: Column of times: the latest rows are the test part, those before them the validation part.
        validation_file: File with the validation rows, instead of a fraction of the data.
        test_file: File with the test rows, instead of a fraction of the data.
        fold: Number of the published split, 0 to 3 (uci).
        image_size: Height and width to which images are resized. Not set: their own if all are alike and not large,
            else [128, 128].
        color: Colours to which images are converted. Not set: as stored.
        background: Colour behind transparent pixels of images: white, black, or #rrggbb. null: transparency is dropped.
        depth: Number of bits to which the values of image files are reduced: 8 (16-bit values are divided by 257;
            floating point is scaled from the range 0 to 1, or 0 to 255 if a value of the file is above 1). Not set:
            values of more than 8 bits stay as stored.
        scaling: Scaling of the numbers of a table. standard: mean 0 and standard deviation 1; robust: median 0, and a
            difference of 1 between the quartiles (or half of the range where these are equal), which outliers leave as
            it is. Of more than 100,000 training rows, as many are drawn at random for the quartiles.
        smooth_clip: Bound that outliers among the scaled numbers of a table approach, such as 3: x becomes
            x / sqrt(1 + (x / bound)^2). Not set: no bound.
        date_parts: Whether the year, month, weekday and hour of dates are used beside their number.
        rare_below: Number of training rows below which a category shares the code of unseen ones. credible: for each
            column of more than 16 categories, the number from which on their targets differ more between categories
            than by chance within one, at most 100; a column of names without such a category is left out.
        kind: Meaning of arrays of three axes. Not set: images; sequences (rows, steps, features) where there are
            lengths, and for the builder recurrent.
    """

    name: str = "digits"
    directory: str | None = None
    task: Literal["classification", "regression"] | None = None
    target: str | None = None
    ignore: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    kept_classes: tuple[str, ...] = ()
    decimal: str | None = None
    thousands: str | None = None
    dates: Literal["day_first", "month_first"] | None = None
    encoding: str | None = None
    header: bool | None = None
    train_rows: int | None = None
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    group_column: str | None = None
    time_column: str | None = None
    validation_file: str | None = None
    test_file: str | None = None
    fold: int = 0
    image_size: tuple[int, ...] | None = None
    color: Literal["grey", "rgb"] | None = None
    background: str | None = "white"
    depth: int | None = None
    scaling: Literal["standard", "robust"] = "standard"
    smooth_clip: float | None = None
    date_parts: bool = True
    rare_below: int | Literal["credible"] = 2
    kind: Literal["images", "sequences"] | None = None

    def __post_init__(self):
        super().__post_init__()
        for name in ("target", "group_column", "time_column", "ignore", "keep", "categorical"):
            value = getattr(self, name)
            names = tuple(map(column_name, value)) if isinstance(value, tuple) else value and column_name(value)
            object.__setattr__(self, name, names)
        self.require("name", bool, "a dataset's name or the path of a file")
        for name in ("validation_fraction", "test_fraction"):
            self.require(name, lambda value: 0 < value < 1, "between 0 and 1, both excluded")
        self.require("decimal", lambda mark: mark in (".", ","), "'.' or ','")
        self.require("thousands", lambda mark: mark in (",", ".", " ", "'"), """',', '.', ' ' or "'\"""")
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"data.decimal and data.thousands must differ. Received: {self.decimal!r} for both")
        self.require_at_least(1, "train_rows")
        self.require("fold", lambda value: 0 <= value <= 3, "one of the published folds 0, 1, 2, 3")
        self.require("image_size", lambda size: len(size) == 2 and min(size) >= 1, "height and width, such as [32, 32]")
        self.require(
            "image_size", lambda size: size[0] * size[1] <= MOST_PIXELS, f"at most {MOST_PIXELS:,} pixels in all"
        )
        is_color = re.compile("white|black|#[0-9a-fA-F]{6}").fullmatch
        self.require("background", is_color, "white, black or a colour such as '#ff8000'")
        self.require_positive("smooth_clip")
        self.require("rare_below", lambda rows: rows == "credible" or rows >= 1, "at least 1, or credible")
        self.require("depth", lambda value: value == 8, "8, or not set")
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "data.validation_fraction and data.test_fraction must leave rows to train on: their sum must be "
                f"less than 1. Received: {self.validation_fraction} + {self.test_fraction}"
            )
        if self.group_column is not None and self.time_column is not None:
            raise ValueError(
                "only one of data.group_column and data.time_column can be set. Received: "
                f"{self.group_column!r} and {self.time_column!r}"
            )
