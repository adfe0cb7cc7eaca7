"""Say why a training does not work: of a run, from what it has stored; of a recipe, by training it under watch."""

import json
from pathlib import Path

from recipes import catalogue
from recipes.arguments.names import normalize, unknown
from recipes.cli.arguments import Parser, add_json, add_recipe, note, read_recipe
from recipes.cli.starting import start_keras
from recipes.settings import Recipe


def run(arguments: list[str]) -> None:
    """`keras-recipes diagnose RUN`, or `keras-recipes diagnose NAME [--flag ...]` with settings as in `train`."""
    place = _run_among(arguments)
    as_json, diagnosis = _of_recipe(arguments) if place is None else _of_run(place, arguments)
    print(json.dumps(diagnosis.to_dict(), indent=2, allow_nan=False) if as_json else diagnosis)


def _run_among(arguments: list[str]) -> str | None:
    """The argument that names a run, which comes first; `None` where a recipe is meant.

    Raises:
        ValueError: If there is neither a recipe nor a run of that name.
    """
    first = next((argument for argument in arguments if argument != "--json"), "-")
    if first.startswith("-") or first.endswith((".yaml", ".yml")) or normalize(first) in catalogue.names():
        return None
    if not Path(first).exists():
        raise unknown("recipe, and no run folder,", first, catalogue.names())
    return first


def _of_run(place: str, arguments: list[str]):
    parser = Parser("diagnose", usage="keras-recipes diagnose RUN [--human_error E] [--json]")
    parser.add_argument("run", metavar="RUN", help="a run folder")
    _add_human_error(parser)
    add_json(parser)
    options = parser.parse(arguments)
    start_keras()
    from recipes.doctor.stored import diagnose_run, keep
    from recipes.runs.stored import Stored

    stored = Stored(place)
    diagnosis = diagnose_run(stored, human_error=options.human_error)
    try:
        keep(diagnosis, stored.directory)
    except OSError as error:
        note(f"the diagnosis is not written into the run folder: {error}")
    return options.json, diagnosis


def _of_recipe(arguments: list[str]):
    base, recipe, options = read_recipe("diagnose", arguments, _parser)
    data = None
    if recipe.data.name != base.data.name:
        data, recipe = recipe.data.name, recipe.replace(data={"name": base.data.name})
    start_keras(training=True)
    from recipes.doctor.of_recipe import diagnose_recipe

    settings = {name: getattr(options, name) for name in ("seed", "seconds", "human_error")}
    return options.json, diagnose_recipe(recipe, data, **settings)


def _parser(base: Recipe) -> Parser:
    """All flags; the settings of `base` are their defaults."""
    parser = Parser("diagnose", usage="keras-recipes diagnose RUN [--json] | diagnose NAME [--flag VALUE ...]")
    parser.add_setting(parser, "seconds", float, 60.0, "time after which no further trial begins, and training ends")
    _add_human_error(parser)
    add_json(parser)
    add_recipe(parser, base)
    return parser


def _add_human_error(parser: Parser) -> None:
    text = "error of people on the task, to tell bias from variance: share of wrong classes, or 1 - R2"
    parser.add_setting(parser, "human_error", float | None, None, text)
