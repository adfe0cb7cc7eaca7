import contextlib
import json
import logging
import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

import recipes
from recipes.data.named import idx, tfds, tfds_builder
from recipes.settings import Data

DATA = Path(os.environ.get("KERAS_RECIPES_DATA", "not-set"))
needs_data = pytest.mark.skipif(
    "KERAS_RECIPES_DATA" not in os.environ, reason="KERAS_RECIPES_DATA is not set: it names the folder with local data"
)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """TFDS finds nothing that was prepared before, and leaves nothing behind."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))


@contextlib.contextmanager
def invented(rows=12):
    """Within it, TFDS invents rows for any set, and downloads nothing."""
    import tensorflow_datasets

    with pytest.MonkeyPatch.context() as patch, tensorflow_datasets.testing.mock_data(num_examples=rows):
        patch.setattr(tensorflow_datasets.core.DatasetInfo, "splits", {"train": None})
        patch.setattr(tfds_builder, "_require_network", lambda *arguments: None)
        yield


def store(folder, name, features, splits, keys):
    """Write a real set of TFDS: `splits` maps names to lists of examples."""
    import tensorflow_datasets

    with tfds_builder.quiet():
        tensorflow_datasets.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tensorflow_datasets.features.FeaturesDict(features),
            split_datasets={split: list(enumerate(rows)) for split, rows in splits.items()},
            data_dir=folder,
            disable_shuffling=True,
        )
    path = folder / name / "1.0.0" / "dataset_info.json"
    info = json.loads(path.read_text())
    info["supervisedKeys"] = {"tuple": {"items": [{"featureKey": key} for key in keys]}}
    path.write_text(json.dumps(info))


def image(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def image_features():
    from tensorflow_datasets import features

    return {"image": features.Image(shape=(None, None, 3)), "label": features.ClassLabel(names=["cat", "dog"])}


@pytest.mark.parametrize(
    ("name", "shape", "classes", "first"),
    [
        ("MNIST", (28, 28, 1), 10, "0"),
        pytest.param("cifar10", (32, 32, 3), 10, "0", marks=pytest.mark.extensive),
        ("kmnist", (28, 28, 1), 10, "o"),
    ],
)
def test_image_sets_become_bytes_and_class_numbers(name, shape, classes, first):
    with invented():
        source = tfds.read(name, Data(), None)
    x, y = source.parts["all"]
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((12, *shape), np.uint8, (12,), np.int64)
    assert (source.name, source.task, source.target) == (f"tfds-{name.lower()}", "classification", "label")
    assert (len(source.class_names), source.class_names[0], source.feature_names) == (classes, first, None)


def test_large_images_are_converted_to_the_requested_size_and_colour():
    with invented(3):
        common = tfds.read("rock-paper-scissors", Data(), None)
        asked = tfds.read("rock_paper_scissors", Data(image_size=(20, 30), color="grey"), None)
    assert common.parts["all"][0].shape == (3, 128, 128, 3)
    assert common.notes == ("images of 300 x 300, resized to 128 x 128",)
    assert asked.parts["all"][0].shape == (3, 20, 30, 1)
    assert common.class_names == ("rock", "paper", "scissors")


def test_a_table_of_mixed_columns_gets_codes_for_classes_and_texts():
    with invented(5):
        source = tfds.read("titanic", Data(), None)
    x, _ = source.parts["all"]
    assert (x.shape, x.dtype, source.target, source.class_names) == (
        (5, 13),
        np.float32,
        "survived",
        ("died", "survived"),
    )
    assert source.vocabularies["sex"] == ("male", "female")
    assert set(x[:, source.feature_names.index("sex")]) <= {1, 2}
    assert len(source.vocabularies["name"]) == 5
    np.testing.assert_array_equal(x[:, source.feature_names.index("name")], [1, 2, 3, 4, 5])
    assert "age" not in source.vocabularies
    assert x.flags.writeable


@pytest.mark.parametrize(
    ("name", "columns", "task", "last"),
    [
        pytest.param("iris", 4, "classification", "features_3", marks=pytest.mark.extensive),
        ("penguins", 4, "classification", "features_3"),
        ("diamonds", 9, "regression", "table"),
        ("wine_quality/red", 11, None, "volatile acidity"),
        ("german-credit-numeric:1.0.0", 24, "classification", "features_23"),
    ],
)
def test_the_task_of_a_table_follows_from_its_target(name, columns, task, last):
    with invented():
        source = tfds.read(name, Data(), None)
    assert source.parts["all"][0].shape == (12, columns)
    assert (source.task, len(source.feature_names)) == (task, columns)
    assert last in source.feature_names
    assert (source.class_names is None) == (task != "classification")


def test_rows_come_in_the_same_order_every_time():
    with invented():
        first, second = (tfds.read("iris", Data(), None).parts["all"] for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_prepared_splits_keep_their_meaning(tmp_path):
    def rows(*labels):
        return [{"image": image(4, 6, 10 * number), "label": label} for number, label in enumerate(labels)]

    splits = {"test": rows(1, 0), "train": rows(0, 1, 1), "valid": rows(1), "extra": rows(0)}
    store(tmp_path, "tiny_animals", image_features(), splits, ("image", "label"))
    source = tfds.read("Tiny-Animals", Data(), tmp_path)
    assert {part: y.tolist() for part, (_, y) in source.parts.items()} == {
        "train": [0, 1, 1], "validation": [1], "test": [1, 0],
    }  # fmt: skip
    assert list(source.parts) == ["train", "validation", "test"]
    assert source.parts["train"][0].shape == (3, 4, 6, 3)
    np.testing.assert_array_equal(source.parts["train"][0][:, 0, 0, 0], [0, 10, 20])
    assert source.notes == ("splits left out: extra",)


def test_images_of_several_sizes_are_resized_to_one(tmp_path):
    rows = [{"image": image(4 + number, 6, 77), "label": number % 2} for number in range(4)]
    store(tmp_path, "many_sizes", image_features(), {"pictures": rows}, ("image", "label"))
    x, y = tfds.read("many_sizes", Data(image_size=(8, 8)), tmp_path).parts["all"]
    assert (x.shape, y.tolist()) == ((4, 8, 8, 3), [0, 1, 0, 1])
    assert (x == 77).all()
    source = tfds.read("many_sizes", Data(), tmp_path)
    assert source.parts["all"][0].shape == (4, 128, 128, 3)
    assert source.notes == ("images of several sizes, resized to 128 x 128",)


def test_rows_without_a_class_are_left_out(tmp_path):
    train = [{"image": image(4, 4, 1), "label": label} for label in (0, 1, -1)]
    test = [{"image": image(4, 4, 1), "label": -1}] * 2
    store(tmp_path, "contest", image_features(), {"train": train, "test": test}, ("image", "label"))
    source = tfds.read("contest", Data(), tmp_path)
    assert {part: y.tolist() for part, (_, y) in source.parts.items()} == {"all": [0, 1]}
    assert source.notes == (
        "rows of train without a class, left out: 1",
        "rows of test without a class, left out: 2",
    )


def table_features():
    from tensorflow_datasets import features

    columns = {
        "on": features.Scalar(np.bool_), "count": features.Scalar(np.int64), "word": features.Text(),
        "pair": features.Tensor(shape=(2,), dtype=np.float64), "kind": features.ClassLabel(names=["a", "b"]),
    }  # fmt: skip
    return {"columns": features.FeaturesDict(columns), "answer": features.Text()}


def test_columns_become_numbers_and_codes_and_a_text_target_stays_text(tmp_path):
    rows = [
        {"columns": {"on": on, "count": 7, "word": word, "pair": [0.5, np.nan], "kind": kind}, "answer": answer}
        for on, word, kind, answer in [(True, "sun", 1, "yes"), (False, "", 0, "no"), (True, "moon", -1, "perhaps")]
    ]
    store(tmp_path, "words", table_features(), {"train": rows[:2], "test": rows[2:]}, ("columns", "answer"))
    source = tfds.read("words", Data(), tmp_path)
    columns = dict(zip(source.feature_names, np.concatenate([x for x, _ in source.parts.values()]).T, strict=True))
    assert np.isnan(columns.pop("pair_1")).all()  # missing
    assert {name: values.tolist() for name, values in columns.items()} == {
        "on": [1, 0, 1], "count": [7, 7, 7], "word": [1, 0, 2], "kind": [2, 1, 0], "pair_0": [0.5] * 3,
    }  # fmt: skip
    assert source.vocabularies == {"word": ("sun", "moon"), "kind": ("a", "b")}
    assert [y.tolist() for _, y in source.parts.values()] == [["yes", "no"], ["perhaps"]]
    assert (source.task, source.class_names, source.target) == (None, None, "answer")


def number_features(target):
    from tensorflow_datasets import features

    return {"pair": features.Tensor(shape=(2,), dtype=np.float64), "answer": target}


def test_infinite_values_of_a_column_are_counted_and_the_first_is_named(tmp_path, monkeypatch):
    from tensorflow_datasets import features

    monkeypatch.setattr("recipes.data.named.tfds_features.ROWS_AT_ONCE", 2)
    values, labels = (0.5, np.nan, 1e38, 1e300, -np.inf, 1.0), (0, -1, 1, 0, 1, 0)
    rows = [{"pair": [1.0, value], "answer": label} for value, label in zip(values, labels, strict=True)]
    splits = {"train": rows[:3], "test": rows[1:]}
    store(tmp_path, "far", number_features(features.ClassLabel(num_classes=2)), splits, ("pair", "answer"))
    message = (
        r"column 'pair_1' of the dataset 'far' \(test\) must be finite: 2 values are infinite or beyond float32, the "
        "first at row 2$"
    )
    with pytest.raises(ValueError, match=message):
        tfds.read("far", Data(), tmp_path)


def test_targets_that_are_missing_are_refused(tmp_path):
    from tensorflow_datasets import features

    rows = [{"pair": [1.0, 2.0], "answer": answer} for answer in (0.5, np.nan)]
    store(tmp_path, "gaps", number_features(features.Scalar(np.float32)), {"train": rows}, ("pair", "answer"))
    with pytest.raises(ValueError, match=r"`answer` must be finite. .* the first \(nan\) at row 1"):
        tfds.read("gaps", Data(), tmp_path)


def test_damaged_prepared_data_are_reported_in_one_line(tmp_path):
    rows = [{"image": image(9, 9, number), "label": 0} for number in range(9)]
    store(tmp_path, "broken", image_features(), {"train": rows}, ("image", "label"))
    (path,) = (tmp_path / "broken" / "1.0.0").glob("*tfrecord*")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"the data in .*broken/1.0.0 are damaged") as error:
        tfds.read("broken", Data(), tmp_path)
    assert "\n" not in str(error.value)
    (tmp_path / "broken" / "1.0.0" / "dataset_info.json").write_text("{")
    with pytest.raises(ValueError, match="the dataset 'broken' of tensorflow-datasets cannot be opened") as error:
        tfds.read("broken", Data(), tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnits", "unknown dataset of TFDS 'mnits': did you mean 'mnist'"),
        ("tfds:mnist", "are called NAME, NAME/CONFIG or NAME:VERSION. Received: 'tfds:mnist'"),
        ("mnist/big", "'mnist' of TFDS has no configurations. Received: 'big'"),
        ("wine_quality/rde", "unknown configuration of 'wine_quality' 'rde': did you mean 'red'"),
        ("mnist:9.9.9", "'mnist:9.9.9' .* cannot be opened: .*only: 3.0.1"),
        ("glue", r"'glue' of TFDS does not say which of its features is the target. Allowed are 8-bit images"),
        ("imdb_reviews", r"nothing but text as input.* Received: .*text \(Text\)"),
        (
            "ucf101",
            r"does not say which of its features is the target.* Received: video \(Video\), label \(ClassLabel\)",
        ),
        ("speech_commands", r"inputs of other kinds: 'audio'"),
        ("forest_fires", r"the target 'features', which is neither a class nor a number"),
    ],
)
def test_what_cannot_be_learnt_is_refused_before_anything_is_downloaded(monkeypatch, name, message):
    monkeypatch.setattr(tfds_builder, "prepare", lambda *arguments: pytest.fail("it would have been downloaded"))
    with pytest.raises(ValueError, match=message) as error:
        tfds.read(name, Data(), None)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700


def test_nothing_is_downloaded_where_that_is_not_wanted(monkeypatch, tmp_path):
    monkeypatch.setattr(socket, "create_connection", lambda *arguments: pytest.fail("it would have been downloaded"))
    for name, message in (
        ("tfds:titanic", "the dataset 'titanic' is not here yet, and would be downloaded first"),
        ("mnist", "mnist is not here, and would be downloaded: put train-images"),
    ):
        with pytest.raises(FileNotFoundError, match=message):
            recipes.load_dataset(name, data_dir=tmp_path, download=False)


def refuse(*arguments, **keywords):
    raise OSError("no route to host")


def test_without_a_network_the_error_says_where_data_may_be_put(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    (tmp_path / "mnist").mkdir()  # without the files that are needed
    for folder in (None, tmp_path):
        with pytest.raises(ConnectionError, match=r"no network .* no local copy of 'mnist': put .* DIR/mnist") as error:
            tfds.read("mnist", Data(), folder)
        assert "\n" not in str(error.value)
    assert capfd.readouterr().out == ""


def test_one_server_that_answers_is_enough_and_files_that_are_here_need_none(monkeypatch, tmp_path):
    import tensorflow_datasets

    mnist = tensorflow_datasets.builder("mnist", data_dir=tmp_path).url_infos
    server, downloads = [("storage.googleapis.com", 443)], tmp_path / "downloads"
    assert tfds_builder._servers(mnist, None, downloads) == server
    for file in mnist.values():
        (tmp_path / file.filename).touch()
    assert tfds_builder._servers(mnist, tmp_path, downloads) == []
    (downloads / "mnist").mkdir(parents=True)
    for number, file in enumerate(mnist.values()):
        assert tfds_builder._servers(mnist, None, downloads) == server
        (downloads / "mnist" / str(number)).write_bytes(bytes(file.size))
    assert tfds_builder._servers(mnist, None, downloads) == []
    iris = tensorflow_datasets.builder("iris", data_dir=tmp_path)
    monkeypatch.setattr(tfds_builder, "_servers", lambda *arguments: [("first", 80), ("second", 443)])
    monkeypatch.setattr("urllib.request.getproxies", dict)
    monkeypatch.setattr(tfds_builder, "_answers", lambda host, port: host == "second")
    tfds_builder._require_network(iris, None)


def test_other_failures_of_a_download_are_reported_in_one_line(monkeypatch):
    import tensorflow_datasets

    def fail(*arguments, **keywords):
        raise RuntimeError("first line\nsecond line " + "x" * 1000)

    monkeypatch.setattr(tfds_builder, "_answers", lambda *server: True)
    monkeypatch.setattr(tensorflow_datasets.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(OSError, match="'mnist' cannot be downloaded and prepared: first line second line") as error:
        tfds.read("mnist", Data(), None)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_settings_of_others_are_left_as_they_were():
    before = logging.getLogger("absl").level, sys.stdout, sys.stderr
    with invented(2):
        tfds.read("iris", Data(), None)
    assert (logging.getLogger("absl").level, sys.stdout, sys.stderr) == before


@pytest.mark.extensive
@needs_data
def test_local_gz_files_are_prepared_without_a_network(monkeypatch, capfd):
    monkeypatch.setattr(socket, "create_connection", refuse)
    source, original = tfds.read("mnist", Data(), DATA), idx.read("mnist", DATA / "mnist")
    for part in ("train", "test"):
        rows = [
            sorted(zip(map(bytes, x), y.tolist(), strict=True)) for x, y in (source.parts[part], original.parts[part])
        ]
        assert rows[0] == rows[1]  # TFDS shuffles the rows when it prepares them
    assert (source.class_names, source.parts["train"][0].dtype) == (original.class_names, np.uint8)
    assert capfd.readouterr().out == ""
