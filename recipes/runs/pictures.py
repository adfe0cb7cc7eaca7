"""The pictures of a run in their order: which there are, when each applies, and how it is drawn."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from callbacks.watching.record import Record
from recipes import plots
from recipes.disk.whole import write_whole
from recipes.metrics import ClassificationReport, RegressionReport
from recipes.plots.confusion import matrix_size
from recipes.plots.greatest_losses import are_images, grid_size
from recipes.plots.layout import arrange, new_figure


@dataclass(frozen=True, eq=False)
class PictureSource:
    """What the pictures of a run show.

    Attributes:
        history: Values of each epoch, by name.
        record: Gradient norms, update ratios and activations, by epoch and layer.
        kept: Epoch whose weights were kept, counted from 1; or the rule, `"best"` or `"last"`, where the epoch is not
            known.
        report: Report on the test part.
        predictions: Arrays `label` and `predicted` of the test part, as in `Stored.predictions`.
        images: Raw images of all rows of the report; `None` for other data.
    """

    history: dict[str, list[float]]
    record: Record
    kept: int | str
    report: ClassificationReport | RegressionReport
    predictions: dict[str, np.ndarray]
    images: np.ndarray | None = None


@dataclass(frozen=True)
class Picture:
    """One picture of a run.

    Attributes:
        file: File name in the run folder.
        title: Title on a page that shows the picture.
        applies: Function of the `PictureSource` that tells whether there is anything to draw.
        figure: Function of the `PictureSource` that draws it and returns the Matplotlib figure.
    """

    file: str
    title: str
    applies: Callable[[PictureSource], bool]
    figure: Callable[[PictureSource], object]


def draw(directory: Path, source: PictureSource) -> None:
    """Draw the pictures that apply into a run folder, each file whole or not at all."""
    # Figures are full of cycles. The garbage collector would look for them meanwhile, in all that the backend has in
    # memory, which takes about a tenth of the time of drawing.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for picture in pictures_of(source):
            save = partial(picture.figure(source).savefig, pil_kwargs={"compress_level": 1})
            write_whole(directory / picture.file, save)
    finally:
        if collecting:
            gc.enable()


def pictures_of(source: PictureSource) -> list[Picture]:
    """The pictures that apply, in their order."""
    return [picture for picture in PICTURES if picture.applies(source)]


def _learning_curves(source: PictureSource):
    validated = [name for name in source.history if f"val_{name}" in source.history]
    metrics = sorted(validated, key=lambda name: name != "loss")
    figure = new_figure((5.5 * len(metrics), 4), dpi=120)
    for ax, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        plots.learning_curves(source.history, ax, metric, kept=source.kept)
    arrange(figure)
    return figure


def _predicted_values(source: PictureSource):
    figure = new_figure((5.9, 5))
    plots.predicted_values(source.predictions["label"], source.predictions["predicted"], figure.subplots())
    arrange(figure)
    return figure


def _confusion_matrix(source: PictureSource):
    figure = new_figure(matrix_size(len(source.report.class_names)), dpi=120)
    plots.confusion_matrix(source.report, figure.subplots())
    arrange(figure)
    return figure


def _greatest_losses(source: PictureSource):
    count = len(source.report.probabilities.greatest_losses)
    figure = new_figure(grid_size(source.images, count))
    plots.greatest_losses(source.report, source.images, figure.subplots())
    arrange(figure)
    return figure


def _always(source: PictureSource) -> bool:
    return True


def _has_record(source: PictureSource) -> bool:
    return bool(source.record.measured())


def _has_classes(source: PictureSource) -> bool:
    return isinstance(source.report, ClassificationReport)


def _has_numbers(source: PictureSource) -> bool:
    return not _has_classes(source)


def _has_images_with_losses(source: PictureSource) -> bool:
    has_losses = _has_classes(source) and source.report.probabilities is not None
    return has_losses and source.images is not None and are_images(source.images)


PICTURES = (
    Picture("learning_curves.png", "Learning curves", _always, _learning_curves),
    Picture("record.png", "Gradients and activations", _has_record, lambda source: plots.record_figure(source.record)),
    Picture("report.png", "Scores on the test part", _always, lambda source: plots.report_figure(source.report)),
    Picture("predictions.png", "Predicted and true values", _has_numbers, _predicted_values),
    Picture("confusion_matrix.png", "Confusion matrix", _has_classes, _confusion_matrix),
    Picture("greatest_losses.png", "Images with the greatest losses", _has_images_with_losses, _greatest_losses),
)
