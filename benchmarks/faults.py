"""Faults injected into the writing of run folders, and what was lost.

Run: python benchmarks/faults.py [--overwrites 3000] [--trainings] [--only FAULT]

Kills are real (SIGKILL, or an exit in the middle of a call), and so are full disks (a small tmpfs, where it can be
mounted), pipes and permissions. `--trainings` adds those that need whole trainings of half a minute each.
"""

import argparse
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from recipes.disk import manifest
from recipes.disk.lock import LockedError
from recipes.disk.whole import write_text_whole
from recipes.runs import files, folder

ROOT = Path(__file__).resolve().parent.parent
FILES = ("model.keras", "recipe.yaml", "versions.json", "history.csv")


def overwrite(output: Path, text: str) -> None:
    """Write a run of small files over an older one, and then its report, as a training does."""
    with folder.new_folder(output, "run", overwrite=True) as unfinished:
        for name in FILES:
            write_text_whole(unfinished / name, text)
    with folder.changing_results(output / "run"):
        write_text_whole(output / "run" / files.REPORT, text)


def overwrite_for_ever(output: Path) -> None:
    """`overwrite`, and print the number of each one that is finished."""
    for number in itertools.count():
        try:
            overwrite(output, f"{os.getpid()} {number}")
        except LockedError:
            continue
        print(number, flush=True)


def is_whole(run: Path) -> bool:
    """Whether a run folder holds all files of one training, as its manifest lists them."""
    listed = manifest.read(run)
    if listed is None or not set(FILES) <= set(listed):
        return False
    for name in listed:
        manifest.check(run / name)
    return len({(run / name).read_text() for name in FILES}) == 1


def killed_overwrites(output: Path, count: int) -> str:
    """Two processes overwrite one run, and each is killed at random moments."""
    draw, done, kills, absent, looks = random.Random(0), 0, 0, 0, 0
    overwrite(output, "first")
    (output / "run" / "notes.txt").write_text("of the user")
    program = [sys.executable, __file__, "--worker", str(output)]
    while done < count:
        workers = [subprocess.Popen(program, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for worker in workers:
            worker.stdout.readline()
        for worker in workers:
            end = time.monotonic() + draw.uniform(0.1, 2.0)
            while time.monotonic() < end:
                looks += 1
                absent += not (output / "run" / files.MODEL).is_file()
                time.sleep(0.0005)
            worker.send_signal(signal.SIGKILL)
        done += sum(1 + len(worker.communicate()[0].splitlines()) for worker in workers)
        kills += len(workers)
        # The run is whole right after the kills, before anything is mended.
        absent += not is_whole(output / "run")
    overwrite(output, "last")
    kept = (output / "run" / "notes.txt").read_text() == "of the user"
    left = sorted(path.name for path in output.iterdir())
    return (
        f"{done:,} overwrites, {kills} kills, {looks:,} looks: {absent} without a whole run, notes kept: {kept}, {left}"
    )


def killed_at_each_step(output: Path, one_step: bool) -> str:
    """One process is stopped after, and another before, each change of a name or removal while it overwrites a run."""
    lost, steps = [], 0
    for number in itertools.count():
        finished = []
        for before in (True, False):
            place = output / f"{number}-{before}"
            place.mkdir()
            overwrite(place, "old")
            (place / "run" / "notes.txt").write_text("of the user")
            child = os.fork()
            if child == 0:
                stop_at(number, before, one_step)
                overwrite(place, "new")
                os._exit(0)
            finished.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0)
            with folder.new_folder(place, "another"):  # the next start
                pass
            if not is_whole(place / "run") or not (place / "run" / "notes.txt").is_file():
                lost.append((number, before))
            if {path.name for path in place.iterdir()} != {"run", "another"}:
                lost.append((number, before, "left-overs"))
            steps += 1
        if all(finished):
            return f"{steps - 2} moments: {len(lost)} runs or notes lost {lost or ''}"


def stop_at(number: int, before: bool, one_step: bool) -> None:
    """End this process as a kill would, before or after its change `number` of the disk."""
    calls = itertools.count()

    def stopping(function):
        def call(*arguments, **kwargs):
            mine = next(calls) == number
            if mine and before:
                os._exit(9)
            result = function(*arguments, **kwargs)
            if mine:
                os._exit(9)
            return result

        return call

    for name in ("rename", "replace", "unlink", "rmdir", "mkdir"):
        setattr(Path, name, stopping(getattr(Path, name)))
    folder.exchange = stopping(folder.exchange) if one_step else lambda *_: False


def full_disk(output: Path) -> str:
    """Runs are written to a disk that is full after ever more bytes."""
    refused, lost, unnamed = 0, 0, 0
    disk = output / "disk"
    disk.mkdir()
    for kilobytes in range(64, 720, 16):
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk], capture_output=True
        )
        if mounted.returncode:
            return "no tmpfs can be mounted here"
        try:
            overwrite(disk, "old")
            try:
                overwrite(disk, "new" * 20_000)
            except OSError as error:
                refused += 1
                unnamed += "could not be written: No space left on device" not in str(error)
            lost += not is_whole(disk / "run")
            lost += {path.name for path in disk.iterdir()} != {"run"}
        finally:
            subprocess.run(["umount", disk], check=True)
    return f"{refused} writes refused, {unnamed} without the name of the file, {lost} runs lost or damaged"


def no_permission(output: Path) -> str:
    """A folder that cannot be written, as seen by a user who is not root."""
    output.chmod(0o755)
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            overwrite(output, "new")
        except OSError as error:
            os._exit(0 if "cannot write to the output folder" in str(error) else 2)
        os._exit(1)
    refused = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return f"refused before the training: {refused}"


def outputs_of_trainings(output: Path) -> str:
    """Trainings whose output is closed, or is a device that is full."""
    program = f"{sys.executable} -c 'import sys; from recipes.cli import main; sys.exit(main())'"
    lost = []
    for number, where in enumerate(("| head -1", "> /dev/full", ">&-", ">&- 2>&-", "2>&1 | head -1")):
        flags = f"--data.name iris --output {output} --name run{number} --fit.epochs 3"
        command = f"{program} train tabular {flags} {where}"
        subprocess.run(["bash", "-c", command], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
        if not is_listed(output / f"run{number}"):
            lost.append(where)
    return f"5 trainings: {len(lost)} lost {lost or ''}"


def full_disk_of_trainings(output: Path) -> str:
    """Whole trainings on disks that are full at some moment, and then, with more space, the command that it names."""
    disk, results = output / "disk", []
    disk.mkdir()
    program = [sys.executable, "-c", "import sys; from recipes.cli import main; sys.exit(main())"]
    flags = ["--data.name", "iris", "--model.widths", "[16]", "--fit.epochs", "3"]
    train = [*program, "train", "tabular", "--output", disk, "--name", "run", *flags]
    for kilobytes in (60, 80, 240):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk]).returncode:
            return "no tmpfs can be mounted here"
        try:
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            error = subprocess.run(train, env=environment, capture_output=True, text=True).stderr.splitlines()[-1:]
            kept = "checkpoint" if any(disk.glob(".run-unfinished/.checkpoints/*.json")) else "nothing"
            kept = "model" if (disk / "run" / files.MODEL).is_file() else kept
            subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
            again = [*program, "evaluate", disk / "run"] if kept == "model" else [*train, "--resume"]
            subprocess.run(again, env=environment, capture_output=True)
            results.append(f"{kilobytes} kB: kept {kept}, afterwards whole: {is_listed(disk / 'run')} {error}")
        finally:
            subprocess.run(["umount", disk], check=True)
    return "; ".join(results)


def is_listed(run: Path) -> bool:
    """Whether a run folder has its report, and all files as its manifest lists them."""
    listed = manifest.read(run) or {}
    for name in listed:
        manifest.check(run / name)
    return {files.MODEL, files.REPORT} <= set(listed)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--overwrites", type=int, default=3000)
    parser.add_argument("--trainings", action="store_true")
    parser.add_argument("--only", default="", help="part of the name of the faults")
    parser.add_argument("--worker", type=Path)
    options = parser.parse_args()
    if options.worker:
        overwrite_for_ever(options.worker)
        return
    faults = {
        "two processes overwrite one run, killed at random moments": lambda out: killed_overwrites(
            out, options.overwrites
        ),
        "kill at each step of an overwrite, folders exchanged": lambda out: killed_at_each_step(out, True),
        "kill at each step of an overwrite, two renames": lambda out: killed_at_each_step(out, False),
        "full disk": full_disk,
        "folder without permission": no_permission,
    }
    if options.trainings:
        faults["output closed, or full"] = outputs_of_trainings
        faults["disk full during a training"] = full_disk_of_trainings
    print("| fault | what was lost |\n|---|---|")
    for name, inject in ((name, inject) for name, inject in faults.items() if options.only in name):
        output = Path(tempfile.mkdtemp())
        try:
            print(f"| {name} | {inject(output)} |", flush=True)
        finally:
            shutil.rmtree(output, ignore_errors=True)


if __name__ == "__main__":
    main()
