"""Columns of a frame, of any type, as Arrow arrays of the kinds that a CSV file has: numbers, text and dates."""

import uuid

import pyarrow
import pyarrow.compute as compute

from recipes.arguments.labels import is_missing

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_NOT_CONVERTED = (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError, OverflowError)


def from_values(column) -> pyarrow.Array:
    """The Arrow array of a column of pandas, an array of NumPy or a list.

    Whole numbers beyond 64 bits, intervals and values of several kinds become text; periods become their first moment.

    Raises:
        TypeError: If the values are not numbers, texts or dates, with their kind.
    """
    dtype = getattr(column, "dtype", None)
    if getattr(dtype, "categories", None) is not None:
        codes = column.cat.codes if hasattr(column, "cat") else column.codes
        indices = pyarrow.array(codes, mask=codes < 0)
        return pyarrow.DictionaryArray.from_arrays(indices, from_values(dtype.categories))
    name, kind = type(dtype).__name__, getattr(dtype, "kind", "")
    if name == "PeriodDtype":
        column = column.dt.to_timestamp() if hasattr(column, "dt") else column.to_timestamp()
    elif name == "IntervalDtype":
        return _as_text(column)
    elif kind == "c":
        raise TypeError("complex numbers: give their real and their imaginary parts as columns")
    elif kind == "f" and getattr(dtype, "itemsize", 8) > 8:  # Arrow has no type for longer floats
        column = column.astype("float64")
    try:
        array = pyarrow.array(column, from_pandas=True)
    except _NOT_CONVERTED:
        if any(isinstance(value, complex) for value in column):
            raise TypeError("complex numbers: give their real and their imaginary parts as columns") from None
        return _as_text(column)
    return from_arrow(array)


def from_arrow(array: pyarrow.Array | pyarrow.ChunkedArray) -> pyarrow.Array | pyarrow.ChunkedArray:
    """An Arrow array of any type, as numbers, text or dates.

    Durations and times of day become seconds, decimals become floats, UUIDs and bytes become text.

    Raises:
        TypeError: If the values are not numbers, texts or dates, with their kind.
    """
    if isinstance(array, pyarrow.ChunkedArray):
        chunks = [from_arrow(chunk) for chunk in array.chunks]
        return pyarrow.chunked_array(chunks) if chunks else array
    kind, types = array.type, pyarrow.types
    if types.is_dictionary(kind):
        values = from_arrow(array.dictionary)
        return array if values is array.dictionary else pyarrow.DictionaryArray.from_arrays(array.indices, values)
    if types.is_string_view(kind) or types.is_binary_view(kind):  # of Polars; few functions of Arrow read them yet
        plain = pyarrow.large_string() if types.is_string_view(kind) else pyarrow.large_binary()
        return from_arrow(array.cast(plain))
    if types.is_run_end_encoded(kind):
        return from_arrow(compute.run_end_decode(array))
    if isinstance(kind, pyarrow.BaseExtensionType):
        is_uuid = kind.extension_name == "arrow.uuid"
        return _uuids(array.storage) if is_uuid else from_arrow(array.storage)
    if types.is_duration(kind):
        return _seconds(array.cast(pyarrow.int64()), kind.unit)
    if types.is_time(kind):
        whole = pyarrow.int32() if types.is_time32(kind) else pyarrow.int64()
        return _seconds(array.cast(whole), kind.unit)
    if types.is_decimal(kind):
        return array.cast(pyarrow.float64(), safe=False)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return _decoded(array)
    if types.is_nested(kind) or types.is_interval(kind):
        what = "dictionaries" if types.is_struct(kind) or types.is_map(kind) else f"values of the type {kind}"
        what = "lists" if "list" in str(kind).partition("<")[0] else what
        raise TypeError(f"{what}: make a column of each of their values")
    return array


def _as_text(column) -> pyarrow.Array:
    return pyarrow.array([None if is_missing(value) else str(value) for value in column], pyarrow.string())


def _seconds(counts: pyarrow.Array, unit: str) -> pyarrow.Array:
    return compute.divide(compute.cast(counts, pyarrow.float64(), safe=False), float(_PER_SECOND[unit]))


def _uuids(array: pyarrow.Array) -> pyarrow.Array:
    texts = [None if value is None else str(uuid.UUID(bytes=value)) for value in array.to_pylist()]
    return pyarrow.array(texts, pyarrow.string())


def _decoded(array: pyarrow.Array) -> pyarrow.Array:
    try:
        if pyarrow.types.is_fixed_size_binary(array.type):
            array = array.cast(pyarrow.binary())
        return array.cast(pyarrow.large_string() if pyarrow.types.is_large_binary(array.type) else pyarrow.string())
    except pyarrow.ArrowInvalid:
        raise TypeError("bytes that are no text: make numbers or text of them") from None
