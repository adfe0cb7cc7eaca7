"""Show a recipe: what it is, all its settings, its network and its cost. With --data: what was understood of data."""

import dataclasses
import json
import sys
from collections.abc import Callable

from recipes import catalogue
from recipes.arguments.names import normalize
from recipes.cli.arguments import Parser, add_json, add_recipe, check_body, lengthened, read_recipe
from recipes.cli.starting import start_keras
from recipes.settings import Recipe, parts


def run(arguments: list[str]) -> None:
    """`keras-recipes show NAME [--flag ...]`, or `keras-recipes show [NAME] --data FILE [--target COLUMN ...]`."""
    arguments = [lengthened(argument) for argument in arguments]
    needed = f"needs the name of a recipe, or --data. Known: {', '.join(catalogue.names())}"
    if not arguments:
        raise ValueError(f"show {needed}")
    base, recipe, options = read_recipe("show", arguments, _parser)
    of_data = any(argument.split("=")[0] == "--data.name" for argument in arguments)
    if options.recipe is None:
        if not of_data:
            raise ValueError(f"show {needed}")
        if changed := [setting for setting in _changes(base, recipe) if not setting.startswith("data.")]:
            raise ValueError(f"--{changed[0]} {needed.partition(',')[0]}")
    with_network = not options.no_network and options.recipe is not None
    if of_data:
        _show_data(recipe, options.seed, options.json, with_network)
    else:
        _show_recipe(options.recipe, recipe, options.seed, options.json, with_network)


def _parser(base: Recipe) -> Parser:
    usage = "keras-recipes show NAME [--flag VALUE ...] | show [NAME] --data FILE [--flag VALUE ...]"
    parser = Parser("show", usage=usage)
    parser.add_argument("--no-network", action="store_true", help="settings alone, at once: load and train nothing")
    add_json(parser)
    add_recipe(parser, base, required=False)
    return parser


def _show_recipe(name: str, recipe: Recipe, seed: int, as_json: bool, with_network: bool) -> None:
    if not as_json:
        # Everything but the settings is a comment, so that what is printed can be read back as a recipe.
        print(f"{_commented(_description(name, recipe))}\n\n{recipe.to_yaml()}", end="", flush=True)
    content = {}
    if with_network:
        from recipes.data import load_dataset

        reason = ""
        try:
            check_body(recipe)
            reason = ", because its size depends on the data"
            recipe = recipe.with_kind()
            dataset = load_dataset(recipe.data.name, seed, recipe.data, download=False)
        except OSError as error:
            content["network"] = None
            note = f"the network is not shown{reason}: {error}"
            print(f"keras-recipes: note: {note}", file=sys.stderr) if as_json else _print_comment(f"\n{note}")
        else:
            content["network"] = _network(recipe, dataset, seed, None if as_json else _print_comment)
    if as_json:
        print(json.dumps({**dataclasses.asdict(recipe), **content}, indent=2))


def _description(name: str, recipe: Recipe) -> str:
    """What the recipe is, and what is not as it claims."""
    if normalize(name) not in catalogue.names():
        return f"From {name}."
    changed = [setting for setting in _changes(catalogue.get(name), recipe) if setting != "data.directory"]
    note = f"\nChanged: {', '.join(changed)}; the result is that of the recipe without it" if changed else ""
    return catalogue.description(name) + note


def _changes(base: Recipe, recipe: Recipe) -> list[str]:
    """The settings in which the two differ."""
    return [
        f"{part}.{field.name}"
        for part in parts()
        for field in dataclasses.fields(getattr(base, part))
        if getattr(getattr(base, part), field.name) != getattr(getattr(recipe, part), field.name)
    ]


def _commented(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.splitlines())


def _print_comment(text: str) -> None:
    """As a comment; an empty line in front of it stays empty."""
    start = "\n" if text.startswith("\n") else ""
    print(start + _commented(text.lstrip("\n")), flush=True)


def _show_data(recipe: Recipe, seed: int, as_json: bool, with_network: bool) -> None:
    from recipes.data import load_dataset, summary

    if with_network:
        check_body(recipe)
    recipe = recipe.with_kind()
    dataset = load_dataset(recipe.data.name, seed, recipe.data)
    if not as_json:
        print(summary.to_text(dataset), flush=True)
    content = summary.summarize(dataset) if as_json else {}
    if with_network:
        content["network"] = _network(recipe, dataset, seed, None if as_json else print)
    if as_json:
        print(json.dumps(content, indent=2))


def _network(recipe: Recipe, dataset, seed: int, say: Callable[[str], None] | None) -> dict:
    """The network that `train` with the same flags begins with, and what an epoch of it costs; `say` tells both.

    Both are measured on a model that is thrown away.
    """
    start_keras(training=True)
    from recipes.models import model_table
    from recipes.training.epoch_cost import epoch_cost
    from recipes.training.prepared import Training

    say = say or (lambda text: None)
    training = Training.of(recipe, dataset, seed=seed)
    table = model_table(training.core, dataset.input_shape)
    say(f"\n{table}")
    if recipe.model.initialization:
        say(f"the variance is that of model.initialization {recipe.model.initialization}, which drew the kernels anew")
    cost = epoch_cost(training)
    say(str(cost))
    say(_backend(any("Conv" in row.kind for row in table.rows)))
    return {**table.to_dict(), "epoch": cost.to_dict()}


def _backend(has_convolutions: bool) -> str:
    """When another backend pays, by `benchmarks/small_data_speed.py` and `benchmarks/mnist_fast.py`."""
    import keras

    used = keras.backend.backend()
    if used == "torch" or keras.distribution.list_devices("gpu"):
        return f"backend: {used}"  # of which nothing was measured
    if has_convolutions:
        return f"backend: {used}; without a GPU, convolutions take about four times as long on JAX as on TensorFlow"
    return f"backend: {used}; recipes take about as long on TensorFlow as on JAX, a small `fit` of yours twice as long"
