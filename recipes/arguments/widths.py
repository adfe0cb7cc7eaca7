"""Widths of layers: a list, or a rule in a few characters. Imports nothing heavy."""

import operator
import re

from recipes.arguments.names import shown
from recipes.arguments.numbers import is_count

_RULE = re.compile(r"([0-9]{1,9})\s*(?:([*/])\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*)?x\s*([0-9]{1,9})")
# Bounds that keep a recipe from filling the memory: layers, and numbers in the kernels between them (four gigabytes).
MOST_LAYERS, MOST_WEIGHTS = 1000, 10**9
ALLOWED = 'whole numbers of at least 1, or a rule: "500 x 100", "256 / 2 x 4", "16 * 2 x 4"'


def resolve(widths, name: str = "widths") -> tuple[int, ...]:
    """The widths of all layers, first to last.

    Args:
        widths: List of widths; or a rule: the first width, the factor or divisor of each further one, and the number
            of layers.
        name: Name of the argument, for errors.

    Raises:
        ValueError: If a width is not a whole number of at least 1, a text is not a rule, or the layers are too many or
            too wide.

    >>> resolve([64, 32])
    (64, 32)
    >>> resolve("500 x 3")
    (500, 500, 500)
    >>> resolve("256 / 2 x 4")
    (256, 128, 64, 32)
    """
    if isinstance(widths, str) and (rule := _RULE.fullmatch(widths.strip())):
        first, sign, factor, count = rule.groups()
        refuse_layers(name, int(count), widths)
        ratio = float(factor or 1) if sign != "/" else 1 / float(factor) if float(factor) else 0
        try:
            chosen = tuple(round(int(first) * ratio**number) for number in range(int(count)))
        except OverflowError:
            raise ValueError(f"`{name}` must be finite. Received: the rule {widths!r}") from None
        if chosen and all(map(is_count, chosen)):
            refuse_weights(name, chosen, widths)
            return chosen
        given = shown(chosen) if chosen else "no layer"
        raise ValueError(f"`{name}` must be at least 1. Received: a rule that gives {given}")
    if isinstance(widths, list | tuple) and all(map(is_count, widths)):
        refuse_layers(name, len(widths), widths)
        refuse_weights(name, widths, widths)
        return tuple(map(int, widths))
    raise ValueError(f"`{name}` must be {ALLOWED}. Received: {shown(widths)}")


def refuse_layers(name: str, count: int, received) -> None:
    """Refuse `received`, the value of the argument `name`, if it makes more than `MOST_LAYERS` layers."""
    if count > MOST_LAYERS:
        raise ValueError(f"`{name}` must make at most {MOST_LAYERS:,} layers. Received: {shown(received)}")


def refuse_weights(name: str, widths, received, kernels: int = 1) -> None:
    """Refuse `received`, the value of the argument `name`, if the kernels between its layers are beyond `MOST_WEIGHTS`.

    Args:
        name: Name of the argument.
        widths: Widths of the layers, first to last.
        received: Value of the argument.
        kernels: Number of weights between each pair of units, or channels, of neighbouring layers.
    """
    widths = list(map(int, widths))
    weights = kernels * max(sum(map(operator.mul, widths, widths[1:])), *widths, 0)
    if weights > MOST_WEIGHTS:
        raise ValueError(
            f"`{name}` must make at most {MOST_WEIGHTS:,} weights. Received: {shown(received)}, which makes {weights:,}"
        )
