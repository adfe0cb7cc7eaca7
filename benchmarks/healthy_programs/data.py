"""Rows for the healthy programs: bundled sets, texts of installed packages, and files of the data folder."""

import ast
import csv
import functools
import gzip
import os
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn import datasets

PACKAGES = ("numpy", "sklearn", "scipy", "pandas")
# Word numbers of what fills the end of a short text, and of a word that is not in the vocabulary.
PADDING, UNKNOWN = 0, 1


def split(x: np.ndarray, y: np.ndarray, seed: int, rows: int = 6000, share: float = 0.2) -> tuple:
    """Shuffle, take at most `rows` rows and hold out a share of them: `x, y, (validation x, validation y)`."""
    order = np.random.default_rng(seed).permutation(len(x))[:rows]
    held = int(len(order) * share)
    return x[order[held:]], y[order[held:]], (x[order[:held]], y[order[:held]])


def images(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """The first 12,000 training images of MNIST or Fashion-MNIST, uint8 `(rows, 28, 28)`, and their labels."""
    root = Path(os.environ["KERAS_RECIPES_DATA"], folder)
    with (
        gzip.open(root / "train-images-idx3-ubyte.gz") as pixels,
        gzip.open(root / "train-labels-idx1-ubyte.gz") as numbers,
    ):
        found = np.frombuffer(pixels.read(16 + 12_000 * 28 * 28), np.uint8, offset=16).reshape(-1, 28, 28)
        return found, np.frombuffer(numbers.read(8 + 12_000), np.uint8, offset=8).astype(int)


def table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A table of scikit-learn, raw: float32 columns and targets."""
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return x.astype("float32"), y.astype("float32") if name == "diabetes" else y


def housing() -> tuple[np.ndarray, np.ndarray]:
    """Numeric columns of the Californian districts without missing values, raw, and the value in 100,000 dollars."""
    with open(Path(os.environ["KERAS_RECIPES_DATA"], "tabular", "housing.csv")) as file:
        rows = [row[:9] for row in csv.reader(file) if all(row[:9])][1:]
    values = np.array(rows, "float32")
    return values[:, :8], values[:, 8] / 100_000


def adult() -> tuple[np.ndarray, np.ndarray]:
    """Census rows: numbers standardized, categories one-hot, float32; and whether the income is over 50,000 dollars."""
    with open(Path(os.environ["KERAS_RECIPES_DATA"], "tabular", "adult.data")) as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if len(row) == 15][:12_000]
    columns = []
    for cells in list(zip(*rows, strict=True))[:14]:
        if all(re.fullmatch(r"-?\d+", cell) for cell in cells):
            numbers = np.array(cells, float)
            columns.append(((numbers - numbers.mean()) / numbers.std())[:, None])
        else:
            frequent = [cell for cell, count in Counter(cells).most_common() if count >= 20]
            columns.append(np.array(cells)[:, None] == np.array(frequent))
    return np.concatenate(columns, axis=1).astype("float32"), np.array([row[14] == ">50K" for row in rows], int)


@functools.cache
def paragraphs(package: str, most: int) -> tuple[str, ...]:
    """The first paragraphs of at least 15 words in the docstrings of an installed package, none of them twice."""
    found = {}
    for path in sorted(Path(find_spec(package).origin).parent.rglob("*.py")):
        if "tests" in path.parts or path.stat().st_size > 300_000:
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                for part in re.split(r"\n\s*\n", text):
                    words = re.findall(r"[a-z]+", part.lower())
                    if len(words) >= 15 and ">>>" not in part:
                        found[" ".join(words)] = None
        if len(found) >= most:
            break
    return tuple(found)[:most]


def texts(packages: tuple[str, ...] = PACKAGES[:2], most: int = 2000) -> tuple[list[str], np.ndarray]:
    """Paragraphs of documentation, and the number of the package each is from."""
    pairs = [(text, label) for label, package in enumerate(packages) for text in paragraphs(package, most)]
    return [text for text, _ in pairs], np.array([label for _, label in pairs])


def tokens(parts: list[str], words: int = 4000, length: int = 50) -> np.ndarray:
    """Word numbers of each text, `(texts, length)` int32, filled up with `PADDING`."""
    counts = Counter(word for text in parts for word in text.split())
    numbers = {word: number for number, (word, _) in enumerate(counts.most_common(words - 2), start=2)}
    found = np.full((len(parts), length), PADDING, "int32")
    for row, text in zip(found, parts, strict=True):
        known = [numbers.get(word, UNKNOWN) for word in text.split()[:length]]
        row[: len(known)] = known
    return found


def multi_hot(numbers: np.ndarray, words: int = 4000) -> np.ndarray:
    """Which words occur in each text, `(texts, words)` float32."""
    found = np.zeros((len(numbers), words), "float32")
    np.put_along_axis(found, numbers, 1, axis=1)
    found[:, PADDING] = 0
    return found
