"""Optimizers by name, with their clipping."""

import math
import numbers

import keras

from recipes.lookup import normalize, unknown

_OPTIMIZERS = {
    "sgd": (keras.optimizers.SGD, {}),
    "momentum": (keras.optimizers.SGD, {"momentum": 0.9}),
    "nesterov": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (keras.optimizers.RMSprop, {}),
    "adam": (keras.optimizers.Adam, {}),
}


def get(name: str, learning_rate=0.001, *, clipnorm=None, global_clipnorm=None, clipvalue=None):
    """A new Keras optimizer.

    Args:
        name: sgd, momentum (0.9), nesterov (0.9), rmsprop or adam.
        learning_rate: A number, or a schedule (see `recipes.schedules`).
        clipnorm: Largest norm of the gradient of each weight.
        global_clipnorm: Largest norm of all gradients together.
        clipvalue: Largest absolute value of each entry of a gradient.

    Raises:
        ValueError: For an unknown name, a rate that is not positive, two ways of clipping at once, or a bound that is
            not positive (Keras takes a bound of 0 for no clipping).
    """
    if normalize(name) not in _OPTIMIZERS:
        raise unknown("optimizer", name, _OPTIMIZERS)
    if isinstance(learning_rate, numbers.Real) and not 0 < learning_rate < math.inf:
        raise ValueError(f"`learning_rate` must be more than 0 and finite. Received: {learning_rate}")
    bounds = {"clipnorm": clipnorm, "global_clipnorm": global_clipnorm, "clipvalue": clipvalue}
    bounds = {bound: value for bound, value in bounds.items() if value is not None}
    if len(bounds) > 1:
        raise ValueError(f"only one way of clipping can be set. Received: {bounds}")
    for bound, value in bounds.items():
        if not value > 0:
            raise ValueError(f"`{bound}` must be more than 0. Received: {value}")
    optimizer, arguments = _OPTIMIZERS[normalize(name)]
    return optimizer(learning_rate, **arguments, **bounds)
