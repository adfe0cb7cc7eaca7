"""Data in every form that a user has them, as one `Dataset`."""

from pathlib import Path

import numpy as np

from recipes.data import arrays, bundled
from recipes.data.dataset import Dataset as Dataset
from recipes.data.preparation import Preparation
from recipes.data.splits import check_seed as check_seed
from recipes.data.splits import split
from recipes.lookup import normalize, unknown
from recipes.settings import Data

# The name of data that came as arrays: such a run cannot reload them.
ARRAYS = "arrays"


def load_dataset(data, seed: int = 0, settings: Data | None = None) -> Dataset:
    """Load, check and split data.

    Args:
        data: One of

            - a name: digits, breast_cancer, wine, iris (classes) or diabetes (regression);
            - the path of an NPZ file with `x` and `y`, or `x_train`, `y_train` and so on;
            - `(x, y)`, or `((x, y), (x_validation, y_validation))`, also with a third pair for the test;
            - a `Dataset`, which is returned as it is.

            `x` has the shape `(rows, columns)` or `(rows, height, width[, channels])`; `y` holds `rows` labels,
            numbers or one-hot rows. Parts that are not given are split off.
        seed: Of the split. The split depends on nothing else, and is stratified for classes.
        settings: Task and sizes of the split; its name is not used.

    Raises:
        ValueError: For an unknown name, and for data that cannot be trained on, saying which value is wrong.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(data, Dataset):
        return data
    settings, seed = settings or Data(), check_seed(seed)
    class_names = feature_names = None
    if isinstance(data, str | Path):
        name = normalize(str(data))
        if name in bundled.NAMES:
            x, y, class_names, feature_names = bundled.load(name)
            if settings.task not in (None, bundled.task(name)):
                raise ValueError(f"data.task={settings.task!r} does not fit the dataset {name!r}")
            parts = {"all": (x, y)}
        elif Path(data).suffix.lower() == ".npz":
            name, parts = Path(data).stem, arrays.parts_of_npz(data)
        else:
            raise unknown("dataset", str(data), [*bundled.NAMES, "or the path of an .npz file"])
    else:
        name, parts = ARRAYS, arrays.parts_of(data)
    parts = _checked(parts)
    task = settings.task or ("classification" if class_names else arrays.infer_task(_first(parts)[1]))
    if task == "regression":
        parts = _numbers(parts)
    elif class_names is None:
        parts, class_names = _encoded(parts)
    parts = _split(parts, seed, settings, class_names)
    x, y = parts["train"]
    if x.ndim == 2 and feature_names is None:
        feature_names = tuple(f"column_{number}" for number in range(x.shape[1]))
    preparation = Preparation.fit(x, y, task, feature_names)
    return Dataset(name, task, **parts, class_names=class_names, feature_names=feature_names, preparation=preparation)


def same_source(first, second) -> bool:
    """Whether two names, or paths of files, mean the same data."""
    if not isinstance(first, str | Path) or not isinstance(second, str | Path):
        return False
    names = {normalize(str(first)), normalize(str(second))}
    return (names <= set(bundled.NAMES) and len(names) == 1) or Path(first).resolve() == Path(second).resolve()


def _first(parts):
    """The part that all others must agree with."""
    return parts["all"] if "all" in parts else parts["train"]


def _checked(parts):
    checked = {}
    for part, (x, y) in parts.items():
        suffix = "" if part == "all" else f"_{part}"
        x = arrays.check_input(x, f"x{suffix}")
        checked[part] = x, arrays.check_target(y, len(x), f"y{suffix}")
    shape = _first(checked)[0].shape[1:]
    for part, (x, _) in checked.items():
        if x.shape[1:] != shape:
            raise ValueError(f"all parts must have rows of one shape. Received: {shape} and, in {part}, {x.shape[1:]}")
    return checked


def _encoded(parts):
    """Labels as class numbers, in every part by the classes of the first."""
    _, class_names = arrays.encode_labels(_first(parts)[1])
    if len(class_names) < 2:
        raise ValueError(f"there is only one class, {class_names[0]!r}: a classifier needs at least two")
    return {part: (x, arrays.encode_labels(y, class_names)[0]) for part, (x, y) in parts.items()}, class_names


def _numbers(parts):
    for part, (_, y) in parts.items():
        if y.dtype.kind not in "buif":
            raise ValueError(f"regression needs numbers as targets. Received: {y[0]!r} in {part} row 0")
        largest = np.abs(y.astype(np.float64)).max()
        if largest > np.finfo(np.float32).max:
            raise ValueError(f"targets must be within float32. Received: {largest:g} in {part}")
    return {part: (x, y.astype(np.float64)) for part, (x, y) in parts.items()}


def _split(parts, seed, settings, class_names):
    """Split the missing parts off the one called `all`, or off `train`."""
    fractions = {"validation": settings.validation_fraction, "test": settings.test_fraction}
    fractions = {part: fraction for part, fraction in fractions.items() if part not in parts}
    x, y = _first(parts)
    given = {part: pair for part, pair in parts.items() if part in ("validation", "test")}
    if not fractions:
        return {"train": (x, y), **given}
    rows = split(len(y), fractions, seed, y if class_names else None, class_names)
    return {**{part: (x[chosen], y[chosen]) for part, chosen in rows.items()}, **given}
