import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from recipes.models.saved import load_model, save_model

PROGRAM = """
import sys, keras
from pathlib import Path
from recipes.models.saved import save_model
keras.utils.set_random_seed(0)
layers = [keras.layers.Dropout(0.1), keras.layers.Bidirectional(keras.layers.LSTM(3)), keras.layers.Dense(2)]
model = keras.Sequential([keras.Input((5, 4)), *layers])
model.compile("adam", "mse")
save_model(model, Path(sys.argv[1]))
"""


def model_of_shared_objects():
    start = keras.initializers.RandomNormal(seed=0)
    layers = [keras.layers.Dense(2, kernel_initializer=start, name=name) for name in ("one", "two")]
    return keras.Sequential([keras.Input((2,), name="in"), *layers], name="model")


def test_equal_models_have_equal_bytes(tmp_path):
    # The second has its objects at other addresses, as the first one still exists.
    models = [model_of_shared_objects(), model_of_shared_objects()]
    for number, model in enumerate(models):
        save_model(model, tmp_path / f"{number}.keras")
    assert (tmp_path / "0.keras").read_bytes() == (tmp_path / "1.keras").read_bytes()
    save_model(load_model(tmp_path / "0.keras"), tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() == (tmp_path / "0.keras").read_bytes()


def test_a_canonical_file_has_neither_dates_nor_addresses_and_plain_keras_loads_it(tmp_path):
    model = model_of_shared_objects()
    save_model(model, tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
        assert json.loads(archive.read("metadata.json")) == {"keras_version": keras.__version__}
        text = archive.read("config.json").decode()
    assert text.count('"shared_object_id": 1}') == 2
    assert f"{id(model.layers[0].kernel_initializer)}" not in text
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[0].kernel_initializer is again.layers[1].kernel_initializer
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


@pytest.mark.extensive
def test_equal_models_of_two_processes_have_equal_bytes(tmp_path):
    for name in ("0", "1"):
        subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / f"{name}.keras"], check=True, capture_output=True)
    assert (tmp_path / "0.keras").read_bytes() == (tmp_path / "1.keras").read_bytes()
