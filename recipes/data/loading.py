"""From data of any form to a `Dataset`: read, check, name the classes, split, fit the preparation."""

from dataclasses import replace

import numpy as np

from recipes.arguments.names import shorten
from recipes.data import leaks, readers, row_digests, sequences
from recipes.data.dataset import PARTS, Dataset
from recipes.data.fingerprint import Fingerprint
from recipes.data.images.pixels import color_of
from recipes.data.inputs import read_as_sequences, resize_images, take_role_columns
from recipes.data.preparation import ImagePreparation, Preparation, SequencePreparation, TablePreparation
from recipes.data.preparation.extremes import refuse_extremes
from recipes.data.rare_categories import pool_rare_categories
from recipes.data.source import Source
from recipes.data.splits import check_seed, draw, split, split_by_group, split_by_time
from recipes.data.store import take
from recipes.data.targets import choose_task, encode_targets, refuse_identifier
from recipes.settings import Data

# Steps of float32 within a standard deviation of the target of a regression; a note warns of fewer.
FEWEST_FLOAT32_STEPS = 1000


def load_dataset(
    data,
    seed: int = 0,
    settings: Data | None = None,
    *,
    target: str | None = None,
    data_dir=None,
    download: bool = True,
) -> Dataset:
    """Load, check and split data.

    Args:
        data: Data in one of these forms:

            - a name: digits, breast_cancer, wine, iris, mnist, fashion_mnist, adult (classes), diabetes, housing
              (regression); `tfds:NAME` for a set of tensorflow-datasets; `uci:NAME` for a UCI set of the data folder;
              `adding:STEPS` for 10,000 sequences of the adding problem, generated from `seed`;
            - the path of a table, with `target`: a text file (`.csv`, `.tsv`, `.txt`, `.data` and the like, compressed
              or not), Parquet or Feather; or a frame of pandas, Polars or Arrow;
            - the path of an NPZ file with `x` and `y`, or `x_train`, `y_train` and so on, for sequences of different
              length with `lengths` or `lengths_train` and so on;
            - the path of a folder with one sub-folder of images for each class;
            - `(x, y)`, or `((x, y), (x_validation, y_validation))`, also with a third pair for the test;
            - batches `(x, y)` of a finite `tf.data.Dataset`, `keras.utils.PyDataset` or PyTorch `DataLoader`, alone or
              in place of each pair: their rows are drawn once, beyond 64 MiB into a temporary file;
            - a `Dataset`, which is returned as it is.

            An array `x` has the shape `(rows, columns)` or `(rows, height, width[, channels])`, and `y` holds `rows`
            labels, numbers or one-hot rows; `x` may be a frame. With `data.kind="sequences"` in the settings, `x` has
            the shape `(rows, steps, features)`, and the steps behind the end of a sequence may be NaN. Parts that are
            not given are split off.
        seed: Seed of the split, and of generated rows. The split depends on nothing else, and is stratified for
            classes.
        settings: Settings of the data, such as task, kind and sizes of the split; their name is ignored.
        target: Name of the column of a table to predict, instead of that of the settings.
        data_dir: Folder with local copies of named datasets, instead of that of the settings.
        download: Whether a dataset that is not here may be downloaded.

    Raises:
        ValueError: For an unknown name, and for data that cannot be trained on, with the wrong value.
        FileNotFoundError: If there is no such file, or the dataset is not here and may not be downloaded.
        OSError: If a dataset has to be downloaded, and cannot be.
    """
    if isinstance(data, Dataset):
        return data
    settings, seed = with_arguments(settings or Data(), target, data_dir), check_seed(seed)
    source, task = read_source(data, settings, seed, download)
    return split_source(source, task, settings, seed)


def read_source(data, settings: Data, seed: int, download: bool = True) -> tuple[Source, str]:
    """The data before they are split, and the task; arguments and errors as for `load_dataset`."""
    source = readers.read(data, settings, seed, download)
    read_as_sequences(source, settings)
    take_role_columns(source, settings)
    if not source.row_digests:
        source.row_digests = {
            part: row_digests.of_arrays(x, y, source.class_names) for part, (x, y) in source.parts.items()
        }
    resize_images(source, settings)
    _refuse_settings_of_tables(source, settings)
    task = choose_task(source, settings)
    if settings.task is None:
        refuse_identifier(source)
    encode_targets(source, task)
    return source, task


def _refuse_settings_of_tables(source: Source, settings: Data) -> None:
    given = {"scaling": settings.scaling != "standard", "smooth_clip": settings.smooth_clip is not None}
    setting = next((name for name, is_given in given.items() if is_given), None)
    if setting is not None and source.main_part[0].ndim != 2:
        value, what = getattr(settings, setting), source.kind or "images"
        raise ValueError(f"data.{setting} is for tables. Received: {value!r} for {what}")


def split_source(source: Source, task: str, settings: Data, seed: int) -> Dataset:
    """The dataset of a source: the parts that it lacks are split off, and the preparation is fitted.

    The arrays of `source` may change in place.
    """
    how = _split(source, seed, settings)
    if settings.train_rows is not None:
        how += _draw(source, seed, settings.train_rows)
    if source.feature_names is None and source.main_part[0].ndim == 2:
        source.feature_names = tuple(f"column_{number}" for number in range(source.main_part[0].shape[1]))
    pool_rare_categories(source, settings.rare_below)
    return _dataset(source, task, how, settings)


def with_arguments(settings: Data, target: str | None, data_dir) -> Data:
    """`settings` with the arguments `target` and `data_dir` of a function, unless they are `None`."""
    changes = {"target": target, "directory": None if data_dir is None else str(data_dir)}
    return replace(settings, **{name: value for name, value in changes.items() if value is not None})


def _split(source: Source, seed: int, settings: Data) -> str:
    """Split the parts that a source lacks off its main part; returns how, in words."""
    fractions = {"validation": settings.validation_fraction, "test": settings.test_fraction}
    given = [part for part in fractions if part in source.parts]
    fractions = {part: fraction for part, fraction in fractions.items() if part not in given}
    x, y = source.main_part
    others = {part: source.parts[part] for part in given}
    digests = source.row_digests.pop("all", None)
    if digests is not None:
        source.row_digests["train"] = digests
    if not fractions:
        source.parts = {"train": (x, y), **others}
        return "as given"
    if source.groups is not None:
        rows, how = split_by_group(source.groups, fractions, seed), f"by group, seed {seed}"
    elif source.times is not None:
        rows, how = split_by_time(source.times, fractions), "by time"
    else:
        labels = y if source.class_names else None
        rows = split(len(y), fractions, seed, labels, source.class_names)
        how = f"at random{', class by class' if source.class_names else ''}, seed {seed}"
    _refuse_absent_classes(y[rows["train"]], source.class_names)
    source.parts = {**{part: (take(x, chosen), y[chosen]) for part, chosen in rows.items()}, **others}
    if source.row_digests:
        digests = source.row_digests["train"]
        source.row_digests |= {part: take(digests, chosen) for part, chosen in rows.items()}
    return how + (f"; {' and '.join(given)} as given" if given else "")


def _draw(source: Source, seed: int, count: int) -> str:
    """Reduce the training part to `count` random rows; returns how, in words."""
    x, y = source.parts["train"]
    chosen = draw(len(y), count, seed, y if source.class_names else None)
    source.parts["train"] = (take(x, chosen), y[chosen])
    if source.row_digests:
        source.row_digests["train"] = take(source.row_digests["train"], chosen)
    return f"; {count:,} of {len(y):,} training rows drawn{' class by class' if source.class_names else ''}"


def _refuse_absent_classes(y: np.ndarray, class_names) -> None:
    if class_names is None:
        return
    absent = np.flatnonzero(np.bincount(y, minlength=len(class_names)) == 0)
    if len(absent):
        names = shorten([repr(class_names[number]) for number in absent])
        raise ValueError(f"no row of {names} is left to train on: split otherwise, or leave the class out")


def _dataset(source: Source, task: str, how: str, settings: Data) -> Dataset:
    _refuse_unwritable(source)
    x, y = source.parts["train"]
    notes_on_columns = ()
    if x.ndim == 2:
        preparation = TablePreparation.fit(
            x, y, task, source.feature_names, vocabularies=source.vocabularies, dates=source.dates,
            rescaled=source.rescaled, left_out=source.left_out, formats=source.formats, scaling=settings.scaling,
            smooth_clip=settings.smooth_clip, with_date_parts=settings.date_parts,
        )  # fmt: skip
        notes_on_columns = leaks.notes(x, y, task, preparation)
    elif source.kind == "sequences":
        padded = any(sequences.is_padded(x) for x, _ in source.parts.values())
        preparation = SequencePreparation.fit(x, y, task, padded, source.rescaled)
    else:
        background = color_of(settings.background)
        preparation = ImagePreparation.fit(x, y, task, background, 8 if x.dtype == np.uint8 else source.depth)
    refuse_extremes(source.parts, preparation)
    duplicates = [
        f"{count:,} rows of the {part} part stand in the training part, too"
        for part in ("validation", "test")
        if (count := _count_duplicates(source, part))
    ]
    return Dataset(
        source.name,
        task,
        **{part: source.parts[part] for part in PARTS},
        class_names=source.class_names,
        feature_names=source.feature_names,
        preparation=preparation,
        target_name=source.target,
        how_split=how,
        notes=(*source.notes, *_rescaled_note(preparation), *_target_note(preparation), *notes_on_columns, *duplicates),
        fingerprint=Fingerprint.of(source.row_digests, source.digest_columns) if source.row_digests else None,
    )


def _refuse_unwritable(source: Source) -> None:
    """Refuse names that no file of a run could hold, such as those of folders whose names are not UTF-8."""
    for kind, names in (
        ("classes", source.class_names),
        ("columns", source.feature_names),
        ("target", [source.target]),
    ):
        for name in names or ():
            try:
                (name or "").encode()
            except UnicodeEncodeError:
                raise ValueError(f"names of {kind} must be valid Unicode. Received: {name!r}") from None


def _rescaled_note(preparation: Preparation) -> tuple[str, ...]:
    """A note on columns that float32 would merge."""
    left_out = getattr(preparation, "left_out", {})
    names = [name for name in getattr(preparation, "rescaled", {}) if name not in left_out]
    if not names:
        return ()
    return (f"shifted in float64, since float32 would merge different values: {shorten(names)}",)


def _target_note(preparation: Preparation) -> tuple[str, ...]:
    """A note on regression targets that differ by less than float32, the type of predictions, resolves well."""
    mean, scale = preparation.target_mean, preparation.target_scale
    spacing = float(np.spacing(np.float32(abs(mean) + scale)))
    if spacing < scale / FEWEST_FLOAT32_STEPS:
        return ()
    return (
        f"predictions are float32, which near {mean:.6g} is in steps of {spacing:g}: subtract an offset from the "
        f"target to predict its differences (standard deviation {scale:.3g})",
    )


def _count_duplicates(source: Source, part: str) -> int:
    """Number of rows of `part` that are also in the training part."""
    train, other = source.parts["train"], source.parts[part]
    if train[0].ndim == 2 and source.row_digests:
        return row_digests.count_known(source.row_digests[part], source.row_digests["train"])
    # Not the digests of the source, which are those of files: two files may hold the same image.
    return row_digests.count_known(row_digests.of_arrays(*other), row_digests.of_arrays(*train))
