"""What is left of a run when its process is killed, its disk is full, or two processes want one name."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from recipes.disk import manifest
from recipes.runs import writing
from recipes.runs.folder import new_folder
from recipes.runs.stored import Stored

# Overwrites one run again and again; the two files of each run hold the same text. Loads no Keras, so that it is quick.
OVERWRITE = """
import itertools, os, sys
from pathlib import Path
from recipes.disk.lock import LockedError
from recipes.disk.whole import write_text_whole
from recipes.runs.folder import new_folder
assert "keras" not in sys.modules
for number in itertools.count():
    try:
        with new_folder(sys.argv[1], "run", overwrite=True) as folder:
            for name in ("model.keras", "recipe.yaml"):
                write_text_whole(folder / name, f"{os.getpid()} {number}")
    except LockedError:
        continue
    print(number, flush=True)
"""
# Has a child, as a training whose data are loaded by other processes.
HOLD = """
import os, sys
from recipes.runs.folder import new_folder
with new_folder(sys.argv[1], "run") as folder:
    (folder / "model.keras").touch()
    if os.fork() > 0:
        print("began", flush=True)
    sys.stdin.read()
    os._exit(0)
"""


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture
def start():
    """Starts a process, whose pipes are closed at the end, on which its children end."""
    processes = []

    def start(program, output):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen([sys.executable, "-c", program, str(output)], **pipes))
        return processes[-1]

    yield start
    for process in processes:
        process.communicate()


def overwrite(output, text):
    with new_folder(output, "run", overwrite=True) as folder:
        (folder / "model.keras").write_text(text)


def test_at_no_moment_of_overwrites_by_two_processes_that_are_killed_is_there_no_whole_run(tmp_path, start):
    draw = random.Random(0)
    overwrite(tmp_path, "first")
    (tmp_path / "run" / "notes.txt").write_text("of the user")
    processes = [start(OVERWRITE, tmp_path) for _ in range(2)]
    for process in processes:
        process.stdout.readline()
    for kills in range(6):
        end = time.monotonic() + draw.uniform(0.01, 0.1)
        while time.monotonic() < end:
            assert (tmp_path / "run" / "manifest.json").is_file()
        kill(processes[kills % 2])
        if kills < 4:
            processes[kills % 2] = start(OVERWRITE, tmp_path)
    overwrite(tmp_path, "last")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert (tmp_path / "run" / "notes.txt").read_text() == "of the user"
    assert sorted(manifest.read(tmp_path / "run")) == ["model.keras"]


def test_a_living_process_keeps_its_name_and_a_dead_one_gives_it_back(tmp_path, start):
    holder = start(HOLD, tmp_path)
    assert holder.stdout.readline() == "began\n"
    with pytest.raises(FileExistsError, match=f"the process {holder.pid} is working on the run folder .*run: wait"):
        overwrite(tmp_path, "other")
    kill(holder)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".run-unfinished", ".run-unfinished.lock"]
    overwrite(tmp_path, "other")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def stopped_after(name):
    """A function that ends the process once the function `name` of `Path` has been called for a run folder."""
    return f"""
import os, sys
from pathlib import Path
from recipes.disk import manifest
from recipes.runs import folder, leftovers
call = getattr(Path, {name!r})
def stopped(path, *arguments):
    call(path, *arguments)
    if path.name in ("run", ".run-unfinished"):
        os._exit(9)
folder.exchange = lambda *_: False
with folder.new_folder(sys.argv[1], "run", overwrite=True) as new:
    (new / "model.keras").write_text("new")
    setattr(Path, {name!r}, stopped)
"""


def test_a_kill_between_the_two_renames_of_an_overwrite_is_mended_at_the_next_start(tmp_path, start):
    overwrite(tmp_path, "old")
    assert start(stopped_after("rename"), tmp_path).wait() == 9
    assert not (tmp_path / "run").exists()
    with pytest.raises(FileExistsError, match="the run folder .*run exists"), new_folder(tmp_path, "run"):
        pytest.fail("the work began")
    assert (tmp_path / "run" / "model.keras").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_finished_run_whose_process_was_killed_before_it_took_its_name_gets_it_at_the_next_start(tmp_path):
    (tmp_path / ".run-unfinished").mkdir()
    (tmp_path / ".run-unfinished" / "model.keras").write_text("finished")
    manifest.write(tmp_path / ".run-unfinished")
    with new_folder(tmp_path, "other"):
        pass
    assert (tmp_path / "run" / "model.keras").read_text() == "finished"


@pytest.fixture
def largest_file():
    """Sets the size beyond which no file can be written, as on a disk that is full."""
    resource = pytest.importorskip("resource")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_a_model_that_the_disk_does_not_take_leaves_the_checkpoint(tmp_path, save_run, short_recipe, largest_file):
    def train():
        with new_folder(tmp_path, "run") as folder:
            (folder / ".checkpoints").mkdir()
            (folder / ".checkpoints" / "1.json").touch()
            largest_file(5000)
            save_run(folder, short_recipe, "breast_cancer")

    with pytest.raises(OSError, match=r"cannot be saved .*model.keras could not be written: "):
        train()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        ".run-unfinished", ".run-unfinished/.checkpoints", ".run-unfinished/.checkpoints/1.json",
    ]  # fmt: skip


def test_a_manifest_that_the_disk_does_not_take_costs_the_verification_alone(tmp_path, largest_file, monkeypatch):
    monkeypatch.setattr(manifest, "_write", lambda *_: writing.write_json(tmp_path / "none" / "manifest.json", {}))
    with pytest.warns(UserWarning, match="the files of the run cannot be verified later: .*could not be written"):
        overwrite(tmp_path, "new")
    assert Stored(tmp_path / "run").model_file.read_text() == "new"


@pytest.mark.extensive
@pytest.mark.parametrize("output", ["| head -1", "> /dev/full", ">&-", ">&- 2>&-"])
def test_an_output_that_nobody_takes_costs_no_training(tmp_path, output):
    program = f"{sys.executable} -c 'import sys; from recipes.cli import main; sys.exit(main())'"
    command = f"{program} train tabular --data.name iris --output {tmp_path} --name run --fit.epochs 3 {output}"
    subprocess.run(["bash", "-c", command], env={**os.environ, "PYTHONPATH": os.getcwd()}, capture_output=True)
    stored = Stored(tmp_path / "run")
    assert (stored.missing, len(stored.history["loss"]), stored.report.rows) == ((), 3, 30)
    for name in manifest.read(tmp_path / "run"):
        manifest.check(tmp_path / "run" / name)
