from dataclasses import replace

import numpy as np
import pytest

from callbacks import Record
from recipes.metrics import classification_report, regression_report
from recipes.runs.pictures import PICTURES, PictureSource, draw, pictures_of
from recipes.runs.stored import Stored


@pytest.fixture
def of_numbers():
    y = np.arange(20.0)
    predictions = {"label": y, "predicted": y + 1}
    history = {"loss": [2.0, 1.0], "val_loss": [2.0, 1.5]}
    record = Record(layers=("dense",), epochs=np.array([1, 2]), gradient_norm_mean=np.ones((2, 1)))
    return PictureSource(history, record, 2, regression_report(y, y + 1), predictions)


@pytest.fixture
def of_images(of_numbers):
    y = np.arange(20) % 2
    report = classification_report(y, np.linspace(0.1, 0.9, 20))
    return replace(of_numbers, report=report, predictions={"label": y, "predicted": y}, images=np.zeros((20, 8, 8)))


def names(source):
    return [picture.file for picture in pictures_of(source)]


def test_the_pictures_of_a_run_are_those_that_apply_in_one_order(run, of_numbers, of_images):
    always = ["learning_curves.png", "record.png", "report.png"]
    assert names(of_numbers) == [*always, "predictions.png"]
    assert names(of_images) == [*always, "confusion_matrix.png", "greatest_losses.png"]
    assert names(replace(of_images, images=None)) == [*always, "confusion_matrix.png"]
    assert names(replace(of_images, images=np.zeros((20, 8)))) == [*always, "confusion_matrix.png"]
    assert names(replace(of_images, record=Record(), images=None)) == [always[0], always[2], "confusion_matrix.png"]
    decisions = classification_report(np.arange(20) % 2, np.arange(20) % 2)
    assert names(replace(of_images, report=decisions)) == [*always, "confusion_matrix.png"]
    stored = Stored(run.directory)
    source = PictureSource(stored.history, stored.record, stored.kept_epoch, stored.report, stored.predictions)
    assert set(names(source)) == {path.name for path in run.directory.glob("*.png")}
    assert len({picture.title for picture in PICTURES}) == len(PICTURES)


def labels_of(ax):
    """Boxes of title, labels and numbers of axes, as they are drawn."""
    texts = [ax.title, ax.xaxis.label, ax.yaxis.label]
    for axis, place in ((ax.xaxis, 0), (ax.yaxis, 1)):
        low, high = sorted(axis.get_view_interval())
        texts += [text for text in axis.get_ticklabels() if low <= text.get_position()[place] <= high]
    return [text.get_window_extent() for text in texts if text.get_text() and ax.axison]


def test_labels_are_inside_the_figure_and_touch_no_other_axes(of_images):
    names = ("a class, " + "W" * 40, "b")
    report = classification_report(np.arange(20) % 2, np.linspace(0.1, 0.9, 20), class_names=names)
    record = Record(
        layers=tuple(f"a_layer_with_a_long_name_{place}" for place in range(12)),
        epochs=np.array([1, 2]),
        gradient_norm_mean=np.full((2, 12), 0.01),
        update_ratio=np.full((2, 12), 1e-3),
    )
    source = replace(of_images, history={"loss": [2e7, 1e7], "val_loss": [2e7, 1.5e7]}, report=report, record=record)
    for picture in pictures_of(source):
        figure = picture.figure(source)
        figure.canvas.draw()
        paper = figure.bbox.padded(1)
        for ax in figure.axes:
            for box in labels_of(ax):
                assert paper.contains(*box.min), picture.file
                assert paper.contains(*box.max), picture.file
                assert not any(box.overlaps(other.bbox) for other in figure.axes if other is not ax), picture.file


def test_pictures_are_drawn_into_the_folder(tmp_path, of_numbers, of_images):
    draw(tmp_path, of_numbers)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names(of_numbers))
    (ax,) = PICTURES[-1].figure(of_images).axes
    assert len(ax.images) == 20
