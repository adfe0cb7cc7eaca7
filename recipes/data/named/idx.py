"""MNIST and Fashion-MNIST in their original files: the idx format of LeCun et al. (1998), compressed with gzip."""

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np

from recipes.data.source import Source

NAMES = ("fashion-mnist", "mnist")

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}

CLASS_NAMES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
}  # fmt: skip

# Checksums of the unpacked contents: those of the .gz files depend on the program that compressed them.
SHA256 = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}

# Size of the largest of these files: no more bytes are unpacked.
_MOST_BYTES = 16 + 60_000 * 28 * 28


def find(name: str, folder: Path | None) -> Path | None:
    """The folder with the files of `name`, or `None`.

    It is a folder of that name in `folder` with at least one of the files, or `folder` itself if it has all of them.

    Args:
        name: One of `NAMES`.
        folder: Folder of local copies, or `None`.
    """
    if folder is None:
        return None
    for place in (folder / name, folder / name.replace("-", "_")):
        if any(path.is_file() for path in _paths(place)):
            return place
    return folder if all(path.is_file() for path in _paths(folder)) else None


def read(name: str, folder: Path) -> Source:
    """The 60,000 training and 10,000 test images of `name`, in their own order.

    Args:
        name: One of `NAMES`.
        folder: Folder with the four files.

    Returns:
        A source with the parts `"train"` and `"test"`: `x` uint8 `(rows, 28, 28, 1)`, `y` int64 `(rows,)`.

    Raises:
        FileNotFoundError: If one of the four files is not there.
        ValueError: If one is damaged, or belongs to another dataset.
    """
    parts = {}
    for part, (images, labels) in FILES.items():
        x = _content(name, folder, images)[16:].reshape(-1, 28, 28, 1)
        parts[part] = x, _content(name, folder, labels)[8:].astype(np.int64)
    return Source(name, parts, "classification", CLASS_NAMES[name])


def where(name: str) -> str:
    """The sentence that says where to put the files of `name`."""
    files = [f"{file}.gz" for pair in FILES.values() for file in pair]
    return (
        f"put {', '.join(files[:-1])} and {files[-1]} into DIR/{name} and name DIR by --data-dir or the environment "
        "variable KERAS_RECIPES_DATA"
    )


def _paths(folder: Path) -> list[Path]:
    return [folder / f"{file}.gz" for pair in FILES.values() for file in pair]


def _content(name: str, folder: Path, file: str) -> np.ndarray:
    """The bytes of `file`, with its header, whose values need no check since the checksum covers it."""
    path = folder / f"{file}.gz"
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}: the dataset {name!r} needs it, fetch it again")
    try:
        with gzip.open(path) as stream:
            content = stream.read(_MOST_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        content = b""
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256[name][file]:
        owner = next((other for other in NAMES if SHA256[other][file] == digest), None)
        if owner:
            raise ValueError(f"{path} is the file of the dataset {owner!r}, not of {name!r}: {where(name)}")
        raise ValueError(f"{path} is damaged: its content has not the published checksum; fetch it again")
    return np.frombuffer(content, np.uint8).copy()  # a view of bytes would be read-only
