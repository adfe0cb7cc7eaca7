"""What a trained model predicts for rows without targets: `predict`, and the same for the rows of a file."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from recipes.data.images import image_files
from recipes.data.tables import table_file
from recipes.evaluation.blocks import check_finite, predicted_values
from recipes.evaluation.class_labels import numbered_classes
from recipes.evaluation.rows import rows_for
from recipes.metrics import decide
from recipes.models.outputs import Outputs
from recipes.runs.run import Run
from recipes.runs.stored import Stored
from recipes.settings import Data


def predict(model: keras.Model | Run | Stored | str | Path, data, batch_size: int = 256) -> np.ndarray:
    """Predict for raw rows.

    Args:
        model: A finished `Run`, a run folder or `.keras` file by its path or as a `Stored`, or a model in memory.
        data: An array `x`, a frame, the path of a table or an NPZ file, of an image or of a folder of images. The
            columns of frames and tables are found by their names, in whatever order.
        batch_size: Number of rows for one step of the model.

    Returns:
        Probabilities `(rows, classes)`, or of class 1 `(rows, 1)` where there are two; or numbers `(rows, 1)`.

    Raises:
        ValueError: If columns are missing, rows have the wrong shape or values that are not finite, or outputs are not
            finite.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(model, keras.Model):
        outputs, settings = Outputs.of(model), Data()
    else:
        stored = Stored.of(model)
        model, outputs, settings = stored.model, stored.outputs, _settings(stored)
    x, _ = rows_for(outputs, data, settings, with_target=False)
    values = np.concatenate(list(predicted_values(model, outputs, x, batch_size)))
    check_finite(values)
    return values


def predict_file(
    run: Run | Stored | str | Path, file: str | Path, batch_size: int = 256
) -> tuple[list[str], Iterator[list]]:
    """Predict for the rows of a table in a file, the array `x` of an NPZ file, an image, or a folder of images.

    Args:
        run: A finished `Run`, or a run folder or `.keras` file by its path or as a `Stored`.
        file: Path of the rows.
        batch_size: Number of rows for one step of the model.

    Returns:
        Column names, and the values of each row: the file of an image, then the class and the probability of each
        class (the score, for a model without probabilities), or the predicted number.

    Raises:
        ValueError, FileNotFoundError: As `predict`.
    """
    stored = Stored.of(run)
    outputs = stored.outputs
    x, _ = rows_for(outputs, file, _settings(stored), with_target=False)
    values = np.concatenate(list(predicted_values(stored.model, outputs, x, batch_size)))
    check_finite(values)
    names = stored.class_names or numbered_classes(outputs, values)
    if names is None:
        columns, rows = ["predicted"], ([float(value)] for (value,) in values)
    else:
        if values.shape[1] == 1:
            values = np.hstack([-values if outputs.margins else 1 - values, values])
        classes = (names[number] for number in decide(values))
        columns, rows = ["class", *names], ([name, *map(float, row)] for name, row in zip(classes, values, strict=True))
    if table_file.is_table(file) or str(file).lower().endswith(".npz"):
        return columns, rows
    files = image_files.files_in(Path(file))
    return ["file", *columns], ([str(image), *row] for image, row in zip(files, rows, strict=True))


def _settings(stored: Stored) -> Data:
    return stored.recipe.data if stored.is_run else Data()
