"""From whatever a user has to a `Dataset`: read, check, name the classes, split, learn the preparation."""

from dataclasses import replace

import numpy as np

from recipes.arguments.labels import by_value, encode_labels
from recipes.arguments.names import shorten, unknown
from recipes.data import arrays, leaks, readers, row_digests, sequences
from recipes.data.dataset import Dataset
from recipes.data.duplicates import count_duplicates, count_known
from recipes.data.fingerprint import Fingerprint
from recipes.data.images.pixels import color_of, fit_all
from recipes.data.preparation import ImagePreparation, SequencePreparation, TablePreparation, channels_first
from recipes.data.source import Source
from recipes.data.splits import check_seed, draw, split, split_by_group, split_by_time
from recipes.data.store import chunks_of, take
from recipes.data.tables.matrix import name_classes
from recipes.settings import Data

# A category of fewer training rows teaches nothing; such rows teach what to make of a category never seen.
FEWEST_ROWS_OF_A_CATEGORY = 2
# Predictions of a regression are in at least so many steps of float32 within a standard deviation of the target.
COARSE = 1000


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
        data: One of

            - a name: digits, breast_cancer, wine, iris, mnist, fashion_mnist, adult (classes), diabetes, housing
              (regression); `tfds:NAME` for a set of tensorflow-datasets; `uci:NAME` for a UCI set of the data folder;
              `adding:STEPS` for 10,000 sequences of the adding problem, generated from `seed`;
            - the path of a table, with `target`: a text file (`.csv`, `.tsv`, `.txt`, `.data` and the like, packed or
              not), Parquet or Feather; or a frame of pandas, Polars or Arrow;
            - the path of an NPZ file with `x` and `y`, or `x_train`, `y_train` and so on, for sequences of different
              length with `lengths` or `lengths_train` and so on;
            - the path of a folder with one sub-folder of images for each class;
            - `(x, y)`, or `((x, y), (x_validation, y_validation))`, also with a third pair for the test;
            - batches `(x, y)` of a `tf.data.Dataset`, a `keras.utils.PyDataset` or a PyTorch `DataLoader` that come to
              an end, alone or in place of each pair: their rows are drawn once, beyond 64 MiB into a temporary file;
            - a `Dataset`, which is returned as it is.

            An array `x` has the shape `(rows, columns)` or `(rows, height, width[, channels])`, and `y` holds `rows`
            labels, numbers or one-hot rows; `x` may be a frame. With `data.kind="sequences"` in the settings, `x` has
            the shape `(rows, steps, features)`, and the steps behind the end of a sequence may be NaN. Parts that are
            not given are split off.
        seed: Of the split, and of generated rows. The split depends on nothing else, and is stratified for classes.
        settings: Target, task, kind and sizes of the split, and more; its name is not used.
        target: The column of a table that is to be predicted; instead of that of the settings.
        data_dir: The folder with local copies of named datasets; instead of that of the settings.
        download: Whether a dataset that is not here may be downloaded.

    Raises:
        ValueError: For an unknown name, and for data that cannot be trained on, saying which value is wrong.
        FileNotFoundError: If there is no such file, or the dataset is not here and may not be downloaded.
        OSError: If a dataset has to be downloaded, and cannot be.
    """
    if isinstance(data, Dataset):
        return data
    settings, seed = with_arguments(settings or Data(), target, data_dir), check_seed(seed)
    source, task = read_source(data, settings, seed, download)
    return split_source(source, task, settings, seed)


def read_source(data, settings: Data, seed: int, download: bool = True) -> tuple[Source, str]:
    """The data as they are before they are split, and the task; see `load_dataset`."""
    source = readers.read(data, settings, seed, download)
    _read_as_sequences(source, settings)
    _take_role_columns(source, settings)
    if not source.row_digests:
        source.row_digests = {
            part: row_digests.of_arrays(x, y, source.class_names) for part, (x, y) in source.parts.items()
        }
    _size_images(source, settings)
    task = _task(source, settings)
    if settings.task is None:
        _refuse_identifier(source)
    _name_targets(source, task)
    return source, task


def split_source(source: Source, task: str, settings: Data, seed: int) -> Dataset:
    """Split off the parts that are not given, and learn the preparation. The arrays of `source` may change in place."""
    how = _split(source, seed, settings)
    if settings.train_rows is not None:
        how += _draw(source, seed, settings.train_rows)
    if source.feature_names is None and _main(source)[0].ndim == 2:
        source.feature_names = tuple(f"column_{number}" for number in range(_main(source)[0].shape[1]))
    _forget_categories_not_in_training(source)
    return _dataset(source, task, how, color_of(settings.background))


def with_arguments(settings: Data, target: str | None, data_dir) -> Data:
    """`settings` with the target and the data folder that a function was given; `None` changes nothing."""
    changes = {"target": target, "directory": None if data_dir is None else str(data_dir)}
    return replace(settings, **{name: value for name, value in changes.items() if value is not None})


def _main(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """The part that all others must agree with."""
    return source.parts["all"] if "all" in source.parts else source.parts["train"]


def _read_as_sequences(source: Source, settings: Data) -> None:
    """Rows of two axes as steps of features, where that was asked for and the source did not know."""
    x, _ = _main(source)
    if settings.kind is None or source.kind == settings.kind:
        return
    if x.ndim == 2:
        raise ValueError(
            f"data.kind is for rows of two axes: {settings.kind} cannot be read from {source.name}, a table of "
            f"{x.shape[1]} columns"
        )
    if source.kind:
        raise ValueError(f"data.kind={settings.kind!r} does not fit {source.name}, which holds {source.kind}")
    if settings.kind == "sequences":
        source.parts = {
            part: (arrays.check_input(x, source.name, kind="sequences"), y) for part, (x, y) in source.parts.items()
        }
        source.kind = "sequences"


def _take_role_columns(source: Source, settings: Data) -> None:
    """Groups and times of data whose reader does not know columns by role: they leave `x`."""
    for setting, attribute in (("group_column", "groups"), ("time_column", "times")):
        name = getattr(settings, setting)
        if name is None or getattr(source, attribute) is not None:
            continue
        x, _ = _main(source)
        names = source.feature_names or tuple(f"column_{number}" for number in range(x.shape[1]))
        if x.ndim != 2:
            raise ValueError(f"data.{setting} is for tables. Received: {name!r} for {source.kind or 'images'}")
        if name not in names:
            raise unknown(f"column for data.{setting}:", name, names)
        column = names.index(name)
        setattr(source, attribute, np.array(x[:, column]))
        source.parts = {part: (np.delete(x, column, axis=1), y) for part, (x, y) in source.parts.items()}
        source.feature_names = names[:column] + names[column + 1 :]
        source.vocabularies.pop(name, None)
        source.dates = tuple(date for date in source.dates if date != name)
        source.rescaled.pop(name, None)


def _size_images(source: Source, settings: Data) -> None:
    """Images in the size and colours that were asked for."""
    x, _ = _main(source)
    asked = [name for name in ("image_size", "color") if getattr(settings, name) is not None]
    if x.ndim == 2 or source.kind == "sequences":
        if asked:
            what = source.kind or "a table"
            raise ValueError(f"data.{asked[0]} is for images. Received: {getattr(settings, asked[0])!r} for {what}")
        return
    if not asked:
        return
    if x.ndim == 3:
        source.parts = {part: (images[..., None], y) for part, (images, y) in source.parts.items()}
        x, _ = _main(source)
    if channels_first(x.shape):
        raise ValueError(f"data.{asked[0]} needs images of (height, width, channels). Received: {x.shape[1:]}")
    height, width = settings.image_size or x.shape[1:3]
    channels = {"grey": 1, "rgb": 3, None: x.shape[3]}[settings.color]
    shape, background = (height, width, channels), color_of(settings.background)
    source.parts = {part: (fit_all(x, *shape, background), y) for part, (x, y) in source.parts.items()}


def _task(source: Source, settings: Data) -> str:
    if source.task and settings.task not in (None, source.task):
        raise ValueError(f"data.task={settings.task!r} does not fit the dataset {source.name!r}")
    if settings.task == "regression" and source.class_names:
        raise ValueError(
            f"regression needs numbers as targets. Received: {shorten(map(repr, source.class_names))} in {source.name}"
        )
    task = settings.task or source.task
    if task is None:
        task = "classification" if source.class_names else arrays.infer_task(_main(source)[1])
    return task


def _refuse_identifier(source: Source) -> None:
    what = f"the target {source.target!r}" if source.target else "the target"
    arrays.refuse_identifier(_main(source)[1], what, source.class_names)


def _name_targets(source: Source, task: str) -> None:
    """Targets as class numbers, in every part by the classes of the first; or as float64 numbers."""
    _, y = _main(source)
    if task == "regression":
        source.parts = {part: (x, _numbers(y, part)) for part, (x, y) in source.parts.items()}
        return
    if source.class_names is None and source.labels:
        name_classes(source, by_value(source.label_names))
    elif source.class_names is None:
        _, source.class_names = encode_labels(y)
        source.parts = {part: (x, encode_labels(y, source.class_names)[0]) for part, (x, y) in source.parts.items()}
    if len(source.class_names) < 2:
        raise ValueError(f"there is only one class, {source.class_names[0]!r}: a classifier needs at least two")


def _numbers(y: np.ndarray, part: str) -> np.ndarray:
    if y.dtype.kind not in "buif":
        raise ValueError(f"regression needs numbers as targets. Received: {y[0]!r} in {part} row 0")
    largest = np.abs(y.astype(np.float64)).max()
    if largest > np.finfo(np.float32).max:
        raise ValueError(f"targets must be within float32. Received: {largest:g} in {part}")
    return y.astype(np.float64)


def _split(source: Source, seed: int, settings: Data) -> str:
    """Split the missing parts off the one called `all`, or off `train`; in words, how."""
    fractions = {"validation": settings.validation_fraction, "test": settings.test_fraction}
    given = [part for part in fractions if part in source.parts]
    fractions = {part: fraction for part, fraction in fractions.items() if part not in given}
    x, y = _main(source)
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
    """Leave only so many rows in the training part; in words, how."""
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


def _forget_categories_not_in_training(source: Source) -> None:
    """Codes for what occurs in the training part, in the sorted order of the categories; 0 for everything else."""
    train = source.parts["train"][0]
    for name, categories in source.vocabularies.items():
        column = source.feature_names.index(name)
        counts = np.zeros(len(categories) + 1, np.int64)
        for rows in chunks_of(train):
            counts += np.bincount(rows[:, column].astype(np.int64), minlength=len(counts))
        codes = [code for code in range(1, len(counts)) if counts[code] >= FEWEST_ROWS_OF_A_CATEGORY]
        codes.sort(key=lambda code: categories[code - 1])
        new = np.zeros(len(counts), np.float32)
        new[codes] = np.arange(1, len(codes) + 1)
        for x, _ in source.parts.values():
            for rows in chunks_of(x):  # views: the arrays change in place
                rows[:, column] = new[rows[:, column].astype(np.int64)]
        source.vocabularies[name] = tuple(categories[code - 1] for code in codes)
        if name not in source.left_out and counts[codes].sum() < 0.5 * len(train):
            source.left_out[name] = "most of its texts occur only once"


def _dataset(source: Source, task: str, how: str, background) -> Dataset:
    x, y = source.parts["train"]
    about_columns = ()
    if x.ndim == 2:
        preparation = TablePreparation.fit(
            x, y, task, source.feature_names, vocabularies=source.vocabularies, dates=source.dates,
            rescaled=source.rescaled, left_out=source.left_out, formats=source.formats,
        )  # fmt: skip
        about_columns = leaks.notes(x, y, task, preparation)
    elif source.kind == "sequences":
        padded = any(sequences.is_padded(x) for x, _ in source.parts.values())
        preparation = SequencePreparation.fit(x, y, task, padded, source.rescaled)
    else:
        preparation = ImagePreparation.fit(x, y, task, background, 8 if x.dtype == np.uint8 else source.depth)
    duplicates = [
        f"{count:,} rows of the {part} part stand in the training part, too"
        for part in ("validation", "test")
        if (count := _count_duplicates(source, part))
    ]
    return Dataset(
        source.name,
        task,
        **{part: source.parts[part] for part in ("train", "validation", "test")},
        class_names=source.class_names,
        feature_names=source.feature_names,
        preparation=preparation,
        target_name=source.target,
        how_split=how,
        notes=(*source.notes, *_rescaled_note(preparation), *_target_note(preparation), *about_columns, *duplicates),
        fingerprint=Fingerprint.of(source.row_digests, source.digest_columns) if source.row_digests else None,
    )


def _rescaled_note(preparation) -> tuple[str, ...]:
    left_out = getattr(preparation, "left_out", {})
    names = [name for name in getattr(preparation, "rescaled", {}) if name not in left_out]
    if not names:
        return ()
    return (f"shifted in float64, since float32 would merge different values: {shorten(names)}",)


def _target_note(preparation) -> tuple[str, ...]:
    """A note on a target of a regression that differs in digits which predictions, in float32, do not have."""
    mean, scale = preparation.target_mean, preparation.target_scale
    spacing = float(np.spacing(np.float32(abs(mean) + scale)))
    if spacing < scale / COARSE:
        return ()
    return (
        f"predictions are float32, which near {mean:.6g} is in steps of {spacing:g}: subtract an offset from the "
        f"target to predict its differences (standard deviation {scale:.3g})",
    )


def _count_duplicates(source: Source, part: str) -> int:
    """How many rows of `part` stand in the training part, too."""
    train = source.parts["train"]
    if train[0].ndim == 2 and source.row_digests:
        return count_known(source.row_digests[part], source.row_digests["train"])
    return count_duplicates(train, source.parts[part])  # two files may hold the same image
