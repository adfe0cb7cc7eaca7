"""Model files without what differs from run to run: equal models have equal bytes."""

import json
import zipfile
from pathlib import Path

from recipes.models.untrusted import CONFIGURATION, write_archive

METADATA, SHARED = "metadata.json", "shared_object_id"


def write_canonical(saved: Path, file: Path) -> None:
    """Write a copy of the model file `saved` to `file`, without dates and addresses."""
    with zipfile.ZipFile(saved) as archive:
        contents = {name: archive.read(name) for name in sorted(archive.namelist())}
    contents[CONFIGURATION] = json.dumps(number_shared(json.loads(contents[CONFIGURATION]))).encode()
    metadata = json.loads(contents[METADATA])
    contents[METADATA] = json.dumps({name: metadata[name] for name in metadata if name != "date_saved"}).encode()
    write_archive(contents, file)


def number_shared(configuration: dict) -> dict:
    """`configuration` with the objects that are in it several times numbered from 0, in order.

    Keras numbers them by their address in memory. It takes objects for one that it makes while it saves, such as types
    of numbers, where one is put in the place of another; and it numbers some only once, which has no effect.
    """
    found = {}
    for part in _numbered(configuration):
        found.setdefault(part[SHARED], []).append(_renumbered(part, {}))
    shared = [
        number for number, parts in found.items()
        if len(parts) > 1 and all(part == parts[0] for part in parts) and parts[0].get("class_name") != "DTypePolicy"
    ]  # fmt: skip
    return _renumbered(configuration, {number: place for place, number in enumerate(shared)})


def _numbered(value):
    """Each object in `value` that has a number, the outer ones first."""
    if isinstance(value, dict) and SHARED in value:
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _numbered(part)


def _renumbered(value, numbers: dict):
    if isinstance(value, dict):
        value = {name: part for name, part in value.items() if name != SHARED or part in numbers}
        return {name: numbers[part] if name == SHARED else _renumbered(part, numbers) for name, part in value.items()}
    return [_renumbered(part, numbers) for part in value] if isinstance(value, list) else value
