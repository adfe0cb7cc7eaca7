import contextlib
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
        (output / "mine").mkdir()
        (output / "mine" / "model.keras").write_text("other")


def test_the_old_run_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    write_run(tmp_path, "old")
    rename = Path.rename

    def failing(path, target):
        if path.name.endswith("-unfinished"):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr("recipes.runs.folder.exchange", lambda *_: False)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", failing)
        with pytest.raises(KeyboardInterrupt):
            write_run(tmp_path, "new")
    assert (tmp_path / "mine" / "model.keras").read_text() == "old"
    write_run(tmp_path, "newer")
    assert (tmp_path / "mine" / "model.keras").read_text() == "newer"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_error_when_a_run_takes_its_name_says_where_it_is_and_one_behind_that_is_mended_later(tmp_path, monkeypatch):
    def fail(*_):
        raise PermissionError(1, "Operation not permitted")

    write_run(tmp_path, "old")
    with monkeypatch.context() as patch:
        patch.setattr("recipes.runs.leftovers.retire", fail)
        write_run(tmp_path, "new")
    assert (tmp_path / "mine" / "model.keras").read_text() == "new"
    monkeypatch.setattr("recipes.runs.folder.exchange", fail)
    with pytest.raises(OSError, match=r"mine cannot be made \(Operation not permitted\): the run is in .*-unfinished"):
        write_run(tmp_path, "newer")
    assert (tmp_path / ".mine-unfinished" / "model.keras").read_text() == "newer"


def test_a_name_that_is_worked_on_is_refused_with_the_process(tmp_path):
    with new_folder(tmp_path, "mine"), pytest.raises(FileExistsError, match="this very process is working on .*mine"):
        write_run(tmp_path, "other")
    write_run(tmp_path, "other")


def stopped_with_checkpoint(output, **kwargs):
    with contextlib.suppress(RuntimeError), new_folder(output, "mine", **kwargs) as folder:
        (folder / ".checkpoints").mkdir()
        (folder / ".checkpoints" / "1.json").write_text("{}")
        raise RuntimeError


def test_a_folder_with_a_checkpoint_outlives_a_failure_until_it_is_resumed_or_discarded(tmp_path):
    stopped_with_checkpoint(tmp_path)
    with pytest.raises(FileExistsError, match="an unfinished training .*`resume` goes on .*`overwrite` discards"):
        write_run(tmp_path, "new", overwrite=False)
    with new_folder(tmp_path, "mine", resume=True) as folder:
        assert (folder / ".checkpoints" / "1.json").exists()
        (folder / "model.keras").write_text("resumed")
    assert [path.name for path in (tmp_path / "mine").glob("*.keras")] == ["model.keras"]
    assert not (tmp_path / "mine" / ".checkpoints").exists()
    stopped_with_checkpoint(tmp_path, overwrite=True)
    with new_folder(tmp_path, "mine", overwrite=True) as folder:
        assert list(folder.iterdir()) == []
        (folder / "model.keras").write_text("overwritten")
    assert (tmp_path / "mine" / "model.keras").read_text() == "overwritten"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_files_that_the_older_run_did_not_write_are_in_the_new_one(tmp_path):
    write_run(tmp_path, "old")
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "mine" / "figures").mkdir()
    (tmp_path / "mine" / "figures" / "a.png").touch()
    (tmp_path / "mine" / "report.txt").touch()
    write_run(tmp_path, "new")
    assert sorted(str(path.relative_to(tmp_path / "mine")) for path in (tmp_path / "mine").rglob("*")) == [
        "figures", "figures/a.png", "manifest.json", "model.keras", "notes.txt", "report.txt.1",
    ]  # fmt: skip
    assert (tmp_path / "mine" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("older", [".mine-0123abcd-replaced", ".mine-overwritten"])
def test_a_run_that_a_killed_overwrite_has_hidden_comes_back(tmp_path, older):
    (tmp_path / older).mkdir()
    (tmp_path / older / "model.keras").write_text("hidden")
    with pytest.raises(FileExistsError, match="the run folder .*mine exists"):
        write_run(tmp_path, "new", overwrite=False)
    assert (tmp_path / "mine" / "model.keras").read_text() == "hidden"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_leftovers_of_dead_processes_are_cleaned_and_nothing_else(tmp_path):
    older = (".mine-0123abcd", ".mine-0123abcd-replaced", ".cafe-0123abcd")
    for name in (".other-unfinished", ".mine-unfinished", *older):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.yaml").touch()
    (tmp_path / ".other-unfinished" / ".0123abcd-model.keras").touch()
    (tmp_path / ".other-unfinished.lock").write_text("1 elsewhere")
    (tmp_path / ".cafe-0123abcd" / "thesis.tex").touch()
    (tmp_path / ".kept-unfinished" / ".checkpoints").mkdir(parents=True)
    (tmp_path / ".kept-unfinished" / ".checkpoints" / "1.json").touch()
    for name in (".mine-0123abcd", ".cafe-0123abcd"):
        os.utime(tmp_path / name, (0, 0))
    write_run(tmp_path, "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cafe-0123abcd", ".kept-unfinished", "mine"]


def test_a_name_that_is_too_long_with_what_is_added_is_refused_before_the_work(tmp_path):
    with pytest.raises(ValueError, match="`name` may have at most 238 bytes here. Received: 240 bytes"):
        with_name(tmp_path / "made", "ä" * 120)
    for name in ("a\0b", ".mine-unfinished", ".mine-0123abcd"):
        with pytest.raises(ValueError, match="`name` must be the name of a folder, and none of an unfinished run"):
            with_name(tmp_path / "made", name)
    assert list(tmp_path.iterdir()) == []
    with_name(tmp_path, "ä" * 119)


def with_name(output, name):
    with new_folder(output, name) as folder:
        (folder / "model.keras").touch()


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


@pytest.mark.parametrize("hidden", [".run-unfinished.lock", ".run-unfinished", ".run-unfinished/.checkpoints"])
def test_nothing_is_written_through_a_link_that_a_stranger_has_left(tmp_path, hidden):
    output, precious = tmp_path / "output", tmp_path / "precious"
    link = output / hidden
    link.parent.mkdir(parents=True)
    if hidden.endswith(".lock"):
        precious.write_text("mine")
    else:
        precious.mkdir()
        (precious / "manifest.json").write_text("mine")
        (precious / "a.json").write_text("mine")
    link.symlink_to(precious)
    with contextlib.ExitStack() as work:
        for resume in (False, True):
            with pytest.raises(OSError, match=r"\.run-unfinished"):
                work.enter_context(new_folder(output, "run", resume=resume))
    with new_folder(output, "another") as folder:
        (folder / "model.keras").touch()
    files = [precious] if precious.is_file() else list(precious.iterdir())
    assert files
    assert {file.read_text() for file in files} == {"mine"}
