"""A model file of a stranger: all of it is checked before Keras sees any of it."""

import json

from recipes.models.untrusted.archive import CONFIGURATION, WEIGHTS
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
    check_sizes(configuration, count_weights(contents[WEIGHTS]), custom_objects, checked.has_foreign_classes)
    # What was checked is what Keras reads, also where a text can be understood in two ways.
    contents[CONFIGURATION] = json.dumps(configuration).encode()
