"""Checks of inputs and targets, with errors that name the wrong value and its place."""

import contextlib

import numpy as np

from recipes.arguments.labels import is_missing, is_one_hot
from recipes.data import precision, sequences
from recipes.data.store import RowStore, chunks_of, is_on_disk


def checked_parts(
    parts: dict[str, tuple], kind: str | None = None
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[int, precision.Rescaling]]:
    """All parts as arrays of finite numbers with rows of one shape; of sequences, with the same features.

    Args:
        parts: Inputs and targets `(x, y)`, by part.
        kind: `"sequences"`, or `None` for tables and images.

    Returns:
        The checked parts, and the offset and unit of the columns or features that float32 would merge, by number.

    Raises:
        ValueError: With the array, the wrong value and its place.
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

    Bytes stay bytes, to save memory; all other numbers become float32.

    Args:
        x: Array, or what NumPy can make one of.
        name: Name of the array in messages.
        may_miss: Numbers of the columns in which NaN means a missing value.
        kind: `"sequences"` for `(rows, steps, features)`, where whole steps at the end of a row may be NaN, and grey
            images become sequences of their lines; `None` for tables and images.
        rescaled: Offset and unit of the columns or features that float32 would merge, by number.

    Raises:
        ValueError: With the wrong value and its place.
    """
    given = x = _as_array(x, name)
    if x.ndim == 0:
        raise ValueError(f"`{name}` must be an array of rows. Received: {_described(x)}")
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
    _refuse_not_finite(x, name, may_miss, given)
    return x


def _to_float32(x: np.ndarray, rescaled) -> np.ndarray:
    """`x` as float32; rows on the disk are converted chunk by chunk and stay there."""
    if not is_on_disk(x) or (x.dtype == np.float32 and not rescaled):
        return precision.to_float32(x, rescaled)
    store = RowStore()
    for rows in chunks_of(x):
        store.append(precision.to_float32(rows, rescaled))
    return store.finish()


def _refuse_not_finite(x: np.ndarray, name: str, may_miss: tuple[int, ...], given: np.ndarray) -> None:
    """Refuse float32 rows `x` that are not finite, with the value that they have in `given`."""
    count, first, row = 0, None, 0
    for rows in chunks_of(x):
        finite = np.isfinite(rows)
        if may_miss:
            finite[:, may_miss] |= np.isnan(rows[:, may_miss])
        if not finite.all():
            bad = np.argwhere(~finite)
            count += len(bad)
            first = first or (given[(row + bad[0][0], *bad[0][1:])], row + bad[0][0], bad[0][1])
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
        x = x[..., 0]  # the lines of a grey image are the steps
    if x.ndim != 3:
        fix = f"; one feature is {name}[..., None]" if x.ndim == 2 else ""
        raise ValueError(
            f"sequences have the shape (rows, steps, features). Received: `{name}` of shape {x.shape}{fix}"
        )
    x = precision.to_float32(x, rescaled)
    sequences.check(x, name)
    return x


def check_target(y, rows: int, name: str = "y") -> np.ndarray:
    """`y` as one label or number for each row, `(rows,)`; a single column or one-hot rows are converted.

    Args:
        y: Targets `(rows,)`, `(rows, 1)`, or one-hot `(rows, classes)`.
        rows: Number of rows.
        name: Name of the array in messages.

    Raises:
        ValueError: With the wrong value and its place.
    """
    values, y = y, _as_array(y, name)
    if isinstance(values, list | tuple) and y.ndim == 1 and _converted(y, values):
        y = np.array(values, object)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    elif y.ndim == 2 and is_one_hot(y):
        y = y.argmax(axis=1)
    if y.ndim != 1:
        received = f"shape {y.shape}" if y.ndim else _described(y)
        raise ValueError(f"`{name}` must hold one target for each row, or one-hot rows. Received: {received}")
    if len(y) != rows:
        raise ValueError(f"`x` and `{name}` must have as many rows. Received: {rows} and {len(y)}")
    if y.dtype.kind in "OT":
        y = _of_objects(y.tolist(), name)
    if y.dtype.kind == "f":
        with np.errstate(over="ignore"):
            y = y.astype(np.float64, copy=False) if y.dtype.itemsize > 8 else y
    if y.dtype.kind == "S":
        for value in np.unique(y).tolist():
            _decoded(value, int(np.argmax(y == value)), name)
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


def _converted(y: np.ndarray, values: list | tuple) -> bool:
    """Whether NumPy has changed values of a list: whole numbers beyond 64 bits were rounded, or NaN became a text."""
    if y.dtype.kind == "f":
        return all(type(value) is int for value in values)
    return y.dtype.kind in "US"


def _of_objects(values: list, name: str) -> np.ndarray:
    """Labels or numbers `(rows,)` of one NumPy type from Python objects; whole numbers beyond 64 bits become text.

    Raises:
        ValueError: For missing values, and for values that are neither numbers nor text.
    """
    refused = next((row for row, value in enumerate(values) if isinstance(value, list | tuple | np.ndarray)), None)
    if refused is not None:
        raise ValueError(
            f"`{name}` must hold one target for each row. Received: {_short(values[refused])} at row {refused}"
        )
    missing = [row for row, value in enumerate(values) if is_missing(value)]
    if missing:
        raise ValueError(f"`{name}` has {len(missing)} missing values, the first at row {missing[0]}")
    if all(type(value) is int for value in values):
        for kind in (np.int64, np.uint64):
            with contextlib.suppress(OverflowError):
                return np.array(values, kind)
        return np.array(list(map(str, values)))
    if any(isinstance(value, bytes) for value in values):
        values = [_decoded(value, row, name) if isinstance(value, bytes) else value for row, value in enumerate(values)]
    array = np.array(values)
    if array.dtype.kind == "O":
        plain = (str, int, float, np.number, np.bool_)
        row = next((row for row, value in enumerate(values) if not isinstance(value, plain)), 0)
        raise ValueError(f"`{name}` must hold numbers or text. Received: {_short(values[row])} at row {row}")
    return array


def _decoded(value: bytes, row: int, name: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(f"`{name}` must hold text in UTF-8. Received: {_short(value)} at row {row}") from None


def _described(scalar: np.ndarray) -> str:
    """Description of an array without axes, which a scalar, text, set or generator becomes."""
    value = scalar.item()
    return _short(value) if isinstance(value, str | bytes | int | float | complex | None) else type(value).__name__


def _short(value) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _first_text(x: np.ndarray) -> str:
    """Description of an array that does not hold numbers, with the first text in it."""
    if x.dtype.kind not in "OUS":
        return str(x.dtype)
    for row, value in np.ndenumerate(x):
        try:
            float(value)
        except (TypeError, ValueError):
            return f"{value!r} at row {row[0]}" + (f", column {row[1]}" if len(row) > 1 else "")
    return f"numbers stored as {'objects' if x.dtype.kind == 'O' else 'text'}; convert them with .astype('float32')"
