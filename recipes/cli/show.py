"""Show a recipe: what it is, and all its settings as YAML."""

import dataclasses
import json

from recipes import catalogue
from recipes.cli.arguments import Parser, add_json


def run(arguments: list[str]) -> None:
    """`keras-recipes show NAME [--json]`."""
    parser = Parser("show", __doc__)
    parser.add_argument("name", help="of a recipe; `keras-recipes list` shows them")
    add_json(parser)
    options = parser.parse(arguments)
    recipe = catalogue.get(options.name)
    if options.json:
        print(json.dumps(dataclasses.asdict(recipe), indent=2))
        return
    comment = "\n".join(f"# {line}".rstrip() for line in catalogue.description(options.name).splitlines())
    print(f"{comment}\n\n{recipe.to_yaml()}", end="")
