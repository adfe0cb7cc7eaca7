"""Settings of an optimizer for single weights: the factor of the learning rate, and whether weight decay applies.

A loaded optimizer knows its weights by their places, as paths may change: the weights of a `Sequential` that was built
by its first batch are called `sequential/dense/kernel`, and `dense/kernel` once it is loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import keras

from recipes.arguments.names import unknown
from recipes.arguments.numbers import is_number, require_positive
from recipes.keras_internals.private import SelfAveraging, key_of, wrap_update, wrap_weight_decay

# Decay would draw the slopes of a PReLU and the scales of a normalization to 0; biases need none. Most of these weights
# are vectors, whatever their names; these are the names of those that may have more axes.
_NEVER_KERNELS = ("bias", "gamma", "beta", "alpha", "scale")
# Kinds of weights, by which learning rates can differ.
KINDS = ("bias", "slope", "feature_scale", "number_embedding")
_KIND_BY_NAME = {"bias": "bias", "alpha": "slope"}
# By the beginning of the name of a layer, which is the same for the builders' layers and those that Keras names.
_KIND_BY_LAYER = {
    "feature_scale": "feature_scale",
    "periodic_embedding": "number_embedding",
    "piecewise_linear_embedding": "number_embedding",
}


@dataclass(frozen=True)
class ByWeight:
    """Settings of each trained weight, in the order of the optimizer.

    Attributes:
        labels: Own names and shapes of the weights, such as `"kernel 30x16"`.
        factors: Factors of the learning rate.
        decayed: Whether weight decay applies to each.
    """

    labels: list[str]
    factors: list[float]
    decayed: list[bool]

    @property
    def is_uniform(self) -> bool:
        """Whether all weights are updated alike."""
        return all(factor == 1 for factor in self.factors) and all(self.decayed)

    def to_config(self) -> dict[str, list]:
        return {"labels": list(self.labels), "factors": list(self.factors), "decayed": list(self.decayed)}


def label_of(variable) -> str:
    """Own name and shape of `variable`, such as `"kernel 30x16"`: they survive saving, where its path does not."""
    return f"{_own_name(variable)} {'x'.join(map(str, variable.shape))}"


def is_kernel(variable) -> bool:
    """Whether `variable` weighs inputs (kernels, embeddings), and is no bias, scale, shift or slope."""
    name = _own_name(variable)
    return len(variable.shape) >= 2 and not any(name == own or name.endswith(f"_{own}") for own in _NEVER_KERNELS)


def _own_name(variable) -> str:
    return _last_name(variable.name)


def _last_name(path: str) -> str:
    # TensorFlow writes layer/kernel:0.
    return path.split("/")[-1].split(":")[0]


def kind_of(path: str) -> str | None:
    """The kind of the weight at `path`, one of `KINDS`; `None` for any other, kernels among them.

    >>> [kind_of(path) for path in ("dense_1/bias", "feature_scale/scale", "periodic_embedding/bias", "dense_1/kernel")]
    ['bias', 'feature_scale', 'number_embedding', None]
    """
    for layer in path.split("/")[:-1]:
        for beginning, kind in _KIND_BY_LAYER.items():
            if layer.startswith(beginning):
                return kind
    return _KIND_BY_NAME.get(_last_name(path).split("_")[-1])


def factors_of(paths: list[str], factors: dict[str, float], rates: dict[str, float]) -> list[float]:
    """The factor of the learning rate of each weight; 1 where none is set.

    Where all paths begin with the name of the model, as those of a `Sequential` may, that can be left out.

    Args:
        paths: Paths of the weights.
        factors: Factors by path, or by its beginning up to a `/`. Of several that fit, the longest is used.
        rates: Factors by kind (see `kind_of`), by which those are multiplied.

    Raises:
        ValueError: If a key of `factors` fits no weight. A network need not have weights of each kind of `rates`.

    >>> factors_of(["conv_1/kernel", "conv_1/bias", "logits/kernel"], {"conv_1": 0.5, "conv_1/bias": 0.1}, {})
    [0.5, 0.1, 1.0]
    >>> factors_of(["sequential/conv_1/kernel", "sequential/logits/bias"], {"conv_1": 0.5}, {"bias": 2.0})
    [0.5, 2.0]
    """
    share_model = len({path.split("/")[0] for path in paths}) == 1
    known = [(path, path.partition("/")[2]) if share_model else (path,) for path in paths]
    fitting = [[name for name in factors if any(_names(name, path) for path in own)] for own in known]
    for name in factors:
        if not any(name in names for names in fitting):
            raise unknown("weight in `learning_rate_factors`:", name, paths)
    by_path = [factors[max(names, key=len)] if names else 1.0 for names in fitting]
    return [factor * rates.get(kind_of(path), 1.0) for factor, path in zip(by_path, paths, strict=True)]


def _names(name: str, path: str) -> bool:
    return path == name or path.startswith(f"{name}/")


def checked_factors(factors) -> dict[str, float]:
    """`factors` as plain numbers by path; `{}` for `None`.

    Raises:
        ValueError: If `factors` is no mapping, or a factor is not from 0 to 1.
    """
    if factors is not None and not isinstance(factors, Mapping):
        raise ValueError(f"`learning_rate_factors` must be a mapping from paths of weights. Received: {factors!r}")
    for path, factor in (factors or {}).items():
        if not is_number(factor) or not 0 <= factor <= 1:
            raise ValueError(f"`learning_rate_factors` must be from 0 to 1. Received: {factor!r} for {path}")
    return {str(path): float(factor) for path, factor in (factors or {}).items()}


def checked_rates(rates) -> dict[str, float]:
    """`rates` as plain numbers by kind of weight; `{}` for `None`.

    Raises:
        ValueError: If `rates` is no mapping from some of `KINDS` to finite numbers above 0.
    """
    if rates is not None and not isinstance(rates, Mapping):
        raise ValueError(f"`rates` must be a mapping from kinds of weights. Received: {rates!r}")
    for kind, factor in (rates or {}).items():
        if kind not in KINDS:
            raise unknown("kind of weight in `rates`:", kind, KINDS)
        require_positive(f"rates[{kind}]", factor)
    return {kind: float(factor) for kind, factor in (rates or {}).items()}


def checked_decay_schedule(schedule, optimizer):
    """`schedule` of the weight decay of `optimizer`, made of its configuration where that is given.

    Raises:
        ValueError: If `schedule` is none of Keras's kind, or `optimizer` decays weights inside of its update.
    """
    if isinstance(schedule, dict):
        schedule = keras.optimizers.schedules.deserialize(schedule)
    if schedule is not None and not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        raise ValueError(f"`decay_schedule` must be a schedule of Keras. Received: {schedule!r}")
    if schedule is not None and isinstance(optimizer, SelfAveraging):
        raise ValueError(f"{type(optimizer).__name__} decays by itself: leave `decay_schedule` out")
    return schedule


def update_by_weight(optimizer, variables, settings: ByWeight, decay_schedule=None) -> None:
    """Have a built `optimizer` multiply its learning rate and apply its decay as `settings` has it for each weight.

    Args:
        optimizer: Optimizer of Keras.
        variables: Weights, in the order of `settings`.
        settings: Settings of each weight.
        decay_schedule: Schedule whose value at the number of updates so far multiplies the weight decay.
    """
    keys = [key_of(optimizer, variable) for variable in variables]
    factors = dict(zip(keys, settings.factors, strict=True))
    decayed = {key for key, decays in zip(keys, settings.decayed, strict=True) if decays}

    def factor_of(variable):
        return factors[key_of(optimizer, variable)]

    def scaled_update(update, gradient, variable, learning_rate):
        if factor_of(variable):  # Ftrl divides by the rate
            update(gradient, variable, learning_rate * factor_of(variable))

    # Muon has two of them. They are read here, once: on several devices, one device must not read what another one has
    # just multiplied.
    rates = {name: getattr(optimizer, name, None) for name in ("weight_decay", "adam_weight_decay")}
    rates = {name: rate for name, rate in rates.items() if rate}

    def scaled_decay(decay, updated):
        updated = [variable for variable in updated if key_of(optimizer, variable) in decayed] if rates else []
        share = 1.0 if decay_schedule is None else decay_schedule(optimizer.iterations)
        try:
            for factor in sorted({factor_of(variable) for variable in updated}):
                for name, rate in rates.items():
                    setattr(optimizer, name, rate * factor * share)  # Keras multiplies it by the learning rate
                decay([variable for variable in updated if factor_of(variable) == factor])
        finally:
            for name, rate in rates.items():
                setattr(optimizer, name, rate)

    wrap_weight_decay(optimizer, scaled_decay)
    if set(factors.values()) != {1.0}:
        wrap_update(optimizer, scaled_update)
