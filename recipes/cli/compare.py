"""Test whether trained models differ on the same rows, and which is better."""

import json

from recipes.cli.arguments import Parser, add_json, note_data_of_runs
from recipes.cli.starting import start_keras


def run(arguments: list[str]) -> None:
    """`keras-recipes compare RUN RUN ...`."""
    parser = Parser("compare")
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="run folders or .keras files; the others are compared with the first"
    )
    parser.add_argument("--data", help="rows that none was trained on, as for evaluate (default: the runs' test part)")
    parser.add_argument("--target", help="name of the target column of a table (default: as in the training)")
    parser.add_argument("--data-dir", help="folder with local copies of datasets (default: as in the training)")
    add_json(parser)
    options = parser.parse(arguments)
    if len(options.runs) < 2:
        raise ValueError(f"compare needs at least two runs. Received: {options.runs[0]}")
    start_keras()
    from recipes.evaluation.comparison import compare

    if options.data is None:
        note_data_of_runs(options.runs, options.data_dir)
    result = compare(*options.runs, data=options.data, target=options.target, data_dir=options.data_dir)
    print(json.dumps(result.to_dict(), indent=2) if options.json else result)
