"""Evaluate a trained model on its own test part, or on other data."""

import json

from recipes.cli.arguments import Parser, add_json, note_data_of_runs
from recipes.cli.starting import start_keras


def run(arguments: list[str]) -> None:
    """`keras-recipes evaluate RUN [DATA]`."""
    parser = Parser("evaluate")
    parser.add_argument("run", help="a run folder, or a .keras file")
    parser.add_argument(
        "data",
        nargs="?",
        help="a dataset's name, a file (CSV, Parquet, NPZ), or a folder of images (default: the run's own test part)",
    )
    parser.add_argument("--target", help="name of the target column of a table (default: as in the training)")
    parser.add_argument("--data-dir", help="folder with local copies of datasets (default: as in the training)")
    add_json(parser)
    options = parser.parse(arguments)
    start_keras()
    from recipes.evaluation.scoring import evaluate

    if options.data is None:
        note_data_of_runs([options.run], options.data_dir)
    report = evaluate(options.run, options.data, target=options.target, data_dir=options.data_dir)
    print(json.dumps(report.to_dict(), indent=2) if options.json else report)
