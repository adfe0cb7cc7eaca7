"""Plain values as JSON holds them, made of reports, and checked when reports are read back."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from recipes.arguments.names import printable


def plain(value):
    """Dicts, lists and plain values only, as JSON takes them: NaN and infinity become `None`."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number(value) -> float:
    """A number as `plain` gave it: `None` is NaN again.

    Raises:
        TypeError: If it is no number.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value


def numbers(value):
    """Dicts and lists of numbers as `plain` gave them.

    Raises:
        TypeError: If there is anything but numbers.
    """
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    return [numbers(item) for item in value] if isinstance(value, list | tuple) else number(value)


def intervals(content: dict) -> dict[str, tuple[float, float]]:
    """Both bounds of each interval, by name of the score."""
    pairs = {}
    for name, bounds in numbers(content).items():
        low, high = bounds
        pairs[name] = (low, high)
    return pairs


@contextmanager
def reading(kind: str) -> Iterator[None]:
    """Whatever fails inside becomes one ValueError: the content is no report of this `kind`."""
    try:
        # Numbers of a stranger overflow where they are counted.
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            yield
    except KeyError as error:
        missing = printable(error, 200)
        raise ValueError(f"the content is no {kind} as `to_dict` gives it: it lacks {missing}") from None
    except Exception:  # values of other kinds can fail in many ways
        raise ValueError(f"the content is no {kind} as `to_dict` gives it, or is damaged") from None
