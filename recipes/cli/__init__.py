"""`keras-recipes`: thin shells over the public functions, one file for each command."""

import contextlib
import importlib
import os
import signal
import sys
import warnings

from recipes.arguments.names import unknown

# In the order of a newcomer's first steps.
COMMANDS = {
    "list": "Show all recipes.",
    "show": "Show a recipe, its settings, its network and its cost. With --data: what was understood of data.",
    "train": "Train by a recipe; save the model, its report and pictures in a run folder.",
    "find-lr": "Find a learning rate for a recipe: a short run in which the rate grows until the loss diverges.",
    "evaluate": "Evaluate a trained model: on its own test part, or on other data.",
    "compare": "Tell whether trained models differ on the same rows, and which is better.",
    "predict": "Predict for the rows of a file: class and probabilities of each, as CSV.",
}

ERROR = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status.

    What a user can cause (ValueError, OSError) is told in one line, with status 2. The environment variable
    `KERAS_RECIPES_TRACEBACK=1` shows where it came from.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _interrupt)
    warnings.showwarning = _show_warning
    with contextlib.suppress(AttributeError):  # a stream that is not of this kind can write everything
        sys.stdout.reconfigure(errors="replace")
    try:
        return _run(arguments)
    except BrokenPipeError:
        # The reader has seen enough, as `| head` does. What is still in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError) as error:
        if os.environ.get("KERAS_RECIPES_TRACEBACK"):
            raise
        print(f"keras-recipes: {' '.join(str(error).split())}", file=sys.stderr)
        return ERROR
    except KeyboardInterrupt as interrupt:  # one that says more has left something
        print(f"\nkeras-recipes: {str(interrupt) or 'interrupted; nothing was written'}", file=sys.stderr)
        return INTERRUPTED


def _show_warning(message, category, filename, lineno, file=None, line=None):
    """Our own warnings are for the user, and without the place in our code."""
    if issubclass(category, UserWarning):
        print(f"keras-recipes: note: {message}", file=sys.stderr)


def _interrupt(signal_number, frame):
    """Ends like Ctrl-C, so that no half-written folder is left."""
    raise KeyboardInterrupt


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return 0
    if arguments[0] == "--version":
        from recipes.version import __version__

        print(__version__)
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    return _command(name).run(rest) or 0


def _command(name: str):
    return importlib.import_module(f"recipes.cli.{name.replace('-', '_')}")


def _help() -> str:
    lines = [f"  {name:<10}{summary}" for name, summary in COMMANDS.items()]
    return "\n".join(
        [
            "usage: keras-recipes COMMAND ...",
            "",
            "Train Keras models by recipes that work.",
            "",
            *lines,
            "",
            "keras-recipes COMMAND --help tells more; keras-recipes --version prints the version.",
        ]
    )
