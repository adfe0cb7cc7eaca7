"""Files made by chance, read by the public functions: no exception but the documented ones, no hang, little memory.

Run: python benchmarks/fuzz.py [--executions 100000] [--target recipe] [--start 0]

Each input is a function of its target and number (`tests/fuzzing/`), so that a fault is repeated by
`--target NAME --start NUMBER --executions 1`. Every call may take 500 MB more than the process has before it, and 5 s
of processor time; a process that dies or does not go on for a minute is a fault.
"""

import argparse
import collections
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
# Shares of the executions: those of a model, which Keras makes, take longest.
SHARES = {"recipe": 0.3, "table": 0.25, "npz": 0.2, "run_folder": 0.2, "model": 0.05}
MOST_SECONDS, MOST_BYTES, SILENCE = 5, 500 * 2**20, 60
# Arrow's own allocator reserves a gigabyte of addresses at a time, which looks like memory that a call takes.
ENVIRONMENT = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}


class HangError(BaseException):
    """A call that takes too long; no reader takes it for an error of its own."""


def status(field: str) -> int:
    """A size in bytes of this process, from `/proc/self/status`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def where(error: BaseException) -> str:
    """The last place in the package and the last of all that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
    ours = [place for place, frame in zip(places, frames, strict=True) if "/recipes/" in frame.filename]
    return f"{ours[-1] if ours else '-'} <- {places[-1]}"


def work(target: str, start: int, count: int, progress: Path) -> None:
    """Run the executions `start` to `start + count` of a target; write the number of each before it into `progress`."""
    from fuzzing.targets import TARGETS, outcome

    def hang(*_):
        raise HangError

    signal.signal(signal.SIGPROF, hang)
    outcomes, slowest, faults = collections.Counter(), (0.0, -1), collections.Counter()
    file = os.open(progress, os.O_RDWR | os.O_CREAT)
    with tempfile.TemporaryDirectory() as folder:
        execute(TARGETS[target], target, -1, Path(folder), outcome)  # imports whatever is imported at the first call
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)  # of Keras's variables
        before = status("VmHWM")
        for number in range(start, start + count):
            os.pwrite(file, b"%12d" % number, 0)
            begin = time.process_time()
            try:
                outcomes[execute(TARGETS[target], target, number, Path(folder), outcome)] += 1
            except BaseException as error:
                signal.setitimer(signal.ITIMER_PROF, 0)
                if isinstance(error, KeyboardInterrupt):
                    raise
                kind = f"{type(error).__name__} at {where(error)}"
                outcomes[f"FAULT {type(error).__name__}"] += 1
                faults[kind] += 1
                if faults[kind] <= 3:
                    print(f"FAULT {target} {number}: {kind}: {' '.join(str(error).split())[:200]}", flush=True)
            slowest = max(slowest, (time.process_time() - begin, number))
    counts = ", ".join(f"{count:,} {name}" for name, count in outcomes.most_common())
    grown = (status("VmHWM") - before) / 2**20
    print(f"DONE {target} from {start:,}: {counts}; slowest {slowest[0]:.2f} s ({slowest[1]}); memory +{grown:.0f} MB")


def execute(make, target: str, number: int, folder: Path, outcome) -> str:
    """One execution: make the input, read it in bounded time, and remove it."""
    call = make(Random(f"{target} {number}"), folder)
    made = set(os.listdir(folder))
    resource.setrlimit(resource.RLIMIT_DATA, (status("VmData") + MOST_BYTES, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        found = outcome(call)
        signal.setitimer(signal.ITIMER_PROF, 0)
        added = set(os.listdir(folder)) - made
        assert not added, f"files were written: {added}"
        return found
    finally:
        for name in os.listdir(folder):
            os.unlink(folder / name)


def supervise(target: str, start: int, count: int) -> None:
    """Run the executions of a target in processes of 20,000 each; one that dies or hangs is a fault."""
    end = start + count
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "progress"
        while start < end:
            progress.unlink(missing_ok=True)
            part = min(20_000, end - start)
            command = [sys.executable, __file__, "--worker", "--target", target, "--start", str(start)]
            command += ["--executions", str(part), "--progress", str(progress)]
            process = subprocess.Popen(command, env=ENVIRONMENT)
            last, since = None, time.monotonic()
            while process.poll() is None:
                time.sleep(0.2)
                now = progress.read_bytes() if progress.exists() else None
                if now != last:
                    last, since = now, time.monotonic()
                elif time.monotonic() - since > (SILENCE if now else 10 * SILENCE):
                    process.kill()
            if process.returncode == 0:
                start += part
                continue
            if not last:
                sys.exit(f"the process of {target} did not start")
            number = int(last)
            print(f"FAULT {target} {number}: the process ended with {process.returncode}", flush=True)
            start = number + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--target", choices=SHARES)
    parser.add_argument("--start", type=int, default=0, help="number of the first input of each target")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--progress", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.target, arguments.start, arguments.executions, arguments.progress)
        return
    for target in [arguments.target] if arguments.target else SHARES:
        share = 1 if arguments.target else SHARES[target]
        supervise(target, arguments.start, round(share * arguments.executions))


if __name__ == "__main__":
    main()
