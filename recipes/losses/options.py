"""What the numbers that a loss takes may be."""

import math
import numbers

_ALLOWED = {
    "label_smoothing": (lambda value: 0 <= value < 1, "at least 0 and less than 1"),
    "margin": (lambda value: 0 < value < math.inf, "more than 0 and finite"),
    "delta": (lambda value: 0 < value < math.inf, "more than 0 and finite"),
    "gamma": (lambda value: 0 <= value < math.inf, "at least 0 and finite"),
}


def check_number(option: str, value) -> float:
    """`value`, if `option` may have it.

    >>> check_number("margin", 2)
    2.0
    """
    test, allowed = _ALLOWED[option]
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not test(value):
        raise ValueError(f"`{option}` must be {allowed}. Received: {value!r}")
    return float(value)
