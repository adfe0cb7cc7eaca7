"""Few labelled images: digits-transfer against networks that begin at random, on 50 training rows of `digits`.

Run: python benchmarks/transfer.py [--seeds 0 1 2 3 4]

Every contestant trains on the same 50 rows (the split and the draw follow from the seed) and keeps the weights of its
last epoch, so that no label but those 50 is used. The settings of each were chosen on validation rows of seeds 10 to
12: for the same network of the learning rates 0.003 and 0.01, and augmentation; for the small convnet of the rates
0.001 and 0.003, augmentation, and batch normalization with an average over the image in place of flattening.
"""

import argparse
import os
import statistics
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

import recipes
from recipes import models

TRANSFER = recipes.get("digits-transfer")
BUDGET = TRANSFER.fit.epochs + TRANSFER.fine_tune.epochs
# The same network and the same steps, but from random weights, all of them trained.
SAME_NETWORK = TRANSFER.replace(
    name="same-network", optimizer={"learning_rate": 0.01}, fit={"epochs": BUDGET}, fine_tune={"epochs": 0}
)
# A network for images this small.
CONVNET = TRANSFER.replace(
    name="small-convnet",
    model={"builder": "convnet", "body": None, "widths": (32, 64)},
    regularization={"dropout": 0.5},
    augmentation={"shift": 0.1, "rotate": 10, "zoom": 0.1},
    optimizer={"learning_rate": 0.003},
    fit={"epochs": 2 * BUDGET},
    fine_tune={"epochs": 0},
)


def from_random(dataset) -> keras.Model:
    """The network of digits-transfer with new weights; its normalization learns its statistics as usual."""
    transferred = models.build(TRANSFER, dataset)
    inputs = x = keras.Input(dataset.input_shape, name="inputs")
    for layer in transferred.layers[1:]:
        if isinstance(layer, keras.Model):
            layer.trainable = True
            x = keras.Model.from_config(layer.get_config())(x)
        else:
            x = type(layer).from_config(layer.get_config())(x)
    return keras.Model(inputs, x, name="same_network")


CONTESTANTS = {
    "digits-transfer": (TRANSFER, None),
    "its head alone": (TRANSFER.replace(fine_tune={"epochs": 0}), None),
    "same network, random weights": (SAME_NETWORK, from_random),
    "small convnet, random weights": (CONVNET, None),
}


def measure(recipe, model, seed: int) -> float:
    """Accuracy on the test part."""
    with tempfile.TemporaryDirectory() as output:
        return recipes.train(recipe, model=model, seed=seed, output=output, verbose=False).report.accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    seeds = parser.parse_args().seeds
    print(f"| test accuracy | mean | {' | '.join(f'seed {seed}' for seed in seeds)} |\n|---|---|{'---|' * len(seeds)}")
    for name, (recipe, model) in CONTESTANTS.items():
        scores = [measure(recipe, model, seed) for seed in seeds]
        each = " | ".join(f"{score:.3f}" for score in scores)
        print(f"| {name} | {statistics.mean(scores):.3f} | {each} |", flush=True)


if __name__ == "__main__":
    main()
