"""The named recipes, one module each: `RECIPE`, and a docstring with its command, its measured result and its sources.

Underscores in a file's name are hyphens in the recipe's.
"""

import importlib
import pkgutil

from recipes.arguments.names import normalize, unknown
from recipes.settings import Recipe


def names() -> list[str]:
    """Names of all recipes, sorted."""
    return sorted(normalize(module.name) for module in pkgutil.iter_modules(__path__))


def get(name: str) -> Recipe:
    """The recipe called `name`; `-` and `_` are alike.

    Raises:
        ValueError: If there is no such recipe; the message suggests the nearest name.
    """
    return _module(name).RECIPE


def summary(name: str) -> str:
    """Description of the recipe called `name` in one line."""
    return description(name).splitlines()[0]


def description(name: str) -> str:
    """Description of the recipe called `name`, with its result; just the name where Python runs without docstrings."""
    return (_module(name).__doc__ or name).strip()


def _module(name: str):
    if normalize(name) not in names():
        raise unknown("recipe", name, names())
    return importlib.import_module(f"{__name__}.{normalize(name).replace('-', '_')}")
