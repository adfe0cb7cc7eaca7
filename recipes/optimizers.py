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


# Names of the weights that decay must leave alone: it would take the slope of a PReLU back to 0, and the scale of a
# normalization, too; biases need none. TensorFlow writes bias:0.
_NOT_DECAYED = ("bias", "gamma", "beta", "alpha")


def get(
    name: str, learning_rate=0.001, *, weight_decay=None, clipnorm=None, global_clipnorm=None, clipvalue=None
) -> keras.optimizers.Optimizer:
    """A new Keras optimizer.

    Args:
        name: sgd, momentum (0.9), nesterov (0.9), rmsprop or adam.
        learning_rate: A number, or a schedule (see `recipes.schedules`).
        weight_decay: Share of each weight to take off per step, times the learning rate (decoupled: Loshchilov & Hutter
            2019, arXiv:1711.05101). Biases, scales and shifts of normalizations and the slopes of PReLU are left alone.
        clipnorm: Largest norm of the gradient of each weight.
        global_clipnorm: Largest norm of all gradients together.
        clipvalue: Largest absolute value of each entry of a gradient.

    Raises:
        ValueError: For an unknown name, a rate, decay or bound that is not positive (Keras takes a bound of 0 for no
            clipping), or two ways of clipping at once.
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
    if weight_decay is not None and not 0 < weight_decay < math.inf:
        raise ValueError(f"`weight_decay` must be more than 0 and finite. Received: {weight_decay}")
    kind, arguments = _OPTIMIZERS[normalize(name)]
    optimizer = kind(learning_rate, weight_decay=weight_decay, **arguments, **bounds)
    if weight_decay:
        optimizer.exclude_from_weight_decay(var_names=[rf"(^|/){weight}(:\d+)?$" for weight in _NOT_DECAYED])
    return optimizer
