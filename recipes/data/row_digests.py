"""Digests of rows, by which a row is recognized in other data: 64-bit hashes of its values and its target.

Two different rows have the same digest with a probability of about 5e-20.
"""

import contextlib
import hashlib
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute as compute

from recipes.arguments.regular_files import require_regular
from recipes.data.fingerprint import Fingerprint
from recipes.data.store import RowStore, chunks_of
from recipes.data.tables import column_values
from recipes.data.tables.table import Table

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def of_arrays(x: np.ndarray, y: np.ndarray, class_names: tuple[str, ...] | None = None) -> np.ndarray:
    """Digests of the rows of arrays, `(rows,)`, uint64.

    Args:
        x: Inputs, numbers `(rows, ...)`. Arrays of another dtype have other digests.
        y: Targets `(rows,)`, numbers or texts; class numbers where there are `class_names`.
        class_names: Class names, from which the digests of class numbers are made.
    """
    targets = _of_targets(y) if class_names is None else _of_labels(class_names)[y]
    store, start = RowStore(), 0
    for rows in chunks_of(x):
        stop = start + len(rows)
        store.append(_scrambled(_of_content(_canonical(rows)) + _scrambled(targets[start:stop] + _MULTIPLIER)))
        start = stop
    return store.finish()


def of_batch(batch: pyarrow.RecordBatch, names, digested, missing: dict[str, tuple[str, ...]]) -> np.ndarray:
    """Digests of the rows of a table, `(rows,)`, uint64, which do not depend on the order of its columns.

    Equal values have equal digests however they are written: 3, 3.0 and +3 are alike, and so are a file and a frame.

    Args:
        batch: Rows of the table.
        names: Names of all columns.
        digested: Names of the columns from which the digests are made.
        missing: Texts that mean a missing value, by column.
    """
    total = np.zeros(len(batch), np.uint64)
    for name in digested:
        values = _of_values(column_values.cleaned(batch.column(names.index(name)), missing[name]))
        total += _scrambled(values + _of_texts([name]))
    return _scrambled(total)


def of_table(table: Table, digested, missing: dict[str, tuple[str, ...]]) -> np.ndarray:
    """`of_batch` for all rows of a table.

    Raises:
        ValueError: If the table lacks one of the columns.
    """
    absent = [name for name in digested if name not in table.columns]
    if absent:
        raise ValueError(f"{table.where} lacks columns by which its rows are recognized: {', '.join(absent)}")
    store = RowStore()
    for batch in table.batches():
        store.append(of_batch(batch, table.columns, digested, missing))
    return store.finish()


def of_dataset(dataset) -> Fingerprint:
    """The fingerprint of a `Dataset`, made from its arrays if it has none."""
    if dataset.fingerprint is not None:
        return dataset.fingerprint
    parts = {part: getattr(dataset, part) for part in ("train", "validation", "test")}
    return Fingerprint.of({part: of_arrays(x, y, dataset.class_names) for part, (x, y) in parts.items()})


def of_file(file: Path, label: str) -> int:
    """Digest of the bytes of a file and of its class name."""
    digest = hashlib.blake2b(f"{label}\0".encode(), digest_size=8)
    with require_regular(file).open("rb") as stream:
        while piece := stream.read(2**20):
            digest.update(piece)
    return int.from_bytes(digest.digest(), "little")


def count_known(digests: np.ndarray, known: np.ndarray) -> int:
    """Number of `digests` that are among `known`; both uint64, `(rows,)`."""
    if not len(known):
        return 0
    known = np.sort(known)
    places = np.minimum(np.searchsorted(known, digests), len(known) - 1)
    return int((known[places] == digests).sum())


def _of_values(values: pyarrow.Array) -> np.ndarray:
    is_text = pyarrow.types.is_string(values.type)
    if is_text or pyarrow.types.is_integer(values.type) or pyarrow.types.is_floating(values.type):
        with contextlib.suppress(pyarrow.ArrowInvalid):  # the fast way for columns of numbers alone
            numbers = compute.cast(values, pyarrow.float64(), safe=is_text).to_numpy(zero_copy_only=False)
            return _canonical(numbers.astype(np.float64)).view(np.uint64)
    encoded = compute.dictionary_encode(values, null_encoding="encode")
    distinct = encoded.dictionary
    if pyarrow.types.is_temporal(distinct.type):
        numbers, is_text = np.zeros(len(distinct)), np.ones(len(distinct), bool)
    else:
        numbers, is_text = column_values.numbers(distinct)
    digests = _canonical(numbers).view(np.uint64)
    if is_text.any():
        texts = compute.replace_substring_regex(distinct.cast(pyarrow.string()), r"^(\d{4}-.*:\d\d)\.0+$", r"\1")
        texts = compute.replace_substring_regex(texts, r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"\1")
        digests = digests.copy()
        digests[is_text] = _of_texts(texts.filter(pyarrow.array(is_text)).to_pylist())
    return digests[encoded.indices.to_numpy(zero_copy_only=False)]


def _of_targets(y: np.ndarray) -> np.ndarray:
    if y.dtype.kind in "buif":
        return _canonical(y.astype(np.float64)).view(np.uint64)
    distinct, places = np.unique(y, return_inverse=True)
    return _of_labels(distinct.tolist())[places]


def _of_labels(labels) -> np.ndarray:
    """Digests of labels or class names: a text that is a number, such as class `1`, has the digest of the number."""
    digests = []
    for label in map(str, labels):
        try:
            number = float({"true": "1", "false": "0"}.get(label.lower(), label))
            digests.append(_canonical(np.array([number])).view(np.uint64))
        except ValueError:
            digests.append(_of_texts([label]))
    return np.concatenate(digests)


def _of_texts(texts) -> np.ndarray:
    digests = (hashlib.blake2b(repr(text).encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), np.uint64)


def _canonical(values: np.ndarray) -> np.ndarray:
    """Numbers with one form of 0 and of NaN, so that equal numbers have equal bytes."""
    if values.dtype.kind != "f":
        return values
    values = values + values.dtype.type(0)
    values[np.isnan(values)] = np.nan
    return values


def _of_content(rows: np.ndarray) -> np.ndarray:
    """Hash of each row, `(rows,)`, uint64: the sum of its 64-bit words, each hashed with a multiplier of its place."""
    content = np.ascontiguousarray(rows).reshape(len(rows), -1).view(np.uint8)
    padding = -content.shape[1] % 8
    if padding:
        content = np.pad(content, ((0, 0), (0, padding)))
    words = content.view(np.uint64)
    # Fixed, so that digests are the same in every run; odd, so that different words stay different.
    multipliers = np.random.default_rng(0).integers(0, 2**63, (2, words.shape[1]), dtype=np.uint64) * np.uint64(
        2
    ) + np.uint64(1)
    words = (words ^ (words >> np.uint64(32))) * multipliers[0]
    words = (words ^ (words >> np.uint64(29))) * multipliers[1]
    return (words ^ (words >> np.uint64(32))).sum(axis=1, dtype=np.uint64)


def _scrambled(words: np.ndarray) -> np.ndarray:
    """`words` hashed as in SplitMix64, where every bit depends on every other."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
