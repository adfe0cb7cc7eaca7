"""Optimizers by name, with their clipping."""

import numbers

import keras

from recipes.lookup import normalize, unknown
from recipes.optimizers.adaptive import AdaptiveGradientClipping
from recipes.optimizers.clipping import GradientClipping
from recipes.optimizers.guard import Guard, require_positive
from recipes.optimizers.percentile import PercentileClipping

_OPTIMIZERS = {
    "sgd": (keras.optimizers.SGD, {}),
    "momentum": (keras.optimizers.SGD, {"momentum": 0.9}),
    "nesterov": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (keras.optimizers.Adagrad, {}),
    "rmsprop": (keras.optimizers.RMSprop, {}),
    "adam": (keras.optimizers.Adam, {}),
    "adamw": (keras.optimizers.AdamW, {}),
    "nadam": (keras.optimizers.Nadam, {}),
    "lamb": (keras.optimizers.Lamb, {}),
}
# Names of the weights that decay must leave alone: it would take the slope of a PReLU back to 0, and the scale of a
# normalization, too; biases need none. TensorFlow writes bias:0.
_NOT_DECAYED = ("bias", "gamma", "beta", "alpha")


def get(
    name: str,
    learning_rate=0.001,
    *,
    momentum: float | None = None,
    weight_decay: float | None = None,
    clipnorm: float | None = None,
    global_clipnorm: float | None = None,
    clipvalue: float | None = None,
    adaptive_clip: float | None = None,
    percentile_clip: float | None = None,
    ema_momentum: float | None = None,
    learning_rate_factors: dict[str, float] | None = None,
) -> Guard:
    """A new optimizer: Keras's own inside of one that clips, and leaves out updates that are not finite.

    Args:
        name: sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, nadam or lamb.
        learning_rate: A number, or a schedule (see `recipes.schedules`).
        momentum: Of momentum and nesterov. Default: 0.9.
        weight_decay: Share of each weight to take off per step, times the learning rate (decoupled: Loshchilov & Hutter
            2019, arXiv:1711.05101). Biases, scales and shifts of normalizations and the slopes of PReLU are left alone.
            Default: none; for adamw Keras's 0.004.
        clipnorm: Largest norm of the gradient of each weight.
        global_clipnorm: Largest norm of all gradients together.
        clipvalue: Largest absolute value of each entry of a gradient.
        adaptive_clip: Largest norm of a unit's gradient relative to that of its weights: `AdaptiveGradientClipping`,
            which leaves layers called `logits` alone.
        percentile_clip: Percentile of the norms seen so far that bounds the next: `PercentileClipping`.
        ema_momentum: Keep an exponential moving average of the weights with this momentum, such as 0.99; it is what
            `fit` ends with, and with `callbacks.AveragedWeights` or `callbacks.EarlyStopping` what it validates.
        learning_rate_factors: What the learning rate, and with it the weight decay, is multiplied by for some weights:
            from a weight's path (`"conv_1/kernel"`), or its beginning up to a `/` (`"conv_1"`), to a number from 0
            to 1. Default: 1 for all.

    Raises:
        ValueError: For an unknown name, a rate, decay or bound that is not positive (Keras takes a bound of 0 for no
            clipping), two ways of clipping at once, a momentum outside of 0 to 1, or factors that are.

    >>> get("nesterov", 0.1, global_clipnorm=1.0).inner_optimizer.momentum
    0.9
    """
    if normalize(name) not in _OPTIMIZERS:
        raise unknown("optimizer", name, _OPTIMIZERS)
    if isinstance(learning_rate, numbers.Real | str):
        require_positive("learning_rate", learning_rate)
        learning_rate = float(learning_rate)  # Keras takes no whole numbers
    if weight_decay is not None:
        require_positive("weight_decay", weight_decay)
    kind, arguments = _OPTIMIZERS[normalize(name)]
    arguments = dict(arguments)
    if momentum is not None:
        if "momentum" not in arguments:
            raise ValueError(f"`momentum` belongs to momentum and nesterov. Received: {momentum} with {name}")
        arguments["momentum"] = _fraction("momentum", momentum)
    if weight_decay is not None:
        arguments["weight_decay"] = weight_decay
    if ema_momentum is not None:
        arguments |= {"use_ema": True, "ema_momentum": _fraction("ema_momentum", ema_momentum)}
    clipping = {
        "clipnorm": clipnorm,
        "global_clipnorm": global_clipnorm,
        "clipvalue": clipvalue,
        "adaptive_clip": adaptive_clip,
        "percentile_clip": percentile_clip,
    }
    clipping = {way: bound for way, bound in clipping.items() if bound is not None}
    if len(clipping) > 1:
        raise ValueError(f"only one way of clipping can be set. Received: {clipping}")
    optimizer = kind(learning_rate, **arguments)
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=[rf"(^|/){weight}(:\d+)?$" for weight in _NOT_DECAYED])
    if adaptive_clip is not None:
        kind, options = AdaptiveGradientClipping, {"clip_factor": adaptive_clip, "exclude": ("logits",)}
    elif percentile_clip is not None:
        kind, options = PercentileClipping, {"percentile": percentile_clip}
    else:
        kind, options = GradientClipping, clipping
    return kind(optimizer, **options, learning_rate_factors=learning_rate_factors)


def _fraction(name: str, value: float) -> float:
    if not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be at least 0 and less than 1. Received: {value}")
    return value
