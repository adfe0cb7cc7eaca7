"""The named recipes, one module each: `RECIPE`, and in the docstring the claim it makes.

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
    """The recipe called `name`.

    Raises:
        ValueError: If there is none; the nearest name is suggested.
    """
    return _module(name).RECIPE


def summary(name: str) -> str:
    """What the recipe called `name` is, in one line."""
    return description(name).splitlines()[0]


def description(name: str) -> str:
    """What the recipe called `name` is, and the result it claims; its name where Python runs without docstrings."""
    return (_module(name).__doc__ or name).strip()


def _module(name: str):
    if normalize(name) not in names():
        raise unknown("recipe", name, names())
    return importlib.import_module(f"{__name__}.{normalize(name).replace('-', '_')}")
