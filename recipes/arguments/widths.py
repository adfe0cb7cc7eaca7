"""Widths of layers: a list, or a rule in a few characters. Imports nothing heavy."""

import re

from recipes.arguments.numbers import is_count

_RULE = re.compile(r"(\d+)\s*(?:([*/])\s*(\d+(?:\.\d+)?)\s*)?x\s*(\d+)")
ALLOWED = 'whole numbers of at least 1, or a rule: "500 x 100", "256 / 2 x 4", "16 * 2 x 4"'


def resolve(widths) -> tuple[int, ...]:
    """The widths of all layers, first to last.

    Args:
        widths: List of widths; or a rule: the first width, the factor or divisor of each further one, and the number
            of layers.

    Raises:
        ValueError: If a width is not a whole number of at least 1, or a text is not a rule.

    >>> resolve([64, 32])
    (64, 32)
    >>> resolve("500 x 3")
    (500, 500, 500)
    >>> resolve("256 / 2 x 4")
    (256, 128, 64, 32)
    """
    if isinstance(widths, str) and (rule := _RULE.fullmatch(widths.strip())):
        first, sign, factor, count = rule.groups()
        ratio = float(factor or 1) if sign != "/" else 1 / float(factor) if float(factor) else 0
        try:
            chosen = tuple(round(int(first) * ratio**number) for number in range(int(count)))
        except OverflowError:
            raise ValueError(f"`widths` must be finite. Received: the rule {widths!r}") from None
        if chosen and all(map(is_count, chosen)):
            return chosen
        raise ValueError(f"`widths` must be at least 1. Received: a rule that gives {chosen or 'no layer'}")
    if isinstance(widths, list | tuple) and all(map(is_count, widths)):
        return tuple(map(int, widths))
    raise ValueError(f"`widths` must be {ALLOWED}. Received: {widths!r}")
