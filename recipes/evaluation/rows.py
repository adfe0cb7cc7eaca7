"""Rows to predict or to score, in whatever form a user has them, as arrays that a trained model takes."""

import warnings
from pathlib import Path

import numpy as np

from custom_layers import ImagePreparation, SequencePreparation, TablePreparation
from recipes.arguments.labels import canonical_text
from recipes.arguments.names import column_name, normalize, shorten
from recipes.arguments.npz import read_npz
from recipes.data import Dataset, arrays, preparation
from recipes.data.images import image_files, image_folder
from recipes.data.named import local
from recipes.data.readers import is_name
from recipes.data.sequences import is_padded, lengths
from recipes.data.store import chunks_of
from recipes.data.tables import table_file
from recipes.data.tables.matrix import ModelColumns, encode_rows
from recipes.data.tables.table import Table, from_frame, is_frame, with_column
from recipes.evaluation.units import from_units_of_dataset, in_units_of_model
from recipes.models.outputs import Outputs
from recipes.settings import Data

_IMAGE_LOSSES = (image_folder.ALPHA_DROPPED, image_folder.CUT_TO_BYTES)
# Standard deviations above the mean that no value of an image reaches: a single white pixel among a thousand black ones
# has 32.
_BEYOND_IMAGES = 40


def is_rows(data) -> bool:
    """Whether `data` are rows or a file of them, rather than the name of a dataset, a `Dataset` or batches."""
    if isinstance(data, str | Path):
        # A name comes first, as in `load_dataset`, even where a folder has the same name.
        is_file = table_file.is_table(data) or str(data).lower().endswith(".npz") or Path(data).exists()
        return is_file and not is_name(data)
    return is_frame(data) or isinstance(data, tuple | list | np.ndarray) or hasattr(data, "__array__")


def is_batches(data) -> bool:
    """Whether `data` come in batches: a `tf.data.Dataset`, a `PyDataset`, a generator or a function that makes one."""
    if data is None or isinstance(data, str | Path | dict | Dataset) or is_rows(data):
        return False
    return hasattr(data, "__iter__") or callable(data)


def rows_for(
    outputs: Outputs, data, settings: Data, *, with_target: bool, numeric_target: bool = False
) -> tuple[np.ndarray, np.ndarray | None]:
    """Raw rows for a model, and their targets.

    Args:
        outputs: Facts about the model. Tables with columns by name, and image files, need one with a preparation.
        data: The path of a table or NPZ file, of an image or a folder of them; a frame; an array `x`; `(x, y)`, or
            pairs of those, of which the test part is used, or else the first.
        settings: Settings of the data that the model was trained on, such as the target.
        with_target: Whether targets are needed.
        numeric_target: Whether the target of a table holds numbers to predict, rather than classes.

    Returns:
        `x` `(rows, ...)`; and `y` `(rows,)` of labels or numbers as they are given, or `(rows, labels)`, or `None`.

    Raises:
        ValueError: If columns are missing, or rows do not fit.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(data, str | Path):
        if table_file.is_table(data):
            # The first line of a file holds names where the model knows them as columns.
            expected = outputs.preparation.feature_names if _is(TablePreparation, outputs) else ()
            table = table_file.open_table(data, settings, expected=expected)
            return _table_rows(outputs, table, settings, with_target, numeric_target)
        table_file.refuse_unreadable(data)
        if not str(data).lower().endswith(".npz"):
            return _image_rows(outputs, Path(data), with_target)
        x, y = _npz_rows(outputs, data, with_target)
    elif is_frame(data):
        return _table_rows(outputs, from_frame(data), settings, with_target, numeric_target)
    elif with_target:
        x, y = arrays.evaluated_part(arrays.parts_of(data))
        if is_frame(x):
            target = column_name(getattr(y, "name", None) or settings.target or "target")
            table = with_column(from_frame(x), target, y)
            return _table_rows(outputs, table, settings, with_target, numeric_target, target)
    else:
        x, y = data, None
    kind = "sequences" if _is(SequencePreparation, outputs) else None
    x = arrays.check_input(in_units_of_model(outputs, x), may_miss=_may_miss(outputs), kind=kind)
    if kind:
        _refuse_padding(outputs, x)
    return x, None if y is None else checked_targets(y, len(x))


def dataset_rows(outputs: Outputs, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Raw rows of the test part of `dataset` for a model, and their targets.

    Raises:
        ValueError: If the codes of its categories are not those that the model was trained on.
    """
    layer = outputs.preparation
    if isinstance(layer, TablePreparation) and isinstance(dataset.preparation, preparation.TablePreparation):
        known, received = (
            {name: list(map(canonical_text, categories)) for name, categories in vocabularies.items()}
            for vocabularies in (layer.vocabularies, dataset.preparation.vocabularies)
        )
        # The same code would mean another category.
        if layer.feature_names != list(dataset.preparation.feature_names) or known != received:
            raise ValueError(
                f"{dataset.name} has other columns or categories than the model was trained on: give a frame or a CSV "
                "file, whose columns and categories are found by their names"
            )
    x, y = dataset.test
    return from_units_of_dataset(outputs, x, dataset.feature_names, getattr(dataset.preparation, "rescaled", {})), y


def checked_targets(y, rows: int) -> np.ndarray:
    """Targets `(rows,)` as `check_target` returns them; a matrix `(rows, labels)` of numbers unchanged."""
    matrix = np.asarray(y) if np.ndim(y) == 2 else None
    if matrix is None or matrix.shape[1] < 2 or matrix.dtype.kind not in "buif":
        return arrays.check_target(y, rows)
    if len(matrix) != rows:
        raise ValueError(f"`x` and `y` must have as many rows. Received: {rows} and {len(matrix)}")
    return matrix


def _is(kind: type, outputs: Outputs) -> bool:
    return isinstance(outputs.preparation, kind)


def _npz_rows(outputs: Outputs, path, with_target: bool):
    y = None
    if with_target:
        parts, kind = arrays.parts_of_npz(path)
        x, y = arrays.evaluated_part(parts)
    else:
        content = read_npz(path)
        if "x" not in content and len(content) == 1:
            content = {"x": next(iter(content.values()))}
        if "x" not in content:
            raise ValueError(f"{path} must hold the array x. Received: {', '.join(content) or 'no arrays'}")
        x, kind = arrays.input_of_npz(content), "sequences" if "lengths" in content else None
    if kind == "sequences" and not _is(SequencePreparation, outputs):
        raise ValueError(
            f"{outputs.name} was not trained on sequences by this package: the lengths in {path} are not used"
        )
    return x, y


def _refuse_padding(outputs: Outputs, x: np.ndarray) -> None:
    if outputs.preparation.padding is None and is_padded(x):
        row = int(np.flatnonzero(lengths(x) < x.shape[1])[0])
        raise ValueError(
            f"the model was trained on sequences without padding: give rows of one length. Received: "
            f"{lengths(x[row : row + 1])[0]} of {x.shape[1]} steps at row {row}"
        )


def _may_miss(outputs: Outputs) -> tuple[int, ...]:
    """Columns in which the model has learnt what a missing value means."""
    layer = outputs.preparation
    if not isinstance(layer, TablePreparation):
        return ()
    return tuple(layer.feature_names.index(name) for name in layer.indicators)


def _table_rows(
    outputs: Outputs,
    table: Table,
    settings: Data,
    with_target: bool,
    numeric_target: bool = False,
    target: str | None = None,
):
    layer = outputs.preparation
    if not isinstance(layer, TablePreparation):
        raise ValueError(f"{outputs.name} does not know its columns by name: give it an array instead of {table.where}")
    target = target or settings.target or local.TARGETS.get(normalize(settings.name))
    if with_target and target is None:
        raise ValueError(f"which column of {table.where} is the target? Give `target` (--target)")
    known = {target, settings.group_column, settings.time_column, *settings.ignore}
    # A model that was saved by an earlier version may know names with spaces around them, and columns without one.
    names = {name: column_name(name) or f"Unnamed: {place}" for place, name in enumerate(layer.feature_names)}
    columns = ModelColumns(
        list(names.values()),
        {names[name]: categories for name, categories in layer.vocabularies.items()},
        dates=[names[name] for name in layer.dates],
        unused=[names[name] for name in layer.unused],
        formats=layer.formats,
        rescaled={names[name]: constants for name, constants in layer.rescaled.items()},
    )
    target = target if with_target else None
    x, y = encode_rows(table, columns, settings, target=target, known=known, numeric_target=numeric_target)
    _warn_of_unknown_values(x, layer, table.where)
    return x, y


def _warn_of_unknown_values(x: np.ndarray, layer: TablePreparation, where: str) -> None:
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


def _image_rows(outputs: Outputs, path: Path, with_target: bool):
    layer, shape = outputs.preparation, outputs.row_shape
    if not isinstance(layer, ImagePreparation):
        raise ValueError(
            f"{outputs.name} was not trained on images by this package: give it an array instead of {path}"
        )
    channels = shape[0 if layer.data_format == "channels_first" else -1] if len(shape) == 3 else 1
    background = None if layer.background is None else tuple(layer.background)
    if with_target:
        size, color = (layer.height, layer.width), "grey" if channels == 1 else "rgb"
        source = image_folder.read(path, size, color, background, layer.depth)
        x, y = arrays.evaluated_part(source.parts)
        y = np.array(source.class_names)[y]
        losses = [loss for loss in _IMAGE_LOSSES if any(loss in note for note in source.notes)]
    else:
        form = image_files.Form(layer.height, layer.width, channels, background, layer.depth)
        (x, headers), y = image_files.read_files(image_files.files_in(path), form), None
        dropped = background is None and any(header.has_alpha for header in headers)
        cut = layer.depth in (None, 8) and any(header.depth > 8 for header in headers)
        losses = [loss for loss, occurs in zip(_IMAGE_LOSSES, (dropped, cut), strict=True) if occurs]
    if losses:
        how = "as in its training" if layer.depth is None else f"as {outputs.name} was trained on bytes"
        warnings.warn(f"{path} holds images with {' and '.join(losses)}, {how}", stacklevel=4)
    if layer.depth is None:
        _warn_of_another_scale(x, layer, path)
    if len(shape) == 2:
        x = x[..., 0]
    return (np.moveaxis(x, -1, 1) if layer.data_format == "channels_first" else x), y


def _warn_of_another_scale(x: np.ndarray, layer: ImagePreparation, path: Path) -> None:
    """Warn of bytes for a model of arrays whose values were far smaller, such as from 0 to 1."""
    number = max(range(len(layer.mean)), key=lambda channel: layer.mean[channel] + layer.scale[channel])
    mean, scale = layer.mean[number], layer.scale[number]
    highest = max(rows.max() for rows in chunks_of(x))
    if highest > mean + _BEYOND_IMAGES * scale:
        warnings.warn(
            f"{path} holds values up to {highest:g}, and the model was trained on {mean:.2g} with a standard deviation "
            f"of {scale:.2g}: give an array on that scale instead",
            stacklevel=5,
        )
