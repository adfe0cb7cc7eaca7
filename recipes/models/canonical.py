"""Model files without what differs from run to run: equal models have equal bytes."""

import json
import zipfile
from pathlib import Path

from recipes.models.untrusted import CONFIGURATION, write_archive

METADATA = "metadata.json"


def write_canonical(saved: Path, file: Path) -> None:
    """Write a copy of the model file `saved` to `file`, without dates and addresses.

    Keras numbers objects that are used in several places by their address in memory, and states when a model was saved.
    """
    with zipfile.ZipFile(saved) as archive:
        contents = {name: archive.read(name) for name in sorted(archive.namelist())}
    contents[CONFIGURATION] = json.dumps(_renumbered(json.loads(contents[CONFIGURATION]), {})).encode()
    metadata = json.loads(contents[METADATA])
    contents[METADATA] = json.dumps({name: metadata[name] for name in metadata if name != "date_saved"}).encode()
    write_archive(contents, file)


def _renumbered(value, numbers: dict):
    """`value` with its shared objects numbered from 0 in the order in which they appear."""
    if isinstance(value, dict):
        return {
            name: numbers.setdefault(part, len(numbers)) if name == "shared_object_id" else _renumbered(part, numbers)
            for name, part in value.items()
        }
    return [_renumbered(part, numbers) for part in value] if isinstance(value, list) else value
