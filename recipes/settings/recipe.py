"""A whole recipe: its parts, changed copies of it, and its YAML."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from recipes.arguments import plain_yaml
from recipes.arguments.checked import Checked
from recipes.arguments.names import shown, unknown
from recipes.arguments.regular_files import read_text
from recipes.settings.data import Data
from recipes.settings.model import Model, Regularization
from recipes.settings.optimization import Loss, Optimizer, Schedule
from recipes.settings.training import Augmentation, FineTune, Fit


@dataclass(frozen=True, kw_only=True)
class Recipe(Checked):
    """A complete, named training: data, model, regularization, augmentation, loss, optimizer, schedule, fit, fine_tune.

    >>> recipe = Recipe(name="mine", optimizer=Optimizer(learning_rate=0.01))
    >>> recipe.replace(fit={"epochs": 5}).fit.epochs
    5
    """

    name: str
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    regularization: Regularization = field(default_factory=Regularization)
    augmentation: Augmentation = field(default_factory=Augmentation)
    loss: Loss = field(default_factory=Loss)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    fit: Fit = field(default_factory=Fit)
    fine_tune: FineTune = field(default_factory=FineTune)

    def __post_init__(self):
        super().__post_init__()
        allowed = "letters, digits, '.', '-' and '_', beginning with a letter or digit"
        self.require("name", re.compile(r"[A-Za-z0-9][\w.-]*").fullmatch, allowed)
        if self.fine_tune.epochs and self.model.builder != "transfer":
            raise ValueError(
                f"fine_tune.epochs belongs to the builder transfer. Received: {self.fine_tune.epochs} with "
                f"{self.model.builder}"
            )
        if self.regularization.schedule:
            self._check_regularization_schedule()
        if self.fine_tune.epochs and (self.fit.refit or self.fit.keep in ("error", "refined")):
            setting = "refit: true" if self.fit.refit else f"keep: {self.fit.keep}"
            raise ValueError(f"fit.{setting} is for one training, without fine_tune.epochs: leave one of them out")
        if self.fit.refit and self.schedule.name == "reduce_on_plateau":
            raise ValueError("fit.refit leaves no validation rows, and schedule.name: reduce_on_plateau needs them")
        if self.fit.keep == "last" and self.schedule.name == "reduce_on_plateau":
            raise ValueError("fit.keep: last uses no validation rows, and schedule.name: reduce_on_plateau needs them")

    def _check_regularization_schedule(self):
        setting = f"regularization.schedule: {self.regularization.schedule}"
        decays = self.optimizer.weight_decay is not None or self.optimizer.name in ("adamw", "muon")
        if not self.regularization.dropout and not decays:
            raise ValueError(f"{setting} lowers regularization.dropout and optimizer.weight_decay, and neither is set")
        if self.optimizer.name == "schedule_free_adamw" and decays:
            raise ValueError(f"{setting} cannot lower the weight decay of schedule_free_adamw: leave one of them out")
        if self.fine_tune.epochs:
            raise ValueError(f"{setting} is for one training, without fine_tune.epochs: leave one of them out")

    def replace(self, /, **changes) -> "Recipe":
        """A copy with some settings changed.

        Args:
            **changes: `name="..."`; or a part by its name, whole (`fit=Fit(epochs=5)`) or as a mapping of the
                settings that change (`fit={"epochs": 5}`).

        Raises:
            ValueError: For an unknown setting, and for whatever the part itself refuses.
        """
        _refuse_unknown(changes, Recipe, prefix="")
        merged = {}
        for name, change in changes.items():
            part = getattr(self, name)
            if isinstance(change, Mapping) and isinstance(part, Checked):
                _refuse_unknown(change, type(part), prefix=f"{name}.")
                change = replace(part, **change)
            merged[name] = change
        return replace(self, **merged)

    def with_kind(self) -> "Recipe":
        """A copy with `data.kind` set where the builder leaves no choice, so that its run always reads data alike."""
        if self.model.builder == "recurrent" and self.data.kind is None:
            return self.replace(data={"kind": "sequences"})
        return self

    def to_yaml(self) -> str:
        """All settings as YAML, in the order of this class; `from_yaml` reads them back."""
        return plain_yaml.dump(_plain(asdict(self)))

    @classmethod
    def from_yaml(cls, source: str | Path, base: "Recipe | None" = None) -> "Recipe":
        """Read settings from YAML.

        Args:
            source: Path of a `.yaml` or `.yml` file; any other string is taken as the YAML itself.
            base: Recipe with the settings that `source` leaves out. Default: the defaults of the classes, with the
                file's name as the recipe's.

        Raises:
            ValueError: If the text is no YAML mapping, or has an unknown key or a value that is not allowed.
            OSError: If there is no such file (FileNotFoundError), or it is no regular one.
        """
        is_path = isinstance(source, Path) or source.endswith((".yaml", ".yml"))
        where, name = (str(source), re.sub(r"[^A-Za-z0-9.-]+", "-", Path(source).stem)) if is_path else ("", "recipe")
        try:
            # No character takes more than four bytes.
            text = read_text(source, 4 * plain_yaml.MOST_CHARACTERS, "recipe file") if is_path else source
        except ValueError as error:
            raise ValueError(f"{error}, so it is not valid YAML for a recipe") from None
        try:
            settings = plain_yaml.load(text)
        except ValueError as error:
            raise ValueError(f"{where or 'the recipe'} is {error}") from None
        if not isinstance(settings, dict):
            what = where or "the recipe"
            raise ValueError(f"{what} must hold settings such as `fit: {{epochs: 5}}`. Received: {shown(settings)}")
        try:
            base = base or cls(name=settings.get("name", name))
            # A heading with nothing under it changes nothing.
            return base.replace(**{key: {} if value is None else value for key, value in settings.items()})
        except ValueError as error:
            raise ValueError(f"{error} (in {where})" if is_path else str(error)) from None


def parts() -> dict[str, type]:
    """The parts of a recipe and their classes, in order."""
    return {part.name: part.type for part in fields(Recipe) if issubclass(part.type, Checked)}


def _refuse_unknown(keys: Mapping, owner: type, prefix: str) -> None:
    known = [setting.name for setting in fields(owner)]
    for key in keys:
        if key not in known:
            raise unknown("setting", f"{prefix}{key}", [f"{prefix}{name}" for name in known])


def _plain(value: Any) -> Any:
    """`value` with lists in place of tuples, which YAML does not know."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
