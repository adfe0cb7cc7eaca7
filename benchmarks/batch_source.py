"""What an epoch costs whose rows come from the package's own batches, against Keras's shuffled arrays.

Run: KERAS_RECIPES_DATA=... python benchmarks/batch_source.py [digits mnist-mlp]

Short fits of one network in random order in one process: on arrays that Keras shuffles, on the batches as a training
takes them, and, on TensorFlow, on the same batches without the pipeline of TensorFlow, through Python. The median
seconds of an epoch, and the median of the paired ratios with its 95 % interval, by the clock and by processor time.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import recipes
from recipes.training.prepared import Training

# Rounds, and epochs of each fit.
RECIPES = {"digits": (101, 6), "mnist-mlp": (11, 2)}


class Clock(keras.callbacks.Callback):
    """Seconds of the training steps of each epoch, by the clock and by processor time."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append((time.perf_counter() - self.began[0], time.process_time() - self.began[1]))

    def medians(self) -> tuple[float, float]:
        return tuple(statistics.median(column) for column in zip(*self.seconds, strict=True))


def compare(name: str) -> None:
    rounds, epochs = RECIPES[name]
    recipe = recipes.get(name)
    training = Training.of(recipe, recipes.load_dataset(recipe.data.name, 0, recipe.data))
    model, batches = training.core, training.source.batches()
    x, y = training.dataset.prepared("train")
    ways = {
        "arrays that Keras shuffles": {"x": x, "y": y, "batch_size": recipe.fit.batch_size},
        "batches": batches.fit_arguments(),
    }
    if keras.backend.backend() == "tensorflow":
        ways["batches through Python"] = {**batches.fit_arguments(), "x": batches}
    options = {"epochs": epochs, "verbose": 0}
    for arguments in ways.values():  # compiles
        model.fit(**arguments, **options)
    seconds = np.zeros((rounds, len(ways), 2))
    generator = np.random.default_rng(0)
    for number in range(rounds):
        for place in generator.permutation(len(ways)):
            clock = Clock()
            model.fit(**list(ways.values())[place], **options, callbacks=[clock])
            seconds[number, place] = clock.medians()
    ratios = np.sort(seconds / seconds[:, :1], axis=0)
    # The order statistics that enclose the median in 95 of 100 cases.
    half = min(rounds // 2, int(np.ceil(0.98 * np.sqrt(rounds))))
    for place, way in enumerate(ways):
        low, middle, high = (ratios[rounds // 2 + offset, place, 0] for offset in (-half, 0, half))
        print(
            f"| {name} | {keras.backend.backend()} | {way} | {np.median(seconds[:, place, 0]):.3f} | {middle:.3f} | "
            f"{low:.3f} to {high:.3f} | {np.median(ratios[:, place, 1]):.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=list(RECIPES))
    arguments = parser.parse_args()
    print("| recipe | backend | rows from | seconds of an epoch | times Keras's | 95 % | processor time |")
    print("|---|---|---|---|---|---|---|")
    for recipe_name in arguments.recipes:
        compare(recipe_name)
