"""What a training by a recipe takes on small data, against plain `keras.fit` of the same network.

Run: python benchmarks/small_data_speed.py [--rounds 7] [digits breast_cancer iris], with KERAS_BACKEND=jax too

Both sides start from prepared rows in memory and a process in which Keras is loaded; each trains a new network of the
recipe for the same number of epochs, with the same batch size, optimizer, schedule and validation rows. Plain Keras
makes no more than that. `recipes.train` also watches gradients and activations, keeps the best weights, saves the run,
evaluates it on the test rows and writes the report; it draws no pictures. The order of the two is at random in each
round. Printed: the medians of the seconds by the clock and of processor time, and the median, the least and the
greatest of the ratio of a round.
"""

import argparse
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import recipes
from recipes.training.prepared import Training

EPOCHS = 30
RECIPES = {"digits": "digits", "breast_cancer": "tabular", "iris": "tabular"}


def plain(recipe, name: str) -> None:
    dataset = recipes.load_dataset(name, seed=0)
    x, y = dataset.prepared("train")
    size = recipe.fit.batch_size
    model = Training.of(recipe, dataset).core
    steps = -(-len(x) // size) * EPOCHS
    rate = recipes.schedules.get(recipe.schedule.name, recipe.optimizer.learning_rate, steps)
    adam = keras.optimizers.Adam(rate, global_clipnorm=recipe.optimizer.global_clipnorm)
    model.compile(adam, loss=model.loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=size, epochs=EPOCHS, validation_data=dataset.prepared("validation"), verbose=0)


def ours(recipe, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipes.train(recipe, name, output=folder, verbose=False, pictures=False)


def seconds(way, *arguments) -> tuple[float, float]:
    start = time.perf_counter(), time.process_time()
    way(*arguments)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", default=list(RECIPES), metavar="DATA")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    print("| data | backend | recipe | plain | ratio | processor time: recipe | plain | ratio |")
    for name in options.data:
        recipe = recipes.get(RECIPES[name]).replace(fit={"epochs": EPOCHS, "patience": None})
        plain(recipe, name), ours(recipe, name)  # what is loaded and compiled once
        measured = {plain: [], ours: []}
        for _ in range(options.rounds):
            for number in generator.permutation(2):
                way = (plain, ours)[number]
                measured[way].append(seconds(way, recipe, name))
        cells = []
        for clock in range(2):
            sides = [[pair[clock] for pair in measured[way]] for way in (ours, plain)]
            ratios = sorted(first / second for first, second in zip(*sides, strict=True))
            cells += [f"{statistics.median(side):.2f} s" for side in sides]
            cells.append(f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        print("|", " | ".join([name, keras.backend.backend(), *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
