"""Rows in the units of a model, which shifts and scales the columns whose values float32 would merge."""

import numpy as np

import custom_layers
from recipes.data import precision
from recipes.data.store import RowStore, chunks_of
from recipes.models.outputs import Outputs


def in_units_of_model(outputs: Outputs, x):
    """Rows of an array with the offsets and units of the columns of a model.

    Args:
        outputs: Facts about the model.
        x: Rows `(rows, columns)` or `(rows, steps, features)`: of float64 or whole numbers, the values themselves; of
            float32, which could not hold them, rows as a `Dataset` has them, with offsets and units already; where a
            column has a unit alone, the values themselves are recognized by their size. Anything else is returned
            unchanged.

    Raises:
        ValueError: If `x` is float32, and a column that needs an offset has none.
    """
    rescaled, names = _rescaled(outputs)
    if not rescaled:
        return x
    values = np.asarray(x)
    if values.ndim not in (2, 3) or values.shape[-1] != len(names) or values.dtype.kind not in "uif":
        return x  # later checks refuse it
    columns = {names.index(name): constants for name, constants in rescaled.items()}
    if values.dtype.kind != "f" or values.dtype.itemsize > 4:
        return precision.to_float32(values, columns)
    raw = {column: constants for column, constants in columns.items() if _without_unit(values[..., column], *constants)}
    for column, (offset, _) in columns.items():
        found = float(np.nanmedian(values[..., column].astype(np.float64))) if len(values) else 0.0
        if abs(found - offset) < abs(found):
            raise ValueError(
                f"`x` is {values.dtype}, which merges values of column {names[column]!r}, such as "
                f"{found:.17g}: give it as float64"
            )
    return precision.to_float32(values, raw) if raw else x


def _without_unit(values: np.ndarray, offset: float, unit: float) -> bool:
    """Whether values of a column that has a unit, but no offset, are nearer to the unit than to 1 in their size."""
    largest = np.fmax.reduce(np.abs(values), axis=None, initial=0.0)
    if offset or unit == 1.0 or not 0 < largest < np.inf:
        return False
    exponent = np.log2(float(largest))
    return abs(exponent - np.log2(unit)) < abs(exponent)


def from_units_of_dataset(
    outputs: Outputs, x: np.ndarray, feature_names, rescaled: dict[str, tuple[float, float]]
) -> np.ndarray:
    """Rows of a dataset with the offsets and units of a model, which differ where the data have changed meanwhile.

    Args:
        outputs: Facts about the model.
        x: Rows `(rows, columns)` or `(rows, steps, features)`; images are returned unchanged.
        feature_names: Names of the columns; `None` for `column_0` and so on.
        rescaled: Offsets and units of the columns in the dataset, by name.
    """
    known, names = _rescaled(outputs)
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


def _rescaled(outputs: Outputs) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Offsets and units of a model, by name, and the names of all its columns; none without such a preparation."""
    layer = outputs.preparation
    if isinstance(layer, custom_layers.TablePreparation):
        names = layer.feature_names
    elif isinstance(layer, custom_layers.SequencePreparation):
        names = [f"column_{number}" for number in range(len(layer.mean))]
    else:
        return {}, []
    return {name: tuple(constants) for name, constants in layer.rescaled.items()}, names
