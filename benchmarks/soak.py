"""Whether a training that is killed again and again ends as one that never was.

One process trains without interruption. Then others train the same with `resume=True`, and are killed (SIGKILL) at
random moments; whenever one comes to its end, every file of its run folder is compared with that of the first, byte by
byte, and the next training begins. Where system and backend allow it, processes are forked from one that has imported
the package, which saves most of their time.

    python benchmarks/soak.py [--kills 200] [--recipe digits] [--epochs 8] [--seed 0]
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import recipes
from recipes.runs import files

# With Keras imported, but nothing computed, processes can still be forked.
from recipes.training import recipe_to_run

# What a run holds of its training and its test part; `versions.json` and `manifest.json` hold paths and times.
COMPARED = (files.MODEL, files.HISTORY, files.RECORD, files.ROWS, files.REPORT, files.PREDICTIONS)


def train(recipe: recipes.Recipe, output: Path) -> None:
    """Train in this process, going on with what another has left."""
    recipe_to_run.train(recipe, output=output, name="run", resume=True, pictures=False, verbose=False)


def started(recipe: recipes.Recipe, output: Path) -> int:
    """Number of a new process that trains."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        warnings.simplefilter("ignore")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what TensorFlow says of the processor
        train(recipe, output)
        code = 0
    except BaseException as error:
        print(f"failed: {type(error).__name__}: {error}", flush=True)
    os._exit(code)


def ended(process: int, seconds: float | None = None) -> int | None:
    """Exit status of a process that has ended within `seconds`; `None` where it has not."""
    limit = time.monotonic() + (seconds if seconds is not None else 3600)
    while time.monotonic() < limit:
        number, status = os.waitpid(process, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def place(folder: Path) -> str:
    """Where a killed training stands: what its folder holds."""
    if (folder / "run").is_dir():
        return "the report is missing"
    unfinished = folder / ".run-unfinished"
    manifests = sorted((unfinished / files.CHECKPOINTS).glob("*.json"))
    if not manifests:
        return "before the first checkpoint"
    return "the model is being written" if any(unfinished.glob("*model.keras")) else "between checkpoints"


def soak(recipe: recipes.Recipe, kills: int, seed: int = 0) -> dict:
    """Kill trainings `kills` times; how often, where, and which finished runs differ from one without interruption.

    Args:
        recipe: Recipe to train by.
        kills: Number of kills.
        seed: Seed of the moments.
    """
    moments = random.Random(seed)
    result = {"kills": 0, "places": Counter(), "finished": 0, "different": [], "failed": 0, "left over": []}
    with tempfile.TemporaryDirectory() as folder:
        whole, output = Path(folder, "whole"), Path(folder, "killed")
        start = time.monotonic()
        if ended(started(recipe, whole)) != 0:
            raise RuntimeError("the training without interruption has failed")
        duration = time.monotonic() - start
        expected = {name: (whole / "run" / name).read_bytes() for name in COMPARED}
        lived = []
        while True:
            moment = moments.uniform(0, 1.1 * duration)
            process = started(recipe, output)
            status = ended(process, moment if result["kills"] < kills else None)
            if status is None:
                os.kill(process, signal.SIGKILL)
                ended(process)
                result["kills"] += 1
                result["places"][place(output)] += 1
                lived.append(moment)
                continue
            if status != 0:
                result["failed"] += 1
            else:
                result["finished"] += 1
                found = {name: (output / "run" / name).read_bytes() for name in COMPARED}
                result["different"] += [name for name in COMPARED if found[name] != expected[name]]
                result["left over"] += [entry.name for entry in output.iterdir() if entry.name.endswith("-unfinished")]
            shutil.rmtree(output)
            if result["kills"] >= kills or result["failed"]:
                break
    return {**result, "places": dict(result["places"]), "seconds": duration, "lived": statistics.median(lived)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--recipe", default="digits")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    recipe = recipes.get(arguments.recipe)
    recipe = recipe.replace(fit={"epochs": arguments.epochs, "patience": None, "checkpoint": "7 steps"})
    result = soak(recipe, arguments.kills, arguments.seed)
    print(json.dumps(result, indent=2))
    sys.exit(bool(result["different"] or result["failed"]))


if __name__ == "__main__":
    main()
