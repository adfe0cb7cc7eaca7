"""How often the doctor names a fault where there is none: healthy programs and every recipe, seed by seed.

Run: KERAS_RECIPES_DATA=... python benchmarks/doctor_false_alarms.py [NAME ...] [--seeds 3] [--recipe-seeds 5] [--full]

The programs of `healthy_programs` and the recipes of the catalogue, on their own data, train well: every fault that is
named there is a false alarm (notes are free). Each run has a process of its own, and its findings are one line of a
file, so that an interrupted benchmark goes on. Without `--full`, recipes for large data have 6,000 training rows.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PROGRAMS, RECIPES = "programs", "recipes"
# `tabular` is for any table. The weights that `transfer` asks for are not at hand: it takes the shipped body.
MORE_DATA = ("tabular:wine", "tabular:iris", "tabular:diabetes")
LARGE = ("housing", "adult", "mnist-mlp", "mnist-convnet", "mnist-maxout", "mnist-small", "fashion-convnet")
MOST_ROWS = 6000


def program_run(name: str, seed: int) -> dict:
    """Arguments of `diagnose` for a healthy program."""
    from healthy_programs import program

    made = program(name, seed)
    rows = {"x": made.x, "y": made.y, "validation_data": made.validation_data}
    return {"model": made.model, **rows, "epochs": made.epochs, "batch_size": made.batch_size}


def recipe_run(name: str, seed: int, *, full: bool) -> dict:
    """Arguments of `diagnose` for the core of a recipe on its prepared rows."""
    import recipes
    from recipes.training.prepared import Training

    name, _, data = name.partition(":")
    recipe = recipes.get(name)
    if name in LARGE and not full:
        recipe = recipe.replace(data={"train_rows": MOST_ROWS})
    if name == "transfer":
        recipe = recipe.replace(model={"body": "mnist-small"}, data={"image_size": (16, 16), "color": None})
    dataset = recipes.load_dataset(data or recipe.data.name, seed, recipe.data)
    training = Training.of(recipe, dataset, seed=seed)
    x, y = dataset.prepared("train")
    held = dataset.prepared("validation", None if full else MOST_ROWS)
    settings = {"epochs": recipe.fit.epochs, "batch_size": recipe.fit.batch_size}
    return {"model": training.core, "x": x, "y": y, "validation_data": held, **settings}


def diagnosed(kind: str, name: str, seed: int, *, full: bool) -> dict:
    """Findings of the doctor, and the seconds it took."""
    import recipes

    arguments = program_run(name, seed) if kind == PROGRAMS else recipe_run(name, seed, full=full)
    start = time.perf_counter()
    found = recipes.diagnose(**arguments).findings
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "findings": [finding.to_dict() for finding in found]}


def in_fresh_process(kind: str, name: str, seed: int, full: bool) -> dict:
    """The result of one run; an error is a result, too."""
    command = [sys.executable, __file__, "--worker", kind, name, str(seed), *(["--full"] if full else [])]
    done = subprocess.run(command, capture_output=True, text=True)
    result = {"kind": kind, "name": name, "seed": seed, "full": full}
    if done.returncode:
        return {**result, "error": "\n".join(done.stderr.strip().splitlines()[-20:])}
    return {**result, **json.loads(done.stdout.splitlines()[-1])}


def faults(result: dict) -> list[dict]:
    """The findings of severity fault."""
    return [finding for finding in result.get("findings", ()) if finding["severity"] == "fault"]


def row(title: str, results: list[dict]) -> str:
    """One line of the table."""
    alarms = [result for result in results if faults(result)]
    causes = Counter(finding["cause"] for result in alarms for finding in faults(result))
    named = ", ".join(f"{cause} {count}" for cause, count in causes.most_common())
    seconds = [result["seconds"] for result in results if "seconds" in result]
    crashes = sum("error" in result for result in results)
    median, greatest = (f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}") if seconds else ("", "")
    kinds = len({result["name"] for result in results})
    share = f"{len(alarms)} ({len(alarms) / len(results):.1%})"
    return f"| {title} | {kinds} | {len(results)} | {share} | {named} | {crashes} | {median} | {greatest} |"


def table(results: list[dict]) -> str:
    """Runs, false alarms and their causes, of the programs, of the recipes and of both; then every single alarm."""
    lines = [
        "| healthy | kinds | runs | false alarms | causes | crashes | seconds (median) | greatest |",
        "|" + "---|" * 8,
    ]
    groups = {kind: [result for result in results if result["kind"] == kind] for kind in (PROGRAMS, RECIPES)}
    lines += [row(kind, group) for kind, group in groups.items() if group]
    lines.append(row("all", results))
    for result in results:
        for finding in faults(result):
            lines.append(f"{result['name']}, seed {result['seed']}: {finding['cause']}: {finding['sentence']}")
        if "error" in result:
            lines.append(f"{result['name']}, seed {result['seed']}: {result['error'].splitlines()[-1]}")
    return "\n".join(lines)


def names() -> dict[str, str]:
    """Every name, and whether it is a program or a recipe."""
    from healthy_programs import PROGRAMS as FUNCTIONS

    import recipes

    return {**dict.fromkeys(FUNCTIONS, PROGRAMS), **dict.fromkeys((*recipes.names(), *MORE_DATA), RECIPES)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="programs and recipes; default: all")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds for each program")
    parser.add_argument("--recipe-seeds", type=int, default=5, help="number of seeds for each recipe")
    parser.add_argument("--full", action="store_true", help="all rows of the recipes for large data")
    parser.add_argument("--results", type=Path, default=Path("doctor_false_alarms.jsonl"), help="file of finished runs")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        kind, name, seed = arguments.worker
        print("\n" + json.dumps(diagnosed(kind, name, int(seed), full=arguments.full)))
        return
    kinds = names()
    asked = arguments.names or list(kinds)
    if unknown := [name for name in asked if name not in kinds]:
        parser.error(f"unknown names: {', '.join(unknown)}; allowed: {', '.join(kinds)}")
    lines = arguments.results.read_text().splitlines() if arguments.results.exists() else []
    known = {(part["name"], part["seed"], part["full"]): part for part in map(json.loads, lines)}
    counts = {PROGRAMS: arguments.seeds, RECIPES: arguments.recipe_seeds}
    results = []
    # Seed by seed, so that an interrupted benchmark has seen all programs.
    for seed in range(max(counts.values())):
        for name in asked:
            if seed >= counts[kinds[name]]:
                continue
            result = known.get((name, seed, arguments.full))
            if result is None:
                result = in_fresh_process(kinds[name], name, seed, arguments.full)
                with arguments.results.open("a") as file:
                    file.write(json.dumps(result) + "\n")
                print(f"{name}, seed {seed}: {len(faults(result))} faults", file=sys.stderr, flush=True)
            results.append(result)
    print(table(results))


if __name__ == "__main__":
    main()
