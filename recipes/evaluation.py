"""Judging a trained model on data, in the same process or a later one."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from recipes import runs
from recipes.data import ARRAYS, arrays, load_dataset
from recipes.lookup import normalize
from recipes.metrics import (
    ClassificationReport,
    RegressionReport,
    classification_report,
    decide,
    regression_report,
)


def evaluate(
    model: keras.Model | str | Path, data=None, *, seed: int | None = None, batch_size: int = 256
) -> ClassificationReport | RegressionReport:
    """Judge a model on data that it has not seen.

    Args:
        model: A run folder, a `.keras` file, or a model in memory; it takes raw rows. Logits are told from
            probabilities by the model's last activation, or by `from_logits` of the loss it was compiled with.
        data: `(x, y)` or an NPZ file with `x` and `y`: all rows are judged. A dataset's name, a `Dataset`, or an NPZ
            file with parts: the test part is. Default: the data of the run folder, split as in its training.
        seed: Of the split of a named dataset. Default: the run's own, otherwise 0.
        batch_size: Rows for one step.

    Raises:
        ValueError: If the rows do not fit the model, or labels are none of its classes.
        FileNotFoundError: If there is no such file.
    """
    class_names = None
    if not isinstance(model, keras.Model):
        path, model = model, runs.load_model(model)
        class_names, trained = runs.class_names(path), runs.recipe_and_seed(path)
        if data is None:
            data = _own_data(path, trained)
        if trained and isinstance(data, str) and normalize(data) == normalize(trained[0].data.name):
            data = load_dataset(data, trained[1] if seed is None else seed, trained[0].data)
    elif data is None:
        raise ValueError("`data` is needed to evaluate a model in memory")
    x, y, names = _rows(data, seed or 0)
    outputs = predict(model, x, batch_size)
    return judge(y, outputs, class_names or names or _numbered_classes(model, outputs))


def predict(model: keras.Model, x, batch_size: int = 256) -> np.ndarray:
    """Probabilities `(rows, classes)` or `(rows, 1)`, or values `(rows, 1)`, for raw rows `x`.

    Raises:
        ValueError: If `x` has the wrong shape, or values that are not finite.
    """
    x = arrays.check_input(x)
    expected = getattr(model, "input_shape", (None, *x.shape[1:]))[1:]
    wrong = (size not in (None, got) for size, got in zip(expected, x.shape[1:], strict=False))
    if len(expected) != x.ndim - 1 or any(wrong):
        reshape = None not in expected and np.prod(expected) == np.prod(x.shape[1:])
        fix = f": x.reshape(-1, {', '.join(map(str, expected))}) would fit" if reshape else ""
        raise ValueError(f"the model takes rows of shape {tuple(expected)}. Received: rows of shape {x.shape[1:]}{fix}")
    outputs = np.asarray(model.predict(x, batch_size=batch_size, verbose=0))
    if not _ends_in_probabilities(model) and getattr(model.loss, "from_logits", False):
        activation = keras.ops.sigmoid if outputs.shape[-1] == 1 else keras.ops.softmax
        outputs = keras.ops.convert_to_numpy(activation(outputs))
    return outputs


def predict_file(path: str | Path, file: str | Path) -> tuple[list[str], Iterator[list]]:
    """Predict for the array `x` of an NPZ file.

    Returns:
        Column names, and for each row their values: the class and the probability of each class, or the predicted
        number.
    """
    model = runs.load_model(path)
    content = arrays.read_npz(file)
    x = content.get("x", next(iter(content.values())) if len(content) == 1 else None)
    if x is None:
        raise ValueError(f"{file} must hold the array x. Received: {', '.join(content) or 'no arrays'}")
    outputs = predict(model, x)
    names = runs.class_names(path) or _numbered_classes(model, outputs)
    if names is None:
        return ["predicted"], ([float(value)] for (value,) in outputs)
    if outputs.shape[1] == 1:
        outputs = np.hstack([1 - outputs, outputs])
    chosen = (names[number] for number in decide(outputs))
    rows = ([name, *map(float, row)] for name, row in zip(chosen, outputs, strict=True))
    return ["class", *names], rows


def judge(y: np.ndarray, outputs: np.ndarray, class_names: tuple[str, ...] | None):
    """The report on `outputs` `(rows, outputs)`: of a classifier where there are class names, else of a regression."""
    finite = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
    if not finite.all():
        raise ValueError(f"the model's outputs are not finite in {(~finite).sum()} of {len(finite)} rows")
    if class_names is None:
        return regression_report(y, outputs)
    return classification_report(y, outputs, class_names)


def _own_data(path, trained) -> str:
    if trained is None:
        raise ValueError(f"`data` is needed: {path} is no run folder that says what it was trained on")
    if trained[0].data.name == ARRAYS:
        raise ValueError(f"`data` is needed: {path} was trained on arrays, which it does not hold")
    return trained[0].data.name


def _rows(data, seed: int):
    """Rows, targets and class names (`None` where they are not known) of what is to be judged."""
    if isinstance(data, tuple | list) or str(data).lower().endswith(".npz"):
        parts = arrays.parts_of(data) if isinstance(data, tuple | list) else arrays.parts_of_npz(data)
        x, y = parts.get("test") or parts.get("all") or parts["train"]
        x = arrays.check_input(x)
        return x, arrays.check_target(y, len(x)), None
    dataset = load_dataset(data, seed)
    return *dataset.test, dataset.class_names


def _numbered_classes(model: keras.Model, outputs: np.ndarray) -> tuple[str, ...] | None:
    """`"0"`, `"1"` ... for a classifier whose classes have no names; `None` for a regression."""
    if not _ends_in_probabilities(model) and not hasattr(model.loss, "from_logits"):
        return None
    return tuple(str(number) for number in range(max(2, outputs.shape[1])))


def _ends_in_probabilities(model: keras.Model) -> bool:
    last = model.layers[-1] if model.layers else None
    name = getattr(getattr(last, "activation", None), "__name__", type(last).__name__.lower())
    return name in ("softmax", "sigmoid")
