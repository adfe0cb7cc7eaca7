"""Show a recipe: what it is, and all its settings. With --data: what was understood of data."""

import dataclasses
import json

from recipes import catalogue
from recipes.cli.arguments import Parser, add_json, add_part, lengthened
from recipes.settings import Data, Recipe


def run(arguments: list[str]) -> None:
    """`keras-recipes show NAME`, or `keras-recipes show [NAME] --data FILE [--target COLUMN ...]`."""
    arguments = [lengthened(argument) for argument in arguments]
    options = _parser(Data()).parse(arguments)
    of_data = any(argument.startswith("--data.") for argument in arguments)
    if not of_data:
        if options.name is None:
            raise ValueError(f"show needs the name of a recipe, or --data. Known: {', '.join(catalogue.names())}")
        _show_recipe(catalogue.get(options.name), options.json)
        return
    if options.name is not None:
        # The recipe's own settings of data are the defaults.
        options = _parser(catalogue.get(options.name).data).parse(arguments)
    _show_data(Data(**vars(options.data)), options.seed, options.json)


def _parser(base: Data) -> Parser:
    parser = Parser("show", __doc__, usage="keras-recipes show NAME | show [NAME] --data FILE [--flag VALUE ...]")
    parser.add_argument("name", nargs="?", metavar="NAME", help="of a recipe; `keras-recipes list` shows them")
    parser.add_setting(parser, "seed", int, 0, "of the split")
    add_json(parser)
    add_part(parser, "data", base)
    return parser


def _show_recipe(recipe: Recipe, as_json: bool) -> None:
    if as_json:
        print(json.dumps(dataclasses.asdict(recipe), indent=2))
        return
    comment = "\n".join(f"# {line}".rstrip() for line in catalogue.description(recipe.name).splitlines())
    print(f"{comment}\n\n{recipe.to_yaml()}", end="")


def _show_data(settings: Data, seed: int, as_json: bool) -> None:
    from recipes.data import load_dataset, summary

    dataset = load_dataset(settings.name, seed, settings)
    print(json.dumps(summary.summarize(dataset), indent=2) if as_json else summary.to_text(dataset))
