"""Test accuracy (or R2) and training time of recipes, seed by seed: the results table of the README.

Run: python benchmarks/recipe_results.py [RECIPE[:DATA] ...] [--seeds 0 1 2 3 4]
"""

import argparse
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import recipes

RUNS = ("digits", "digits-selu", "digits-convnet", "tabular:breast_cancer", "tabular:wine", "tabular:iris",
        "tabular:diabetes")  # fmt: skip


def measure(recipe: str, data: str | None, seed: int) -> tuple[float, float]:
    """The score on the test part, and the seconds from recipe to run folder."""
    with tempfile.TemporaryDirectory() as output:
        start = time.perf_counter()
        report = recipes.train(recipe, data, seed=seed, output=output, verbose=False).report
        seconds = time.perf_counter() - start
    return getattr(report, "accuracy", None) or report.r2, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", default=RUNS, metavar="RECIPE[:DATA]")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    options = parser.parse_args()
    print("| recipe | mean | least | greatest | seconds (median) |\n|---|---|---|---|---|")
    for run in options.runs:
        recipe, _, data = run.partition(":")
        scores, seconds = zip(*(measure(recipe, data or None, seed) for seed in options.seeds), strict=True)
        mean, median = statistics.mean(scores), statistics.median(seconds)
        print(f"| {run} | {mean:.4f} | {min(scores):.4f} | {max(scores):.4f} | {median:.1f} |", flush=True)


if __name__ == "__main__":
    main()
