"""Run folders of earlier versions, as they were written then, stay usable."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import recipes
from recipes.runs.stored import Stored


@pytest.fixture
def older_run(tmp_path):
    """A run of version 0.1.0, before its code was arranged in rooms: iris with a column of text, in a CSV file."""
    with zipfile.ZipFile(Path(__file__).with_name("run_folder_0_1_0.zip")) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "saved_models" / "iris"


def test_a_run_of_before_is_evaluated_on_its_test_part_with_the_same_report(older_run):
    stored, report = Stored(older_run), recipes.evaluate(older_run)
    assert stored.report.to_dict() == json.loads((older_run / "report.json").read_text())
    np.testing.assert_array_equal(report.confusion_matrix, stored.report.confusion_matrix)
    assert report.accuracy == stored.report.accuracy


@pytest.mark.parametrize(("name", "accuracy"), [("digits", 0.9888579387186629), ("mnist-small", 0.9887)])
def test_the_runs_that_ship_are_read(name, accuracy):
    # They were written before class names and fingerprints stood in versions.json.
    stored = Stored(Path(__file__).parent.parent / "saved_models" / name)
    assert stored.report.to_dict() == json.loads((stored.directory / "report.json").read_text())
    assert (stored.report.accuracy, stored.class_names) == (accuracy, tuple("0123456789"))
    assert (stored.is_run, stored.seed, stored.fingerprint, stored.missing) == (True, 0, None, ())
    assert len(stored.history["loss"]) > 1
    assert stored.recipe.name == name


def test_a_run_of_before_predicts_the_same_probabilities(older_run):
    stored = np.load(older_run / "predictions.npz")
    dataset = recipes.load_dataset(older_run.parent.parent / "iris.csv", 0, target="target")
    predicted = recipes.predict(older_run, dataset.test[0])
    np.testing.assert_allclose(predicted, stored["probability"], rtol=1e-4)
