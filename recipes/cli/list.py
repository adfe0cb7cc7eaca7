"""Show all recipes."""

import json

from recipes import catalogue
from recipes.cli.arguments import Parser, add_json


def run(arguments: list[str]) -> None:
    """`keras-recipes list [--json]`."""
    parser = Parser("list")
    add_json(parser)
    summaries = {name: catalogue.summary(name) for name in catalogue.names()}
    if parser.parse(arguments).json:
        print(json.dumps(summaries, indent=2))
        return
    width = max(map(len, summaries))
    for name, summary in summaries.items():
        print(f"{name:<{width}}  {summary}")
