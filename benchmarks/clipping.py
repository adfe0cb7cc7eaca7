"""Clipping: what it saves, and what it costs.

Run: KERAS_RECIPES_DATA=... python benchmarks/clipping.py [--cost] [--training] [--epochs 60]

`--training`: the recipe mnist-maxout (2 x 240 Maxout units of 5 pieces, dropout, max-norm 2, Nesterov momentum 0.9,
peak rate 0.05) with its global norm of 1, and without, until it diverges; error on the official test images, seed 0.
`--cost`: a step with each kind of clipping against one of Keras's optimizer alone, an MLP of 784-512-512-10 with Adam
at batch 128: short fits in rotating order in one process, the median of the paired ratios and its 95 % interval.
"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import recipes

WAYS = {
    "Keras's optimizer alone": None,
    "no clipping (skips what is not finite)": {},
    "clipnorm": {"clipnorm": 1.0},
    "global_clipnorm": {"global_clipnorm": 1.0},
    "clipvalue": {"clipvalue": 0.1},
    "adaptive_clip": {"adaptive_clip": 0.01},
    "percentile_clip": {"percentile_clip": 10},
    "Keras's own global_clipnorm": "keras",
}
STEPS, BATCH = 60, 128


def model(way) -> keras.Model:
    keras.utils.set_random_seed(0)
    network = recipes.mlp((784,), 10, widths=(512, 512))
    if way is None or way == "keras":
        optimizer = keras.optimizers.Adam(0.001, global_clipnorm=1.0 if way else None)
    else:
        optimizer = recipes.optimizers.get("adam", 0.001, **way)
    network.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return network


def cost(rounds: int) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(STEPS * BATCH, 784)).astype(np.float32)
    y = generator.integers(0, 10, STEPS * BATCH)
    models = [model(way) for way in WAYS.values()]
    seconds = np.zeros((rounds, len(models)))
    for network in models:
        network.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
    for number in range(rounds):
        for place in np.roll(np.arange(len(models)), number):
            begin = time.perf_counter()
            models[place].fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
            seconds[number, place] = time.perf_counter() - begin
    ratios = np.sort(seconds / seconds[:, :1], axis=0)
    # The order statistics that enclose the median in 95 of 100 cases.
    half = int(np.ceil(0.98 * np.sqrt(rounds)))
    low, high = ratios[rounds // 2 - half], ratios[rounds // 2 + half]
    print("| optimizer | ms a step | times Keras's optimizer alone | 95 % interval |\n|---|---|---|---|")
    for place, name in enumerate(WAYS):
        milliseconds = 1000 * np.median(seconds[:, place]) / STEPS
        interval = f"{low[place]:.3f} to {high[place]:.3f}"
        print(f"| {name} | {milliseconds:.2f} | {np.median(ratios[:, place]):.3f} | {interval} |")


def training(epochs: int) -> None:
    print("| global norm | epochs | largest loss | last loss | test error | seconds |\n|---|---|---|---|---|---|")
    for bound in (1.0, None):
        recipe = recipes.get("mnist-maxout").replace(optimizer={"global_clipnorm": bound}, fit={"epochs": epochs})
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            try:
                run = recipes.train(recipe, output=folder, verbose=False)
            except ValueError as error:
                end = f"{str(error).split(';')[0]} | | | "
            else:
                loss = run.history["loss"]
                end = f"{len(loss)} | {max(loss):.3g} | {loss[-1]:.3g} | {1 - run.report.accuracy:.4f}"
        print(f"| {bound or 'none'} | {end} | {time.perf_counter() - begin:.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()
    print(f"backend {keras.backend.backend()}, Keras {keras.__version__}")
    if arguments.cost or not arguments.training:
        cost(arguments.rounds)
    if arguments.training or not arguments.cost:
        training(arguments.epochs)
