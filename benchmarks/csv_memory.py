"""Memory and time of a training from a CSV file that grows tenfold: what grows with the rows, and by how much.

Run: python benchmarks/csv_memory.py [ROWS ...]

Each training runs in a process of its own, for one epoch. "Own" memory is what the process itself asked for (RssAnon);
pages of files, which the operating system takes back when it needs them, are not in it.
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

CITIES = np.array([f"city {number}" for number in range(40)])
KINDS = np.array(["red", "green", "blue", ""])


def write_csv(path: Path, rows: int) -> None:
    """Ten columns of numbers, two of texts, missing values among them; the target depends on some."""
    generator = np.random.default_rng(0)
    with path.open("w") as stream:
        stream.write(",".join([*(f"number_{n}" for n in range(10)), "kind", "city", "target"]) + "\n")
        for start in range(0, rows, 100_000):
            count = min(100_000, rows - start)
            numbers = generator.normal(size=(count, 10)).round(4)
            kind, city = generator.integers(0, 4, count), generator.integers(0, 40, count)
            target = np.where(numbers[:, 0] + numbers[:, 1] * (kind == 1) + (city % 3 == 0) > 0.3, "yes", "no")
            text = numbers.astype("U8")
            text[generator.random(count) < 0.01, 3] = ""
            columns = [*text.T, KINDS[kind], CITIES[city], target]
            stream.write("\n".join(map(",".join, zip(*columns, strict=True))) + "\n")


def own_memory() -> int:
    """MiB that this process asked for, and holds."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) // 1024


def train(path: str) -> None:
    """In a process of its own: train, and print what it took."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    import recipes

    keras.ops.zeros(())
    peak, stop = [own_memory()], threading.Event()
    before = peak[0]

    def watch():
        while not stop.wait(0.02):
            peak[0] = max(peak[0], own_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    dataset = recipes.load_dataset(path, target="target")
    loaded, loading_peak = time.perf_counter() - start, peak[0]
    recipe = recipes.get("tabular").replace(fit={"epochs": 1, "batch_size": 1024}, schedule={"name": "constant"})
    with tempfile.TemporaryDirectory() as output:
        report = recipes.train(recipe, dataset, output=output, verbose=False).report
    total = time.perf_counter() - start
    stop.set()
    watcher.join()
    print(json.dumps([before, loading_peak, peak[0], loaded, total, report.accuracy]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, default=[50_000, 500_000, 5_000_000])
    parser.add_argument("--train", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train(options.train)
        return
    print("| rows | file, MiB | own memory before | peak while loading | peak | loading, s | all, s | accuracy |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            path = Path(folder, "table.csv")
            write_csv(path, rows)
            command = [sys.executable, __file__, "--train", str(path)]
            result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            before, loading, peak, loaded, total, accuracy = result
            size = path.stat().st_size / 2**20
            print(
                f"| {rows:,} | {size:,.0f} | {before:,} MiB | {loading:,} MiB | {peak:,} MiB | {loaded:.1f} | "
                f"{total:.1f} | {accuracy:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
