"""Time of a training step with Maxout, against a `Dense` layer with the same matrix product and a ReLU.

Claim: at most 1.10 times, dense and convolutional, with 2 and 5 pieces, on TensorFlow and on JAX.

Run: python benchmarks/maxout_speed.py [--jit]
     KERAS_BACKEND=jax python benchmarks/maxout_speed.py

`Maxout(240, pieces)` stands against `Dense(240 * pieces, activation="relu")`, on 512 features in batches of 128;
`MaxoutConv2D(16, 3, pieces)` against `Conv2D(16 * pieces, 3, activation="relu")`, on 28 x 28 x 16 in batches of 32.
Each is a model by itself, trained by SGD on the sum of the squares of its output. The output of the `Dense` layer is
`pieces` times as large, and so is the work of this loss; but that is a pass or two over it. (The mean would be cheaper
still, but is no fair loss: its gradient is constant, with which XLA takes up to twice as long for `Conv2D` and ReLU.)

Timed are whole `fit`s of some steps, all models in turn, the order rotating from round to round. A ratio is that to
the `Dense` layer of the same round, so that much of what else the machine does cancels; the tables have the medians
over the rounds, with their 95 % intervals (order statistics) for the layer. "fit alone" is what a step takes on the
same data of a model that only averages them: it is part of all times. Other work on the same cores stretches all
models alike and draws the ratios of the clock towards 1; those of the processor time of this process it leaves
nearly alone, so the second table has these.

The further columns are other forms of the maximum. Pieces first: piece 0 of all units, then piece 1, and so on: the
layer's order, and that of TensorFlow Addons, whose form it is to reshape and reduce. Pieces last: the same, with all
pieces of unit 0 side by side, then those of unit 1.
"""

import argparse
import functools
import importlib.metadata
import math
import os
import platform
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import ops

from custom_layers import Maxout, MaxoutConv2D

CASES = {"dense": (128, (512,), 40), "conv": (32, (28, 28, 16), 10)}  # batch, features, and steps of a fit


def reduced(maps, pieces: int):
    """One reduction, pieces first. With an unknown batch this is what TensorFlow Addons does."""
    return ops.max(ops.reshape(maps, (-1, *maps.shape[1:-1], pieces, maps.shape[-1] // pieces)), axis=-2)


def reduced_last(maps, pieces: int):
    """One reduction, pieces last."""
    return ops.max(ops.reshape(maps, (-1, *maps.shape[1:-1], maps.shape[-1] // pieces, pieces)), axis=-1)


def pairwise(maps, pieces: int):
    """The maximum of two pieces, of that and the third, and so on."""
    return functools.reduce(ops.maximum, ops.split(maps, pieces, axis=-1))


def larger(left, right):
    """The maximum by selection: its gradient is a selection, too. What is not a number stays so."""
    return ops.where(ops.logical_or(left >= right, ops.isnan(left)), left, right)


def selected(maps, pieces: int):
    """The same, by selection."""
    return functools.reduce(larger, ops.split(maps, pieces, axis=-1))


def halved(maps, pieces: int):
    """The larger of two halves, then of its halves, and so on; an odd piece comes last."""
    size, half = maps.shape[-1] // pieces, pieces // 2
    if pieces == 1:
        return maps
    if pieces == 2:
        return larger(maps[..., :size], maps[..., size:])
    left, right, *odd = ops.split(maps, [half * size, 2 * half * size] if pieces % 2 else 2, axis=-1)
    return functools.reduce(larger, odd, halved(larger(left, right), half))


def with_gradient(largest_of, gradient_of):
    """A function with a gradient of its own, from its input, its output and what comes from above."""

    @ops.custom_gradient
    def largest(blocks):
        output = largest_of(blocks)

        def gradient(*args, upstream=None):
            return gradient_of(blocks, output, args[0] if upstream is None else upstream)

        return output, gradient

    return largest


def own_gradient(maps, pieces: int):
    """One reduction, with the gradient shared by equal pieces. On JAX it excludes forward mode."""

    def shares(blocks, output, upstream):
        if pieces == 2:
            left = ops.cast(ops.equal(blocks[..., 0, :], output), upstream.dtype) * upstream
            return ops.stack([left, upstream - left], axis=-2)
        hits = ops.cast(ops.equal(blocks, ops.expand_dims(output, -2)), upstream.dtype)
        return hits * ops.expand_dims(upstream / ops.sum(hits, axis=-2), -2)

    blocks = ops.reshape(maps, (-1, *maps.shape[1:-1], pieces, maps.shape[-1] // pieces))
    return with_gradient(lambda blocks: ops.max(blocks, axis=-2), shares)(blocks)


def own_gradient_pairwise(maps, pieces: int):
    """The maximum of two pieces and so on, with the gradient to the first largest. On JAX it excludes forward mode."""

    def of_first(maps, output, upstream):
        rest, zero, shares = upstream, ops.zeros_like(upstream), []
        for block in ops.split(maps, pieces, axis=-1)[:-1]:
            hit = ops.equal(block, output)
            shares.append(ops.where(hit, rest, zero))
            rest = ops.where(hit, zero, rest)
        return ops.concatenate([*shares, rest], axis=-1)

    return with_gradient(lambda maps: pairwise(maps, pieces), of_first)(maps)


FORMS = {
    "pieces first, one maximum (tfa)": reduced,
    "pieces last, one maximum": reduced_last,
    "pair by pair, maximum": pairwise,
    "pair by pair, selection": selected,
    "by halves, selection": halved,
    "one maximum, own gradient": own_gradient,
    "pair by pair, own gradient": own_gradient_pairwise,
}


def with_form(layer, form):
    """The Maxout layer, its maximum taken by `form`."""

    class Form(type(layer)):
        def call(self, inputs):
            return form(self.affine(inputs), self.pieces)

    return Form.from_config(layer.get_config())


def build(kind: str, pieces: int) -> dict:
    """All layers of a row: the Dense layer, the Maxout layer, its forms, and one that does next to nothing."""
    if kind == "dense":
        layers = {"relu": keras.layers.Dense(240 * pieces, activation="relu"), "layer": Maxout(240, pieces)}
    else:
        relu = keras.layers.Conv2D(16 * pieces, 3, padding="same", activation="relu")
        layers = {"relu": relu, "layer": MaxoutConv2D(16, 3, pieces, padding="same")}
    forms = {name: with_form(layers["layer"], form) for name, form in FORMS.items()}
    return {**layers, **forms, "nothing": Scale()}


class Scale(keras.layers.Layer):
    """One weight times the mean of the input."""

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), name="scale")

    def call(self, inputs):
        return self.scale * ops.mean(inputs, axis=range(1, len(inputs.shape)))[:, None]


def squares(targets, outputs):
    """Sum of the squares of each example's output; the targets are not used."""
    return ops.sum(ops.square(outputs), axis=range(1, len(outputs.shape)))


def fit_arguments(kind: str) -> dict:
    """The data, in the form whose overhead is least on the backend: arrays take TensorFlow 60 ms a fit."""
    batch, shape, steps = CASES[kind]
    x = np.random.default_rng(0).normal(size=(batch, *shape)).astype("float32")
    y = np.zeros((batch, 1), "float32")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return {"x": tf.data.Dataset.from_tensors((x, y)).repeat(steps)}
    return {"x": np.tile(x, (steps, *[1] * len(shape))), "y": np.tile(y, (steps, 1)), "batch_size": batch}


def measure(kind: str, pieces: int, rounds: int, jit: bool) -> dict:
    """Milliseconds of a step of each layer, `(rounds, 2)`: by the clock, and of the processor."""
    _, shape, steps = CASES[kind]
    data = fit_arguments(kind)
    models = {}
    for name, layer in build(kind, pieces).items():
        models[name] = keras.Sequential([keras.Input(shape), layer])
        models[name].compile(keras.optimizers.SGD(1e-4), squares, jit_compile=jit or "auto")
        models[name].fit(**data, shuffle=False, verbose=0)
    times, names = {name: [] for name in models}, list(models)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = np.array([time.perf_counter(), time.process_time()])
            models[name].fit(**data, shuffle=False, verbose=0)
            times[name].append(np.array([time.perf_counter(), time.process_time()]) - start)
    return {name: np.array(values) / steps * 1000 for name, values in times.items()}


def interval(values: np.ndarray) -> tuple[float, float]:
    """Two of the values between which the median lies with 95 % confidence at least."""
    n, below, rank = len(values), 0.0, 0
    while (below := below + math.comb(n, rank) / 2**n) <= 0.025:
        rank += 1
    ordered = np.sort(values)
    return ordered[rank - 1], ordered[n - rank]


def machine(jit: bool) -> str:
    """Where this runs."""
    backend = keras.backend.backend()
    libraries = f"Keras {keras.__version__}, {backend} {importlib.metadata.version(backend)}"
    how = " with jit_compile=True" if jit else ""
    return f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {libraries}{how}"


def row(times: dict) -> list[str]:
    """Medians: milliseconds of the Dense layer and of `fit`, ratio and interval of the layer, ratios of the forms."""
    relu, nothing, *others = times.pop("relu"), times.pop("nothing"), *times.values()
    ratios = [values / relu for values in others]
    least, greatest = interval(ratios[0])
    cells = [f"{statistics.median(ratio):.2f}" for ratio in ratios]
    cells.insert(1, f"{least:.2f} to {greatest:.2f}")
    return [f"{statistics.median(relu):.2f}", f"{statistics.median(nothing):.2f}", *cells]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--jit", action="store_true", help="XLA on TensorFlow, too, where Keras leaves it out on a CPU")
    options = parser.parse_args()
    print(f"{machine(options.jit)}; {options.rounds} rounds")
    rows = {"Time": [], "Processor time": []}
    for kind in CASES:
        for pieces in (2, 5):
            times = measure(kind, pieces, options.rounds, options.jit)
            for clock, table in enumerate(rows.values()):
                table.append([kind, str(pieces), *row({name: values[:, clock] for name, values in times.items()})])
    columns = ["step", "pieces", "Dense, ms", "fit alone, ms", "the layer", "95 %", *FORMS]
    for title, table in rows.items():
        print(f"\n{title}:\n")
        for cells in [columns, ["---"] * len(columns), *table]:
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
