import keras
import numpy as np
import pytest

import recipes
from recipes.evaluation.prediction import predict_file
from recipes.runs.stored import Stored


@pytest.mark.backend
@pytest.mark.whole
def test_a_file_is_predicted_row_by_row(run, tmp_path):
    x, _ = recipes.load_dataset("breast_cancer").test
    np.savez(tmp_path / "rows.npz", x=x[:5])
    columns, rows = predict_file(run.directory, tmp_path / "rows.npz")
    rows = list(rows)
    assert columns == ["class", "malignant", "benign"]
    probability = run.model.predict(x[:5], verbose=0)[:, 0]
    np.testing.assert_allclose([row[2] for row in rows], probability, atol=1e-6)
    np.testing.assert_allclose([row[1] + row[2] for row in rows], 1, atol=1e-6)
    assert [row[0] for row in rows] == [columns[1 + (p > 0.5)] for p in probability]


@pytest.mark.backend
def test_a_run_a_stored_run_and_a_path_predict_alike(run):
    x, _ = recipes.load_dataset("breast_cancer").test
    expected = recipes.predict(run.directory, x)
    for model in (run, Stored(run.directory), str(run.directory), run.directory / "model.keras"):
        np.testing.assert_array_equal(recipes.predict(model, x), expected)


def test_the_class_of_a_margin_is_that_of_its_sign(tmp_path):
    layers = [keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")]
    model = keras.Sequential(layers)
    model.compile("sgd", "hinge")
    model.save(tmp_path / "margins.keras")
    np.savez(tmp_path / "rows.npz", x=np.array([[-0.3], [0.3]]))
    _, rows = predict_file(tmp_path / "margins.keras", tmp_path / "rows.npz")
    assert [row[0] for row in rows] == ["0", "1"]
