"""What `TrainingDoctor` adds to the time of a healthy training: whole fits with it and without, in turn.

Run: KERAS_RECIPES_DATA=... python benchmarks/doctor_overhead.py [--rounds 7], with KERAS_BACKEND=jax too

Nothing is hooked into the steps of the training: the cost is that of the facts at its start, and of the rows that are
predicted at its start and its end.

Three trainings of new models, compiling included: the bundled digits by an MLP for 60 epochs, 10,000 rows of MNIST by
the MLP of 10 layers of 500 units for 2, and by the convnet of keras.io for 2. The fits of a round are in rotating
order: without the callback twice, which shows the noise, with it on rows, and with it alone. Printed: the median over
the rounds of the ratio to the first fit without it, by the clock and by the processor time of the process, with the
least and the greatest.
"""

import argparse
import gzip
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from monitoring_overhead import convnet, mlp
from sklearn.datasets import load_digits

import recipes

ROWS, HELD = 10_000, 2_000


def digits():
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


def mnist(shape):
    folder = Path(os.environ["KERAS_RECIPES_DATA"]) / "mnist"
    with gzip.open(next(folder.rglob("train-images-idx3-ubyte.gz"))) as images:
        x = np.frombuffer(images.read(), np.uint8, offset=16)[: (ROWS + HELD) * 784]
    with gzip.open(next(folder.rglob("train-labels-idx1-ubyte.gz"))) as labels:
        y = np.frombuffer(labels.read(), np.uint8, offset=8)[: ROWS + HELD]
    return (x.reshape(-1, *shape) / 255).astype("float32"), y.astype("int64")


def small():
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
    return keras.Sequential([keras.Input((64,)), *layers])


CASES = {
    "digits, MLP, 60 epochs": (digits, small, 32, 60),
    "MNIST, MLP 10 x 500, 2 epochs": (lambda: mnist((784,)), mlp, 128, 2),
    "MNIST, convnet, 2 epochs": (lambda: mnist((28, 28, 1)), convnet, 128, 2),
}
WAYS = ("without", "without, again", "with rows", "without rows")


def seconds(way, build, train, held, batch_size, epochs) -> tuple[float, float]:
    """Time by the clock, and processor time, of one training."""
    keras.utils.set_random_seed(0)
    model = build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss=loss, metrics=["accuracy"])
    clock, processor = time.perf_counter(), time.process_time()
    callbacks = []
    if way.startswith("with "):
        callbacks = [recipes.TrainingDoctor(*train, held, batch_size=batch_size)]
    elif way == "without rows":
        callbacks = [recipes.TrainingDoctor()]
    model.fit(*train, validation_data=held, epochs=epochs, batch_size=batch_size, callbacks=callbacks, verbose=0)
    return time.perf_counter() - clock, time.process_time() - processor


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"{keras.backend.backend()}, {rounds} rounds; ratios to the training without the callback")
    for name, (read, build, batch_size, epochs) in CASES.items():
        x, y = read()
        held_rows = len(x) // 6
        parts = (x[held_rows:], y[held_rows:]), (x[:held_rows], y[:held_rows])
        seconds(WAYS[2], build, *parts, batch_size, 1)  # imports, and what is compiled once for a process
        times = {way: [] for way in WAYS}
        for turn in range(rounds):
            for way in np.roll(WAYS, turn):
                times[str(way)].append(seconds(str(way), build, *parts, batch_size, epochs))
        first = times[WAYS[0]]
        print(f"{name}: {statistics.median(clock for clock, _ in first):.1f} s")
        for way in WAYS[1:]:
            columns = []
            for place, what in enumerate(("clock", "processor")):
                ratios = [mine[place] / base[place] for mine, base in zip(times[way], first, strict=True)]
                columns.append(f"{what} {statistics.median(ratios):.3f} ({min(ratios):.2f} to {max(ratios):.2f})")
            print(f"  {way}: {', '.join(columns)}", flush=True)


if __name__ == "__main__":
    main()
