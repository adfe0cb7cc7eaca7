"""Checks of single numbers: one sentence each, with the value received. Truth values are no numbers."""

import math
import numbers


def is_number(value) -> bool:
    """Whether `value` is a finite number, of Python or NumPy, and no truth value."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value) -> bool:
    """Whether `value` is a whole number, of Python or NumPy, and no truth value."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_count(value) -> bool:
    """Whether `value` is a whole number of at least 1."""
    return is_whole(value) and value >= 1


def require_whole(name: str, value, least: int = 0) -> None:
    """Refuse a `value` that is not a whole number of at least `least`.

    >>> require_whole("steps", 2.5, least=1)
    Traceback (most recent call last):
    ValueError: `steps` must be a whole number of at least 1. Received: 2.5
    """
    if not is_whole(value) or value < least:
        raise ValueError(f"`{name}` must be a whole number of at least {least}. Received: {value!r}")


def require_positive(name: str, value) -> None:
    """Refuse a `value` that is not a finite number above 0."""
    if not is_number(value) or value <= 0:
        raise ValueError(f"`{name}` must be more than 0 and finite. Received: {value!r}")


def require_not_negative(name: str, value) -> None:
    """Refuse a `value` that is not a finite number of at least 0."""
    if not is_number(value) or value < 0:
        raise ValueError(f"`{name}` must be at least 0 and finite. Received: {value!r}")


def require_finite(name: str, value) -> None:
    """Refuse a `value` that is not a finite number."""
    if not is_number(value):
        raise ValueError(f"`{name}` must be a finite number. Received: {value!r}")


def require_between(name: str, value, low: float, high: float) -> None:
    """Refuse a `value` that is not a number between `low` and `high`, both excluded."""
    if not is_number(value) or not low < value < high:
        raise ValueError(f"`{name}` must be between {low:g} and {high:g}. Received: {value!r}")


def require_fraction(name: str, value) -> None:
    """Refuse a `value` that is not a number of at least 0 and less than 1."""
    if not is_number(value) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be at least 0 and less than 1. Received: {value!r}")


def require_share(name: str, value) -> None:
    """Refuse a `value` that is not a number from 0 to 1, both included."""
    if not is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be from 0 to 1. Received: {value!r}")
