"""The files of a run folder, read and checked: a run may come from a stranger, or be damaged."""

import csv
import io
import json
from pathlib import Path

import numpy as np

from callbacks.watching.csv_cells import with_formula
from callbacks.watching.record import Record
from recipes.arguments.names import shown
from recipes.arguments.npz import read_npz
from recipes.arguments.numbers import is_whole
from recipes.arguments.regular_files import read_text

# Largest JSON or CSV file of a run: the report on ten thousand classes has a hundred million counts.
_MOST_BYTES = 2**30


def read_json(file: Path) -> dict:
    """Content of a JSON file.

    Raises:
        ValueError, OSError: If it is damaged or no regular file.
    """
    try:
        content = json.loads(read_text(file, _MOST_BYTES))
    except (ValueError, RecursionError):  # of lists in lists
        content = None
    if not isinstance(content, dict):
        raise ValueError(f"{file} is damaged: it must hold a JSON object")
    return content


def _is_names(value) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)


def _is_paths(value) -> bool:
    return isinstance(value, dict) and all(map(_is_names, value.values()))


# Facts of `versions.json` that are used: what each must be, in words and as a test. Older versions lack some of them.
_FACTS = {
    "seed": ("a whole number", is_whole),
    "classes": ("different names, or null", lambda value: value is None or _is_names(value)),
    "kept_epoch": ("an epoch, or null", lambda value: value is None or (is_whole(value) and value >= 1)),
    "kept_reason": ("a text, or null", lambda value: value is None or isinstance(value, str)),
    "missing": ("names of parts", _is_names),
    "paths": ("paths by name", _is_paths),
    "fingerprint": ("a mapping, or null", lambda value: value is None or isinstance(value, dict)),
}


def read_versions(file: Path) -> dict:
    """Content of `versions.json`.

    Raises:
        ValueError, OSError: If it is damaged or no regular file.
    """
    content = read_json(file)
    for name, (allowed, test) in _FACTS.items():
        if name in content and not test(content[name]):
            raise ValueError(f"{file} is damaged: {name} must be {allowed}. Received: {shown(content[name])}")
    return content


def read_history(file: Path) -> dict[str, list[float]]:
    """Values of each epoch, by name, from `history.csv`.

    Raises:
        ValueError, OSError: If it is damaged or no regular file.
    """
    try:
        names, *rows = csv.reader(io.StringIO(read_text(file, _MOST_BYTES), newline=""))
        columns = [list(map(float, column)) for column in zip(*rows, strict=True)]
        names = list(map(with_formula, names))
        if len(set(names)) < len(names):
            raise ValueError
        return dict(zip(names[1:], columns[1:] if rows else [[] for _ in names[1:]], strict=True))
    except (ValueError, csv.Error):
        raise ValueError(f"{file} is damaged: it must hold a table of numbers") from None


def read_record(file: Path) -> Record:
    """The record of a training, from `record.npz`.

    Raises:
        ValueError, OSError: If it is damaged or no regular file.
    """
    return Record.from_arrays(read_npz(file), file)


def read_examples(file: Path) -> dict[str, np.ndarray]:
    """Array `images` from `examples.npz`, as `Stored.examples` describes it.

    Raises:
        ValueError, OSError: If it is damaged or no regular file.
    """
    arrays = read_npz(file)
    images = arrays.get("images")
    fits = images is not None and (images.dtype == np.uint8 or images.dtype.kind == "f")
    if not fits or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3, 4))) or not images.size:
        raise ValueError(f"{file} is damaged: it must hold the array images, of bytes or numbers from 0 to 1")
    return arrays


def read_predictions(file: Path, num_classes: int | None) -> dict[str, np.ndarray]:
    """Arrays `label`, `predicted` and, where there is one, `probability`, from `predictions.npz`.

    Args:
        file: Path of the file.
        num_classes: Number of classes; `None` for a regression, and where they are not known.

    Raises:
        ValueError, OSError: If it is damaged or no regular file.
    """
    try:
        content = read_npz(file)
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {str(error).removeprefix(f'{file} ')}") from None
    arrays = {name: content[name] for name in ("label", "predicted", "probability") if name in content}
    if not {"label", "predicted"} <= set(arrays):
        raise ValueError(f"{file} is damaged: it must hold the arrays label and predicted")
    rows = arrays["label"].shape[:1]
    for name, values in arrays.items():
        is_score = name == "probability"
        is_class = num_classes is not None and not is_score
        fits = values.ndim == 1 or (is_score and values.ndim == 2)
        fits = fits and values.shape[:1] == rows and values.dtype.kind in ("iu" if is_class else "iuf")
        if fits and is_class and len(values):
            fits = values.min() >= 0 and values.max() < num_classes
        if not fits:
            what = f"class numbers below {num_classes}" if is_class else "numbers"
            raise ValueError(f"{file} is damaged: {name} must hold {what}, one for each row")
    return arrays
