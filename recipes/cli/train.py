"""Train by a recipe; save the model, its report and pictures in a run folder."""

import json
from pathlib import Path

from recipes import catalogue
from recipes.cli.arguments import Parser, add_json, add_part, lengthened, start_keras
from recipes.settings import Recipe, parts

_HELP = {"-h", "--help"}


def run(arguments: list[str]) -> None:
    """`keras-recipes train NAME [--flag ...]`: defaults < recipe < `--config` < flags, in whatever order they come."""
    arguments = [lengthened(argument) for argument in arguments]
    base = _base(arguments)
    options = _parser(base).parse(arguments)
    recipe = base.replace(**{part: vars(options[part]) for part in parts()})
    data = None
    if recipe.data.name != base.data.name:
        # Given as data, not as the recipe's own, so that the run folder is named after them.
        data, recipe = recipe.data.name, recipe.replace(data={"name": base.data.name})
    start_keras(training=True)
    from recipes.training import train

    result = train(
        recipe,
        data,
        seed=options.seed,
        output=options.output,
        name=options.name,
        overwrite=options.overwrite,
        fast_dev_run=options.fast_dev_run,
        verbose=not options.json,
    )
    if options.json:
        print(json.dumps({"directory": str(result.directory), **result.report.to_dict()}, indent=2))


def _base(arguments: list[str]) -> Recipe:
    """The recipe before flags: as it is named, then changed by the file of `--config`."""
    if not arguments:
        raise ValueError(f"train needs the name of a recipe. Known: {', '.join(catalogue.names())}")
    try:
        options = _parser(Recipe(name="recipe")).parse([argument for argument in arguments if argument not in _HELP])
    except ValueError:
        if not _HELP & set(arguments):
            raise
        return Recipe(name="recipe")  # help without a recipe's name
    is_file = options.recipe.endswith((".yaml", ".yml"))
    base = Recipe.from_yaml(Path(options.recipe)) if is_file else catalogue.get(options.recipe)
    return Recipe.from_yaml(Path(options.config), base=base) if options.config else base


def _parser(base: Recipe) -> Parser:
    """All flags; the settings of `base` are their defaults."""
    parser = Parser("train", __doc__, usage="keras-recipes train NAME [--flag VALUE ...]")
    parser.add_argument("recipe", metavar="NAME", help="of a recipe, or the path of a YAML file")
    parser.add_setting(parser, "seed", int, 0, "of everything: split, weights, order of the rows")
    parser.add_argument("--output", default="saved_models", help="the folder that receives the run folder")
    parser.add_argument("--name", help="of the run folder; not set: NAME[-DATA]-seedSEED")
    parser.add_argument("--overwrite", action="store_true", help="replace a run folder of that name")
    parser.add_argument("--config", help="YAML file of settings: they change the recipe's; flags change both")
    parser.add_argument("--fast-dev-run", action="store_true", help="try everything in seconds: two steps of each part")
    add_json(parser)
    for part in parts():
        add_part(parser, part, getattr(base, part))
    return parser
