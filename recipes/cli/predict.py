"""Predict for the rows of a file: the class and the probabilities of each row, as CSV."""

import csv
import json
import sys

from recipes.arguments.names import printable
from recipes.cli.arguments import Parser, add_json
from recipes.cli.starting import start_keras


def run(arguments: list[str]) -> None:
    """`keras-recipes predict RUN FILE`."""
    parser = Parser("predict")
    parser.add_argument("run", help="a run folder, or a .keras file")
    parser.add_argument(
        "file",
        help="raw rows: a table (CSV, Parquet ...), an NPZ file with the array x, or an image or a folder of them",
    )
    parser.add_argument(
        "--keep-formulas",
        action="store_true",
        help="write names that a spreadsheet program would take for a formula as they are, without an apostrophe",
    )
    add_json(parser)
    options = parser.parse(arguments)
    start_keras()
    from callbacks.watching.csv_cells import without_formula
    from recipes.evaluation.prediction import predict_file

    columns, rows = predict_file(options.run, options.file)
    if options.json:
        for row in rows:
            print(json.dumps(_nested(dict(zip(columns, row, strict=True)))))
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    # What is read by programs keeps every character.
    shown = _printable if sys.stdout.isatty() else lambda cell: cell
    for row in (columns, *rows):
        writer.writerow([shown(without_formula(cell, options.keep_formulas)) for cell in row])


def _printable(cell):
    return printable(cell) if isinstance(cell, str) else cell


def _nested(row: dict) -> dict:
    """A row whose columns after the class, which are probabilities, lie in a mapping of their own."""
    if "class" not in row:
        return row
    names = list(row)
    first = names.index("class") + 1
    return {name: row[name] for name in names[:first]} | {"probabilities": {name: row[name] for name in names[first:]}}
