"""A new optimizer like a given one, at another learning rate."""

import warnings

from recipes.keras_internals.private import copy_weight_decay_exclusions
from recipes.optimizers.guard import Guard


def copied(optimizer, learning_rate) -> tuple:
    """Copy an optimizer by its configuration, unbuilt, and with another learning rate.

    Returns:
        The copy, and the innermost optimizer in it, whose learning rate it is.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of Keras: a function as learning rate cannot be saved
        config = dict(optimizer.get_config())
    if not hasattr(optimizer, "inner_optimizer"):
        config["learning_rate"] = learning_rate
        copy = innermost = type(optimizer).from_config(config)
    else:
        inner, innermost = copied(optimizer.inner_optimizer, learning_rate)
        config["inner_optimizer" if "inner_optimizer" in config else "optimizer"] = inner
        copy = type(optimizer).from_config(config) if isinstance(optimizer, Guard) else type(optimizer)(**config)
    copy_weight_decay_exclusions(optimizer, copy)
    return copy, innermost
