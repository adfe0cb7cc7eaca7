import importlib

import h5py
import keras
import numpy as np
import pytest

import recipes
from recipes.cli import main
from recipes.data import load_dataset
from recipes.models import applications, build
from recipes.settings import Data

FILE = "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty folder in the place of Keras's cache."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_the_networks_are_those_of_keras():
    assert all(callable(getattr(keras.applications, name)) for name in applications.NETWORKS)
    files = [file for _, file in applications.NETWORKS.values()]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("name", ["MobileNetV3Small", "MobileNetV2", "DenseNet121", "ResNet50", "ResNet50V2", "VGG16"])
def test_the_preprocessing_is_that_of_keras(name):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 3)).astype(np.float32)
    module = importlib.import_module(f"keras.applications.{applications.NETWORKS[name][0]}")
    factor, offset, is_reversed = applications.preprocessing(name)
    ours = pixels * factor + offset
    theirs = module.preprocess_input(pixels.copy())
    np.testing.assert_allclose(ours[..., ::-1] if is_reversed else ours, theirs, rtol=1e-4, atol=1e-4)


def test_where_there_are_no_weights_one_line_says_where_to_put_them_before_the_data_are_read(cache, capsys):
    assert main(["train", "transfer", "--data", "nowhere"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"keras-recipes: the weights of MobileNetV3Small are not here: put {FILE} into {cache} (")
    assert line.endswith("or name a file of them with model.weights")
    for command in ("show", "find-lr"):
        assert main([command, "transfer", "--data", "nowhere"]) == 2
        assert "the weights of MobileNetV3Small are not here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"body": "MobilNetV3Small"}, "MobilNetV3Small, and none .*: did you mean MobileNetV3Small, of keras.applic"),
        ({"weights": "nowhere.h5"}, r"there is no file of weights nowhere\.h5 \(model\.weights\)"),
        (
            {"body": "mnist-small", "weights": "a.h5"},
            "is for networks of keras.applications. Received: 'a.h5' with mnis",
        ),
        ({"body": None}, "model.body must name a run folder, a .keras file or a network of keras.applications"),
    ],
)
def test_a_body_that_is_not_there_is_refused_before_the_data_are_read(cache, model, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        recipes.train(recipes.get("transfer").replace(model=model), "nowhere")


@pytest.mark.extensive
@pytest.mark.backend
def test_the_body_sees_the_pixels_through_its_own_preprocessing(cache):
    network = keras.applications.MobileNetV3Small(weights=None, include_top=False, input_shape=(32, 32, 3))
    network.save(cache / FILE)  # with the weights as Keras's own files hold them
    x = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 1)).astype(np.uint8)
    dataset = load_dataset((x, np.arange(40) % 2), settings=Data(color="rgb"))
    recipe = recipes.get("transfer").replace(data={"image_size": [32, 32]})
    model = build(recipe, dataset)
    pixels, prepared = dataset.test[0][:2], dataset.prepared("test", 2)[0]
    expected, seen = (
        keras.ops.convert_to_numpy(part(rows))
        for part, rows in ((network, pixels.astype(np.float32)), (model.get_layer("body"), prepared))
    )
    np.testing.assert_allclose(seen, expected, rtol=1e-3, atol=1e-4)
    assert [weight.path for weight in model.trainable_weights] == ["logits/kernel", "logits/bias"]
    small = load_dataset((x[:, :16, :16], np.arange(40) % 2))
    with pytest.raises(ValueError, match=r"does not take images of 16 x 16: set data\.image_size .*at least 32x32"):
        build(recipe, small)
    with h5py.File(cache / FILE, "r+") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/weights")
    with pytest.raises(ValueError, match="without its head: its weights have a link 'elsewhere' to elsewhere"):
        build(recipe, dataset)
    (cache / FILE).write_bytes(b"no weights")
    with pytest.raises(
        ValueError, match=r"_no_top_v2\.h5 does not hold the weights of MobileNetV3Small without its head"
    ):
        build(recipe, dataset)
