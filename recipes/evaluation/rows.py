"""What is to be predicted or judged, in the form in which a trained model takes it."""

import warnings
from pathlib import Path

import keras
import numpy as np

import custom_layers
from recipes.arguments.names import column_name, normalize, shorten
from recipes.arguments.npz import read_npz
from recipes.data import arrays, precision
from recipes.data.images import image_files, image_folder
from recipes.data.named import local
from recipes.data.readers import is_name
from recipes.data.sequences import is_padded, lengths
from recipes.data.store import RowStore, chunks_of
from recipes.data.tables import matrix as tables
from recipes.data.tables import table_file
from recipes.data.tables.table import Table, from_frame, is_frame, with_column
from recipes.settings import Data


def table_layer(model: keras.Model) -> custom_layers.TablePreparation | None:
    """The layer of a table model that knows its columns."""
    return _layer(model, custom_layers.TablePreparation)


def image_layer(model: keras.Model) -> custom_layers.ImagePreparation | None:
    """The layer of an image model that knows the size it was trained on."""
    return _layer(model, custom_layers.ImagePreparation)


def sequence_layer(model: keras.Model) -> custom_layers.SequencePreparation | None:
    """The layer of a model of sequences that knows whether they may be padded."""
    return _layer(model, custom_layers.SequencePreparation)


def _layer(model, kind):
    return next((layer for layer in getattr(model, "layers", []) if isinstance(layer, kind)), None)


def is_rows(data) -> bool:
    """Whether `data` are rows themselves, rather than the name of a dataset or a `Dataset`."""
    if isinstance(data, str | Path):
        # A name comes first, as in `load_dataset`, even where a folder is called by it.
        is_file = table_file.is_table(data) or str(data).lower().endswith(".npz") or Path(data).exists()
        return is_file and not is_name(data)
    return is_frame(data) or isinstance(data, tuple | list | np.ndarray) or hasattr(data, "__array__")


def of_model(
    model: keras.Model, data, settings: Data, with_target: bool, numeric_target: bool = False
) -> tuple[np.ndarray, np.ndarray | None]:
    """Raw rows for `model`, and their targets.

    Args:
        model: Raw rows in. Tables with columns by name, and image files, need a model with a preparation of its own.
        data: The path of a table or NPZ file, of an image or a folder of them; a frame; an array `x`; `(x, y)`, or
            pairs of those, of which the test (or else the first) counts.
        settings: What the model was trained on: the target, and what else is said about columns.
        with_target: Whether targets are needed.
        numeric_target: Whether the target of a table holds numbers to predict, rather than classes.

    Returns:
        `x` `(rows, ...)` and `y` `(rows,)`, labels or numbers as they are given, or `(rows, labels)`, or `None`.

    Raises:
        ValueError: If columns are missing, or rows do not fit.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(data, str | Path):
        if table_file.is_table(data):
            return _table(model, _opened(model, data, settings), settings, with_target, numeric_target)
        table_file.refuse_unreadable(data)
        if not str(data).lower().endswith(".npz"):
            return _images(model, Path(data), with_target)
        x, y = _npz(model, data, with_target)
    elif is_frame(data):
        return _table(model, from_frame(data), settings, with_target, numeric_target)
    elif with_target:
        parts = arrays.parts_of(data)
        x, y = arrays.judged_part(parts)
        if is_frame(x):
            target = column_name(getattr(y, "name", None) or settings.target or "target")
            table = with_column(from_frame(x), target, y)
            return _table(model, table, settings, with_target, numeric_target, target)
    else:
        x, y = data, None
    kind = "sequences" if sequence_layer(model) else None
    x = arrays.check_input(rescaled_rows(model, x), may_miss=_may_miss(model), kind=kind)
    if kind:
        _refuse_padding(model, x)
    return x, None if y is None else target_of(y, len(x))


def _opened(model, path, settings: Data) -> Table:
    """The table in a file, whose first line holds names where those are names that `model` knows."""
    layer = table_layer(model)
    return table_file.open_table(path, settings, expected=layer.feature_names if layer else ())


def target_of(y, rows: int) -> np.ndarray:
    """Targets `(rows,)` as `check_target` has them; a matrix `(rows, labels)`, whatever it means, as it is."""
    matrix = np.asarray(y) if np.ndim(y) == 2 else None
    if matrix is None or matrix.shape[1] < 2 or matrix.dtype.kind not in "buif":
        return arrays.check_target(y, rows)
    if len(matrix) != rows:
        raise ValueError(f"`x` and `y` must have as many rows. Received: {rows} and {len(matrix)}")
    return matrix


def _npz(model, path, with_target: bool):
    y = None
    if with_target:
        parts, kind = arrays.parts_of_npz(path)
        x, y = arrays.judged_part(parts)
    else:
        content = read_npz(path)
        if "x" not in content and len(content) == 1:
            content = {"x": next(iter(content.values()))}
        if "x" not in content:
            raise ValueError(f"{path} must hold the array x. Received: {', '.join(content) or 'no arrays'}")
        x, kind = arrays.input_of_npz(content), "sequences" if "lengths" in content else None
    if kind == "sequences" and sequence_layer(model) is None:
        raise ValueError(
            f"{model.name} was not trained on sequences by this package: the lengths in {path} are not used"
        )
    return x, y


def _refuse_padding(model, x: np.ndarray) -> None:
    if sequence_layer(model).padding is None and is_padded(x):
        row = int(np.flatnonzero(lengths(x) < x.shape[1])[0])
        raise ValueError(
            f"the model was trained on sequences without padding: give rows of one length. Received: "
            f"{lengths(x[row : row + 1])[0]} of {x.shape[1]} steps at row {row}"
        )


def _may_miss(model) -> tuple[int, ...]:
    """Columns in which the model has learnt what a missing value means."""
    layer = table_layer(model)
    return tuple(layer.feature_names.index(name) for name in layer.indicators) if layer else ()


def _table(model, table, settings: Data, with_target: bool, numeric_target: bool = False, target: str | None = None):
    layer = table_layer(model)
    if layer is None:
        raise ValueError(f"{model.name} does not know its columns by name: give it an array instead of {table.where}")
    target = target or settings.target or local.TARGETS.get(normalize(settings.name))
    if with_target and target is None:
        raise ValueError(f"which column of {table.where} is the target? Give `target` (--target)")
    known = {target, settings.group_column, settings.time_column, *settings.ignore}
    # A model that was saved by an earlier version may know names with spaces around them, and columns without one.
    names = {name: column_name(name) or f"Unnamed: {place}" for place, name in enumerate(layer.feature_names)}
    x, y = tables.rows_for(
        table,
        list(names.values()),
        {names[name]: categories for name, categories in layer.vocabularies.items()},
        [names[name] for name in layer.dates],
        target=target if with_target else None,
        unused=[names[name] for name in layer.unused],
        known=known,
        missing=settings.missing,
        kept_classes=settings.kept_classes,
        numeric_target=numeric_target,
        written=layer.formats,
        rescaled={names[name]: constants for name, constants in layer.rescaled.items()},
    )
    _warn_of_strange_values(x, layer, table.where)
    return x, y


def rescaled_rows(model, x):
    """Rows of an array as `model` takes them: with the offset and unit of the columns that float32 would merge.

    Args:
        model: The model.
        x: Rows `(rows, columns)`, or `(rows, steps, features)`. Of float64 or whole numbers: values as they are. Of
            float32, which could not hold them: rows as `Dataset` has them, with offset and unit already. Anything else
            is returned as it is.

    Raises:
        ValueError: If `x` is float32, and a column that needs an offset has none.
    """
    rescaled, names = _rescaled(model)
    if not rescaled:
        return x
    values = np.asarray(x)
    if values.ndim not in (2, 3) or values.shape[-1] != len(names) or values.dtype.kind not in "uif":
        return x  # which is for others to refuse
    columns = {names.index(name): constants for name, constants in rescaled.items()}
    if values.dtype.kind != "f" or values.dtype.itemsize > 4:
        return precision.to_float32(values, columns)
    for column, (offset, _) in columns.items():
        found = float(np.nanmedian(values[..., column])) if len(values) else 0.0
        if abs(found - offset) < abs(found):
            raise ValueError(
                f"`x` is {values.dtype}, which merges values of column {names[column]!r}, such as "
                f"{found:.17g}: give it as float64"
            )
    return x


def _rescaled(model) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Offsets and units that `model` knows, by name, and the names of all columns; none without a preparation."""
    table, sequences = table_layer(model), sequence_layer(model)
    layer = table or sequences
    if layer is None:
        return {}, []
    names = layer.feature_names if table else [f"column_{number}" for number in range(len(sequences.mean))]
    return {name: tuple(constants) for name, constants in layer.rescaled.items()}, names


def in_units_of(model, x: np.ndarray, feature_names, rescaled: dict[str, tuple[float, float]]) -> np.ndarray:
    """Rows `x` as `model` takes them, which come from a dataset whose columns may have other offsets and units.

    Data that have changed since the model was trained may have others.

    Args:
        model: The model.
        x: Rows `(rows, columns)` or `(rows, steps, features)`; images are returned as they are.
        feature_names: Names of the columns; `None` for `column_0` and so on.
        rescaled: Their offsets and units, by name.
    """
    known, names = _rescaled(model)
    if not names or known == rescaled:
        return x
    names, store = feature_names or names, RowStore()
    for rows in chunks_of(x):
        rows = rows.copy()
        for column, name in enumerate(names):
            if rescaled.get(name) != known.get(name):
                values = precision.restore(rows[..., column], rescaled.get(name, (0.0, 1.0)))
                rows[..., column] = precision.rescale(values, known.get(name, (0.0, 1.0)))
        store.append(rows)
    return store.finish()


def _warn_of_strange_values(x: np.ndarray, layer, where: str) -> None:
    unseen, missing = {}, {}
    for column, name in enumerate(layer.feature_names):
        if layer.vocabularies.get(name):
            unseen[name] = int((x[:, column] == 0).sum())
        elif name not in layer.vocabularies and layer.scale[column] and name not in layer.indicators:
            missing[name] = int(np.isnan(x[:, column]).sum())
    for counts, what in ((unseen, "categories not seen in training"), (missing, "missing values, taken as the mean")):
        found = [f"{name} {count:,}" for name, count in counts.items() if count]
        if found:
            warnings.warn(f"{where} ({len(x):,} rows): {what}: {shorten(found)}", stacklevel=5)


def _warn_of_another_scale(x: np.ndarray, layer, path: Path) -> None:
    """Warn of bytes for a model of arrays whose values were far smaller, such as from 0 to 1."""
    number = max(range(len(layer.mean)), key=lambda channel: layer.mean[channel] + layer.scale[channel])
    mean, scale = layer.mean[number], layer.scale[number]
    highest = max(rows.max() for rows in chunks_of(x))
    # Beyond any image: of these deviations, a single white pixel among a thousand black ones has 32.
    if highest > mean + 40 * scale:
        warnings.warn(
            f"{path} holds values up to {highest:g}, and the model was trained on {mean:.2g} with a standard deviation "
            f"of {scale:.2g}: give an array on that scale instead",
            stacklevel=5,
        )


_LOSSES_OF_IMAGES = (image_folder.ALPHA_DROPPED, image_folder.CUT_TO_BYTES)


def _images(model, path: Path, with_target: bool):
    layer = image_layer(model)
    if layer is None:
        raise ValueError(f"{model.name} was not trained on images by this package: give it an array instead of {path}")
    channels = (
        model.input_shape[1 if layer.data_format == "channels_first" else -1] if len(model.input_shape) == 4 else 1
    )
    background = None if layer.background is None else tuple(layer.background)
    if with_target:
        size, color = (layer.height, layer.width), "grey" if channels == 1 else "rgb"
        source = image_folder.read(path, size, color, background, layer.depth)
        x, y = arrays.judged_part(source.parts)
        y = np.array(source.class_names)[y]
        losses = [loss for loss in _LOSSES_OF_IMAGES if any(loss in note for note in source.notes)]
    else:
        form = image_files.Form(layer.height, layer.width, channels, background, layer.depth)
        (x, headers), y = image_files.read_files(image_files.files_in(path), form), None
        dropped = background is None and any(header.has_alpha for header in headers)
        cut = layer.depth in (None, 8) and any(header.depth > 8 for header in headers)
        losses = [loss for loss, occurs in zip(_LOSSES_OF_IMAGES, (dropped, cut), strict=True) if occurs]
    if losses:
        how = "as in its training" if layer.depth is None else f"as {model.name} was trained on bytes"
        warnings.warn(f"{path} holds images with {' and '.join(losses)}, {how}", stacklevel=4)
    if layer.depth is None:
        _warn_of_another_scale(x, layer, path)
    if len(model.input_shape) == 3:
        x = x[..., 0]
    return (np.moveaxis(x, -1, 1) if layer.data_format == "channels_first" else x), y
