"""Judging a trained model on data, in the same process or a later one."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from recipes import runs
from recipes.data import ARRAYS, Dataset, arrays, load_dataset, same_source
from recipes.metrics import ClassificationReport, RegressionReport, confusion_matrix, decide, regression_report
from recipes.models import outputs as model_outputs


def evaluate(
    model: keras.Model | str | Path, data=None, *, seed: int | None = None, batch_size: int = 256
) -> ClassificationReport | RegressionReport:
    """Judge a model on data that it has not seen.

    Args:
        model: A run folder, a `.keras` file, or a model in memory; it takes raw rows. Logits are told from
            probabilities by the model's last activation, or by `from_logits` of the loss it was compiled with.
        data: `(x, y)` or an NPZ file with `x` and `y`: all rows are judged. A dataset's name, a `Dataset`, or an NPZ
            file with parts: the test part is. The data that a run was trained on are split as in its training, and
            are its default.
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
        if trained and same_source(data, trained[0].data.name):
            data = load_dataset(data, trained[1] if seed is None else seed, trained[0].data)
    elif data is None:
        raise ValueError("`data` is needed to evaluate a model in memory")
    x, y, known = _rows(data, 0 if seed is None else seed)
    outputs = predict(model, x, batch_size)
    if known is not None:
        if class_names and class_names != known:  # in another order, the numbers mean other classes
            raise ValueError(f"the model knows the classes {', '.join(class_names)}. Received: {', '.join(known)}")
        return judge(y, outputs, known)  # the dataset has numbered its classes
    class_names = class_names or _numbered_classes(model, outputs)
    return judge(y if class_names is None else _class_numbers(y, class_names), outputs, class_names)


def predict(model: keras.Model, x, batch_size: int = 256) -> np.ndarray:
    """Probabilities `(rows, classes)` or `(rows, 1)`, or values `(rows, 1)`, for raw rows `x`.

    Raises:
        ValueError: If `x` has the wrong shape, or values that are not finite.
    """
    x = arrays.check_input(x)
    if len(getattr(model, "inputs", None) or [x]) != 1 or len(getattr(model, "outputs", None) or [x]) != 1:
        raise ValueError(f"{model.name} must have one input and one output to be judged on rows x")
    expected = getattr(model, "input_shape", (None, *x.shape[1:]))[1:]
    wrong = (size not in (None, got) for size, got in zip(expected, x.shape[1:], strict=False))
    if len(expected) != x.ndim - 1 or any(wrong):
        reshape = None not in expected and np.prod(expected) == np.prod(x.shape[1:])
        fix = f": x.reshape(-1, {', '.join(map(str, expected))}) would fit" if reshape else ""
        raise ValueError(f"the model takes rows of shape {tuple(expected)}. Received: rows of shape {x.shape[1:]}{fix}")
    outputs = model.predict(x, batch_size=batch_size, verbose=0)
    if not isinstance(outputs, np.ndarray) or outputs.ndim != 2:
        raise ValueError(f"{model.name} must give outputs of shape (rows, outputs) to be judged")
    if model_outputs.gives_logits(model):
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
    """The report on `outputs` `(rows, outputs)`.

    Where there are class names, that of a classifier, and `y` holds class numbers; otherwise that of a regression.
    """
    finite = np.isfinite(outputs).all(axis=1)
    if not finite.all():
        raise ValueError(f"the model's outputs are not finite in {(~finite).sum()} of {len(finite)} rows")
    if class_names is None:
        return regression_report(y, outputs)
    if max(2, outputs.shape[1]) != len(class_names):
        raise ValueError(f"there are {len(class_names)} classes, and the model has {outputs.shape[1]} outputs")
    return ClassificationReport(confusion_matrix(y, decide(outputs), len(class_names)), class_names)


def _own_data(path, trained) -> str:
    if trained is None:
        raise ValueError(f"`data` is needed: {path} is no run folder that says what it was trained on")
    if trained[0].data.name == ARRAYS:
        raise ValueError(f"`data` is needed: {path} was trained on arrays, which it does not hold")
    return trained[0].data.name


def _rows(data, seed: int):
    """Rows, targets and, where a dataset has numbered them, class names of what is to be judged."""
    parts = None
    if isinstance(data, tuple | list):
        parts = arrays.parts_of(data)
    elif not isinstance(data, Dataset) and str(data).lower().endswith(".npz"):
        parts = arrays.parts_of_npz(data)
    if parts is None:
        dataset = load_dataset(data, seed)
        return *dataset.test, dataset.class_names
    x, y = parts.get("test") or parts.get("all") or parts["train"]
    x = arrays.check_input(x)
    return x, arrays.check_target(y, len(x)), None


def _class_numbers(y: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """Labels as class numbers: by name, but whole numbers as they are where no class is called by one."""
    called_by_number = any(name.removeprefix("-").isdecimal() for name in class_names)
    if y.dtype.kind in "ui" and not called_by_number and y.min() >= 0 and y.max() < len(class_names):
        return y.astype(np.int64)
    return arrays.encode_labels(y, class_names)[0]


def _numbered_classes(model: keras.Model, outputs: np.ndarray) -> tuple[str, ...] | None:
    """`"0"`, `"1"` ... for a classifier whose classes have no names; `None` for a regression."""
    task = model_outputs.task(model)
    if task is None:
        raise ValueError(
            f"cannot tell whether {model.name} is a classifier: compile it with its loss, such as "
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"
        )
    return None if task == "regression" else tuple(str(number) for number in range(max(2, outputs.shape[1])))
