import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from recipes.models.canonical import SHARED, number_shared
from recipes.models.saved import load_model, save_model

PROGRAM = """
import sys, keras
from pathlib import Path
from recipes.models.canonical import SHARED, number_shared
from recipes.models.saved import save_model
keras.utils.set_random_seed(0)
layers = [keras.layers.Dropout(0.1), keras.layers.Bidirectional(keras.layers.LSTM(3)), keras.layers.Dense(2)]
model = keras.Sequential([keras.Input((5, 4)), *layers])
model.compile("adam", "mse")
save_model(model, Path(sys.argv[1]))
"""


def model_with_a_shared_cell():
    cell = keras.layers.GRUCell(2, name="cell")
    cells = keras.layers.StackedRNNCells([cell, cell], name="cells")
    return keras.Sequential([keras.Input((5, 2), name="in"), keras.layers.RNN(cells, name="rnn")], name="model")


def test_equal_models_have_equal_bytes(tmp_path):
    # The second has its objects at other addresses, as the first one still exists.
    keras.utils.set_random_seed(0)
    first = model_with_a_shared_cell()
    second = model_with_a_shared_cell()
    second.set_weights(first.get_weights())
    for name, model in {"first": first, "second": second}.items():
        save_model(model, tmp_path / f"{name}.keras")
    content = (tmp_path / "first.keras").read_bytes()
    assert (tmp_path / "second.keras").read_bytes() == content
    save_model(load_model(tmp_path / "first.keras"), tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() == content


def test_a_canonical_file_has_neither_dates_nor_addresses_and_plain_keras_loads_it(tmp_path):
    model = model_with_a_shared_cell()
    save_model(model, tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
        assert json.loads(archive.read("metadata.json")) == {"keras_version": keras.__version__}
        text = archive.read("config.json").decode()
    assert (text.count('"shared_object_id"'), text.count('"shared_object_id": 0')) == (2, 2)
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[0].cell.cells[0] is again.layers[0].cell.cells[1]
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_objects_with_one_number_that_differ_are_not_shared():
    zeros, ones = ({"class_name": name, SHARED: 140} for name in ("Zeros", "Ones"))
    policy = {"class_name": "DTypePolicy", SHARED: 8}
    numbered = number_shared({"parts": [zeros, ones, policy, policy, {"class_name": "Once", SHARED: 4}]})
    assert SHARED not in json.dumps(numbered)


@pytest.mark.extensive
def test_equal_models_of_two_processes_have_equal_bytes(tmp_path):
    for name in ("0", "1"):
        subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / f"{name}.keras"], check=True, capture_output=True)
    assert (tmp_path / "0.keras").read_bytes() == (tmp_path / "1.keras").read_bytes()
