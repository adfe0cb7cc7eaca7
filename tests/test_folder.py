import os
from pathlib import Path

import pytest

from recipes.runs.folder import new_folder


def fail_while_writing(output, name):
    with new_folder(output, name, overwrite=True) as folder:
        (folder / "model.keras").write_text("half")
        raise RuntimeError


def test_a_failure_leaves_nothing_behind_and_an_older_run_as_it_was(tmp_path):
    (tmp_path / "runs" / "old").mkdir(parents=True)
    (tmp_path / "runs" / "old" / "model.keras").write_text("old")
    for name, output in (("old", tmp_path / "runs"), ("new", tmp_path / "made" / "deeper")):
        with pytest.raises(RuntimeError):
            fail_while_writing(output, name)
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "runs", "runs/old", "runs/old/model.keras",
    ]  # fmt: skip
    assert (tmp_path / "runs" / "old" / "model.keras").read_text() == "old"


def write_run(output, text, overwrite=True):
    with new_folder(output, "mine", overwrite) as folder:
        (folder / "model.keras").write_text(text)


def test_a_run_is_replaced_only_when_that_is_said(tmp_path):
    write_run(tmp_path, "first")
    write_run(tmp_path, "second")
    assert (tmp_path / "mine" / "model.keras").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    with pytest.raises(FileExistsError, match="the run folder .*mine exists"), new_folder(tmp_path, "mine"):
        pytest.fail("the work began")


def test_what_is_no_run_is_never_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match="mine exists and is no run folder"):
        write_run(tmp_path, "run")
    (tmp_path / "mine" / "thesis.tex").unlink()
    (tmp_path / "mine").rmdir()
    (tmp_path / "mine").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match="mine exists and is no run folder"):
        write_run(tmp_path, "run")


def test_a_run_that_appears_meanwhile_and_this_one_are_both_kept(tmp_path):
    with pytest.raises(FileExistsError, match="has been made meanwhile: this run is in"):
        write_run_during_another(tmp_path)
    assert sorted(path.read_text() for path in tmp_path.glob("*/model.keras")) == ["other", "this"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def write_run_during_another(output):
    with new_folder(output, "mine") as folder:
        (folder / "model.keras").write_text("this")
        write_run(output, "other", overwrite=False)


def test_the_old_run_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    write_run(tmp_path, "old")
    rename = Path.rename

    def failing(path, target):
        if path.name.startswith(".") and not path.name.endswith("-replaced"):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(KeyboardInterrupt):
        write_run(tmp_path, "new")
    assert (tmp_path / "mine" / "model.keras").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_output_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OSError, match="cannot write to the output folder .*file"),
        new_folder(tmp_path / "file", "mine"),
    ):
        pytest.fail("the work began")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused_before_the_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="Permission denied"), new_folder(tmp_path, "mine"):
        pytest.fail("the work began")
