"""Whether a training is faster on TensorFlow or on JAX: whole commands, from the start of the process to its end.

Run: KERAS_RECIPES_DATA=... python benchmarks/backends.py [--rounds 3] [digits tabular adult mnist-fast adding]

Each round runs `keras-recipes train RECIPE --no-pictures` once on either backend in a fresh process; the order within a
round alternates. Printed: the medians of the seconds by the clock, and the ratio of the medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

RECIPES = {
    "digits": ["--epochs", "30", "--fit.patience", "null"],
    "tabular": ["--epochs", "30", "--fit.patience", "null"],
    "adult": [],
    "adding": ["--epochs", "2"],
    "mnist-fast": [],
}
COMMAND = "import sys; from recipes.cli import main; sys.exit(main(sys.argv[1:]))"


def seconds(recipe: str, backend: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        words = ["train", recipe, "--no-pictures", "--output", folder, *RECIPES[recipe]]
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", COMMAND, *words],
            env={**os.environ, "KERAS_BACKEND": backend},
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=list(RECIPES), metavar="RECIPE")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| recipe | TensorFlow | JAX | JAX over TensorFlow |\n|---|---|---|---|")
    for recipe in options.recipes:
        found = {"tensorflow": [], "jax": []}
        for number in range(options.rounds):
            for backend in sorted(found, reverse=number % 2 == 0):
                found[backend].append(seconds(recipe, backend))
        tensorflow, jax = (statistics.median(values) for values in found.values())
        print(f"| {recipe} | {tensorflow:.1f} s | {jax:.1f} s | {jax / tensorflow:.2f} |", flush=True)


if __name__ == "__main__":
    main()
