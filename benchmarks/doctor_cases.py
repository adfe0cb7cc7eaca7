"""How well the doctor finds the cause of trainings that fail: the labelled programs of `doctor_cases`, in two halves.

Run: KERAS_RECIPES_DATA=... python benchmarks/doctor_cases.py [FOLDER] [--half development|check|both] [--json FILE]
With --callback, `TrainingDoctor` in a `fit` of the model takes the place of `diagnose`.

The thresholds of the rules were chosen on the development half alone; the check half was only ever scored. To keep it
so, single programs are not printed, sums alone; `--show` prints those of the development half. FOLDER has `cases.json`
and `score.py`, which starts a process for every program; by default it is `doctor_cases` beside the data folder.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Places in `cases.json`, counted from 0: about half of every kind of source and of the healthy programs.
CASES = 85
DEVELOPMENT = {*range(15), 16, 35, *range(37, 55), 60, 63, 65, 67, 69, 71, 75, 80}
HALVES = ("development", "check")
# On other programs, so that they show the size of the task and no more: DeepDiagnosis (ICSE 2022), 53 faulty programs
# and 190 healthy models of AUTOTRAINER; DEFault's own run on 52 faulty programs, of which it scores the category.
PUBLISHED = (
    ("DeepDiagnosis", "46 of 53 (87 %)", "", "", "", "70 of 190 (37 %)", "", "14 (median)"),
    ("DEFault", "94 %", "63 % (category)", "", "", "", "", ""),
)
COLUMNS = (
    "programs", "detected", "first cause right", "of these listed", "any cause right", "false alarms", "crashes",
    "seconds (median)",
)  # fmt: skip


def halves(folder: Path) -> dict[str, list[str]]:
    """Ids of the programs of each half."""
    ids = [case["id"] for case in json.loads((folder / "cases.json").read_text())["cases"]]
    if len(ids) != CASES:
        raise ValueError(
            f"{folder}/cases.json must have {CASES} programs, or the halves are others. It has: {len(ids)}"
        )
    split = {half: [] for half in HALVES}
    for place, name in enumerate(ids):
        split[HALVES[place not in DEVELOPMENT]].append(name)
    return split


def results_of(folder: Path, ids: list[str], timeout: float, callback: bool = False) -> list[dict]:
    """What `score.py` finds out about the programs `ids`."""
    package = ["--package", "callback_doctor"] if callback else []
    package += ["--path", str(ROOT / "benchmarks" if callback else ROOT)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    results = []
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "results.json"
        for number, name in enumerate(ids, start=1):
            command = [sys.executable, str(folder / "score.py"), *package, "--ids", name, "--json", str(out)]
            command += ["--timeout", str(timeout)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            results += json.loads(out.read_text())["results"]
            print(f"\r{number} of {len(ids)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def row(name: str, results: list[dict]) -> tuple[str, ...]:
    """The cells of a row of the table."""
    faulty = [result for result in results if result["status"] == "faulty"]
    healthy = [result for result in results if result["status"] == "healthy"]
    keys = ("detected", "root_right", "listed_right", "any_right")
    shares = [_share([result.get(key, False) for result in faulty]) for key in keys]
    alarms = _share([result.get("detected", False) for result in healthy])
    crashes = sum("error" in result for result in results)
    seconds = [result["seconds"] for result in results if "seconds" in result]
    median = f"{statistics.median(seconds):.1f}" if seconds else ""
    return name, *shares, alarms, str(crashes), median


def _share(found: list[bool]) -> str:
    return f"{sum(found)} of {len(found)} ({sum(found) / len(found):.0%})" if found else ""


def listing(results: list[dict]) -> str:
    """One line for each program: whether it is faulty, and the findings."""
    lines = []
    for result in results:
        found = [f"{part['cause']} ({part['severity']})" for part in result.get("findings", [])]
        verdict = "right" if result.get("root_right") else ""
        lines.append(
            f"{result['id']}: {result['status']}, {verdict} {result.get('error', ', '.join(found) or 'nothing')}"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside = Path(os.environ.get("KERAS_RECIPES_DATA", ".")).resolve().parent / "doctor_cases"
    parser.add_argument("folder", nargs="?", type=Path, default=beside)
    parser.add_argument("--half", choices=(*HALVES, "both"), default="both")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one program")
    parser.add_argument("--callback", action="store_true", help="score TrainingDoctor instead of diagnose")
    parser.add_argument("--show", action="store_true", help="print the findings in the development half, too")
    parser.add_argument("--json", type=Path, help="file for the rows of the table, as JSON")
    arguments = parser.parse_args()
    split = halves(arguments.folder)
    chosen = HALVES if arguments.half == "both" else (arguments.half,)
    found = {half: results_of(arguments.folder, split[half], arguments.timeout, arguments.callback) for half in chosen}
    if arguments.show and "development" in found:
        print(listing(found["development"]))
    rows = [row(f"{half} half", results) for half, results in found.items()]
    if arguments.half == "both":
        rows.append(row("all", [result for results in found.values() for result in results]))
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for cells in (*rows, *PUBLISHED):
        print("| " + " | ".join(cells) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps([dict(zip(COLUMNS, cells, strict=True)) for cells in rows], indent=1))


if __name__ == "__main__":
    main()
