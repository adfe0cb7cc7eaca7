"""What stays in a process with each further training, and with each further epoch, beside plain Keras.

Run: KERAS_RECIPES_DATA=... python benchmarks/long_runs.py [--trainings 20] [--repeats 3] [--epochs 300]

Each measurement has a fresh process: after three trainings to warm up, the growth for each further one of resident
memory, of the objects that Python's garbage collector knows, of TensorFlow's functions and of open files. The trainings
are `recipes.train` by `digits` for two epochs, without pictures; Keras's own `fit` and `predict` of the same network on
the same rows; and the same fit, after which the graphs of all functions are dismantled by a private function of
TensorFlow, to show what they hold. Last, one training by `digits` of many epochs with every callback: the growth from
its second tenth to its end.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

WARM_UP = 3
MODES = {
    "recipes.train": "the package",
    "keras": "plain Keras",
    "keras-dismantled": "plain Keras, graphs dismantled",
}
UNITS = ("MiB", "objects", "functions", "files")


def state() -> tuple[float, int, int, int]:
    """Resident MiB, objects, functions of TensorFlow and open files of this process, once garbage is collected."""
    gc.collect()
    with open("/proc/self/statm") as file:
        memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return memory, len(gc.get_objects()), _functions(), len(os.listdir("/proc/self/fd"))


def _functions() -> int:
    import keras

    if keras.backend.backend() != "tensorflow":
        return 0
    from tensorflow.python.eager import context

    return len(context.context().list_function_names())


def training(mode: str):
    """A function without arguments that trains once."""
    import keras

    import recipes
    from recipes.models import building

    dataset = recipes.load_dataset("digits")
    recipe = recipes.get("digits").replace(fit={"epochs": 2})
    if mode == "recipes.train":
        options = {"output": tempfile.mkdtemp(), "overwrite": True, "pictures": False, "verbose": False}
        return lambda: recipes.train(recipe, dataset, **options)
    x, y = dataset.prepared("train")
    validation = dataset.prepared("validation")

    def fit():
        model = building.build(recipe, dataset)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        model.fit(x, y, validation_data=validation, epochs=2, verbose=0)
        model.predict(dataset.prepared("test")[0], verbose=0)

    return fit if mode == "keras" else lambda: (fit(), _dismantle())


def _dismantle() -> None:
    from tensorflow.python.framework import func_graph

    gc.collect()
    for thing in gc.get_objects():
        if isinstance(thing, func_graph.FuncGraph):
            func_graph.dismantle_func_graph(thing)


def growth_by_training(mode: str, trainings: int) -> list[float]:
    """Growth of each part of `state` for one training."""
    train = training(mode)
    for _ in range(WARM_UP):
        train()
    before = state()
    for _ in range(trainings):
        train()
    return [(now - then) / trainings for then, now in zip(before, state(), strict=True)]


def growth_by_epochs(epochs: int) -> list[float]:
    """Growth of each part of `state` from the second tenth of a training with every callback to its end."""
    import keras

    import callbacks
    import recipes

    class Seen(keras.callbacks.Callback):
        states = ()

        def on_epoch_end(self, epoch, logs=None):
            if epoch + 1 in (epochs // 5, epochs):
                self.states = (*self.states, state())

    seen = Seen()
    recipe = recipes.get("digits").replace(fit={"epochs": epochs, "patience": None})
    dataset = recipes.load_dataset("digits")
    watchers = [
        callbacks.GradientNormLogger(trace_every=10),
        callbacks.ActivationStatistics(dataset.prepared("train", 256)[0]),
        seen,
    ]
    options = {"output": tempfile.mkdtemp(), "pictures": False, "verbose": False}
    recipes.train(recipe, dataset, callbacks=watchers, **options)
    return [now - then for then, now in zip(*seen.states, strict=True)]


def in_fresh_process(*arguments) -> list[float]:
    command = [sys.executable, __file__, "--worker", *map(str, arguments)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(output.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainings", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        mode, count = arguments.worker[0], int(arguments.worker[1])
        print(json.dumps(growth_by_epochs(count) if mode == "epochs" else growth_by_training(mode, count)))
        return
    rows = {mode: [] for mode in MODES}
    for _ in range(arguments.repeats):
        for mode, seen in rows.items():
            seen.append(in_fresh_process(mode, arguments.trainings))
    for mode, seen in rows.items():
        medians = [statistics.median(values) for values in zip(*seen, strict=True)]
        text = ", ".join(f"{value:,.1f} {unit}" for value, unit in zip(medians, UNITS, strict=True))
        print(f"{MODES[mode]}, growth for each of {arguments.trainings} trainings: {text}", flush=True)
    grown = in_fresh_process("epochs", arguments.epochs)
    text = ", ".join(f"{value:,.1f} {unit}" for value, unit in zip(grown, UNITS, strict=True))
    print(f"one training, from epoch {arguments.epochs // 5} to {arguments.epochs}: {text}")


if __name__ == "__main__":
    main()
