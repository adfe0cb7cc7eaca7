"""Judging a trained model on data, in the same process or a later one."""

import itertools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from recipes.arguments.labels import Names, canonical_text, encode_labels
from recipes.data import Dataset, load_dataset, same_source, with_arguments
from recipes.data.arrays import check_target
from recipes.data.images import image_files
from recipes.data.preparation import TablePreparation
from recipes.data.tables import table_file
from recipes.evaluation import blocks as output_blocks
from recipes.evaluation import rows as raw_rows
from recipes.evaluation.blocks import Block
from recipes.evaluation.counting import judge
from recipes.evaluation.finishing import finish_later
from recipes.evaluation.test_part import FoundRows, data_of, digests_of_file, load_test_part, warn_of_training_rows
from recipes.metrics import ClassificationReport, MultiLabelReport, RegressionReport, decide
from recipes.metrics.inputs import as_array
from recipes.models.outputs import Outputs
from recipes.runs.stored import Stored
from recipes.settings import Data


def evaluate(
    model: keras.Model | str | Path,
    data=None,
    *,
    seed: int | None = None,
    batch_size: int = 256,
    target: str | None = None,
    data_dir: str | Path | None = None,
    steps: int | None = None,
    multi_label: bool | None = None,
) -> ClassificationReport | MultiLabelReport | RegressionReport:
    """Evaluate a model on data that it has not seen, in memory that does not grow with the rows.

    A run whose training ended before its report or its pictures were written gets them now, where `data` is not given.

    Outputs are counted block by block and dropped. Up to 4 million of them (rows times outputs), ROC AUC and average
    precision are exact; beyond that they come from 2,048 bins, and the report says how far they may be off. Quantiles
    of the errors of a regression are exact up to a million rows.

    Args:
        model: A run folder, a `.keras` file, or a model in memory; it takes raw rows. Its outputs are logits where the
            loss that it was compiled with says so (`from_logits`), unless the output layer of a Sequential or
            functional model, or their values, show that they are probabilities.
        data: `(x, y)`, a frame, a table or NPZ file, or a folder of images: all rows are judged, of those with parts
            the test part. Columns are found by their names. A dataset's name or a `Dataset`: its test part. The data
            that a run was trained on are its default, and of them its test rows: they are found again by their values
            where the data have grown, shrunk or come in another order, and a warning says so. Or batches `(x, y)` or
            `(x, y, sample_weight)`, seen once: a `tf.data.Dataset`, a `keras.utils.PyDataset`, a generator, or a
            function that makes one. `y` `(rows, labels)` of 0 and 1 has several labels a row, or one class a row in
            one-hot form: see `multi_label`.
        seed: Of the split of a named dataset. Default: the run's own, otherwise 0.
        batch_size: Rows for one step.
        target: The column of a table that holds the truth. Default: the one that the run was trained on.
        data_dir: The folder with local copies of named datasets. Default: the run's own.
        steps: Number of batches to take of `data` that come in batches; fewer where they end before. Default: all of
            them, so a generator that never ends needs it.
        multi_label: Whether `y` `(rows, labels)` has several labels a row. Default: it has one class a row where the
            loss is one of classes that exclude each other, or every row has a single 1 and its outputs sum to 1.

    Raises:
        ValueError: If the rows do not fit the model, or labels are none of its classes.
        FileNotFoundError: If there is no such file.
    """
    stored = None if isinstance(model, keras.Model) else Stored.of(model)
    if data is None and stored and stored.missing:
        data_of(stored)
        data = load_test_part(stored, with_arguments(stored.recipe.data, target, data_dir))
        if isinstance(data, Dataset):
            return finish_later(stored, data)
        what = f"the report of {stored} that is missing is not written, since its data have changed"
        warnings.warn(what, stacklevel=2)
    blocks, class_names, several_labels = blocks_to_judge(
        stored or model,
        data,
        seed=seed,
        batch_size=batch_size,
        target=target,
        data_dir=data_dir,
        steps=steps,
        multi_label=multi_label,
    )
    return judge(blocks, class_names, several_labels)


def blocks_to_judge(
    model: keras.Model | str | Path,
    data=None,
    *,
    seed: int | None = None,
    batch_size: int = 256,
    target: str | None = None,
    data_dir: str | Path | None = None,
    steps: int | None = None,
    multi_label: bool | None = None,
) -> tuple[Iterator[Block], tuple[str, ...] | None, bool]:
    """What `evaluate`, which takes the same, has to judge.

    Returns:
        Blocks of `(targets, outputs, weights or None)`, whose targets are class numbers where there are class names;
        the class names, `None` for a regression; and whether targets are several labels a row instead.

    Raises:
        ValueError, FileNotFoundError: As `evaluate`; what is wrong with later blocks is told when they come.
    """
    stored, class_names, settings = None, None, Data()
    if not isinstance(model, keras.Model):
        stored = Stored.of(model)
        model, class_names = stored.model, stored.class_names
        if data is None:
            data = data_of(stored)
        if stored.is_run:
            settings = with_arguments(stored.recipe.data, target, data_dir)
            if same_source(data, settings.name):
                if seed in (None, stored.seed):
                    data = load_test_part(stored, settings)
                else:
                    data = load_dataset(data, seed, settings)
                    digests = data.fingerprint.row_digests["test"]
                    warn_of_training_rows(stored, f"the test part by seed {seed}", digests)
    elif data is None:
        raise ValueError("`data` is needed to evaluate a model in memory")
    if output_blocks.is_batches(data):
        blocks = (
            (raw_rows.target_of(y, len(y)), outputs, weights)
            for y, outputs, weights in output_blocks.of_batches(model, data, batch_size, steps)
        )
    elif steps is not None:
        raise ValueError(f"`steps` is for data that come in batches. Received: steps={steps!r}")
    elif isinstance(data, FoundRows):
        output_blocks.check_row_shape(model, data.x.shape)
        blocks = output_blocks.of_pairs(model, data.x, data.y, batch_size)
    elif raw_rows.is_rows(data):
        settings = with_arguments(settings, target, data_dir)
        numbers = class_names is None and Outputs.of(model).task == "regression"
        x, y = raw_rows.of_model(model, data, settings, with_target=True, numeric_target=numbers)
        output_blocks.check_row_shape(model, x.shape)
        if stored is not None and isinstance(data, str | Path):
            warn_of_training_rows(stored, str(data), digests_of_file(stored, data, settings, x, y))
        blocks = output_blocks.of_pairs(model, x, y, batch_size)
    else:
        dataset = load_dataset(data, 0 if seed is None else seed, with_arguments(Data(), target, data_dir))
        _refuse_other_codes(model, dataset)
        if class_names and not _same_classes(class_names, dataset.class_names):
            received = ", ".join(dataset.class_names or ["none"])
            raise ValueError(f"the model knows the classes {', '.join(class_names)}. Received: {received}")
        x, y = dataset.test
        rescaled = getattr(dataset.preparation, "rescaled", {})
        x = raw_rows.in_units_of(model, x, dataset.feature_names, rescaled)
        output_blocks.check_row_shape(model, x.shape)
        blocks = output_blocks.of_pairs(model, x, y, batch_size)
        return _readable_blocks(model, blocks), dataset.class_names, False
    return _numbered(model, _readable_blocks(model, blocks), class_names, multi_label)


def _readable_blocks(model: keras.Model, blocks: Iterator[Block]) -> Iterator[Block]:
    read = None
    for y, outputs, weights in blocks:
        read = read or _reader(model, outputs)
        outputs = read(outputs)
        if outputs.shape[1] == 1 and Outputs.of(model).margins:
            outputs = np.hstack([-outputs, outputs])  # the higher score decides
            y = np.where(y == -1, 0, y) if y.dtype.kind in "if" else y
        yield y, outputs, weights


def _numbered(
    model: keras.Model, blocks: Iterator[Block], class_names: tuple[str, ...] | None, multi_label: bool | None
) -> tuple[Iterator[Block], tuple[str, ...] | None, bool]:
    """Blocks with class numbers for labels; what is not known of the classes is read off the first of them."""
    first = next(blocks, None)
    if first is None:
        raise ValueError("`data` must have rows. Received: none")
    y, outputs, _ = first
    several_labels = Outputs.of(model).is_multi_label(y, outputs) if multi_label is None else multi_label
    if several_labels and y.ndim != 2:
        raise ValueError(f"`y` must have the shape (rows, labels) for multi_label=True. Received: {y.shape}")
    if y.ndim == 2 and y.shape[1] != (outputs.shape[1] if several_labels else max(2, outputs.shape[1])):
        raise ValueError(f"there are {y.shape[1]} labels a row, and the model has {outputs.shape[1]} outputs")
    if several_labels:
        class_names = class_names or tuple(map(str, range(outputs.shape[1])))
    class_names = class_names or _numbered_classes(model, outputs)
    blocks = itertools.chain([first], blocks)
    if several_labels:
        return blocks, class_names, True
    blocks = ((check_target(y, len(y)), *others) for y, *others in blocks)
    if class_names is not None:
        blocks = ((_class_numbers(y, class_names), *others) for y, *others in blocks)
    return blocks, class_names, False


def predict(model: keras.Model | str | Path, data, batch_size: int = 256) -> np.ndarray:
    """Predict for raw rows.

    Args:
        model: A run folder, a `.keras` file, or a model in memory.
        data: An array `x`, a frame, the path of a table or an NPZ file, of an image or of a folder of images. The
            columns of frames and tables are found by their names, in whatever order.
        batch_size: Rows for one step.

    Returns:
        Probabilities `(rows, classes)`, or of class 1 `(rows, 1)` where there are two; or numbers `(rows, 1)`.

    Raises:
        ValueError: If columns are missing, or rows have the wrong shape or values that are not finite.
        FileNotFoundError: If there is no such file.
    """
    settings = Data()
    if not isinstance(model, keras.Model):
        stored = Stored.of(model)
        model, settings = stored.model, stored.recipe.data if stored.is_run else settings
    x, _ = raw_rows.of_model(model, data, settings, with_target=False)
    return _outputs(model, x, batch_size)


def predict_file(path: str | Path, file: str | Path) -> tuple[list[str], Iterator[list]]:
    """Predict for the rows of a table in a file, the array `x` of an NPZ file, an image, or a folder of images.

    Returns:
        Column names, and for each row their values: the file where each row is one, then the class and the probability
        of each class, or the predicted number.
    """
    stored = Stored.of(path)
    model = stored.model
    x, _ = raw_rows.of_model(model, file, stored.recipe.data if stored.is_run else Data(), with_target=False)
    outputs = _outputs(model, x)
    names = stored.class_names or _numbered_classes(model, outputs)
    if names is None:
        columns, rows = ["predicted"], ([float(value)] for (value,) in outputs)
    else:
        if outputs.shape[1] == 1:
            outputs = np.hstack([1 - outputs, outputs])
        chosen = (names[number] for number in decide(outputs))
        rows = ([name, *map(float, row)] for name, row in zip(chosen, outputs, strict=True))
        columns = ["class", *names]
    if table_file.is_table(file) or str(file).lower().endswith(".npz"):
        return columns, rows
    files = image_files.files_in(Path(file))
    return ["file", *columns], ([str(file), *row] for file, row in zip(files, rows, strict=True))


def _outputs(model: keras.Model, x: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Probabilities or numbers, `(rows, outputs)`, for raw rows `x`."""
    output_blocks.check_row_shape(model, x.shape)
    blocks = list(output_blocks.of_rows(model, x, batch_size))
    return np.concatenate([*map(_reader(model, blocks[0]), blocks)])


def _reader(model: keras.Model, first: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What makes probabilities or numbers of the outputs of `model`, which may be logits; `first` are some of them."""

    def check(outputs):
        if not isinstance(outputs, np.ndarray) or outputs.ndim != 2:
            raise ValueError(f"{model.name} must give outputs of shape (rows, outputs) to be judged")
        return as_array(outputs, "outputs")  # not in half precision

    if not Outputs.of(model).are_logits(check(first)):
        return check
    alone = first.shape[-1] == 1 or Outputs.of(model).independent
    activation = keras.ops.sigmoid if alone else keras.ops.softmax
    return lambda outputs: keras.ops.convert_to_numpy(activation(check(outputs)))


def _refuse_other_codes(model: keras.Model, dataset: Dataset) -> None:
    """The same code means another category in a dataset with other training rows."""
    layer, preparation = raw_rows.table_layer(model), dataset.preparation
    if layer is None or not isinstance(preparation, TablePreparation):
        return
    known, codes = (
        {name: list(map(canonical_text, categories)) for name, categories in vocabularies.items()}
        for vocabularies in (layer.vocabularies, preparation.vocabularies)
    )
    if layer.feature_names != list(preparation.feature_names) or known != codes:
        raise ValueError(
            f"{dataset.name} has other columns or categories than the model was trained on: give a frame or a CSV "
            "file, whose columns and categories are found by their names"
        )


def _same_classes(class_names: tuple[str, ...], others: tuple[str, ...] | None) -> bool:
    """Whether the numbers of all classes mean the same, as an earlier version may have called them otherwise."""
    names = Names(class_names)
    found = [names.find(name, is_number=True) for name in others or ()]
    return found == list(range(len(class_names)))


def _class_numbers(y: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """Labels as class numbers: by name, but whole numbers as they are where no class is called by one.

    Truth values are the class numbers 0 and 1 where there are two classes, neither of them called by a truth value or
    a number.
    """
    called_by_number = any(name.removeprefix("-").isdecimal() for name in class_names)
    is_number = y.dtype.kind in "ui" or (y.dtype.kind == "b" and len(class_names) == 2 and "True" not in class_names)
    if is_number and not called_by_number and y.min() >= 0 and y.max() < len(class_names):
        return y.astype(np.int64)
    return encode_labels(y, class_names)[0]


def _numbered_classes(model: keras.Model, outputs: np.ndarray) -> tuple[str, ...] | None:
    """`"0"`, `"1"` ... for a classifier whose classes have no names; `None` for a regression."""
    task = Outputs.of(model).task_of(outputs)
    if task is None:
        raise ValueError(
            f"cannot tell whether {model.name} is a classifier: compile it with its loss, such as "
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"
        )
    return None if task == "regression" else tuple(str(number) for number in range(max(2, outputs.shape[1])))
