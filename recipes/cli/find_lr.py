"""Find a learning rate for a recipe: a short run in which the rate grows until the loss diverges."""

import json
from pathlib import Path

from recipes import catalogue
from recipes.cli.arguments import Parser, add_json, add_part, lengthened, start_keras
from recipes.settings import Recipe, parts

_HELP = {"-h", "--help"}


def run(arguments: list[str]) -> None:
    """`keras-recipes find-lr NAME [--flag ...]`: settings as in `train`, defaults < recipe < flags."""
    arguments = [lengthened(argument) for argument in arguments]
    base = _base(arguments)
    options = _parser(base).parse(arguments)
    recipe = base.replace(**{part: vars(options[part]) for part in parts()})
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
    import math

    import keras

    from recipes import models
    from recipes.data import load_dataset
    from recipes.learning_rate_range import find_learning_rate
    from recipes.training import _rows_to_fit, compile_model

    dataset = load_dataset(recipe.data.name, seed, recipe.data)
    keras.utils.set_random_seed(seed)
    model = models.build(recipe, dataset)
    steps = math.ceil(len(dataset.train[1]) / recipe.fit.batch_size)
    compile_model(model, recipe, steps, task=dataset.task, num_outputs=dataset.num_outputs)
    rows = _rows_to_fit(recipe, dataset, outputs=dataset.num_outputs, seed=seed, limit=None)
    return find_learning_rate(
        model,
        rows["x"],
        rows.get("y"),
        class_weight=rows.get("class_weight"),
        # A smaller training part is one batch.
        batch_size=min(recipe.fit.batch_size, len(dataset.train[1])),
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


def _base(arguments: list[str]) -> Recipe:
    """The recipe before flags."""
    if not arguments:
        raise ValueError(f"find-lr needs the name of a recipe. Known: {', '.join(catalogue.names())}")
    try:
        options = _parser(Recipe(name="recipe")).parse([argument for argument in arguments if argument not in _HELP])
    except ValueError:
        if not _HELP & set(arguments):
            raise
        return Recipe(name="recipe")  # help without a recipe's name
    is_file = options.recipe.endswith((".yaml", ".yml"))
    return Recipe.from_yaml(Path(options.recipe)) if is_file else catalogue.get(options.recipe)


def _parser(base: Recipe) -> Parser:
    """All flags; the settings of `base` are their defaults."""
    parser = Parser("find-lr", __doc__, usage="keras-recipes find-lr NAME [--flag VALUE ...]")
    parser.add_argument("recipe", metavar="NAME", help="of a recipe, or the path of a YAML file")
    parser.add_setting(parser, "seed", int, 0, "of everything: split, weights, order of the rows")
    parser.add_setting(parser, "lowest", float, 1e-6, "rate of the first step")
    parser.add_setting(parser, "highest", float, 10.0, "rate of the last step, if the loss has not diverged")
    parser.add_setting(parser, "steps", int, 100, "from the lowest rate to the highest")
    parser.add_argument("--plot", metavar="FILE", help="draw loss over rate into this picture, such as range.png")
    add_json(parser)
    for part in parts():
        add_part(parser, part, getattr(base, part))
    return parser
