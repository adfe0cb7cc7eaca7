"""Whether a training is the one that was interrupted: only that one can go on from its checkpoints."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from callbacks.watching.resumed_state import has_state
from recipes.arguments.numbers import is_whole
from recipes.data import Fingerprint
from recipes.runs.checkpoints import Checkpoints
from recipes.runs.environment import versions
from recipes.runs.stored import Stored
from recipes.settings import Recipe
from recipes.training.compiling import WITHOUT_STEPS

# Settings that may change: how long and how often, and where the data lie, whose rows are compared instead.
_FREE = ("fit.epochs", "fit.checkpoint", "data.name", "data.directory")


def facts_of(
    recipe: Recipe, fingerprint: Fingerprint, seed: int, callbacks: Sequence[keras.callbacks.Callback], own_model: bool
) -> dict[str, Any]:
    """Facts by which a training is recognized, as plain values.

    Args:
        recipe: Recipe with every change applied.
        fingerprint: Fingerprint of the data.
        seed: Seed of the training.
        callbacks: Callbacks of the user.
        own_model: Whether the model is the user's own.
    """
    resumable = [type(callback).__name__ for callback in callbacks if has_state(callback)]
    return {
        "settings": _settings(recipe),
        "data": fingerprint.digests,
        "seed": seed,
        "model": "the user's own" if own_model else "the recipe's",
        "callbacks": resumable,
        **versions(),
    }


def found_in(
    checkpoints: Checkpoints,
    recipe: Recipe,
    facts: dict[str, Any],
    callbacks: Sequence[keras.callbacks.Callback],
    where: str,
) -> dict[str, Any] | None:
    """The state that a training goes on from; `None` where there is none.

    What changes no more than the last digits of the result is a warning.

    Args:
        checkpoints: Checkpoints of the interrupted training.
        recipe: Recipe that is asked for.
        facts: Facts of the training that is asked for.
        callbacks: Callbacks of the user.
        where: Name of the interrupted training, for messages.

    Raises:
        ValueError: If that was another training, with what differs; if all checkpoints are damaged; and if fewer epochs
            are asked for than are trained.
    """
    state = checkpoints.latest()
    if state is None:
        return None
    if not _is_state(state, facts):
        raise ValueError(f"{where} cannot be resumed: its checkpoint is none of a training of this version")
    found = state["facts"]
    differing = _differences(found, facts)
    epochs, before = facts["settings"]["fit.epochs"], found["settings"]["fit.epochs"]
    done = state["epoch"] + (state["step"] > 0)
    if epochs != before and (_is_second(state) or epochs < done):
        differing.append(f"fit.epochs is {epochs}, and was {before}, of which {done} have begun")
    if differing:
        raise ValueError(
            f"{where} cannot be resumed, since {'; '.join(differing[:5])}: ask for the same training, or discard it by "
            "overwrite"
        )
    for name in ("machine", "system", "python"):
        if found[name] != facts[name]:
            _note(
                f"the {name} is {_shown(facts[name])}, and was {_shown(found[name])}: the result may differ in its "
                "last digits from that of a training without interruption"
            )
    if epochs != before and recipe.schedule.name not in WITHOUT_STEPS:
        _note(f"from here on, the {recipe.schedule.name} schedule is that of {epochs} epochs instead of {before}")
    stateless = [type(callback).__name__ for callback in callbacks if not has_state(callback)]
    if stateless:
        _note(f"{', '.join(stateless)} cannot be resumed, without the methods state and restore: what it saw is lost")
    return state


def _is_second(state: dict[str, Any]) -> bool:
    """Whether a state is of a training behind the first one, whose number of epochs depends on that."""
    return any(state.get(name) is not None for name in ("before_fine_tuning", "before_refit"))


def is_finished(stored: Stored, facts: dict[str, Any]) -> bool:
    """Whether a run folder holds the result of the training with these `facts`."""
    if not stored.is_run or stored.fingerprint is None:
        return False
    found = {**facts, **stored.versions, "settings": _settings(stored.recipe), "data": stored.fingerprint.digests}
    if any(type(found[name]) is not type(value) for name, value in facts.items()):  # of a stranger
        return False
    epochs = "fit.epochs"
    return not _differences(found, facts) and found["settings"][epochs] == facts["settings"][epochs]


def _is_state(state: dict[str, Any], facts: dict[str, Any]) -> bool:
    """Whether a checkpoint, perhaps from a stranger, is one of a training; the rest is checked where it is used."""
    kinds = {"facts": dict, "variables": list, "callbacks": list, "random": dict, "stopped": bool}
    if not all(isinstance(state.get(name), kind) for name, kind in kinds.items()):
        return False
    found, befores = state["facts"], [state.get(name) for name in ("before_fine_tuning", "before_refit")]
    return (
        all(is_whole(state.get(name)) and state[name] >= 0 for name in ("epoch", "step"))
        and all(isinstance(value, np.ndarray) for value in state["variables"])
        and all(type(found.get(name)) is type(value) for name, value in facts.items())
        and is_whole(found["settings"].get("fit.epochs"))
        and all(before is None or isinstance(before, dict) for before in befores)
    )


def _differences(found, facts) -> list[str]:
    """Each fact that may not differ and does, in a few words."""
    before = {**found["settings"], **_named_versions(found)}
    now = {**facts["settings"], **_named_versions(facts)}
    names = [name for name in {**now, **before} if name not in _FREE]
    for name in ("seed", "model", "callbacks", "precision", "backend"):
        names.append(name)
        before[name], now[name] = found[name], facts[name]
    differing = [
        f"{name} is {_shown(now.get(name))}, and was {_shown(before.get(name))}"
        for name in names
        if now.get(name) != before.get(name)
    ]
    parts = [part for part, digest in facts["data"].items() if found["data"].get(part) != digest]
    return [*differing, *([f"the rows of the data have changed ({', '.join(parts)})"] if parts else [])]


def _settings(recipe: Recipe) -> dict[str, Any]:
    """All settings of a recipe by their names with that of their part, as JSON gives them back."""
    settings = {}
    for name, part in dataclasses.asdict(recipe).items():
        values = {f"{name}.{key}": value for key, value in part.items()} if isinstance(part, dict) else {name: part}
        settings |= {key: _plain(value) for key, value in values.items()}
    return settings


def _named_versions(facts) -> dict[str, str]:
    return {f"the version of {package}": version for package, version in facts["packages"].items()}


def _plain(value):
    """`value` as JSON gives it back."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return {str(key): _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def _note(text: str) -> None:
    warnings.warn(text, stacklevel=4)  # where `train` is called


def _shown(value) -> str:
    if isinstance(value, dict | list):
        return ", ".join(map(str, value.values() if isinstance(value, dict) else value)) or "none"
    return "not set" if value is None else str(value)
