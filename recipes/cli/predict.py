"""Predict for the rows of an NPZ file: class and probabilities of each, as CSV."""

import csv
import json
import sys

from recipes.cli.arguments import Parser, add_json, start_keras


def run(arguments: list[str]) -> None:
    """`keras-recipes predict RUN FILE`."""
    parser = Parser("predict", __doc__)
    parser.add_argument("run", help="a run folder, or a .keras file")
    parser.add_argument("file", help="an NPZ file with the array x: raw rows")
    add_json(parser)
    options = parser.parse(arguments)
    start_keras()
    from recipes.evaluation import predict_file

    columns, rows = predict_file(options.run, options.file)
    if options.json:
        for first, *probabilities in rows:
            content = {columns[0]: first}
            if probabilities:
                content["probabilities"] = dict(zip(columns[1:], probabilities, strict=True))
            print(json.dumps(content))
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
