"""A new optimizer like a given one, at another learning rate."""

import warnings

from recipes.keras_internals.private import copy_weight_decay_exclusions
from recipes.optimizers.guard import Guard


def copied(optimizer, learning_rate) -> tuple:
    """A new optimizer like `optimizer` but for its rate, and the innermost one in it, which has the rate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a function as the rate cannot be saved
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
