"""What a call of `train` or `cross_validate` asks for: the recipe with every change applied, and its data."""

from dataclasses import dataclass
from pathlib import Path

from recipes import catalogue, models
from recipes.data import ARRAYS, Dataset, load_dataset, same_source, with_arguments
from recipes.settings import Recipe


def as_recipe(recipe: str | Path | Recipe) -> Recipe:
    """The recipe that a name, the path of a YAML file, or a `Recipe` stands for.

    Raises:
        ValueError: If there is no recipe of that name, or the file holds none.
        OSError: If the file cannot be read.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if _is_file(recipe):
        return Recipe.from_yaml(recipe)
    if isinstance(recipe, str):
        return catalogue.get(recipe)
    raise ValueError(f"`recipe` must be a name, a Recipe or the path of a YAML file. Received: {recipe!r}")


def _is_file(recipe) -> bool:
    return isinstance(recipe, Path) or (isinstance(recipe, str) and recipe.endswith((".yaml", ".yml")))


@dataclass(frozen=True)
class Request:
    """The arguments that `train` and `cross_validate` have in common, as a user gives them.

    Attributes:
        recipe: Name of a recipe, path of a YAML file, or a `Recipe`.
        data: Data instead of the recipe's own; `None` for its own.
        target: Target column of a table, instead of the recipe's.
        data_dir: Folder with local copies of named datasets, instead of the recipe's.
        epochs: Largest number of epochs, instead of the recipe's.
        has_model: Whether the user brings a model, so that the recipe's part `model` is not used.
    """

    recipe: str | Path | Recipe
    data: object = None
    target: str | None = None
    data_dir: str | Path | None = None
    epochs: int | None = None
    has_model: bool = False

    def changed_recipe(self) -> Recipe:
        """The recipe with the changes that the other arguments make."""
        recipe = as_recipe(self.recipe)
        is_name = isinstance(self.recipe, str) and not _is_file(self.recipe)
        if is_name and self.data is not None and not same_source(self.data, recipe.data.name):
            # The number of rows is a property of the recipe's own data; of other data, all rows are used.
            recipe = recipe.replace(data={"train_rows": None})
        if self.epochs is not None:
            recipe = recipe.replace(fit={"epochs": self.epochs})
        recipe = recipe.replace(data=with_arguments(recipe.data, self.target, self.data_dir))
        if self.has_model:
            return recipe
        if recipe.model.builder == "transfer":
            models.check_body(recipe.model.body, recipe.model.weights)
        return recipe.with_kind()

    def load(self, seed: int) -> tuple[Recipe, Dataset, str]:
        """The recipe with every change applied, the dataset, and the default name of the run folder.

        Args:
            seed: Seed of the split of the data.
        """
        recipe = self.changed_recipe()
        source = recipe.data.name if self.data is None else self.data
        dataset = load_dataset(source, seed, recipe.data)
        if same_source(source, recipe.data.name):
            return recipe, dataset, f"{recipe.name}-seed{seed}"
        name = str(source) if isinstance(source, str | Path) else ARRAYS
        recipe = recipe.replace(data={"name": name, "target": dataset.target_name})
        return recipe, dataset, f"{recipe.name}-{dataset.name}-seed{seed}"
