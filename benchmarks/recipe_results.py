"""Test accuracy (or R2) and training time of recipes, seed by seed: the results table of the README.

Run: python benchmarks/recipe_results.py [RECIPE[:DATA] ...] [--seeds 0 1 2 3 4]
"""

import argparse
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from sklearn.metrics import roc_auc_score

import recipes

RUNS = ("digits", "digits-selu", "digits-convnet", "tabular:breast_cancer", "tabular:wine", "tabular:iris",
        "tabular:diabetes")  # fmt: skip


# They need the data folder (KERAS_RECIPES_DATA), and together half an hour.
LARGE_RUNS = ("housing", "adult", "mnist-mlp", "mnist-convnet", "fashion-convnet", "adding")


def measure(recipe: str, data: str | None, seed: int) -> tuple[float, float, float | None]:
    """The score on the test part, the seconds from recipe to run folder, and the ROC AUC of two classes."""
    with tempfile.TemporaryDirectory() as output:
        start = time.perf_counter()
        run = recipes.train(recipe, data, seed=seed, output=output, verbose=False)
        seconds = time.perf_counter() - start
        with np.load(run.directory / "predictions.npz") as stored:
            two_classes = "probability" in stored and stored["probability"].ndim == 1
            auc = roc_auc_score(stored["label"], stored["probability"]) if two_classes else None
    return getattr(run.report, "accuracy", None) or run.report.r2, seconds, auc


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", default=RUNS, metavar="RECIPE[:DATA]")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--large", action="store_true", help="the recipes on larger data, seeds 0 to 2")
    options = parser.parse_args()
    if options.large:
        options.runs, options.seeds = LARGE_RUNS, range(3)
    print("| recipe | mean | least | greatest | seconds (median) | AUC |\n|---|---|---|---|---|---|")
    for run in options.runs:
        recipe, _, data = run.partition(":")
        scores, seconds, aucs = zip(*(measure(recipe, data or None, seed) for seed in options.seeds), strict=True)
        mean, median = statistics.mean(scores), statistics.median(seconds)
        auc = f"{statistics.mean(aucs):.4f}" if aucs[0] is not None else ""
        print(f"| {run} | {mean:.4f} | {min(scores):.4f} | {max(scores):.4f} | {median:.1f} | {auc} |", flush=True)


if __name__ == "__main__":
    main()
