"""A model file of a stranger: all of it is checked before Keras sees any of it."""

import io
import json
from pathlib import Path

from recipes.models.untrusted.archive import CONFIGURATION, WEIGHTS, read_archive
from recipes.models.untrusted.configuration import Checked, parse
from recipes.models.untrusted.sizes import check_sizes
from recipes.models.untrusted.weights import count_weights


def check_model(contents: dict[str, bytes], custom_objects: dict | None) -> None:
    """Check the configuration and the weights in the members of a model file, `contents`.

    Raises:
        RefusedError: If they hold what models have no use for, or more of it than they need.
        UnknownNameError: If the user has to give a class or function.
        Exception: Whatever JSON, HDF5 or Keras make of damaged ones.
    """
    if WEIGHTS not in contents:
        raise ValueError(f"it has no {WEIGHTS}")
    configuration = parse(contents[CONFIGURATION])
    checked = Checked(configuration, custom_objects)
    check_sizes(
        configuration, count_weights(io.BytesIO(contents[WEIGHTS])), custom_objects, checked.has_foreign_classes
    )
    # What was checked is what Keras reads, also where a text can be understood in two ways.
    contents[CONFIGURATION] = json.dumps(configuration).encode()


def check_weights_file(path: Path) -> None:
    """Check a file of weights alone, as `Model.load_weights` reads it: HDF5, or the weights in a model file.

    Raises:
        RefusedError: If it reaches for other files, or for more memory than it stores.
        Exception: Whatever HDF5 makes of another file.
    """
    if path.suffix == ".keras":
        count_weights(io.BytesIO(read_archive(path)[WEIGHTS]))
    else:
        with path.open("rb") as stream:
            count_weights(stream)
