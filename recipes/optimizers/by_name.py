"""Optimizers by name, with their clipping."""

import numbers

import keras

from recipes.arguments.names import normalize, unknown
from recipes.arguments.numbers import require_fraction, require_positive
from recipes.optimizers.adaptive import AdaptiveGradientClipping
from recipes.optimizers.clipping import GradientClipping
from recipes.optimizers.guard import Guard
from recipes.optimizers.percentile import PercentileClipping
from recipes.optimizers.schedule_free import ScheduleFreeAdamW

_OPTIMIZERS = {
    "sgd": (keras.optimizers.SGD, {}),
    "momentum": (keras.optimizers.SGD, {"momentum": 0.9}),
    "nesterov": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
    "adadelta": (keras.optimizers.Adadelta, {}),
    "adafactor": (keras.optimizers.Adafactor, {}),
    "adagrad": (keras.optimizers.Adagrad, {}),
    "adam": (keras.optimizers.Adam, {}),
    "adamax": (keras.optimizers.Adamax, {}),
    "adamw": (keras.optimizers.AdamW, {}),
    "ftrl": (keras.optimizers.Ftrl, {}),
    "lamb": (keras.optimizers.Lamb, {}),
    "lion": (keras.optimizers.Lion, {}),
    # Matrices but those of embeddings and of the last layer are made orthogonal; all else is updated by Adam.
    "muon": (keras.optimizers.Muon, {"exclude_layers": [r"(^|/)logits/"]}),
    "nadam": (keras.optimizers.Nadam, {}),
    "rmsprop": (keras.optimizers.RMSprop, {}),
    "schedule_free_adamw": (ScheduleFreeAdamW, {}),
}
NAMES = tuple(_OPTIMIZERS)
# What Keras calls the decay rates of the averages of gradients and of their squares, by optimizer.
_BETAS = dict.fromkeys(
    ("adam", "adamax", "adamw", "lamb", "lion", "nadam", "schedule_free_adamw"), ("beta_1", "beta_2")
) | {"muon": ("adam_beta_1", "adam_beta_2")}


def get(
    name: str,
    learning_rate=0.001,
    *,
    momentum: float | None = None,
    beta_1: float | None = None,
    beta_2: float | None = None,
    weight_decay: float | None = None,
    clipnorm: float | None = None,
    global_clipnorm: float | None = None,
    clipvalue: float | None = None,
    adaptive_clip: float | None = None,
    percentile_clip: float | None = None,
    ema_momentum: float | None = None,
    learning_rate_factors: dict[str, float] | None = None,
    rates: dict[str, float] | None = None,
    decay_schedule: keras.optimizers.schedules.LearningRateSchedule | None = None,
) -> Guard:
    """A new optimizer: one of Keras (or ours) in a `Guard`, which clips, and skips updates that are not finite.

    Args:
        name: Name of the optimizer: sgd, momentum, nesterov, adadelta, adafactor, adagrad, adam, adamax, adamw, ftrl,
            lamb, lion, muon, nadam, rmsprop or schedule_free_adamw; `-` and `_` alike. muon updates vectors, kernels of
            convolutions, embeddings and the layer `logits` by Adam. schedule_free_adamw is ours: it averages weights
            by itself, which are validated and saved as with `ema_momentum`.
        learning_rate: Learning rate: a number, or a schedule (see `recipes.schedules`). Good ones differ by optimizer:
            lion wants about a tenth of that of adam, adadelta about 1.
        momentum: Momentum of momentum and nesterov, at least 0 and less than 1. Default: 0.9.
        beta_1: Decay rate of the average of the gradients of adam, adamax, adamw, lamb, lion, nadam and
            schedule_free_adamw, and of what muon updates by Adam; at least 0 and less than 1. Default: Keras's.
        beta_2: Decay rate of the average of the squared gradients of the same optimizers; of the gradients after an
            update for lion. Default: Keras's.
        weight_decay: Share of each weight that a step subtracts, times the learning rate (decoupled: Loshchilov &
            Hutter 2019, arXiv:1711.05101). Only kernels and embeddings decay: vectors, biases, scales and shifts of
            normalizations and slopes of PReLU are left alone. Default: none; for adamw and muon Keras's 0.004.
        clipnorm: Largest norm of the gradient of each weight.
        global_clipnorm: Largest norm of all gradients together.
        clipvalue: Largest absolute value of each entry of a gradient.
        adaptive_clip: Largest norm of a unit's gradient relative to that of its weights: `AdaptiveGradientClipping`,
            which leaves layers called `logits` alone.
        percentile_clip: Percentile of the norms so far that bounds the norm of all gradients: `PercentileClipping`.
        ema_momentum: Momentum of an exponential moving average of the weights, such as 0.99. The average is what `fit`
            ends with, and what it validates with `callbacks.AveragedWeights` or `callbacks.EarlyStopping`. Default: no
            average.
        learning_rate_factors: Factors of the learning rate, and with it of the weight decay, of some weights: a mapping
            from a weight's path (`"conv_1/kernel"`), or its beginning up to a `/` (`"conv_1"`), to a number from 0
            to 1. Default: 1 for all.
        rates: Further factors by kind of weight, any positive numbers: `"bias"`, `"slope"` (of activations),
            `"feature_scale"` and `"number_embedding"`. Default: 1 for all.
        decay_schedule: Schedule from 1 to 0, such as `recipes.schedules.FlatCosine(1.0, steps)`, by which the weight
            decay is multiplied, in addition to the learning rate. Default: none.

    Raises:
        ValueError: For an unknown name, a rate, decay or bound that is not positive (Keras takes a bound of 0 for no
            clipping), two ways of clipping at once, a momentum or decay rate that is not at least 0 and less than 1
            or belongs to another optimizer, or factors or rates out of range.

    >>> get("nesterov", 0.1, global_clipnorm=1.0).inner_optimizer.momentum
    0.9
    """
    known = {own.replace("_", ""): own for own in _OPTIMIZERS}
    letters = normalize(name).replace("-", "")
    if letters not in known:
        raise unknown("optimizer", name, _OPTIMIZERS)
    if isinstance(learning_rate, numbers.Real | str):
        require_positive("learning_rate", learning_rate)
        learning_rate = float(learning_rate)  # Keras takes no whole numbers
    if weight_decay is not None:
        require_positive("weight_decay", weight_decay)
    kind, arguments = _OPTIMIZERS[known[letters]]
    arguments = dict(arguments)
    if momentum is not None:
        if "momentum" not in arguments:
            raise ValueError(f"`momentum` belongs to momentum and nesterov. Received: {momentum} with {name}")
        require_fraction("momentum", momentum)
        arguments["momentum"] = momentum
    for place, (argument, value) in enumerate({"beta_1": beta_1, "beta_2": beta_2}.items()):
        if value is None:
            continue
        if known[letters] not in _BETAS:
            raise ValueError(f"`{argument}` belongs to {', '.join(sorted(_BETAS))}. Received: {value} with {name}")
        require_fraction(argument, value)
        arguments[_BETAS[known[letters]][place]] = value
    if weight_decay is not None:
        arguments["weight_decay"] = weight_decay
        if kind is keras.optimizers.Muon:
            arguments["adam_weight_decay"] = weight_decay
    if ema_momentum is not None:
        if kind is ScheduleFreeAdamW:
            raise ValueError(
                f"schedule_free_adamw averages by itself: leave `ema_momentum` out. Received: {ema_momentum}"
            )
        require_fraction("ema_momentum", ema_momentum)
        arguments |= {"use_ema": True, "ema_momentum": ema_momentum}
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
    if adaptive_clip is not None:
        kind, options = AdaptiveGradientClipping, {"clip_factor": adaptive_clip, "exclude": ("logits",)}
    elif percentile_clip is not None:
        kind, options = PercentileClipping, {"percentile": percentile_clip}
    else:
        kind, options = GradientClipping, clipping
    by_weight = {"learning_rate_factors": learning_rate_factors, "rates": rates, "decay_schedule": decay_schedule}
    return kind(optimizer, **options, **by_weight, decay_kernels_only=True)
