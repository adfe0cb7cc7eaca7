"""Find a learning rate for a recipe: a short run in which the rate grows until the loss diverges."""

import json
from pathlib import Path

from recipes.cli.arguments import Parser, add_json, add_recipe, read_recipe
from recipes.cli.starting import start_keras
from recipes.settings import Recipe


def run(arguments: list[str]) -> None:
    """`keras-recipes find-lr NAME [--flag ...]`: settings as in `train`."""
    _, recipe, options = read_recipe("find-lr", arguments, _parser)
    if options.plot:
        _check_picture(Path(options.plot))
    start_keras(training=True)
    from recipes.data import check_seed

    result = _find(recipe, check_seed(options.seed), options)
    if options.plot:
        _draw(result, recipe, Path(options.plot))
    if options.json:
        curve = {name: getattr(result, name).tolist() for name in ("rates", "losses", "smoothed")}
        print(json.dumps({"suggestion": result.suggestion, "stopped": result.stopped, **curve}, indent=2))
        return
    print(result)
    print(f"to train with it: --optimizer.learning_rate {result.suggestion:.2g} (now {recipe.optimizer.learning_rate})")


def _find(recipe: Recipe, seed: int, options):
    """The range test on the training part, of the model that `train` with the same flags begins with."""
    from recipes.training.learning_rate_range import find_learning_rate
    from recipes.training.prepared import Training
    from recipes.training.request import Request

    recipe, dataset, _ = Request(recipe).load(seed)
    training = Training.of(recipe, dataset, seed=seed)
    # A shorter batch would be noisier than the others. A smaller training part is one batch.
    return find_learning_rate(
        training.core,
        training.source.batches(whole=True),
        lowest=options.lowest,
        highest=options.highest,
        steps=options.steps,
        seed=seed,
    )


def _check_picture(path: Path) -> None:
    """Refuse a file that could not be written, before the work."""
    from matplotlib.figure import Figure

    allowed = sorted(Figure().canvas.get_supported_filetypes())
    if path.suffix[1:].lower() not in allowed:
        raise ValueError(f"--plot must be a file that ends in .{', .'.join(allowed)}. Received: {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"--plot must be in a folder that exists. Received: {path}")


def _draw(result, recipe: Recipe, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    result.plot(figure.subplots()).set_title(f"learning-rate range of {recipe.name}")
    figure.savefig(path)


def _parser(base: Recipe) -> Parser:
    """All flags; the settings of `base` are their defaults."""
    parser = Parser("find-lr", usage="keras-recipes find-lr NAME [--flag VALUE ...]")
    parser.add_setting(parser, "lowest", float, 1e-6, "rate of the first step")
    parser.add_setting(parser, "highest", float, 10.0, "rate of the last step, if the loss has not diverged")
    parser.add_setting(parser, "steps", int, 100, "from the lowest rate to the highest")
    parser.add_argument("--plot", metavar="FILE", help="draw loss over rate into this picture, such as range.png")
    add_json(parser)
    add_recipe(parser, base)
    return parser
