"""Write the page of a run and its model card, or one page of several runs side by side."""

import warnings
from pathlib import Path

from recipes.cli.arguments import Parser, note_data_of_runs
from recipes.cli.starting import start_keras


def run(arguments: list[str]) -> None:
    """`keras-recipes report RUN`, or `keras-recipes report RUN RUN ... --output FILE`."""
    parser = Parser("report", usage="keras-recipes report RUN [--output FILE] | report RUN RUN ... --output FILE")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders")
    parser.add_argument("--output", metavar="FILE", help="file of the page (default: report.html in the run folder)")
    options = parser.parse(arguments)
    if len(options.runs) > 1 and options.output is None:
        raise ValueError(f"a page of {len(options.runs)} runs needs --output FILE")
    start_keras()
    from recipes.runs.stored import Stored

    stored = [Stored(place) for place in options.runs]
    if len(stored) > 1:
        note_data_of_runs(options.runs, None)
    if options.output is not None:
        file = Path(options.output)
        _write(file, stored)
    else:
        file = _write_into_the_run(stored[0])
    print(f"written to {file}")


def _write(file: Path, stored: list) -> None:
    from recipes.disk.whole import write_text_whole
    from recipes.report.page import page_of
    from recipes.report.several import page_of_several

    page = page_of(stored[0]) if len(stored) == 1 else page_of_several(stored, _verdicts(stored))
    write_text_whole(file, page)


def _write_into_the_run(stored) -> Path:
    from recipes.report.model_card import write_model_card
    from recipes.report.page import write_page
    from recipes.runs import files
    from recipes.runs.folder import changing_results

    with changing_results(stored.directory, (files.PAGE, files.MODEL_CARD)):
        write_page(stored)
        write_model_card(stored)
    return stored.directory / files.PAGE


def _verdicts(stored: list) -> list[str]:
    """The verdict of `compare` on all runs; where they cannot be compared, on each of the others and the first."""
    try:
        return _verdict(stored)
    except (ValueError, OSError) as error:
        if len(stored) == 2:
            return [f"{stored[0]} and {stored[1]} cannot be compared: {error}"]
    verdicts = []
    for other in stored[1:]:
        try:
            verdicts += _verdict([stored[0], other])
        except (ValueError, OSError) as error:
            verdicts.append(f"{stored[0]} and {other} cannot be compared: {error}")
    return verdicts


def _verdict(stored: list) -> list[str]:
    from recipes.evaluation.comparison import compare

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the page says on which rows a verdict rests
        return compare(*stored).verdict.split("\n")
