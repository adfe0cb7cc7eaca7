"""Dataclasses that check their own values, with errors for the person who wrote them. Imports nothing heavy."""

import numbers
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


class Checked:
    """Base of frozen dataclasses of settings: every value is checked once, when the object is made."""

    def __post_init__(self):
        hints = get_type_hints(type(self))
        for field in fields(self):
            # Lists become tuples, so that recipes compare equal whatever they were read from.
            object.__setattr__(self, field.name, self._converted(field.name, hints[field.name]))

    def _converted(self, name: str, hint: Any) -> Any:
        value = getattr(self, name)
        try:
            return _convert(value, hint)
        except TypeError:
            raise ValueError(f"{self.label(name)} must be {describe(hint)}. Received: {value!r}") from None

    def label(self, name: str) -> str:
        part = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()
        return f"{part}.{name}"

    def require(self, name: str, test: Callable[[Any], bool], allowed: str) -> None:
        """Refuse a value that is set but fails `test`; the message says what is `allowed`."""
        value = getattr(self, name)
        if value is not None and not test(value):
            raise ValueError(f"{self.label(name)} must be {allowed}. Received: {value!r}")


def _convert(value: Any, hint: Any) -> Any:
    """`value` as the type `hint`; TypeError where it is none. Only lists and whole numbers are converted."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for option in arguments:
            try:
                return _convert(value, option)
            except TypeError:
                continue
        raise TypeError
    if origin is Literal:
        if isinstance(value, str) and value in arguments:
            return value
        raise TypeError
    if origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(_convert(item, arguments[0]) for item in value)
        raise TypeError
    if origin is dict:
        if isinstance(value, Mapping):
            # YAML reads a class called 0 as a number.
            return {_name(key): _convert(item, arguments[1]) for key, item in value.items()}
        raise TypeError
    # The abstract kinds, because NumPy's numbers are numbers too.
    kind = {int: numbers.Integral, float: numbers.Real}.get(hint)
    if kind and isinstance(value, kind) and not isinstance(value, bool):
        return hint(value)
    if not kind and isinstance(value, hint):
        return value
    raise TypeError


def _name(key: Any) -> str:
    if isinstance(key, str | numbers.Integral) and not isinstance(key, bool):
        return str(key)
    raise TypeError


def describe(hint: Any) -> str:
    """The words for a type in an error message."""
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
