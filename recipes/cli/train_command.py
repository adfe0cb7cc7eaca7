"""Train by a recipe; save the model, its report and pictures in a run folder."""

import dataclasses
import json
import re
import typing

from recipes import catalogue
from recipes.cli.arguments import Parser, add_json, start_keras
from recipes.settings import Recipe, parts

# Short forms of settings that are set most often.
_SHORT = {"--data": "--data.name", "--epochs": "--fit.epochs"}


def run(arguments: list[str]) -> None:
    """`keras-recipes train NAME [--flag ...]`."""
    arguments = [_lengthened(argument) for argument in arguments]
    base = _base(arguments)
    parser = _parser(base or Recipe(name="recipe"))
    options = parser.parse(arguments)
    recipe = base.replace(**{part: dict(getattr(options, part).__dict__) for part in parts()})
    start_keras()
    from recipes.training import train

    data = recipe.data.name if recipe.data.name != base.data.name else None
    if data is not None:
        # Given as data, not as the recipe's own, so that the run folder is named after them.
        recipe = recipe.replace(data={"name": base.data.name})
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


def _lengthened(argument: str) -> str:
    flag, equals, value = argument.partition("=")
    return f"{_SHORT.get(flag, flag)}{equals}{value}"


def _base(arguments: list[str]) -> Recipe | None:
    """The recipe before flags: named, then changed by the file of `--config`; `None` if only help is asked for."""
    name = next(iter(arguments), "")
    config = _value_of("--config", arguments)
    if not name or name.startswith("-"):
        if {"-h", "--help"} & set(arguments):
            return None
        raise ValueError(f"train needs the name of a recipe first. Known: {', '.join(catalogue.names())}")
    base = Recipe.from_yaml(name) if name.endswith((".yaml", ".yml")) else catalogue.get(name)
    return Recipe.from_yaml(_as_path(config), base=base) if config else base


def _as_path(config: str):
    from pathlib import Path

    return Path(config)


def _value_of(flag: str, arguments: list[str]) -> str | None:
    for number, argument in enumerate(arguments):
        if argument.startswith(f"{flag}="):
            return argument.partition("=")[2]
        if argument == flag and number + 1 < len(arguments):
            return arguments[number + 1]
    return None


def _parser(base: Recipe) -> Parser:
    parser = Parser("train", __doc__)
    parser.add_argument("recipe", help="name of a recipe, or the path of a YAML file")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights, the order of rows: of everything")
    parser.add_argument("--output", default="saved_models", help="the folder that receives the run folder")
    parser.add_argument("--name", help="of the run folder (default: <recipe>[-<data>]-seed<seed>)")
    parser.add_argument("--overwrite", action="store_true", help="replace a run folder of that name")
    parser.add_argument("--config", help="YAML file of settings: they change the recipe's, flags change both")
    parser.add_argument("--fast-dev-run", action="store_true", help="try everything in seconds: two steps of each part")
    add_json(parser)
    for part, settings in parts().items():
        hints, texts = typing.get_type_hints(settings), _texts(settings)
        for field in dataclasses.fields(settings):
            short = [name for name, long in _SHORT.items() if long == f"--{part}.{field.name}"]
            text = texts[field.name] + (f" Short: {short[0]}" if short else "")
            parser.add_setting(f"{part}.{field.name}", hints[field.name], getattr(getattr(base, part), field.name), text)
    return parser


def _texts(settings: type) -> dict[str, str]:
    """What the docstring of a part of a recipe says about each setting."""
    described = settings.__doc__.partition("Args:\n")[2]
    entries = re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", described, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}
