import contextlib
import json
import os
import shutil
from pathlib import Path

import pytest

from recipes.disk import manifest
from recipes.disk.whole import flush, write_text_whole, write_whole


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.txt").write_text("alpha")
    (tmp_path / "b.txt").write_text("beta")
    (tmp_path / ".hidden").touch()
    (tmp_path / ".checkpoints").mkdir()
    manifest.write(tmp_path)
    return tmp_path


def test_the_size_and_the_digest_of_each_file_are_listed(folder):
    alpha = "8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8"  # echo -n alpha | sha256sum
    assert set(manifest.read(folder)) == {"a.txt", "b.txt"}
    assert manifest.read(folder)["a.txt"] == {"bytes": 5, "sha256": alpha}
    (folder / "notes.txt").write_text("of the user")
    for name in ("a.txt", "b.txt", "notes.txt", "nothing.txt"):
        manifest.check(folder / name)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("alp", ValueError, "a.txt is damaged: it is cut off after 3 of 5 bytes"),
        ("alphas", ValueError, "a.txt is damaged: it has 6 bytes instead of 5"),
        ("alphA", ValueError, "a.txt is damaged, or was changed: its SHA-256 is not the one in manifest.json"),
        (None, FileNotFoundError, "a.txt is missing: the manifest.json beside it lists it"),
    ],
)
def test_a_file_that_is_not_as_listed_is_named_with_what_is_wrong(folder, content, error, message):
    (folder / "a.txt").unlink()
    if content is not None:
        (folder / "a.txt").write_text(content)
    with pytest.raises(error, match=message):
        manifest.check(folder / "a.txt")
    manifest.check(folder / "b.txt")


def test_a_manifest_that_is_damaged_is_named_and_one_of_another_program_is_passed_over(folder):
    text = (folder / "manifest.json").read_text()
    entry = json.dumps({"format": json.loads(text)["format"], "files": {"a.txt": {"bytes": "5"}}})
    for damaged in (text[:-3], "", "\0" * 100, "[" * 100_000, entry, entry.replace('"files"', '"none"')):
        (folder / "manifest.json").write_text(damaged)
        with pytest.raises(ValueError, match="manifest.json is damaged"):
            manifest.check(folder / "a.txt")
    for foreign in ("{}", "[]", '{"name": "app", "files": 3}'):
        (folder / "manifest.json").write_text(foreign)
        assert manifest.read(folder) is None
        manifest.check(folder / "a.txt")


def test_a_file_may_be_replaced_and_a_kill_meanwhile_makes_none_look_damaged(folder, tmp_path_factory):
    killed = tmp_path_factory.mktemp("killed") / "run"
    with manifest.changing(folder, ("a.txt", "new.txt", "absent.txt")):
        (folder / "a.txt").write_text("half")
        shutil.copytree(folder, killed)
        write_text_whole(folder / "a.txt", "alpha and omega")
        write_text_whole(folder / "new.txt", "new")
    assert set(manifest.read(folder)) == {"a.txt", "b.txt", "new.txt"}
    for name in ("a.txt", "b.txt", "new.txt"):
        manifest.check(folder / name)
        manifest.check(killed / name)
    (killed / "b.txt").write_text("")
    with pytest.raises(ValueError, match="b.txt is damaged"):
        manifest.check(killed / "b.txt")


def test_an_error_meanwhile_leaves_a_manifest_of_what_is_there(folder):
    with contextlib.suppress(RuntimeError), manifest.changing(folder, ("a.txt", "b.txt")):
        (folder / "a.txt").write_text("other")
        raise RuntimeError
    assert None not in manifest.read(folder).values()
    manifest.check(folder / "a.txt")


def test_a_file_that_another_process_replaces_while_it_is_checked_is_not_damaged(folder, monkeypatch):
    digest = manifest.digest

    def replaced_meanwhile(file):
        monkeypatch.setattr(manifest, "digest", digest)
        with manifest.changing(folder, ("a.txt",)):
            write_text_whole(file, "ALPHA")
        return digest(file)

    monkeypatch.setattr(manifest, "digest", replaced_meanwhile)
    manifest.check(folder / "a.txt")
    assert manifest.digest is digest


def test_a_folder_without_a_manifest_gets_none(tmp_path):
    with manifest.changing(tmp_path, ("a.txt",)):
        (tmp_path / "a.txt").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    manifest.check(tmp_path / "a.txt")


def test_a_file_has_its_name_once_its_bytes_are_on_the_disk(tmp_path, monkeypatch):
    events, fsync, replace = [], os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append("flush"), fsync(descriptor)))
    monkeypatch.setattr(Path, "replace", lambda path, target: (events.append("name"), replace(path, target)))
    write_text_whole(tmp_path / "a.txt", "alpha")
    assert events == ["flush", "name", "flush"]
    flush(tmp_path)


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OSError, match="none/a.txt could not be written: No such file or directory") as error:
        write_whole(tmp_path / "none" / "a.txt", lambda file: file.touch())
    assert error.value.errno == 2


@pytest.mark.parametrize("name", ["digits", "mnist-small"])
def test_the_runs_that_ship_are_as_their_manifests_list_them(name):
    directory = Path(__file__).parent.parent / "saved_models" / name
    listed = manifest.read(directory)
    assert {"model.keras", "recipe.yaml", "versions.json", "report.json"} <= set(listed)
    for file in listed:
        manifest.check(directory / file)
