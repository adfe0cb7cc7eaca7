"""Run folders of earlier versions, as they were written then, stay usable."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import recipes


@pytest.fixture
def older_run(tmp_path):
    """A run of version 0.1.0, before its code was arranged in rooms: iris with a column of text, in a CSV file."""
    with zipfile.ZipFile(Path(__file__).with_name("run_folder_0_1_0.zip")) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "saved_models" / "iris"


def test_a_run_of_before_is_evaluated_on_its_test_part_with_the_same_report(older_run):
    stored = json.loads((older_run / "report.json").read_text())
    report = recipes.evaluate(older_run)
    assert report.to_dict()["confusion_matrix"] == stored["confusion_matrix"]
    assert report.accuracy == stored["accuracy"]


def test_a_run_of_before_predicts_the_same_probabilities(older_run):
    stored = np.load(older_run / "predictions.npz")
    dataset = recipes.load_dataset(older_run.parent.parent / "iris.csv", 0, target="target")
    predicted = recipes.predict(older_run, dataset.test[0])
    np.testing.assert_allclose(predicted, stored["probability"], rtol=1e-4)
