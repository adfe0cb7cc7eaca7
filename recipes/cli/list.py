"""Show all recipes."""

import json

from recipes import catalogue
from recipes.arguments.text_table import table_lines
from recipes.cli.arguments import Parser, add_json


def run(arguments: list[str]) -> None:
    """`keras-recipes list [--json]`."""
    parser = Parser("list")
    add_json(parser)
    summaries = {name: catalogue.summary(name) for name in catalogue.names()}
    if parser.parse(arguments).json:
        print(json.dumps(summaries, indent=2))
        return
    print("\n".join(table_lines(summaries.items(), left=(0, 1))))
