"""Judge a trained model: on its own test part, or on other data."""

import json

from recipes.cli.arguments import Parser, add_json, start_keras


def run(arguments: list[str]) -> None:
    """`keras-recipes evaluate RUN [DATA]`."""
    parser = Parser("evaluate", __doc__)
    parser.add_argument("run", help="a run folder, or a .keras file")
    parser.add_argument("data", nargs="?", help="a dataset's name or an NPZ file (default: the run's own test part)")
    add_json(parser)
    options = parser.parse(arguments)
    start_keras()
    from recipes.evaluation import evaluate

    report = evaluate(options.run, options.data)
    print(json.dumps(report.to_dict(), indent=2) if options.json else report)
