"""The weights of a model file: an HDF5 file, checked without reading a number of it."""

import io
import math
from typing import BinaryIO

import h5py

from recipes.models.untrusted.archive import RefusedError

MOST_OBJECTS = 200_000
MOST_DEPTH = 100
NUMBERS = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM)  # the last for booleans


def count_weights(stream: BinaryIO) -> int:
    """The numbers stored in an HDF5 file of weights, open for reading.

    Raises:
        RefusedError: If it holds what Keras does not write: links, data outside of it or not in full, other types.
        Exception: Whatever h5py raises for a damaged file.
    """
    length = stream.seek(0, io.SEEK_END)
    with h5py.File(stream, "r") as file:
        total, stored, seen, groups = 0, 0, set(), [(file.id, 0)]
        while groups:
            group, depth = groups.pop()
            for name in group:
                path = f"{name.decode(errors='replace')[:80]!r}"
                if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                    raise RefusedError(f"its weights have a link {path} to elsewhere")
                # Its address tells whether an object was there before, under another name: a circle has no end.
                information = h5py.h5o.get_info(group, name)
                if information.addr in seen or len(seen) > MOST_OBJECTS or depth > MOST_DEPTH:
                    raise RefusedError(f"its weights hold {path} twice, or are nested without end")
                seen.add(information.addr)
                if information.type == h5py.h5o.TYPE_GROUP:
                    groups.append((h5py.h5g.open(group, name), depth + 1))
                elif information.type == h5py.h5o.TYPE_DATASET:
                    numbers, size = _check_dataset(h5py.h5d.open(group, name), path)
                    total, stored = total + numbers, stored + size
                else:
                    raise RefusedError(f"its weights hold {path}, which is neither a group nor an array")
        if stored > length:
            raise RefusedError(f"its weights state {stored:,} bytes and have {length:,}")
    return total


def _check_dataset(dataset, path: str) -> tuple[int, int]:
    """The numbers in a dataset, and their bytes."""
    properties = dataset.get_create_plist()
    # In this order: to ask a virtual dataset for its shape can open other files.
    if properties.get_layout() == h5py.h5d.VIRTUAL or properties.get_external_count():
        raise RefusedError(f"its weights {path} are in another file")
    if properties.get_layout() == h5py.h5d.CHUNKED or properties.get_nfilters():
        raise RefusedError(f"its weights {path} are compressed or in chunks, which Keras does not write")
    kind = dataset.get_type()
    # Keras stores numbers that HDF5 has no type for, such as bfloat16, as one or two opaque bytes each.
    if kind.get_class() not in NUMBERS and (kind.get_class() != h5py.h5t.OPAQUE or kind.get_size() > 2):
        raise RefusedError(f"its weights {path} are no numbers")
    attributes = (h5py.h5a.open(dataset, index=index) for index in range(h5py.h5a.get_num_attrs(dataset)))
    if any(math.prod(attribute.shape) > 1 for attribute in attributes):
        raise RefusedError(f"its weights {path} are described by arrays, which Keras does not write")
    numbers = math.prod(dataset.shape)
    size = numbers * kind.get_size()
    if size != dataset.get_storage_size():
        raise RefusedError(f"its weights {path} state {size:,} bytes and store {dataset.get_storage_size():,}")
    return numbers, size
