"""Memory and time of a training from a CSV file that grows tenfold: what grows with the rows, and by how much.

Run: python benchmarks/csv_memory.py [ROWS ...]

Each training runs in a process of its own, for one epoch. "Own" memory is what the process itself asked for (RssAnon);
pages of files, which the operating system takes back when it needs them, are not in it. Beside it stands what a script
does without this package: pandas, one column for each category, scaling, and `fit` on arrays; same network and batches.
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


def with_this_package(path: str, recipe) -> float:
    """Test accuracy."""
    import recipes

    with tempfile.TemporaryDirectory() as output:
        return recipes.train(recipe, path, target="target", output=output, verbose=False).report.accuracy


def with_pandas(path: str, recipe) -> float:
    """The same: test accuracy."""
    import pandas
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    import recipes

    frame = pandas.read_csv(path)
    y = (frame.pop("target") == "yes").to_numpy(int)
    numbers = [name for name in frame if name.startswith("number")]
    frame[numbers] = frame[numbers].fillna(frame[numbers].mean())
    x = pandas.get_dummies(frame, columns=["kind", "city"], dummy_na=True).to_numpy("float32")
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)
    scaler = StandardScaler().fit(x)
    x, x_test = scaler.transform(x), scaler.transform(x_test)
    model = recipes.mlp(x.shape[1:], 1, widths=recipe.model.widths, dropout=recipe.regularization.dropout)
    recipes.compile_model(model, recipe, task="classification")
    model.fit(x, y, batch_size=recipe.fit.batch_size, epochs=1, validation_split=0.125, verbose=0)
    return model.evaluate(x_test, y_test, batch_size=1024, verbose=0)[1]


def train(path: str, side: str) -> None:
    """In a process of its own: train, and print what it took."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    import recipes

    keras.ops.zeros(())
    recipe = recipes.get("tabular").replace(fit={"epochs": 1, "batch_size": 1024}, schedule={"name": "constant"})
    peak, stop = [own_memory()], threading.Event()
    before = peak[0]

    def watch():
        while not stop.wait(0.02):
            peak[0] = max(peak[0], own_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    accuracy = SIDES[side](path, recipe)
    total = time.perf_counter() - start
    stop.set()
    watcher.join()
    print(json.dumps([before, peak[0], total, accuracy]))


SIDES = {"keras-recipes": with_this_package, "pandas": with_pandas}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, default=[50_000, 500_000, 5_000_000])
    parser.add_argument("--train", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train(*options.train)
        return
    print("| rows | file | with | own memory before | peak | seconds | accuracy |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            path = Path(folder, "table.csv")
            write_csv(path, rows)
            size = path.stat().st_size / 2**20
            for side in SIDES:
                command = [sys.executable, __file__, "--train", str(path), side]
                result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
                before, peak, seconds, accuracy = result
                print(
                    f"| {rows:,} | {size:,.0f} MiB | {side} | {before:,} MiB | {peak:,} MiB | {seconds:.1f} | "
                    f"{accuracy:.4f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
