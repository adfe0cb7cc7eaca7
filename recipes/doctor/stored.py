"""The diagnosis of a finished run, from what its folder stores: nothing is trained, and no data are read."""

import dataclasses
import os
import shlex
import time
from functools import partial
from pathlib import Path

from recipes.arguments.numbers import require_share
from recipes.disk.whole import write_whole
from recipes.doctor.diagnosis import Diagnosis
from recipes.doctor.facts.run import run_facts
from recipes.doctor.finding import FAULT, Finding
from recipes.doctor.judging import judge
from recipes.doctor.ranking import ranked
from recipes.doctor.rules import course, layers, optimizer, outputs, tasks
from recipes.doctor.rules import run as run_rules
from recipes.report.page import write_page
from recipes.runs import files
from recipes.runs.folder import changing_results
from recipes.runs.run import Run
from recipes.runs.stored import Stored

# Rules whose facts a run folder holds; those of the data and of the initial weights need both.
RULES = tuple(rule for room in (outputs, tasks, optimizer, layers, course, run_rules) for rule in room.RULES)


def diagnose_run(run: Run | Stored | str | os.PathLike, *, human_error: float | None = None) -> Diagnosis:
    """Say what is wrong with a finished training, by its recipe, model, history, record and report.

    Args:
        run: Finished `Run`, or a run folder by its path or as a `Stored`.
        human_error: Error of people on the task, as in `recipes.diagnose`.

    Raises:
        FileNotFoundError: If there is no run folder at that path.
        ValueError: If it is a model file outside a run folder, a file of the run is damaged, or `human_error` is not
            from 0 to 1.
    """
    start = time.monotonic()
    if human_error is not None:
        require_share("human_error", human_error)
    stored = Stored.of(run)
    if not stored.is_run:
        raise ValueError(
            f"{stored} lies in no run folder, which says how it was trained: recipes.diagnose(model, x, y) takes a "
            "model and its rows"
        )
    seen = dataclasses.replace(run_facts(stored), human_error=human_error)
    findings = judge(seen, RULES)
    if not any(finding.severity == FAULT for finding in findings):
        findings += judge(seen, [run_rules.at_chance])
    findings = [_named(finding, stored) for finding in findings]
    return Diagnosis(ranked(findings), seen, time.monotonic() - start)


def _named(finding: Finding, stored: Stored) -> Finding:
    """The finding with the recipe of the run in the commands of its remedy."""
    recipe = shlex.quote(str(stored.directory / files.RECIPE))
    return dataclasses.replace(finding, remedy=finding.remedy.replace(run_rules.RECIPE, recipe))


def keep(diagnosis: Diagnosis, directory: Path) -> None:
    """Write a diagnosis and the picture of its evidence into a run folder, in place of older ones.

    The page of the run, where there is one, is written again, since it shows what the doctor has found.

    Args:
        diagnosis: Diagnosis of that run.
        directory: Run folder.

    Raises:
        FileExistsError: If another process works on the run.
        OSError: If the files cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    diagnosis.plot(figure.subplots())
    with changing_results(directory, (*files.DIAGNOSES, files.PAGE)):
        diagnosis.save(directory)
        write_whole(directory / files.DIAGNOSIS_PICTURE, partial(figure.savefig, dpi=120))
        if (directory / files.PAGE).is_file():
            write_page(Stored(directory))
