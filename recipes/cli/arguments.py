"""What the commands share: a parser whose errors are one line, flags for settings, a quiet start of the backend."""

import dataclasses
import difflib
import math
import re
import typing
from collections.abc import Callable
from pathlib import Path

import jsonargparse
import yaml

from recipes import catalogue
from recipes.arguments import plain_yaml
from recipes.arguments.checked import convert, describe, refusal
from recipes.arguments.names import normalize
from recipes.cli import COMMANDS, note
from recipes.cli.starting import start_keras
from recipes.settings import Recipe, parts


class _HelpFormatter(jsonargparse.DefaultHelpFormatter):
    """jsonargparse's formatter, which adds no type and default to a help that has them, as that of a setting."""

    def _get_help_string(self, action):
        return action.help if "; default: " in (action.help or "") else super()._get_help_string(action)


class Parser(jsonargparse.ArgumentParser):
    """jsonargparse's parser, with errors as `ValueError` in one sentence."""

    def __init__(self, command: str, **kwargs):
        super().__init__(
            prog=f"keras-recipes {command}",
            description=COMMANDS[command],
            exit_on_error=False,
            formatter_class=_HelpFormatter,
            **kwargs,
        )
        self.hints = {}

    def parse(self, arguments: list[str]) -> jsonargparse.Namespace:
        """The values of `arguments`.

        Raises:
            ValueError: For an unknown flag (the nearest is suggested), and for a value of the wrong type.
        """
        self._refuse_unknown_flags(arguments)
        try:
            return self.parse_args(self._with_plain_values(arguments))
        except Exception as error:  # jsonargparse raises several kinds
            raise ValueError(self._sentence(str(error))) from None

    def add_setting(self, group, name: str, hint, default, text: str) -> None:
        """Add a flag `--name` to `group`; its help describes the type in the words of `recipes.arguments.checked`."""
        self.hints[name] = hint
        allowed = describe(hint).removesuffix(" or not set (null)")
        text = f"{text} ({allowed}; default: {_shown(default)})"
        group.add_argument(f"--{name}", type=hint, default=default, help=text)

    def _with_plain_values(self, arguments: list[str]) -> list[str]:
        """`arguments` with lists and mappings as jsonargparse reads them: a single name as a list, `no` quoted."""
        plain, following, given = [], None, set()
        for argument in arguments:
            flag, equals, value = argument.partition("=")
            name = flag.removeprefix("--")
            if following and not argument.startswith("--"):
                plain.append(_plain(following, self.hints[following], argument))
                following = None
                continue
            following = None
            if flag.startswith("--") and name in self.hints and _is_compound(self.hints[name]):
                if name in given:
                    raise ValueError(f"{flag} is given twice: a list is one argument, such as '[a, b]'")
                given.add(name)
                argument = f"{flag}={_plain(name, self.hints[name], value)}" if equals else argument
                following = None if equals else name
            plain.append(argument)
        return plain

    def _refuse_unknown_flags(self, arguments):
        known = [option for action in self._actions for option in action.option_strings if option.startswith("--")]
        for argument in arguments:
            flag = argument.split("=")[0]
            if flag.startswith("--") and flag not in known:
                near = difflib.get_close_matches(flag, known, n=1)
                hint = f": did you mean {near[0]}?" if near else "."
                raise ValueError(f"unknown flag {flag}{hint} `{self.prog} --help` lists them all")

    def _sentence(self, message: str) -> str:
        message = " ".join(message.split())
        if message.startswith("unrecognized arguments"):
            return f"{message}; a list is one argument, such as '[a, b]'"
        wrong = re.match(r'Parser key "(?P<name>.+?)": .*?(?:Got|Given) value: (?P<value>.*)', message)
        if wrong and wrong["name"] in self.hints:
            return f"--{wrong['name']} must be {describe(self.hints[wrong['name']])}. Received: {wrong['value']}"
        return message


def _is_compound(hint) -> bool:
    """Whether `hint` is, or may be, a list or a mapping."""
    return typing.get_origin(hint) in (tuple, dict) or any(map(_is_compound, typing.get_args(hint)))


def _plain(name: str, hint, text: str) -> str:
    """The value of the flag `--name`, whose type `hint` is or may be a list or a mapping, as jsonargparse reads it.

    Raises:
        ValueError: If `text` is no value of that type.
    """
    if hint == tuple[str, ...] and not text.startswith("["):
        value = [text] if text else []  # not read as YAML: a column may be called `2020`, `no` or `a: b`
    else:
        try:
            value = plain_yaml.load(text)
        except ValueError:
            raise ValueError(f"--{name} must be {describe(hint)}. Received: {text}") from None
    try:
        value = convert(value, hint)
        value = list(value) if isinstance(value, tuple) else value
    except TypeError:
        raise ValueError(refusal(f"--{name}", hint, value)) from None
    # YAML rather than JSON, which has no infinity.
    return value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True, width=math.inf).strip()


def _shown(default) -> str:
    """A default as a user would write it behind the flag."""
    if default is None:
        return "not set"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return f"[{', '.join(map(str, default))}]" if default else "none"
    return str(default)


_HELP = {"-h", "--help"}
# Short forms of settings that are set most often.
SHORT = {
    "--data": "--data.name",
    "--data-dir": "--data.directory",
    "--target": "--data.target",
    "--epochs": "--fit.epochs",
}


def lengthened(argument: str) -> str:
    """`argument` with the full name of a flag that is given in its short form."""
    flag, equals, value = argument.partition("=")
    return f"{SHORT.get(flag, flag)}{equals}{value}"


def read_recipe(
    command: str, arguments: list[str], make_parser: Callable[[Recipe], Parser]
) -> tuple[Recipe, Recipe, jsonargparse.Namespace]:
    """The recipe and the options of a command: defaults < recipe < `--config` < flags, in any order.

    Args:
        command: Name of the command.
        arguments: Words of the command line behind that name.
        make_parser: Function that returns the parser for a recipe, whose settings are the defaults of the flags.

    Returns:
        The recipe without the flags, the recipe with them, and all options.
    """
    arguments = [lengthened(argument) for argument in arguments]
    base = _base(command, arguments, make_parser)
    options = make_parser(base).parse(arguments)
    recipe = base.replace(**{part: vars(options[part]) for part in parts()})
    is_other = recipe.data.name != base.data.name and normalize(options.recipe) in catalogue.names()
    if is_other and not any(text.startswith("--data.train_rows") for text in arguments):
        # As in `recipes.train`: a number of rows that a named recipe draws is for its own data.
        own = catalogue.get(options.recipe).data.train_rows
        recipe = recipe.replace(data={"train_rows": None}) if recipe.data.train_rows == own else recipe
    return base, recipe, options


def _base(command: str, arguments: list[str], make_parser: Callable[[Recipe], Parser]) -> Recipe:
    """The recipe before the flags: the one that is named, changed by the file of `--config`."""
    if not arguments:
        raise ValueError(f"{command} needs the name of a recipe. Known: {', '.join(catalogue.names())}")
    try:
        options = make_parser(Recipe(name="recipe")).parse([text for text in arguments if text not in _HELP])
    except ValueError:
        if not _HELP & set(arguments):
            raise
        return Recipe(name="recipe")  # `--help` without the name of a recipe
    base = Recipe(name="recipe") if options.recipe is None else named_recipe(options.recipe)
    return Recipe.from_yaml(Path(options.config), base=base) if options.config else base


def named_recipe(name: str) -> Recipe:
    """The recipe called `name`, or the one in the YAML file of that path."""
    return Recipe.from_yaml(Path(name)) if name.endswith((".yaml", ".yml")) else catalogue.get(name)


def add_recipe(parser: Parser, base: Recipe, required: bool = True) -> None:
    """Add the recipe's name, `--seed`, `--config`, and a flag for every setting, with those of `base` as defaults."""
    count = {} if required else {"nargs": "?"}
    parser.add_argument("recipe", metavar="NAME", help="name of a recipe, or the path of a YAML file", **count)
    parser.add_setting(parser, "seed", int, 0, "seed of the split, the initial weights and the order of the rows")
    parser.add_argument("--config", help="YAML file of settings that replace the recipe's; flags replace both")
    for part in parts():
        add_part(parser, part, getattr(base, part))


def add_part(parser: Parser, part: str, base) -> None:
    """Add a flag for every setting of a part of a recipe, with the settings `base` as defaults."""
    group = parser.add_argument_group(part, (type(base).__doc__ or "").partition("\n")[0])
    hints, texts = typing.get_type_hints(type(base)), _texts(type(base))
    for field in dataclasses.fields(base):
        flag = f"{part}.{field.name}"
        short = [f" Short: {short}" for short, long in SHORT.items() if long == f"--{flag}"]
        text = "".join([texts.get(field.name, ""), *short])
        parser.add_setting(group, flag, hints[field.name], getattr(base, field.name), text)


def _texts(settings: type) -> dict[str, str]:
    """Help text of each setting, from the docstring of the part; none under `python -OO`, which has no docstrings."""
    described = (settings.__doc__ or "").partition("Args:\n")[2]
    entries = re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", described, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def add_json(parser: Parser) -> None:
    """Add the flag `--json`, for output that programs read."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def note_data_of_runs(runs: list[str], data_dir: str | None) -> None:
    """Say which files and folders runs name as their data, since a run may come from a stranger."""
    from recipes.data import ARRAYS, is_name
    from recipes.runs.stored import Stored

    for run in map(Stored, runs):
        if run.is_run:
            data = run.recipe.data
            files = [data.test_file or data.name] if data.name != ARRAYS and not is_name(data.name) else []
            files += [data.directory] if data.directory and not data_dir else []
            if files:
                note(f"{run} names its data, which are read from {' and '.join(files)}")


def check_body(recipe: Recipe) -> None:
    """Refuse a body that does not exist, before the data are read; for other builders, load nothing.

    Raises:
        ValueError: If no body is named, or it does not go with the weights that are named.
        FileNotFoundError: If there is no such body, or there are no weights for it.
    """
    if recipe.model.builder != "transfer":
        return
    start_keras(training=True)
    from recipes import models

    models.check_body(recipe.model.body, recipe.model.weights)
