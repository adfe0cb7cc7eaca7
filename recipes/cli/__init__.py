"""`keras-recipes`: thin shells over the public functions, one file for each command."""

import contextlib
import importlib
import os
import signal
import sys
import warnings

from recipes.arguments.names import printable, unknown
from recipes.arguments.text_table import table_lines
from recipes.disk.output import NamedOutput, drop_output, open_standard_streams

# Commands and their summaries, in the order of a newcomer's first steps.
COMMANDS = {
    "list": "Show all recipes.",
    "show": "Show a recipe, its settings, its network and its cost. With --data: how data are understood.",
    "train": "Train by a recipe; save the model, its report and pictures in a run folder.",
    "diagnose": "Say why a training does not work: of a run, or of a recipe by training it under watch.",
    "find-lr": "Find a learning rate for a recipe, by a short run in which the rate grows until the loss diverges.",
    "evaluate": "Evaluate a trained model: on its own test part, or on other data.",
    "compare": "Compare trained models on the same rows: whether they differ, and which is better.",
    "report": "Write the page of a run, or one page of several runs side by side: one HTML file.",
    "lab": "Run textbook experiments on training deep networks: numbers and a picture, or all as one page.",
    "predict": "Predict for the rows of a file: class and probabilities of each, as CSV.",
}

ERROR = 2
_MOST_CHARACTERS = 4000  # of an error or a note
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status.

    An error that a user can cause (ValueError, OSError) is printed in one line, with status 2. The environment variable
    `KERAS_RECIPES_TRACEBACK=1` shows its traceback instead.

    Args:
        arguments: Words of the command line behind the program's name. Default: those of this process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    open_standard_streams()
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:  # as the caller wants it
        signal.signal(signal.SIGTERM, _interrupt)
    warnings.showwarning = _show_warning
    # So that a character that the terminal cannot write becomes ?, rather than ending a training.
    with contextlib.suppress(AttributeError):  # of a stream without an encoding, such as one of a test
        sys.stdout.reconfigure(errors="replace")
    try:
        with contextlib.redirect_stdout(NamedOutput(sys.stdout)) as output:
            status = _run(arguments)
            output.flush()
            return status
    except BrokenPipeError:  # the reader has closed the pipe, as `| head` does
        drop_output()
        return 0
    except (ValueError, OSError) as error:
        if os.environ.get("KERAS_RECIPES_TRACEBACK"):
            raise
        text = "; ".join([str(error), *getattr(error, "__notes__", ())])
        print(f"keras-recipes: {_line(text)}", file=sys.stderr)
        return ERROR
    except KeyboardInterrupt as interrupt:  # one with a message has left something behind
        print(f"\nkeras-recipes: {_line(interrupt) or 'interrupted; nothing was written'}", file=sys.stderr)
        return INTERRUPTED


def _show_warning(message, category, filename, lineno, file=None, line=None):
    """Print our own warnings as notes to the user, without their place in our code; other libraries' are not shown."""
    if issubclass(category, UserWarning):
        note(message)


def note(message: object) -> None:
    """Print a note to the user, beside the output."""
    print(f"keras-recipes: note: {_line(message)}", file=sys.stderr)


def _line(message: object) -> str:
    """A message in one line of limited length, in which names from files send no commands to the terminal."""
    return printable(" ".join(str(message).split()), _MOST_CHARACTERS)


def _interrupt(signal_number, frame):
    """End as with Ctrl-C, so that no half-written folder is left."""
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
    lines = [f"  {line}" for line in table_lines(COMMANDS.items(), left=(0, 1))]
    return "\n".join(
        [
            "usage: keras-recipes COMMAND ...",
            "",
            "Train Keras models by recipes that work.",
            "",
            *lines,
            "",
            "keras-recipes COMMAND --help shows its flags; keras-recipes --version prints the version.",
        ]
    )
