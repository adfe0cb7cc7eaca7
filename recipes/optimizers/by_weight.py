"""What an optimizer does differently for some of the weights: the factor of the learning rate, and weight decay.

An optimizer that is loaded knows its weights by their places. Paths do not survive: the weights of a `Sequential` are
`sequential/dense/kernel` while it is built by its first batch, and `dense/kernel` once it is loaded.
"""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass

from recipes.arguments.names import unknown

# Decay would take the slope of a PReLU back to 0, and the scale of a normalization, too; biases need none. Most of them
# are vectors, whatever their names; these are the names of those that may have more axes.
_NEVER_KERNELS = ("bias", "gamma", "beta", "alpha", "scale")


@dataclass(frozen=True)
class ByWeight:
    """One entry for each trained weight, in the order of the optimizer.

    Attributes:
        labels: Own name and shape of the weight, such as `"kernel 30x16"`.
        factors: Factor of the learning rate.
        decayed: Whether weight decay applies.
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
    """The factor of each of the weights `paths`; 1 where none is set.

    Where all paths begin with the name of the model, as those of a `Sequential` may, that can be left out.

    Raises:
        ValueError: If one of `factors` is of no weight.

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
    """`factors` as plain numbers by path, `{}` for `None`.

    Raises:
        ValueError: If it is no mapping, or a factor is not from 0 to 1.
    """
    if factors is not None and not isinstance(factors, Mapping):
        raise ValueError(f"`learning_rate_factors` must be a mapping from paths of weights. Received: {factors!r}")
    for path, factor in (factors or {}).items():
        if isinstance(factor, bool) or not isinstance(factor, numbers.Real) or not 0 <= factor <= 1:
            raise ValueError(f"`learning_rate_factors` must be from 0 to 1. Received: {factor!r} for {path}")
    return {str(path): float(factor) for path, factor in (factors or {}).items()}
