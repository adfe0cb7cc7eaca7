"""Seconds to 99 % on MNIST: `keras-recipes train mnist-fast` against the MNIST convnet of keras.io as it is published.

Run: KERAS_RECIPES_DATA=... python benchmarks/mnist_fast.py [--seeds 10] [--references 1]

Both from the start of the process, with the images on disk, until the accuracy on the official 10,000 test images is
printed; for the recipe with everything that `train` does but pictures. The reference (15 epochs) reads the same images
from one NPZ file, as its own loader would download them, and trains and evaluates as on
https://keras.io/examples/vision/mnist_convnet/. Printed: seconds and test accuracy of each run, their means, and the
ratio of the median seconds. The runs of the reference come first and last, if there are two.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

REFERENCE = """
import sys
import keras
import numpy as np
from keras import layers

with np.load(sys.argv[1]) as data:
    x_train, y_train, x_test, y_test = (data[name] for name in ("x_train", "y_train", "x_test", "y_test"))
num_classes = 10
input_shape = (28, 28, 1)
x_train = x_train.astype("float32") / 255
x_test = x_test.astype("float32") / 255
x_train = np.expand_dims(x_train, -1)
x_test = np.expand_dims(x_test, -1)
y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)
model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(num_classes, activation="softmax"),
    ]
)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=15, validation_split=0.1)
print("accuracy", model.evaluate(x_test, y_test, verbose=0)[1])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument(
        "--references", type=int, default=1, help="runs of the example of keras.io, about 5 minutes each"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "mnist.npz"
        np.savez(images, **_images())
        plan = [("reference", 0)] * ((options.references + 1) // 2)
        plan += [("mnist-fast", seed) for seed in range(options.seeds)]
        plan += [("reference", 0)] * (options.references // 2)
        found = {}
        print("| run | seed | seconds | test accuracy |\n|---|---|---|---|")
        for way, seed in plan:
            result = _reference(images) if way == "reference" else _recipe(folder, seed)
            found.setdefault(way, []).append(result)
            print(f"| {way} | {seed} | {result[0]:.1f} | {result[1]:.4f} |", flush=True)
    seconds = {way: statistics.median(result[0] for result in results) for way, results in found.items()}
    for way, results in found.items():
        accuracy = [result[1] for result in results]
        print(
            f"{way}: median {seconds[way]:.1f} s, accuracy {statistics.mean(accuracy):.4f}, "
            f"{min(accuracy):.4f} to {max(accuracy):.4f}"
        )
    if len(seconds) == 2:
        print(f"{seconds['reference'] / seconds['mnist-fast']:.1f} times less")


def _images() -> dict[str, np.ndarray]:
    folder = Path(os.environ["KERAS_RECIPES_DATA"]) / "mnist"
    found = {}
    for part, name in (("train", "train"), ("test", "t10k")):
        for key, file, header in (("x", "images-idx3", 16), ("y", "labels-idx1", 8)):
            with gzip.open(folder / f"{name}-{file}-ubyte.gz") as file:
                found[f"{key}_{part}"] = np.frombuffer(file.read(), np.uint8, offset=header)
        found[f"x_{part}"] = found[f"x_{part}"].reshape(-1, 28, 28)
    return found


def _reference(images: Path) -> tuple[float, float]:
    seconds, output = _timed([sys.executable, "-c", REFERENCE, str(images)])
    return seconds, float(output.split()[-1])


def _recipe(folder: str, seed: int) -> tuple[float, float]:
    command = "import sys; from recipes.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["train", "mnist-fast", "--seed", str(seed), "--output", folder, "--no-pictures"]
    seconds, _ = _timed([sys.executable, "-c", command, *arguments])
    report = json.loads((Path(folder) / f"mnist-fast-seed{seed}" / "report.json").read_text())
    return seconds, report["accuracy"]


def _timed(command: list[str]) -> tuple[float, str]:
    start = time.perf_counter()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - start, output


if __name__ == "__main__":
    main()
