"""Dataclasses that check their own values, with errors for the person who wrote them. Imports nothing heavy."""

import math
import numbers
import re
import types
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from recipes.arguments.names import shown

# Largest whole number of any setting. Counts beyond it would only fill the memory, or overflow where they are added up.
MOST = 10**9


class Checked:
    """Base of frozen dataclasses of settings, which checks and converts every value once, when the object is made."""

    def __post_init__(self):
        hints = get_type_hints(type(self))
        for field in fields(self):
            # Lists become tuples, so that recipes compare equal whatever they were read from.
            object.__setattr__(self, field.name, self._converted(field.name, hints[field.name]))

    def _converted(self, name: str, hint: Any) -> Any:
        value = getattr(self, name)
        try:
            converted = convert(value, hint)
        except TypeError:
            raise ValueError(refusal(self.label(name), hint, value)) from None
        counts = converted if isinstance(converted, tuple) else (converted,)
        if any(isinstance(count, int) and abs(count) > MOST for count in counts):
            raise ValueError(f"{self.label(name)} must be at most {MOST:,}. Received: {shown(value)}")
        return converted

    def label(self, name: str) -> str:
        """Name of a setting with that of its part, such as `fine_tune.epochs`, for messages."""
        part = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()
        return f"{part}.{name}"

    def require(self, name: str, test: Callable[[Any], bool], allowed: str) -> None:
        """Refuse the value of the setting `name` if it is set but fails `test`; the message names what is `allowed`."""
        value = getattr(self, name)
        if value is not None and not test(value):
            raise ValueError(f"{self.label(name)} must be {allowed}. Received: {shown(value)}")

    def require_at_least(self, least: int, *names: str) -> None:
        for name in names:
            self.require(name, lambda value: value >= least, f"at least {least}")

    def require_not_negative(self, *names: str) -> None:
        for name in names:
            self.require(name, lambda value: 0 <= value < math.inf, "at least 0 and finite")

    def require_positive(self, *names: str) -> None:
        for name in names:
            self.require(name, lambda value: 0 < value < math.inf, "more than 0 and finite")

    def require_fraction(self, *names: str) -> None:
        for name in names:
            self.require(name, lambda value: 0 <= value < 1, "at least 0 and less than 1")

    def require_finite(self, *names: str) -> None:
        for name in names:
            self.require(name, math.isfinite, "finite")


_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def convert(value: Any, hint: Any) -> Any:
    """`value` converted to the type `hint`.

    A single value becomes a list of one, a whole number a name where a text is wanted, and `yes` and `no` truth values.

    Raises:
        TypeError: If it cannot be converted.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for option in arguments:
            try:
                return convert(value, option)
            except TypeError:
                continue
        raise TypeError
    if origin is Literal:
        if isinstance(value, str) and value in arguments:
            return value
        raise TypeError
    if origin is tuple:
        return tuple(convert(item, arguments[0]) for item in _items(value))
    if origin is dict:
        if isinstance(value, Mapping):
            return {_name(key): convert(item, arguments[1]) for key, item in value.items()}
        raise TypeError
    if hint is bool and isinstance(value, str) and value.lower() in _TRUTHS:
        return _TRUTHS[value.lower()]
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if hint is str and (isinstance(value, str) or is_whole):
        return str(value)  # of NumPy's kind of text, too, which YAML cannot write
    # Abstract kinds, which NumPy's numbers belong to as well.
    kind = {int: numbers.Integral, float: numbers.Real}.get(hint)
    if kind and isinstance(value, kind) and not isinstance(value, bool):
        try:
            return hint(value)
        except OverflowError:  # a whole number beyond float64
            raise TypeError from None
    if not kind and isinstance(value, hint):
        return value
    raise TypeError


def _items(value: Any) -> list:
    if isinstance(value, Set):
        return sorted(value)
    if isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping):
        return list(value)
    return [value]


def _name(key: Any) -> str:
    """The name of a class as in reports: the labels 0 and 0.0 are both called "0"."""
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    if isinstance(key, str | bool | numbers.Integral):
        return str(key)
    raise TypeError


def refusal(label: str, hint: Any, value: Any) -> str:
    """The message for a `value` that is not of the type `hint`; `label` is the setting's name as the user knows it."""
    allowed, values = describe(hint), list(value) if isinstance(value, list | tuple) else [value]
    quote = any(isinstance(item, bool | float) for item in values) and "text" in allowed and "number" not in allowed
    fix = '; what is text stands in quotation marks, such as "true" or "1.0"' if quote else ""
    return f"{label} must be {allowed}. Received: {shown(value)}{fix}"


def describe(hint: Any) -> str:
    """A type in words, for messages and help texts."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(option) for option in arguments)
    if origin is Literal:
        return f"one of {', '.join(arguments)}" if len(arguments) > 1 else str(arguments[0])
    if origin is tuple:
        example = {int: "[64, 32]", float: "[0.2, 0.5]", str: "[age, city]"}.get(arguments[0])
        return f"a list of {describe(arguments[0]).removeprefix('a ')}s" + (f", such as {example}" if example else "")
    if origin is dict:
        return "a mapping from names to numbers"
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "not set (null)"}
    if hint in words:
        return words[hint]
    return f"a mapping of settings, such as {{{fields(hint)[0].name}: ...}}"
