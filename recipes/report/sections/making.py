"""What the model costs, how it was made, and how it is made again and used."""

import dataclasses
import shlex
from typing import Any

from recipes import catalogue
from recipes.arguments.names import normalize
from recipes.data import ARRAYS, is_name
from recipes.disk.manifest import digest
from recipes.report.subjects import part, subject
from recipes.runs import files
from recipes.runs.stored import Stored
from recipes.settings import Recipe

_COSTS = (
    ("one_row_ms", "prediction of one row", "milliseconds"),
    ("thousand_rows_ms", "prediction of a thousand rows", "milliseconds"),
    ("parameters", "parameters", "count"),
    ("model_bytes", "model file", "size"),
    ("memory_bytes", "memory of the parameters", "size"),
)


def cost(stored: Stored) -> dict[str, Any] | None:
    """Latency, size and memory."""
    found = subject(stored, "latency") or {}
    rows = [(title, found[key], form) for key, title, form in _COSTS if found.get(key) is not None]
    return {"rows": rows} if rows else None


def recipe(stored: Stored) -> dict[str, Any] | None:
    """The recipe as its difference from the named one that it began as, then whole."""
    ours = part(stored, "recipe")
    if ours is None:
        return None
    is_named = normalize(ours.name) in catalogue.names()
    base = catalogue.get(ours.name) if is_named else Recipe(name=ours.name)
    return {"name": ours.name, "is_named": is_named, "changes": _changes(base, ours), "whole": ours.to_yaml()}


def _changes(base: Recipe, ours: Recipe) -> list[dict[str, str]]:
    """The settings in which the two differ, as text."""
    before, after = dataclasses.asdict(base), dataclasses.asdict(ours)
    return [
        {"setting": f"{part}.{name}", "before": setting_text(before[part][name]), "after": setting_text(value)}
        for part, settings in after.items()
        if isinstance(settings, dict)
        for name, value in settings.items()
        if value != before[part][name]
    ]


def setting_text(value) -> str:
    """A setting as a recipe has it."""
    if value is None:
        return "not set"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(setting_text, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def origin(stored: Stored) -> dict[str, Any] | None:
    """Versions, seed, fingerprint of the data, digest of the model, and the command that trains it again."""
    versions = part(stored, "versions") or {}
    packages = versions.get("packages")
    known = {"Python": versions.get("python"), **(packages if isinstance(packages, dict) else {})}
    machine = versions.get("machine")
    fingerprint = part(stored, "fingerprint")
    return {
        "packages": list(known.items()) if any(known.values()) else [],
        "backend": versions.get("backend"),
        "system": versions.get("system"),
        "processor": machine.get("processor") if isinstance(machine, dict) else None,
        "seed": versions.get("seed"),
        "digests": [] if fingerprint is None else list(fingerprint.digests.items()),
        "sha256": digest(stored.model_file)["sha256"],
        "model_file": stored.model_file.name,
        "command": _command(stored),
    }


def _command(stored: Stored) -> str | None:
    """The command, or the line of Python, that trains by the recipe of the run again."""
    if part(stored, "recipe") is None:
        return None
    path, own_model = str(stored.directory / files.RECIPE), stored.versions.get("model") not in ("the recipe's", None)
    name = f"{stored.directory.resolve().name}-again"
    if stored.recipe.data.name != ARRAYS and not own_model:
        return f"keras-recipes train {shlex.quote(path)} --seed {stored.seed} --name {shlex.quote(name)}"
    data = ", (x, y)" if stored.recipe.data.name == ARRAYS else ""
    model = ", model=model" if own_model else ""
    return f"recipes.train({path!r}{data}{model}, seed={stored.seed}, name={name!r})"


def usage(stored: Stored) -> dict[str, Any]:
    """Three lines that load the model and predict."""
    path = str(stored.path)
    ours = part(stored, "recipe")
    name = ARRAYS if ours is None else ours.data.name
    if name != ARRAYS and is_name(name):
        folder = "" if ours.data.directory is None else f", data_dir={ours.data.directory!r}"
        rows = f"x, y = recipes.load_dataset({name!r}, seed={stored.seed}{folder}).test"
        return {"code": f"import recipes\n{rows}\nprint(recipes.predict({path!r}, x[:5]))", "needs_rows": False}
    if name != ARRAYS:
        rows = f"print(recipes.predict(model, {name!r}))"
        return {"code": f"import recipes\nmodel = recipes.load_model({path!r})\n{rows}", "needs_rows": False}
    code = f"import recipes\nmodel = recipes.load_model({path!r})\nprint(recipes.predict(model, x))"
    return {"code": code, "needs_rows": True}
