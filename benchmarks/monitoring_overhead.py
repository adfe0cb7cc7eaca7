"""What watching a training costs: epochs with our callbacks against epochs without, and with what else there is.

Run: python benchmarks/monitoring_overhead.py [--steps 100] [--rounds 22] [--others], with KERAS_BACKEND=jax too

Three networks: an MLP of 10 layers of 500 units, the convnet for MNIST of keras.io, and an LSTM of 128 units over 28
steps; Adam, batches of 128, random rows of the size of MNIST's. Each way of watching trains a model of its own in one
long `fit` (as each `fit` compiles anew); they take turns, epoch by epoch, in an order drawn anew for each round.
Printed: the median of the ratios to the epoch without callbacks of the same round, by the clock and by the processor
time of the whole process, which is steadier, each with the interval of order statistics that holds the true median in
95 of 100 cases.

The training without callbacks has a twin: the same in a second model. The ratio of the two is 1 but for noise, and a
difference of another row from 1 that is no larger says nothing. Compilation is left out of all ratios; the last column
has it: processor time of the first epoch beyond that of a later one. `ms a step` is processor time of a later epoch
over its steps, with all that is done once an epoch.
"""

import argparse
import math
import os
import tempfile
import threading
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import recipes
from callbacks import GradientNormLogger

BATCH = 128
ALONE, TWIN = "no callback", "no callback, again"


def mlp():
    hidden = [keras.layers.Dense(500, "relu", kernel_initializer="he_normal") for _ in range(10)]
    return keras.Sequential([keras.Input((784,)), *hidden, keras.layers.Dense(10)])


def convnet():
    layers = keras.layers
    first = [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2)]
    second = [layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2)]
    last = [layers.Flatten(), layers.Dropout(0.5), layers.Dense(10)]
    return keras.Sequential([keras.Input((28, 28, 1)), *first, *second, *last])


def lstm():
    return keras.Sequential([keras.Input((28, 28)), keras.layers.LSTM(128), keras.layers.Dense(10)])


NETWORKS = {"MLP, 10 x 500": mlp, "convnet of keras.io": convnet, "LSTM, 128": lstm}


class Recomputed(keras.callbacks.Callback):
    """Gradient norms as they are often logged: a second backward pass for a batch, after each."""

    def __init__(self, x, y):
        super().__init__()
        self.batches = [(x[place : place + BATCH], y[place : place + BATCH]) for place in range(0, len(x), BATCH)]

    def on_train_begin(self, logs=None):
        import tensorflow as tf

        @tf.function
        def norms(x, y):
            with tf.GradientTape() as tape:
                loss = self.model.compute_loss(x, y, self.model(x, training=True))
            return [tf.norm(gradient) for gradient in tape.gradient(loss, self.model.trainable_weights)]

        self.norms = norms

    def on_train_batch_end(self, batch, logs=None):
        self.norms(*self.batches[batch])


def ways(x, y, folder, others):
    def ours():
        found = recipes.callbacks_for("mnist-mlp", x)
        for callback in found:
            if isinstance(callback, keras.callbacks.EarlyStopping):
                # As nobody else validates here, and as all ways make all rounds.
                callback.monitor, callback.patience = "loss", math.inf
        return found

    found = {ALONE: list, TWIN: list, "GradientNormLogger": lambda: [GradientNormLogger()], "all of ours": ours}
    if others:
        found["TensorBoard, histogram_freq=1"] = lambda: [keras.callbacks.TensorBoard(folder, histogram_freq=1)]
    if others and keras.backend.backend() == "tensorflow":
        found["gradients computed again"] = lambda: [Recomputed(x, y)]
    return found


class Turns:
    """Lets several threads make one epoch each, in an order drawn anew for each round."""

    def __init__(self, count, rounds):
        generator = np.random.default_rng(0)
        self.order = [int(place) for _ in range(rounds) for place in generator.permutation(count)]
        self.done = 0
        self.changed = threading.Condition()

    def wait(self, place):
        with self.changed:
            self.changed.wait_for(lambda: self.order[self.done] == place)

    def end(self):
        with self.changed:
            self.done += 1
            self.changed.notify_all()


class Begin(keras.callbacks.Callback):
    """The first callback: waits for its turn, and takes the time."""

    def __init__(self, turns, place):
        super().__init__()
        self.turns, self.place = turns, place

    def on_epoch_begin(self, epoch, logs=None):
        self.turns.wait(self.place)
        self.start = time.perf_counter(), time.process_time()


class End(keras.callbacks.Callback):
    """The last one."""

    def __init__(self, turns, begin, seconds):
        super().__init__()
        self.turns, self.begin, self.seconds = turns, begin, seconds

    def on_epoch_end(self, epoch, logs=None):
        clock, processor = self.begin.start
        self.seconds.append((time.perf_counter() - clock, time.process_time() - processor))
        self.turns.end()


def measured(build, steps, rounds, others) -> dict[str, list[tuple[float, float]]]:
    """Seconds of each epoch by the clock and of the processor, by the way of watching."""
    generator = np.random.default_rng(0)
    shape = build().input_shape[1:]
    x = generator.normal(size=(steps * BATCH, *shape)).astype(np.float32)
    y = generator.integers(0, 10, steps * BATCH)
    with tempfile.TemporaryDirectory() as folder:
        chosen = list(ways(x, y, folder, others).items())
        turns, seconds, threads = Turns(len(chosen), rounds), {}, []
        for place, (name, callbacks) in enumerate(chosen):
            model = build()
            model.compile(keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            begin = Begin(turns, place)
            seconds[name] = []
            all_of_them = [begin, *callbacks(), End(turns, begin, seconds[name])]
            arguments = {"batch_size": BATCH, "epochs": rounds, "shuffle": False, "verbose": 0}
            arguments["callbacks"] = all_of_them
            threads.append(threading.Thread(target=model.fit, args=(x, y), kwargs=arguments, daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100, help="of one epoch")
    parser.add_argument("--rounds", type=int, default=22)
    parser.add_argument("--others", action="store_true", help="measure other ways of watching, too")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=NETWORKS)
    arguments = parser.parse_args()
    print(f"backend {keras.backend.backend()}, Keras {keras.__version__}, epochs of {arguments.steps} steps\n")
    print("| network | watched by | ms a step | clock, times | 95 % | processor, times | 95 % | compiling, s |")
    print("|---|---|---|---|---|---|---|---|")
    for network in arguments.networks:
        seconds = measured(NETWORKS[network], arguments.steps, arguments.rounds, arguments.others)
        base = np.array(seconds[ALONE][1:])
        half = int(np.ceil(0.98 * np.sqrt(len(base))))
        for name, times in seconds.items():
            first, times = times[0], np.array(times[1:])
            ratios = np.sort(times / base, axis=0)
            lows, highs = ratios[max(0, len(base) // 2 - half)], ratios[min(len(base) - 1, len(base) // 2 + half)]
            cells = [f"{1000 * np.median(times[:, 1]) / arguments.steps:.2f}"]
            for median, low, high in zip(np.median(ratios, axis=0), lows, highs, strict=True):
                cells += [f"{median:.3f}", f"{low:.3f} to {high:.3f}"]
            cells.append(f"{first[1] - np.median(times[:, 1]):.1f}")
            print(f"| {network} | {name} | {' | '.join(cells)} |", flush=True)
