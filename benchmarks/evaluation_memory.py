"""Memory and time of `recipes.evaluate` on rows that grow a hundredfold, beside `predict` on all of them at once.

Run: python benchmarks/evaluation_memory.py [ROWS ...]

Each evaluation runs in a process of its own, with a small classifier of 10 classes. The rows are made batch by batch
(a `PyDataset`), or lie on the disk (a memory-mapped array), so that whatever grows is held by the evaluation. "Own"
memory is what the process itself asked for (RssAnon), over what it had before; pages of files, which the operating
system takes back when it needs them, are not in it. The other side calls `model.predict` on all rows, and gives the
outputs to `recipes.classification_report`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

FEATURES, CLASSES, BATCH = 8, 10, 4096


def rows_of(batch: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(batch)
    x = generator.normal(size=(BATCH, FEATURES)).astype("float32")
    return x, (x[:, 0] * 2 + 5 + generator.normal(size=BATCH)).clip(0, CLASSES - 1).astype("int64")


def own_memory() -> int:
    """MiB that this process asked for, and holds."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) // 1024


def in_batches(model, rows: int):
    import keras

    import recipes

    class Made(keras.utils.PyDataset):
        num_batches = rows // BATCH

        def __getitem__(self, index):
            return rows_of(index)

    return recipes.evaluate(model, Made(), batch_size=BATCH)


def on_disk(rows: int) -> tuple[np.ndarray, np.ndarray]:
    with tempfile.TemporaryFile() as file:
        x = np.memmap(file, "float32", "w+", shape=(rows, FEATURES))
    y = np.empty(rows, np.int64)
    for batch in range(rows // BATCH):
        place = slice(batch * BATCH, (batch + 1) * BATCH)
        x[place], y[place] = rows_of(batch)
    return x, y


def from_disk(model, rows: int):
    import recipes

    return recipes.evaluate(model, on_disk(rows), batch_size=BATCH)


def all_at_once(model, rows: int):
    import recipes

    x, y = on_disk(rows)
    outputs = model.predict(x, batch_size=BATCH, verbose=0)
    return recipes.classification_report(y, outputs)


SIDES = {
    "`evaluate`, batches": in_batches,
    "`evaluate`, rows on the disk": from_disk,
    "`predict`, then a report": all_at_once,
}


def measure(rows: int, side: str) -> None:
    """In a process of its own: evaluate, and print what it took."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.Input((FEATURES,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(CLASSES, "softmax")]
    model = keras.Sequential(layers)
    SIDES[side](model, 2 * BATCH)  # what is loaded and compiled once is not of the rows
    before = own_memory()
    peak, stop = [before], threading.Event()

    def watch():
        while not stop.wait(0.005):
            peak[0] = max(peak[0], own_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    report = SIDES[side](model, rows)
    seconds = time.perf_counter() - start
    stop.set()
    watcher.join()
    bound = float(report.probabilities.ranking.roc_auc_bound.max())
    print(json.dumps([peak[0] - before, seconds, report.accuracy, bound]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(int(options.measure[0]), options.measure[1])
        return
    print("| rows | with | own memory added | seconds | accuracy | ROC AUC off by at most |\n|---|---|---|---|---|---|")
    for side in SIDES:
        for rows in options.rows:
            rows = rows // BATCH * BATCH
            command = [sys.executable, __file__, "--measure", str(rows), side]
            result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            added, seconds, accuracy, bound = json.loads(result.splitlines()[-1])
            print(f"| {rows:,} | {side} | {added:,} MiB | {seconds:.1f} | {accuracy:.5f} | {bound:.1g} |", flush=True)


if __name__ == "__main__":
    main()
