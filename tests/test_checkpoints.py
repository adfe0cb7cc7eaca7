import hashlib
import json
import os

import ml_dtypes
import numpy as np
import pytest

from recipes.runs.checkpoints import Checkpoints

TREE = {
    "number": 3,
    "nan": float("nan"),
    "text": "ä",
    "nothing": None,
    "list": [1, [np.arange(3), {"deep": np.zeros((2, 0), np.int8)}]],
    "scalar": np.array(2.5, np.float64),
    "half": np.array([1.5, -2], ml_dtypes.bfloat16),
}


def saved(folder, *numbers):
    checkpoints = Checkpoints(folder)
    for number in numbers:
        checkpoints.save({"number": number, "array": np.full(3, number)})
    return checkpoints


def damage(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_what_is_stored_is_read_back(tmp_path):
    Checkpoints(tmp_path).save(TREE)
    read = Checkpoints(tmp_path).latest()
    assert read.keys() == TREE.keys()
    assert np.isnan(read.pop("nan"))
    np.testing.assert_equal(read, {name: value for name, value in TREE.items() if name != "nan"})
    assert read["half"].dtype == ml_dtypes.bfloat16


def test_the_newest_of_two_is_read(tmp_path):
    checkpoints = saved(tmp_path, 1, 2, 3)
    assert len(list(checkpoints.folder.iterdir())) == 4
    assert Checkpoints(tmp_path).latest()["number"] == 3
    checkpoints.discard()
    assert checkpoints.latest() is None


@pytest.mark.parametrize("spoil", ["damage", "cut off", "remove", "manifest"])
def test_where_the_newest_is_damaged_the_one_before_is_read(tmp_path, spoil):
    checkpoints = saved(tmp_path, 1, 2, 3)
    newest = checkpoints.folder / "b.npz"  # the first, the third, ...
    if spoil == "damage":
        damage(newest)
    elif spoil == "cut off":
        newest.write_bytes(newest.read_bytes()[:-100])
    elif spoil == "remove":
        newest.unlink()
    else:
        newest.with_suffix(".json").write_text('{"numb')
    resumed = Checkpoints(tmp_path)
    assert resumed.latest()["number"] == 2
    resumed.save({"number": 4})  # in the place of the damaged one
    damage(checkpoints.folder / "b.npz")
    assert Checkpoints(tmp_path).latest()["number"] == 2


def test_two_damaged_ones_are_an_error(tmp_path):
    checkpoints = saved(tmp_path, 1, 2)
    for file in checkpoints.folder.glob("*.npz"):
        damage(file)
    with pytest.raises(ValueError, match="are damaged: the training has to begin anew"):
        checkpoints.latest()


def test_a_manifest_names_no_file_elsewhere(tmp_path):
    checkpoints = saved(tmp_path / "run", 1)
    content = checkpoints.folder / "b.npz"
    content.rename(tmp_path / "run" / "other.npz")
    manifest = content.with_suffix(".json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "file": "../other.npz"}))
    with pytest.raises(ValueError, match="damaged"):
        checkpoints.latest()


@pytest.mark.parametrize(
    "tree",
    ['{"array": 7, "dtype": "int8"}', '{"array": 0, "dtype": "O"}', '{"list": []}', '{"dict": [1]}', "[" * 9999, "5"],
)
def test_a_checkpoint_of_a_stranger_with_the_right_digest_is_damaged(tmp_path, tree):
    saved(tmp_path, 1)
    file = tmp_path / ".checkpoints" / "b.npz"
    np.savez(file, **{"tree": np.frombuffer(tree.encode(), np.uint8), "0": np.zeros(3)})
    manifest = {"number": 1, "file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    file.with_suffix(".json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="are damaged: the training has to begin anew"):
        Checkpoints(tmp_path).latest()


@pytest.mark.parametrize("value", [object(), {1, 2}, {(1, 2): 3}, np.array([None]), b"bytes", 1j])
def test_values_that_could_not_be_read_back_are_refused_and_the_one_before_stays(tmp_path, value):
    checkpoints = saved(tmp_path, 1, 2)
    with pytest.raises(TypeError, match="plain values and arrays"):
        checkpoints.save({"value": value})
    assert len(list(checkpoints.folder.iterdir())) == 4
    assert Checkpoints(tmp_path).latest()["number"] == 2


@pytest.mark.extensive
def test_a_checkpoint_may_hold_the_arrays_of_the_largest_networks(tmp_path):
    Checkpoints(tmp_path).save({"variables": [np.zeros(1, np.int8)] * 10_001})
    assert len(Checkpoints(tmp_path).latest()["variables"]) == 10_001


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
@pytest.mark.parametrize("text", [None, "[" * 50_000, '{"numb', '{"number": "3"}'])
def test_manifests_that_cannot_be_read_are_damaged_checkpoints(tmp_path, text):
    (tmp_path / ".checkpoints").mkdir()
    manifest = tmp_path / ".checkpoints" / "a.json"
    os.mkfifo(manifest) if text is None else manifest.write_text(text)
    with pytest.raises(ValueError, match="are damaged"):
        Checkpoints(tmp_path).latest()
