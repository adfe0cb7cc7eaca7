"""Whether training has become slower from one revision of this package to the next.

Each round trains the same recipe in a fresh process with the code of either revision, one after the other; the order
within a round alternates. Measured is `recipes.train` without pictures, from data to report, after the imports; or,
with --command, the whole of `keras-recipes train`, from the start of the process to its end, with pictures and with the
epochs of the recipe.

    python benchmarks/two_revisions.py REVISION [--recipe digits] [--epochs 10] [--rounds 7] [--command]

compares the git revision REVISION with the working tree.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import os, sys, tempfile, time, warnings
warnings.simplefilter("ignore")
import keras, recipes
name, epochs = sys.argv[1], int(sys.argv[2])
recipe = recipes.get(name).replace(fit={"epochs": epochs, "patience": None})
recipes.train  # loads Keras and the package
dataset = recipes.load_dataset(recipe.data.name, 0, recipe.data)
with tempfile.TemporaryDirectory() as folder:
    start = time.perf_counter()
    run = recipes.train(recipe, dataset, output=folder, pictures=False, verbose=False)
    print(time.perf_counter() - start, run.report.accuracy)
"""
COMMAND = """
import json, sys
from pathlib import Path
from recipes.cli import main
main(["train", sys.argv[1], "--output", "runs"])
print(json.loads(next(Path("runs").glob("*/report.json")).read_text())["accuracy"])
"""


@contextlib.contextmanager
def checked_out(revision: str):
    """The folder of a git worktree with the code of `revision`, which is removed afterwards."""
    git = ["git", "-C", str(ROOT)]
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        subprocess.run([*git, "worktree", "add", "--quiet", "--detach", str(before), revision], check=True)
        try:
            yield before
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(before)], check=True)


def output_of(program: str, code: Path, *arguments: str) -> str:
    """What a Python program prints in a fresh process, with the package in the folder `code`."""
    environment = {**os.environ, "PYTHONPATH": str(code), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", program, *arguments]
    # Elsewhere than in the checkout, whose folder Python would put before PYTHONPATH.
    with tempfile.TemporaryDirectory() as elsewhere:
        result = subprocess.run(command, env=environment, cwd=elsewhere, check=True, capture_output=True, text=True)
    return result.stdout


def seconds(code: Path, recipe: str, epochs: int | None) -> tuple[float, float]:
    """Seconds with the package in the folder `code`, and the accuracy on the test part; of the command if no epochs."""
    if epochs is None:
        start = time.perf_counter()
        accuracy = float(output_of(COMMAND, code, recipe).split()[-1])
        return time.perf_counter() - start, accuracy
    duration, accuracy = map(float, output_of(PROGRAM, code, recipe, str(epochs)).split()[-2:])
    return duration, accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revision", help="git revision to compare the working tree with")
    parser.add_argument("--recipe", default="digits")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--command", action="store_true", help="the whole command, with the epochs of the recipe")
    arguments = parser.parse_args()
    epochs = None if arguments.command else arguments.epochs
    rounds = []
    with checked_out(arguments.revision) as before:
        for number in range(arguments.rounds):
            order = (before, ROOT) if number % 2 == 0 else (ROOT, before)
            times = {code: seconds(code, arguments.recipe, epochs) for code in order}
            (old, old_accuracy), (new, new_accuracy) = times[before], times[ROOT]
            rounds.append((old, new))
            print(
                f"round {number}: before {old:.2f} s ({old_accuracy:.4f}), now {new:.2f} s ({new_accuracy:.4f})",
                flush=True,
            )
    ratios = sorted(new / old for old, new in rounds)
    old, new = (statistics.median(column) for column in zip(*rounds, strict=True))
    what = "whole command" if epochs is None else f"{epochs} epochs"
    print(
        f"{arguments.recipe}, {what}: before {old:.2f} s, now {new:.2f} s; "
        f"median ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
