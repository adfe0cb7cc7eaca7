"""Does the range test find the rate that a sweep finds? The best of fixed peak rates against the suggestion.

Run: python benchmarks/learning_rate_range.py [RECIPE ...] [--seeds 0 1 2] [--steps 800]

Every rate of the sweep trains the recipe anew, with its own optimizer and schedule, for `--steps` updates in whole
epochs. It is judged by the cross-entropy of the validation part with the last weights (without penalties), averaged
over the seeds by its logarithm; the best rate is the lowest of these. The suggestion is the median over the same seeds,
each with its own weights and split. The aim is a ratio between 1/3 and 3. `tabular` has 57
validation rows, so that its sweep says little: the best rate moves from one set of seeds to the next.
"""

import argparse
import math
import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import recipes
from recipes import models
from recipes.training.learning_rate_range import find_learning_rate

RECIPES = ("digits", "digits-selu", "digits-convnet", "tabular")
RATES = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032)


def begin(recipe: recipes.Recipe, dataset: recipes.Dataset, seed: int) -> keras.Model:
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = models.build(recipe, dataset)
    steps = math.ceil(len(dataset.train[1]) / recipe.fit.batch_size)
    return recipes.compile_model(model, recipe, steps, task=dataset.task, num_outputs=dataset.num_outputs)


def validation_loss(recipe: recipes.Recipe, dataset: recipes.Dataset, seed: int, steps: int) -> float:
    """After a training of `steps` updates, rounded to whole epochs."""
    x, y = dataset.prepared("train")
    in_epoch = math.ceil(len(y) / recipe.fit.batch_size)
    recipe = recipe.replace(fit={"epochs": max(1, round(steps / in_epoch))})
    model = begin(recipe, dataset, seed)
    model.steps_per_execution = in_epoch
    model.fit(x, y, batch_size=recipe.fit.batch_size, epochs=recipe.fit.epochs, verbose=0)
    x, y = dataset.prepared("validation")
    y = y[:, None] if dataset.num_outputs == 1 else y
    return float(keras.ops.convert_to_numpy(model.loss(y, model(x, training=False))))


def compare(name: str, seeds: list[int], steps: int) -> str:
    """A row of the table."""
    recipe = recipes.get(name)
    datasets = {seed: recipes.load_dataset(recipe.data.name, seed, recipe.data) for seed in seeds}
    suggestions = []
    for seed, dataset in datasets.items():
        model = begin(recipe, dataset, seed)
        result = find_learning_rate(model, *dataset.prepared("train"), batch_size=recipe.fit.batch_size, seed=seed)
        suggestions.append(result.suggestion)
    losses = {}
    for rate in RATES:
        trial = recipe.replace(optimizer={"learning_rate": rate})
        of_seeds = [validation_loss(trial, dataset, seed, steps) for seed, dataset in datasets.items()]
        losses[rate] = float(np.exp(np.mean(np.log(of_seeds))))
    best, suggestion = min(losses, key=losses.get), statistics.median(suggestions)
    sweep = ", ".join(f"{rate:g}: {loss:.3g}" for rate, loss in losses.items())
    spread = f"{suggestion:.2g} ({min(suggestions):.2g} to {max(suggestions):.2g})"
    return f"| {name} | {best:g} | {spread} | {suggestion / best:.2f} | {recipe.optimizer.learning_rate:g} | {sweep} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=RECIPES, metavar="RECIPE")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    parser.add_argument("--steps", type=int, default=800)
    options = parser.parse_args()
    print("| recipe | best of the sweep | suggestion (range) | ratio | the recipe's own | validation loss by rate |")
    print("|---|---|---|---|---|---|")
    for name in options.recipes:
        print(compare(name, list(options.seeds), options.steps), flush=True)


if __name__ == "__main__":
    main()
