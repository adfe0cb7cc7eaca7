import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from recipes.data.named import uci

DATA = Path(os.environ.get("KERAS_RECIPES_DATA", "not-set"))
needs_data = pytest.mark.skipif(
    "KERAS_RECIPES_DATA" not in os.environ, reason="KERAS_RECIPES_DATA is not set: it names the folder with local data"
)
TOY = {
    "toy_set-A_py.dat": "1,2\n3,4\n5,6\n",
    "labels_py.dat": "7\n9\n7\n",
    "folds_py.dat": "1,0,0,0\n0,1,0,0\n0,0,1,1\n",
    "validation_folds_py.dat": "0,1,0,0\n0,0,0,0\n1,0,0,0\n",
}


def pack(path, files, prefix="toy_set-A"):
    with tarfile.open(path, "w:xz") as archive:
        for file, content in files.items():
            member = tarfile.TarInfo(f"{prefix}/{file}")
            member.size = len(content.encode())
            archive.addfile(member, io.BytesIO(content.encode()))


@needs_data
def test_the_archive_holds_39_sets():
    names = uci.names(DATA)
    assert len(names) == 39
    assert names == sorted(names)
    assert "oocytes_merluccius_nucleus_4d" in names


@needs_data
def test_a_fold_is_train_validation_and_test_as_published():
    x, y, test, validation = uci.load("wine", DATA)
    assert (x.shape, x.dtype, y.dtype) == ((178, 13), np.float32, np.int64)
    assert (test.shape, validation.shape, test.dtype) == ((178, 4), (178, 4), bool)
    source = uci.read("Wine", DATA, fold=2)
    assert (source.name, source.task, source.class_names) == ("uci-wine", "classification", ("0", "1", "2"))
    assert source.feature_names[::12] == ("column_0", "column_12")
    assert {part: len(y) for part, (_, y) in source.parts.items()} == {"train": 105, "validation": 29, "test": 44}
    np.testing.assert_array_equal(source.parts["test"][0], x[test[:, 2]])
    np.testing.assert_array_equal(source.parts["validation"][1], y[validation[:, 2]])
    np.testing.assert_array_equal(source.parts["train"][1], y[~test[:, 2] & ~validation[:, 2]])


@needs_data
@pytest.mark.parametrize("name", ["Oocytes-Merluccius-Nucleus-4D", "oocytes_merluccius_nucleus_4d"])
def test_names_are_matched_leniently(name):
    assert uci.read(name, DATA).name == "uci-oocytes_merluccius_nucleus_4d"


@needs_data
def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="unknown UCI set 'win': did you mean 'wine'"):
        uci.read("win", DATA)


@pytest.mark.parametrize("fold", [4, -1, 0.5, None])
def test_there_are_four_folds(tmp_path, fold):
    with pytest.raises(ValueError, match="have the folds 0, 1, 2 and 3. Received"):
        uci.read("wine", tmp_path, fold)


def test_without_an_archive_the_error_says_where_to_put_it(tmp_path):
    for folder in (None, tmp_path, tmp_path / "none"):
        with pytest.raises(FileNotFoundError, match=r"uci_39.tar.xz .* put it into DIR/uci .*KERAS_RECIPES_DATA"):
            uci.names(folder)


def test_any_archive_called_uci_is_read(tmp_path):
    pack(tmp_path / "uci_one.tar.xz", TOY)
    assert uci.names(tmp_path) == ["toy_set-A"]
    source = uci.read("toy-set_a", tmp_path, fold=0)
    assert source.class_names == ("7", "9")
    np.testing.assert_array_equal(source.parts["train"][0], [[3, 4]])
    np.testing.assert_array_equal([source.parts[part][1] for part in ("train", "validation", "test")], [[1], [0], [0]])


def change(file, content):
    return {**TOY, file: content}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (change("labels_py.dat", "7\n9\n"), r"differ in their rows \(3, 2, 3, 3\)"),
        (change("labels_py.dat", ""), "labels_py.dat is missing or empty"),
        ({file: text for file, text in TOY.items() if file != "folds_py.dat"}, "folds_py.dat is missing or empty"),
        (change("toy_set-A_py.dat", "1,2\n3,x\n5,6\n"), "values that are no numbers"),
        (change("toy_set-A_py.dat", "1,2\n3\n5,6\n"), "rows of several lengths"),
        (change("toy_set-A_py.dat", "1,2\n3,nan\n5,6\n"), "values that are not finite"),
        (change("folds_py.dat", "1,0,0\n0,1,0\n0,0,1\n"), "not the right number of columns"),
        (change("folds_py.dat", "1,0,0,0\n0,2,0,0\n0,0,1,1\n"), "folds of 'toy_set-A' are not 0 and 1"),
        (change("folds_py.dat", "1,1,0,0\n0,1,0,0\n0,0,1,1\n"), "or a row is both test and validation"),
    ],
)
def test_files_that_do_not_go_together_are_reported_in_one_line(tmp_path, files, reason):
    pack(tmp_path / uci.ARCHIVE, files)
    with pytest.raises(ValueError, match=rf"uci_39.tar.xz is damaged: .*{reason}.*; fetch it again") as error:
        uci.load("toy_set-A", tmp_path)
    assert "\n" not in str(error.value)


@needs_data
def test_a_damaged_archive_is_named(tmp_path):
    packed = (DATA / "uci" / uci.ARCHIVE).read_bytes()
    damaged = [packed[: len(packed) // 2], packed[:-1], packed[:5], b"", b"no archive" * 100]
    for at in (10, len(packed) // 3, len(packed) - 5000):
        damaged.append(packed[:at] + bytes([packed[at] ^ 4]) + packed[at + 1 :])
    (tmp_path / "uci").mkdir()
    for content in damaged:
        (tmp_path / "uci" / uci.ARCHIVE).write_bytes(content)
        with pytest.raises(ValueError, match=r"uci_39.tar.xz is damaged: it cannot be unpacked; fetch it again"):
            uci.read("wine", tmp_path)
