"""Train by a recipe; save the model, its report and pictures in a run folder."""

import json

from recipes.cli.arguments import Parser, add_json, add_recipe, note, read_recipe
from recipes.cli.starting import start_keras
from recipes.runs.stopwatch import Stopwatch
from recipes.settings import Recipe

_PROFILE = (
    "print where the time went, and write trace.json into the run folder; https://ui.perfetto.dev and chrome://tracing "
    "open it"
)


def run(arguments: list[str]) -> None:
    """`keras-recipes train NAME [--flag ...]`: defaults < recipe < `--config` < flags, in whatever order they come."""
    stopwatch = Stopwatch.of_process("keras-recipes train")
    base, recipe, options = read_recipe("train", arguments, _parser)
    data = None
    if recipe.data.name != base.data.name:
        # Given as data, not as the recipe's own, so that the run folder is named after them.
        data, recipe = recipe.data.name, recipe.replace(data={"name": base.data.name})
    start_keras(training=True)
    from recipes.training.recipe_to_run import train

    stopwatch.end()
    result = train(
        recipe,
        data,
        seed=options.seed,
        output=options.output,
        name=options.name,
        overwrite=options.overwrite,
        resume=options.resume,
        fast_dev_run=options.fast_dev_run,
        pictures=not options.no_pictures,
        verbose=not options.json,
        profile=stopwatch if options.profile else False,
    )
    if not options.fast_dev_run:
        with stopwatch("evaluating", "diagnosis"):
            write_diagnosis(result)
    content = {"directory": str(result.directory), **result.report.to_dict()}
    if options.profile:
        profile = stopwatch.stop()
        # The trace of a run that was finished before is that of its training.
        trace = profile.keep(result.directory) if profile.trained else None
        content["profile"] = {**profile.to_dict(), "trace": trace and str(trace)}
        if not options.json:
            print(f"\n{profile.with_trace(trace)}")
    if options.json:
        print(json.dumps(content, indent=2))


def write_diagnosis(result) -> None:
    """Write the diagnosis into the run folder, and say in one line where something is wrong."""
    from recipes.doctor.stored import diagnose_run, keep
    from recipes.doctor.text import line

    try:
        diagnosis = diagnose_run(result)
        keep(diagnosis, result.directory)
    except Exception as error:  # the run is finished, whatever is wrong with the diagnosis
        note(f"there is no diagnosis of {result.directory}: {error}")
        return
    if diagnosis.root is not None:
        note(line(diagnosis.root, result.directory))


def _parser(base: Recipe) -> Parser:
    """All flags; the settings of `base` are their defaults."""
    parser = Parser("train", usage="keras-recipes train NAME [--flag VALUE ...]")
    parser.add_argument("--output", default="saved_models", help="the folder that receives the run folder")
    parser.add_argument("--name", help="of the run folder; not set: NAME[-DATA]-seedSEED")
    parser.add_argument("--overwrite", action="store_true", help="replace a run folder of that name")
    parser.add_argument("--resume", action="store_true", help="go on with the unfinished training of that name, if any")
    parser.add_argument("--fast-dev-run", action="store_true", help="try everything in seconds: two steps of each part")
    parser.add_argument("--no-pictures", action="store_true", help="draw no pictures, and write no page of the run")
    parser.add_argument("--profile", action="store_true", help=_PROFILE)
    add_json(parser)
    add_recipe(parser, base)
    return parser
