"""Settings of an optimizer for single weights: the factor of the learning rate, and whether weight decay applies.

A loaded optimizer knows its weights by their places, as paths may change: the weights of a `Sequential` that was built
by its first batch are called `sequential/dense/kernel`, and `dense/kernel` once it is loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from recipes.arguments.names import unknown
from recipes.arguments.numbers import is_number
from recipes.keras_internals.private import key_of, wrap_update, wrap_weight_decay

# Decay would draw the slopes of a PReLU and the scales of a normalization to 0; biases need none. Most of these weights
# are vectors, whatever their names; these are the names of those that may have more axes.
_NEVER_KERNELS = ("bias", "gamma", "beta", "alpha", "scale")


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
    # TensorFlow writes layer/kernel:0.
    return variable.name.split("/")[-1].split(":")[0]


def factors_of(paths: list[str], factors: dict[str, float]) -> list[float]:
    """The factor of the learning rate of each weight; 1 where none is set.

    Where all paths begin with the name of the model, as those of a `Sequential` may, that can be left out.

    Args:
        paths: Paths of the weights.
        factors: Factors by path, or by its beginning up to a `/`. Of several that fit, the longest is used.

    Raises:
        ValueError: If a key of `factors` fits no weight.

    >>> factors_of(["conv_1/kernel", "conv_1/bias", "logits/kernel"], {"conv_1": 0.5, "conv_1/bias": 0.1})
    [0.5, 0.1, 1.0]
    >>> factors_of(["sequential/conv_1/kernel", "sequential/logits/kernel"], {"conv_1": 0.5})
    [0.5, 1.0]
    """
    share_model = len({path.split("/")[0] for path in paths}) == 1
    known = [(path, path.partition("/")[2]) if share_model else (path,) for path in paths]
    fitting = [[name for name in factors if any(_names(name, path) for path in own)] for own in known]
    for name in factors:
        if not any(name in names for names in fitting):
            raise unknown("weight in `learning_rate_factors`:", name, paths)
    return [factors[max(names, key=len)] if names else 1.0 for names in fitting]


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


def update_by_weight(optimizer, variables, settings: ByWeight) -> None:
    """Have a built `optimizer` multiply its learning rate and apply its decay as `settings` has it for each weight.

    Args:
        optimizer: Optimizer of Keras.
        variables: Weights, in the order of `settings`.
        settings: Settings of each weight.
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
        try:
            for factor in sorted({factor_of(variable) for variable in updated}):
                for name, rate in rates.items():
                    setattr(optimizer, name, rate * factor)  # Keras multiplies it by the learning rate
                decay([variable for variable in updated if factor_of(variable) == factor])
        finally:
            for name, rate in rates.items():
                setattr(optimizer, name, rate)

    wrap_weight_decay(optimizer, scaled_decay)
    if set(factors.values()) != {1.0}:
        wrap_update(optimizer, scaled_update)
