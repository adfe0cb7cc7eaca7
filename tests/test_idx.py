import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from recipes.data.named import idx

DATA = Path(os.environ.get("KERAS_RECIPES_DATA", "not-set"))
needs_data = pytest.mark.skipif(
    "KERAS_RECIPES_DATA" not in os.environ, reason="KERAS_RECIPES_DATA is not set: it names the folder with local data"
)
FILES = [f"{file}.gz" for pair in idx.FILES.values() for file in pair]


@pytest.fixture
def linked(tmp_path):
    """A folder with links to the real files, each of which a test may replace."""
    for file in FILES:
        (tmp_path / file).symlink_to(DATA / "mnist" / file)
    return tmp_path


@needs_data
@pytest.mark.parametrize(("name", "first"), [("mnist", "5"), ("fashion-mnist", "Ankle boot")])
def test_the_original_files_become_images_and_classes(name, first):
    source = idx.read(name, idx.find(name, DATA))
    (x, y), (x_test, y_test) = source.parts["train"], source.parts["test"]
    assert (source.name, source.task, len(source.class_names)) == (name, "classification", 10)
    assert (x.shape, x_test.shape, x.dtype, y.dtype) == ((60_000, 28, 28, 1), (10_000, 28, 28, 1), np.uint8, np.int64)
    assert (len(y), len(y_test), x.max()) == (60_000, 10_000, 255)
    assert source.class_names[y[0]] == first
    assert x.flags.writeable


@needs_data
def test_files_are_found_under_either_spelling_or_in_the_folder_itself(linked, tmp_path):
    assert idx.find("fashion-mnist", DATA) == DATA / "fashion-mnist"
    assert idx.find("mnist", linked) == linked
    other = tmp_path / "data" / "fashion_mnist"
    other.mkdir(parents=True)
    assert idx.find("fashion-mnist", other.parent) is None
    (other / FILES[0]).touch()
    assert idx.find("fashion-mnist", other.parent) == other


def test_without_files_nothing_is_found(tmp_path):
    assert idx.find("mnist", None) is None
    assert idx.find("mnist", tmp_path) is None
    assert idx.find("mnist", tmp_path / "none") is None
    (tmp_path / FILES[0]).touch()
    assert idx.find("mnist", tmp_path) is None  # not all four


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@needs_data
@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-100],
        lambda packed: packed[:1000],
        lambda packed: b"",
        lambda packed: b"<html>404</html>",
        flipped,
        lambda packed: gzip.compress(flipped(gzip.decompress(packed))),
        lambda packed: gzip.compress(b"\0\0\x08\x03" + gzip.decompress(packed)[4:]),
        lambda packed: gzip.compress(gzip.decompress(packed)[:-1]),
        lambda packed: gzip.compress(gzip.decompress(packed) + b"\0"),
        lambda packed: gzip.compress(b""),
    ],
)
def test_a_damaged_file_is_named(linked, damage):
    path = linked / "t10k-labels-idx1-ubyte.gz"
    content = damage(path.read_bytes())
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged: its content has not the published checksum") as error:
        idx._content("mnist", linked, "t10k-labels-idx1-ubyte")
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@needs_data
def test_read_refuses_a_missing_a_damaged_and_a_foreign_file(linked):
    (linked / FILES[0]).unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no file .*train-images-idx3-ubyte.gz.*'mnist' needs it"):
        idx.read("mnist", linked)
    (linked / FILES[0]).write_bytes((DATA / "mnist" / FILES[0]).read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz is damaged"):
        idx.read("mnist", linked)
    with pytest.raises(ValueError, match=r"is the file of the dataset 'mnist', not of 'fashion-mnist': put train-"):
        idx._content("fashion-mnist", linked, "t10k-labels-idx1-ubyte")


def test_the_help_says_what_to_put_where():
    text = idx.where("mnist")
    assert all(file in text for file in FILES)
    assert "DIR/mnist" in text
    assert "KERAS_RECIPES_DATA" in text
