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


def test_pictures_are_drawn_into_the_folder(tmp_path, of_numbers, of_images):
    draw(tmp_path, of_numbers)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names(of_numbers))
    (ax,) = PICTURES[-1].figure(of_images).axes
    assert len(ax.images) == 20
