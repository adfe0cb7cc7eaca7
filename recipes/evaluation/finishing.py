"""The report and the pictures of a run: made once its model is saved, and made later where something went wrong."""

import contextlib
import shlex
import warnings
from pathlib import Path

import keras
import numpy as np

from callbacks.watching.record import Record
from recipes import plots
from recipes.data import ARRAYS, Dataset
from recipes.data.preparation import ImagePreparation
from recipes.data.store import RowStore, chunks_of
from recipes.evaluation.blocks import blocks_of_rows, storing
from recipes.evaluation.counting import report_on
from recipes.metrics import ClassificationReport, RegressionReport, decide
from recipes.models import saved
from recipes.models.outputs import Outputs
from recipes.plots.confusion import matrix_size
from recipes.plots.greatest_losses import are_images, grid_size
from recipes.runs import folder as runs
from recipes.settings import Recipe

MOST_STORED_PREDICTIONS = 1_000_000


def finish(
    directory: Path,
    model: keras.Model,
    recipe: Recipe,
    dataset: Dataset,
    history: dict[str, list[float]],
    record: Record,
    kept: int | None = None,
    limit: int | None = None,
    pictures: bool = True,
) -> ClassificationReport | RegressionReport:
    """Evaluate a saved run on its test part; write its report and predictions, then its pictures.

    Args:
        directory: Run folder that holds the trained model already.
        model: Trained model that takes raw rows.
        recipe: Recipe of the run.
        dataset: Data that the run was trained on.
        history: Values of each epoch, by name.
        record: What the watching callbacks saw.
        kept: Epoch whose weights were kept, counted from 1. Default: the best one of `history`, or the last, as the
            recipe says.
        limit: Largest number of test rows. Default: all.
        pictures: Whether to draw. Pictures that fail are a warning, since they are worth less than the report.

    Returns:
        The report.

    Raises:
        ValueError, OSError: If the report cannot be made or written.
    """
    x, y = (array[:limit] for array in dataset.test)
    stored = RowStore()
    blocks = blocks_of_rows(model, Outputs.of(model), x, y, prediction_batch(recipe))
    report = report_on(storing(blocks, stored, MOST_STORED_PREDICTIONS), dataset.class_names)
    outputs = stored.finish()
    y = y[: len(outputs)]
    runs.write_json(directory / runs.REPORT, report.to_dict())
    text = f"{dataset.describe()}\n\n{report}\n"
    runs.write_whole(directory / "report.txt", lambda file: file.write_text(text, encoding="utf-8"))
    runs.set_missing(directory, ("predictions", "pictures") if pictures else ("predictions",))
    content = _predictions(dataset, y, outputs)
    runs.write_whole(directory / runs.PREDICTIONS, lambda file: np.savez_compressed(file, **content))
    runs.set_missing(directory, ("pictures",) if pictures else ())
    if not pictures:
        return report
    try:
        _draw(directory, kept or recipe.fit.keep, dataset, history, record, report, y, outputs)
        runs.set_missing(directory, ())
    except Exception as error:  # whatever the drawing raises
        how = "" if recipe.data.name == ARRAYS else f"; {_command(directory)} draws them"
        warnings.warn(f"not all pictures of {directory} could be drawn: {runs.one_line(error)}{how}", stacklevel=2)
    return report


def finish_later(path: str | Path, model: keras.Model, dataset: Dataset) -> ClassificationReport | RegressionReport:
    """`finish` for a run folder that lacks its report or its pictures.

    Args:
        path: Run folder.
        model: Its model.
        dataset: Data that it was trained on.
    """
    directory = saved.model_file(path).parent
    recipe, _ = runs.recipe_and_seed(path)
    record = Record.load(directory / runs.RECORD)
    pictures = "pictures" in runs.missing(path)
    kept = runs.kept_epoch(path)
    return finish(directory, model, recipe, dataset, runs.history(path), record, kept, pictures=pictures)


def prediction_batch(recipe: Recipe) -> int:
    """Rows of one prediction step: without gradients to keep, larger batches than those of `fit` fit the memory."""
    return max(256, recipe.fit.batch_size)


@contextlib.contextmanager
def keeping(directory: Path, recipe: Recipe):
    """Add to an error or interrupt that the trained model is in `directory`, and how to get what is missing."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        missing = ", ".join(runs.missing(directory))
        state = f"the trained model is saved in {directory}{f', without its {missing}' if missing else ''}"
        if recipe.data.name == ARRAYS:
            how = f"recipes.evaluate({str(directory)!r}, (x_test, y_test)) gives a report"
        else:
            how = f"{_command(directory)} makes what is missing"
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"interrupted; {state}: {how}") from None
        kind = OSError if isinstance(error, OSError) else ValueError
        raise kind(f"{state} ({runs.one_line(error)}): {how}") from error


def _command(directory: Path) -> str:
    return f"`keras-recipes evaluate {shlex.quote(str(directory))}`"


def _predictions(dataset: Dataset, y_true: np.ndarray, outputs: np.ndarray) -> dict[str, np.ndarray]:
    """`label`, `predicted` and, for classes, `probability`: of class 1 `(rows,)`, or of each `(rows, classes)`."""
    if dataset.task == "regression":
        return {"label": y_true, "predicted": outputs[:, 0]}
    probability = outputs[:, 0] if outputs.shape[1] == 1 else outputs
    predicted = np.concatenate([decide(rows) for rows in chunks_of(outputs)])  # they may be on the disk
    return {"label": y_true, "predicted": predicted, "probability": probability}


def _draw(
    directory: Path,
    kept: int | str,
    dataset: Dataset,
    history: dict,
    record: Record,
    report,
    y_true: np.ndarray,
    outputs: np.ndarray,
) -> None:
    from matplotlib.figure import Figure  # without pyplot: no window system, and no global state to leave behind

    def save(figure, name: str, dpi: int = 100):
        runs.write_whole(directory / name, lambda file: figure.savefig(file, dpi=dpi))

    metrics = sorted((name for name in history if f"val_{name}" in history), key=lambda name: name != "loss")
    figure = Figure(figsize=(5.5 * len(metrics), 4), layout="constrained")
    for ax, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        plots.learning_curves(history, ax, metric, kept=kept)
    save(figure, "learning_curves.png", dpi=120)
    save(plots.record_figure(record), "record.png")
    save(plots.report_figure(report), "report.png")
    if dataset.task == "regression":
        figure = Figure(figsize=(5.9, 5), layout="constrained")
        plots.predicted_values(y_true, outputs[:, 0], figure.subplots())
        save(figure, "predictions.png")
        return
    figure = Figure(figsize=matrix_size(len(report.class_names)), layout="constrained")
    plots.confusion_matrix(report, figure.subplots())
    save(figure, "confusion_matrix.png", dpi=120)
    x, probabilities = dataset.test[0][: len(y_true)], report.probabilities
    if isinstance(dataset.preparation, ImagePreparation) and probabilities is not None and are_images(x):
        figure = Figure(figsize=grid_size(x, len(probabilities.greatest_losses)), layout="constrained")
        plots.greatest_losses(report, x, figure.subplots())
        save(figure, "greatest_losses.png")
