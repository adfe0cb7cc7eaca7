"""Very deep residual networks: they train, because each block begins as the identity.

Run: python benchmarks/residual_depth.py [--depth 200] [--epochs 8]

A residual MLP of 16 units on digits, plain gradient descent with a rate of 0.005, seed 0; accuracy on training rows
after the last epoch, beside the same number of plain layers (twice as many as blocks).
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

import recipes


def trained(build, epochs: int) -> tuple[float, float]:
    """Accuracy on training rows after the last epoch, and the seconds it took."""
    begin = time.perf_counter()
    keras.utils.set_random_seed(0)
    x, y = recipes.load_dataset("digits").prepared("train")
    model = build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.005), loss, metrics=["accuracy"])
    history = model.fit(x.reshape(-1, 64), y, batch_size=32, epochs=epochs, verbose=0).history
    return history["accuracy"][-1], time.perf_counter() - begin


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=8)
    arguments = parser.parse_args()
    networks = {
        f"residual, {arguments.depth} blocks": lambda: recipes.residual((64,), 10, widths=(16,), depth=arguments.depth),
        f"plain, {2 * arguments.depth} layers": lambda: recipes.mlp((64,), 10, widths=f"16 x {2 * arguments.depth}"),
    }
    print("| network | accuracy | seconds |\n|---|---|---|")
    for name, build in networks.items():
        accuracy, seconds = trained(build, arguments.epochs)
        print(f"| {name} | {accuracy:.3f} | {seconds:.0f} |", flush=True)
