"""Arrays of the user's own: checked once, with errors that say which value is wrong and where."""

import contextlib
from pathlib import Path

import numpy as np

from recipes.arguments.labels import is_missing, is_one_hot, label_name
from recipes.arguments.npz import read_npz
from recipes.data import batched, precision, sequences
from recipes.data.store import RowStore, chunks_of, is_on_disk

MOST_DISTINCT_FLOAT_CLASSES = 20
MOST_DISTINCT_WHOLE_CLASSES = 100
FEWEST_ROWS_OF_A_CLASS = 20
# How the arrays of each part may end in an NPZ file.
_SUFFIXES = {"train": ("_train",), "validation": ("_validation", "_val"), "test": ("_test",), "all": ("",)}


def checked_parts(
    parts: dict[str, tuple], kind: str | None = None
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[int, precision.Rescaling]]:
    """Each part as `(x, y)` of arrays that are finite and agree in the shape of a row; sequences, in their features.

    Returns:
        The parts, and the offset and unit of the columns or features that float32 would merge, by their number.

    Raises:
        ValueError: With the array, the value and its place.
    """
    checked, rescaled = {}, None
    for part, (x, y) in parts.items():
        suffix = "" if part == "all" else f"_{part}"
        if rescaled is None:
            first = _as_array(x, f"x{suffix}")
            has_columns = first.size and first.ndim == (3 if kind == "sequences" else 2)
            rescaled = precision.of_columns(first.reshape(-1, first.shape[-1])) if has_columns else {}
        x = check_input(x, f"x{suffix}", kind=kind, rescaled=rescaled)
        checked[part] = x, check_target(y, len(x), f"y{suffix}")
    shape, first = next(iter(checked.values()))[0].shape[1:], 2 if kind == "sequences" else 1
    for part, (x, _) in checked.items():
        if x.shape[first:] != shape[first - 1 :]:
            raise ValueError(f"all parts must have rows of one shape. Received: {shape} and, in {part}, {x.shape[1:]}")
    return checked, rescaled


def check_input(
    x, name: str = "x", may_miss: tuple[int, ...] = (), kind: str | None = None, rescaled=None
) -> np.ndarray:
    """`x` as an array of finite numbers, `(rows, columns)` or `(rows, height, width[, channels])`.

    In the columns `may_miss`, NaN may stand for a missing value. Of the kind `"sequences"`, grey images become rows of
    steps, and whole steps at the end of a row may be NaN. The columns `rescaled` have an offset and a unit.
    Bytes stay bytes, to save memory; everything else becomes float32.
    """
    x = _as_array(x, name)
    if x.ndim == 0:
        raise ValueError(f"`{name}` must be an array of rows. Received: {x.item()!r}")
    if x.dtype.kind not in "buif":
        raise ValueError(f"`{name}` must hold numbers. Received: {_first_text(x)}")
    if not 2 <= x.ndim <= 4:
        fix = f"; a single column is {name}.reshape(-1, 1)" if x.ndim == 1 else ""
        raise ValueError(
            f"`{name}` must have the shape (rows, columns) or (rows, height, width[, channels]). "
            f"Received: shape {x.shape}{fix}"
        )
    if 0 in x.shape:
        raise ValueError(f"`{name}` is empty. Received: shape {x.shape}")
    if kind == "sequences":
        return _check_sequences(x, name, rescaled or {})
    if x.dtype == np.uint8:
        return x
    # Float64 beyond float32 becomes infinite, and is reported as such.
    x = _to_float32(x, rescaled or {})
    _refuse_not_finite(x, name, may_miss)
    return x


def _to_float32(x: np.ndarray, rescaled) -> np.ndarray:
    """Rows on the disk stay there."""
    if not is_on_disk(x) or (x.dtype == np.float32 and not rescaled):
        return precision.to_float32(x, rescaled)
    store = RowStore()
    for rows in chunks_of(x):
        store.append(precision.to_float32(rows, rescaled))
    return store.finish()


def _refuse_not_finite(x: np.ndarray, name: str, may_miss: tuple[int, ...]) -> None:
    count, first, row = 0, None, 0
    for rows in chunks_of(x):
        finite = np.isfinite(rows)
        if may_miss:
            finite[:, may_miss] |= np.isnan(rows[:, may_miss])
        if not finite.all():
            bad = np.argwhere(~finite)
            count += len(bad)
            first = first or (rows[tuple(bad[0])], row + bad[0][0], bad[0][1])
        row += len(rows)
    if count:
        value, row, column = first
        place = f"row {row}" + (f", column {column}" if x.ndim == 2 else "")
        raise ValueError(
            f"`{name}` must be finite. Received: {count} values that are NaN, infinite or beyond float32, the first "
            f"({value}) at {place}"
        )


def _check_sequences(x: np.ndarray, name: str, rescaled: dict[int, precision.Rescaling]) -> np.ndarray:
    if x.ndim == 4 and x.shape[-1] == 1:
        x = x[..., 0]  # a grey image is read line by line
    if x.ndim != 3:
        fix = f"; one feature is {name}[..., None]" if x.ndim == 2 else ""
        raise ValueError(
            f"sequences have the shape (rows, steps, features). Received: `{name}` of shape {x.shape}{fix}"
        )
    x = precision.to_float32(x, rescaled)
    sequences.check(x, name)
    return x


def check_target(y, rows: int, name: str = "y") -> np.ndarray:
    """`y` as one label or number for each of `rows` rows; a column or a one-hot matrix is unwrapped."""
    values, y = y, _as_array(y, name)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    elif y.ndim == 2 and is_one_hot(y):
        y = y.argmax(axis=1)
    if y.ndim != 1:
        raise ValueError(f"`{name}` must hold one target for each row, or one-hot rows. Received: shape {y.shape}")
    if len(y) != rows:
        raise ValueError(f"`x` and `{name}` must have as many rows. Received: {rows} and {len(y)}")
    if y.dtype.kind == "f" and isinstance(values, list | tuple) and all(type(value) is int for value in values):
        y = np.array(values, object)  # NumPy rounds whole numbers that fit neither int64 nor uint64 together
    if y.dtype.kind == "O":
        missing = [row for row, value in enumerate(y) if is_missing(value)]
        if missing:
            raise ValueError(f"`{name}` has {len(missing)} missing values, the first at row {missing[0]}")
        y = _plain(y.tolist())
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        bad = np.flatnonzero(~np.isfinite(y))
        raise ValueError(
            f"`{name}` must be finite. Received: {len(bad)} values that are NaN or infinite, the first "
            f"({y[bad[0]]}) at row {bad[0]}"
        )
    if y.dtype.kind not in "buifUS":
        raise ValueError(f"`{name}` must hold numbers or text. Received: {y.dtype}")
    return y


def _as_array(values, name: str) -> np.ndarray:
    if hasattr(values, "toarray"):
        raise ValueError(f"`{name}` must be dense; a sparse matrix is {name}.toarray()")
    if np.ma.is_masked(values):
        raise ValueError(f"`{name}` has masked values: leave those rows out, or give {name}.filled(...)")
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"`{name}` must have rows of one length. Received: ragged {type(values).__name__}") from None


def _plain(values: list) -> np.ndarray:
    """An array of one NumPy type from Python objects; whole numbers beyond all of those as text."""
    if not all(type(value) is int for value in values):
        return np.array(values)
    for kind in (np.int64, np.uint64):
        with contextlib.suppress(OverflowError):
            return np.array(values, kind)
    return np.array(list(map(str, values)))


def infer_task(y: np.ndarray) -> str:
    """Text and truth values are classes, and so are whole numbers of few kinds, or of many with many rows each."""
    if y.dtype.kind not in "uif":
        return "classification"
    distinct = np.unique(y)
    if y.dtype.kind == "f":
        is_classes = len(distinct) <= MOST_DISTINCT_FLOAT_CLASSES and (distinct == np.round(distinct)).all()
    else:
        is_classes = len(distinct) <= max(MOST_DISTINCT_WHOLE_CLASSES, len(y) / FEWEST_ROWS_OF_A_CLASS)
    return "classification" if is_classes else "regression"


def refuse_identifier(y: np.ndarray, name: str, class_names: tuple[str, ...] | None = None) -> None:
    """Refuse a target that numbers or names the rows, rather than telling something about them.

    Args:
        y: `(rows,)`; class numbers where there are `class_names`.
        name: What the message calls it.
        class_names: Of the class numbers.

    Raises:
        ValueError: If it counts the rows, or nearly every row has a text of its own.
    """
    if len(y) <= MOST_DISTINCT_FLOAT_CLASSES or y.dtype.kind in "bf":
        return
    distinct = np.unique(y) if class_names is None else np.array(class_names)
    if distinct.dtype.kind in "ui":
        is_identifier = len(distinct) == len(y) and (np.diff(distinct) == 1).all()  # it counts the rows
    else:
        is_identifier = len(distinct) > len(y) / 2
    if is_identifier:
        raise ValueError(
            f"{name} looks like an identifier: it has {len(distinct):,} different values in {len(y):,} rows, such as "
            f"{label_name(distinct[0])!r} and {label_name(distinct[-1])!r}. Choose another, or set data.task"
        )


def parts_of(data) -> dict[str, tuple]:
    """Name the parts in `(x, y)`, `((x, y), (x_val, y_val))` or the same with a third pair, the test part.

    Batches may stand for each pair: their rows are drawn. A lone pair is called `"all"`.
    """
    if batched.is_batched(data):
        return {"all": batched.drawn(data)}
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        received = f"{len(data)} items" if isinstance(data, tuple | list) else type(data).__name__
    elif all(_is_pair(part) or batched.is_batched(part) for part in data):
        names = ("all", "validation") if len(data) == 2 else ("train", "validation", "test")
        return {
            name: batched.drawn(part, f"the {'training' if name in ('all', 'train') else name} data")
            if batched.is_batched(part)
            else tuple(part)
            for name, part in zip(names, data, strict=True)
        }
    elif len(data) == 2:
        return {"all": tuple(data)}
    else:
        received = "parts that are not pairs"
    raise ValueError(
        "data must be a dataset's name, the path of a file or folder, a frame, a Dataset, (x, y), batches of those, or "
        f"((x, y), (x_validation, y_validation)), also with a third pair (x_test, y_test). Received: {received}"
    )


def judged_part(parts: dict):
    """The part that a model is judged on: the test, or whatever there is instead."""
    return parts[next(part for part in ("test", "all", "train") if part in parts)]


def _is_pair(part) -> bool:
    """Whether `part` is `(x, y)`, rather than rows or targets written as a list."""
    if not isinstance(part, tuple | list) or len(part) != 2:
        return False
    return hasattr(part[0], "shape") or (isinstance(part[0], tuple | list) and isinstance(part[0][0], tuple | list))


def parts_of_npz(path: str | Path) -> tuple[dict[str, tuple], str | None]:
    """The same from an NPZ file: `x`, `y`, or `x_train`, `y_train`, with `x_validation` (or `x_val`) and `x_test`.

    Beside them there may be the `lengths` of sequences (`lengths_train` and so on): they are cut to those.

    Returns:
        The parts, and their kind: `"sequences"` where there are lengths, otherwise `None`.
    """
    arrays = read_npz(path)
    parts = {}
    for part, suffixes in _SUFFIXES.items():
        for suffix in suffixes:
            if f"x{suffix}" in arrays and f"y{suffix}" in arrays:
                parts[part] = (input_of_npz(arrays, suffix), arrays[f"y{suffix}"])
    endings = [suffix for suffixes in _SUFFIXES.values() for suffix in suffixes]
    used = {f"{axis}{suffix}" for suffix in endings for axis in "xy"}
    half = [name for name in arrays if name[:2] in ("x", "y", "x_", "y_") and not _has_twin(name, arrays, used)]
    if half or ("all" in parts) == ("train" in parts):
        raise ValueError(
            f"{path} must hold the arrays x and y, or x_train and y_train (with x_validation, y_validation, x_test, "
            f"y_test where there are any). Received: {', '.join(arrays) or 'no arrays'}"
        )
    lengths = [suffix for suffix in endings if f"lengths{suffix}" in arrays]
    for suffix in lengths:
        if f"x{suffix}" not in arrays:
            raise ValueError(f"{path} has lengths{suffix}, but no x{suffix}. Received: {', '.join(arrays)}")
    return parts, "sequences" if lengths else None


def input_of_npz(arrays: dict[str, np.ndarray], suffix: str = "") -> np.ndarray:
    """The array `x` of one part of an NPZ file; where the part has lengths, without what stands behind them."""
    x, name = arrays[f"x{suffix}"], f"lengths{suffix}"
    return sequences.cut(x, arrays[name], f"x{suffix}", name) if name in arrays else x


def _has_twin(name: str, arrays: dict, known: set[str]) -> bool:
    return name in known and {"x": "y", "y": "x"}[name[0]] + name[1:] in arrays


def _first_text(x: np.ndarray) -> str:
    if x.dtype.kind not in "OUS":
        return str(x.dtype)
    for row, value in np.ndenumerate(x):
        try:
            float(value)
        except (TypeError, ValueError):
            return f"{value!r} at row {row[0]}" + (f", column {row[1]}" if len(row) > 1 else "")
    return f"numbers stored as {'objects' if x.dtype.kind == 'O' else 'text'}; convert them with .astype('float32')"
