"""Does the signal survive 100 layers? Pre-activations at layer 100 of a 500-wide net, by activation and initialization.

Run: python benchmarks/signal_at_depth.py [ACTIVATION ...] [--draws 5] [--depth 100]

Rows are standard normal, 256 of 500 features. Per cell: standard deviation of the pre-activations over rows and units,
median of the draws; behind the slash their standard deviation over rows, unit by unit (root mean square over units),
relative to that: near 0, the layer answers every row alike. `rrelu` is measured at inference, `rrelu (training)` with
its random slopes.
"""

import argparse
import os
import statistics
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import recipes
from custom_layers import Maxout, PReLU, RandomizedLeakyReLU
from recipes.initialization import initialize

WIDTH, ROWS = 500, 256
METHODS = ("initializer_for", "variance", "lsuv")


def _dense(activation: str) -> Callable:
    def layers(kernel_initializer, name):
        dense = keras.layers.Dense(WIDTH, kernel_initializer=kernel_initializer, name=name)
        special = {"prelu": PReLU, "rrelu": RandomizedLeakyReLU}
        return dense, special[activation]() if activation in special else keras.layers.Activation(activation)

    return layers


def _maxout(pieces: int) -> Callable:
    def layers(kernel_initializer, name):
        return (Maxout(WIDTH, pieces, kernel_initializer=kernel_initializer, name=name),)

    return layers


# By the name in the table: the layers at each depth, what `initializer_for` is told, and whether they are in training.
NAMES = ("linear", "relu", "leaky_relu", "prelu", "selu", "tanh", "sigmoid", "softplus", "elu", "gelu", "silu")
ACTIVATIONS = {name: (_dense(name), {"activation": name}, False) for name in NAMES}
ACTIVATIONS |= {
    "rrelu": (_dense("rrelu"), {"activation": "rrelu"}, False),
    "rrelu (training)": (_dense("rrelu"), {"activation": "rrelu"}, True),
    "maxout, 2 pieces": (_maxout(2), {"activation": "maxout", "pieces": 2}, False),
    "maxout, 5 pieces": (_maxout(5), {"activation": "maxout", "pieces": 5}, False),
}


def net(name: str, depth: int) -> keras.Model:
    layers, arguments, _ = ACTIVATIONS[name]
    inputs = outputs = keras.Input((WIDTH,))
    for number in range(depth):
        for layer in layers(recipes.initializer_for(**arguments), f"layer_{number + 1}"):
            outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def measure(name: str, draws: int, depth: int) -> dict[str, tuple[float, float]]:
    """By method, medians over the draws of the pooled standard deviation, and of that over rows relative to it."""
    found = {method: [] for method in METHODS}
    for draw in range(draws):
        keras.backend.clear_session()
        keras.utils.set_random_seed(draw)
        x = np.random.default_rng(1000 + draw).standard_normal((ROWS, WIDTH)).astype("float32")
        model = net(name, depth)
        last = model.get_layer(f"layer_{depth}")
        before = keras.Model(model.inputs[0], last.input)
        affine = last.affine if isinstance(last, Maxout) else last
        for method in METHODS:  # the net comes with the first
            if method != "initializer_for":
                initialize(model, method, x if method == "lsuv" else None, seed=draw)
            signal = keras.ops.convert_to_numpy(affine(before(x, training=ACTIVATIONS[name][2]))).astype("float64")
            found[method].append((signal.std(), np.sqrt(signal.var(axis=0).mean()) / signal.std()))
    return {method: tuple(map(statistics.median, zip(*pairs, strict=True))) for method, pairs in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("activations", nargs="*", default=list(ACTIVATIONS), metavar="ACTIVATION")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--depth", type=int, default=100)
    options = parser.parse_args()
    print(f"| activation | {' | '.join(METHODS)} |\n|---|{'---|' * len(METHODS)}")
    for name in options.activations:
        cells = measure(name, options.draws, options.depth)
        print(f"| {name} | {' | '.join('{:.2g} / {:.2g}'.format(*cells[method]) for method in METHODS)} |", flush=True)


if __name__ == "__main__":
    main()
