"""The report and the pictures of a run: made once its model is saved, or later where that went wrong."""

import contextlib
import shlex
import warnings
from pathlib import Path

import keras
import numpy as np

from recipes.data import ARRAYS, Dataset
from recipes.data.preparation import ImagePreparation
from recipes.data.store import RowStore, chunks_of
from recipes.disk.whole import write_text_whole, write_whole
from recipes.evaluation.analysis.analysing import Evaluated, analyse
from recipes.evaluation.analysis.examples import thumbnails
from recipes.evaluation.blocks import blocks_of_rows, storing
from recipes.evaluation.counting import report_on
from recipes.metrics import ClassificationReport, RegressionReport, decide
from recipes.models.outputs import Outputs
from recipes.report.model_card import write_model_card
from recipes.report.page import write_page
from recipes.runs import files
from recipes.runs.folder import changing_results
from recipes.runs.pictures import PictureSource, draw
from recipes.runs.stopwatch import Stopwatch
from recipes.runs.stored import Stored
from recipes.runs.watched import Watched
from recipes.runs.writing import one_line, set_missing, write_json
from recipes.settings import Recipe

MOST_STORED_PREDICTIONS = 1_000_000


def finish(
    directory: Path,
    model: keras.Model,
    recipe: Recipe,
    dataset: Dataset,
    watched: Watched | None,
    limit: int | None = None,
    pictures: bool = True,
    *,
    stopwatch: Stopwatch | None = None,
) -> ClassificationReport | RegressionReport:
    """Evaluate a saved run on its test part; write its report and predictions, then its analysis, pictures and pages.

    Args:
        directory: Run folder that holds the trained model already.
        model: Trained model that takes raw rows.
        recipe: Recipe of the run.
        dataset: Data that the run was trained on.
        watched: History, record and kept epoch of the training; needed for the pictures alone.
        limit: Largest number of test rows, and of rows of the other parts for the analysis. Default: all.
        pictures: Whether to analyse the run, to draw, and to write the page and the model card. What fails of that is a
            warning, since it is worth less than the report.
        stopwatch: Stopwatch that measures evaluating and drawing. Default: they are not measured.

    Returns:
        The report.

    Raises:
        ValueError, OSError: If the report cannot be made or written.
    """
    stopwatch = stopwatch or Stopwatch("finish")
    x, y = (array[:limit] for array in dataset.test)
    store = RowStore()
    with stopwatch("evaluating"):
        blocks = blocks_of_rows(model, Outputs.of(model), x, y, prediction_batch(recipe))
        report = report_on(storing(blocks, store, MOST_STORED_PREDICTIONS), dataset.class_names)
        predictions = _predictions(dataset, y, store.finish())
    run = Evaluated(model, recipe, dataset, report, predictions, prediction_batch(recipe), limit)
    with changing_results(directory):
        text = f"{dataset.describe()}\n{_extras(directory, recipe)}\n{report}\n"
        with stopwatch("saving", "report and predictions"):
            _write(directory, run, text, later=("pictures",) if pictures else ())
        if pictures:
            with stopwatch("evaluating", "analysis"):
                _analyse(directory, run)
            with stopwatch("drawing", "pictures"):
                _draw(directory, run, watched)
            with stopwatch("drawing", "page and model card"):
                _write_pages(directory)
    return report


def _write(directory: Path, run: Evaluated, text: str, later: tuple[str, ...]) -> None:
    """Write report and predictions, so that `Stored.missing` says at each moment what is not there yet."""
    write_json(directory / files.REPORT, run.report.to_dict())
    write_text_whole(directory / files.REPORT_TEXT, text)
    set_missing(directory, ("predictions", *later))
    write_whole(directory / files.PREDICTIONS, lambda file: np.savez_compressed(file, **run.predictions))
    set_missing(directory, later)


def _extras(directory: Path, recipe: Recipe) -> str:
    """What the training did besides fitting, where its reader must know it: calibration, and use of validation rows."""
    if recipe.fit.keep != "refined" and not recipe.fit.refit:
        return ""
    reason = (Stored(directory).versions or {}).get("kept_reason")
    return f"{reason}\n" if reason else ""


def _analyse(directory: Path, run: Evaluated) -> None:
    """Add the analysis to the report that is written, and the images of its examples to the run folder."""
    try:
        analysis = analyse(run, model_bytes=(directory / files.MODEL).stat().st_size)
        rows = [example["row"] for example in analysis.get("examples", ())]
        images = thumbnails(run.dataset.test[0], rows, run.dataset.preparation)
        if images is not None:
            write_whole(directory / files.EXAMPLES, lambda file: np.savez_compressed(file, images=images))
        write_json(directory / files.REPORT, {**run.report.to_dict(), "analysis": analysis})
    except Exception as error:  # of any of the libraries behind it
        warnings.warn(f"the report of {directory} has no analysis: {one_line(error)}", stacklevel=4)


def _draw(directory: Path, run: Evaluated, watched: Watched) -> None:
    """Draw the pictures into the run folder."""
    images = run.dataset.test[0][: run.limit] if isinstance(run.dataset.preparation, ImagePreparation) else None
    kept = watched.kept_epoch or run.recipe.fit.keep
    try:
        draw(directory, PictureSource(watched.history, watched.record, kept, run.report, run.predictions, images))
        set_missing(directory, ())
    except Exception as error:  # whatever the drawing raises
        how = "" if run.recipe.data.name == ARRAYS else f"; {_command(directory)} draws them"
        warnings.warn(f"not all pictures of {directory} could be drawn: {one_line(error)}{how}", stacklevel=4)


def _write_pages(directory: Path) -> None:
    """Write the page of the run and its model card, from what lies in its folder by now."""
    stored = Stored(directory)
    for what, write in (("page", write_page), ("model card", write_model_card)):
        try:
            write(stored)
        except Exception as error:  # of any of the libraries behind it
            how = f"`keras-recipes report {shlex.quote(str(directory))}` makes it"
            warnings.warn(f"the {what} of {directory} could not be written: {one_line(error)}; {how}", stacklevel=4)


def finish_later(stored: Stored, dataset: Dataset) -> ClassificationReport | RegressionReport:
    """`finish` for a run folder that lacks its report or its pictures.

    Args:
        stored: Run that was trained and saved.
        dataset: Data that it was trained on.

    Raises:
        ValueError, OSError: If the report cannot be made or written.
    """
    watched = stored.watched if "pictures" in stored.missing else None
    if "pictures" in stored.missing and watched is None:
        names = f"{files.HISTORY} and {files.RECORD}"
        warnings.warn(f"there are no pictures of {stored}, since it does not hold {names}", stacklevel=3)
    pictures = watched is not None
    try:
        return finish(stored.directory, stored.model, stored.recipe, dataset, watched, pictures=pictures)
    finally:
        stored.forget_results()


def prediction_batch(recipe: Recipe) -> int:
    """Rows of one prediction step: without gradients to keep, larger batches than those of `fit` fit the memory."""
    return max(256, recipe.fit.batch_size)


@contextlib.contextmanager
def keeping(directory: Path, recipe: Recipe):
    """Add to an error or interrupt that the trained model is in `directory`, and how to get what is missing."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        missing = ", ".join(Stored(directory).missing)
        state = f"the trained model is saved in {directory}{f', without its {missing}' if missing else ''}"
        if recipe.data.name == ARRAYS:
            how = f"recipes.evaluate({str(directory)!r}, (x_test, y_test)) gives a report"
        else:
            how = f"{_command(directory)} makes what is missing"
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"interrupted; {state}: {how}") from None
        kind = OSError if isinstance(error, OSError) else ValueError
        raise kind(f"{state} ({one_line(error)}): {how}") from error


def _command(directory: Path) -> str:
    return f"`keras-recipes evaluate {shlex.quote(str(directory))}`"


def _predictions(dataset: Dataset, y: np.ndarray, outputs: np.ndarray) -> dict[str, np.ndarray]:
    """Content of `predictions.npz`; see `Stored.predictions`.

    Args:
        dataset: Data of the run.
        y: Targets of the test part, `(rows,)`.
        outputs: Outputs for its first rows, `(rows, outputs)`; perhaps on the disk.
    """
    label = y[: len(outputs)]
    if dataset.task == "regression":
        return {"label": label, "predicted": outputs[:, 0]}
    predicted = np.concatenate([decide(rows) for rows in chunks_of(outputs)])
    return {"label": label, "predicted": predicted, "probability": outputs[:, 0] if outputs.shape[1] == 1 else outputs}
