"""One page of several runs side by side: verdict, scores, the settings in which they differ, and their courses."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from recipes.metrics import RegressionReport
from recipes.report.card_scores import scores_of
from recipes.report.charts.marks import limits_of, mark
from recipes.report.page import document, is_run_folder
from recipes.report.sections.making import setting_text
from recipes.report.sections.training import loss_chart
from recipes.report.subjects import intact_part, subject
from recipes.runs.stored import Stored

_COSTS = (("one_row_ms", "prediction of one row", "milliseconds"), ("model_bytes", "model file", "size"))


def page_of_several(runs: Sequence[Stored], verdicts: Sequence[str]) -> str:
    """The page of several runs as HTML.

    Args:
        runs: Run folders. What one lacks, or holds damaged, is left empty in its column.
        verdicts: Sentences on which of them is better, as `compare` gives them, or on why they cannot be compared.

    Raises:
        ValueError: If one is no run folder, or is given twice.
    """
    for run in runs:
        if not is_run_folder(run):
            raise ValueError(f"{run} lies in no run folder: there is nothing but the model to show")
    paths = [run.directory.resolve() for run in runs]
    if len(set(paths)) < len(paths):
        raise ValueError(f"the runs must differ. Received: {', '.join(map(str, runs))}")
    names = [path.name for path in paths]
    names = names if len(set(names)) == len(names) else list(map(str, paths))
    reports = [intact_part(run, "report") for run in runs]
    context = {
        "names": names,
        "verdicts": [
            verdict.replace("no ", "No ", 1) if verdict.startswith("no ") else verdict for verdict in verdicts
        ],
        "score": _headline(names, reports),
        "scores": _scores(reports),
        "facts": _facts(runs),
        "settings": _settings(runs),
        "charts": [
            {**chart, "title": name}
            for name, run in zip(names, runs, strict=True)
            if (chart := _course(run)) is not None
        ],
    }
    return document("several.html", ", ".join(names), **context)


def _headline(names: list[str], reports: list) -> dict[str, Any] | None:
    """The first score of each run with its interval, on one scale; `None` where the runs predict different things."""
    kinds = {type(report) for report in reports if report is not None}
    if len(kinds) != 1:
        return None
    is_regression = kinds == {RegressionReport}
    key = "r2" if is_regression else "accuracy"
    rows = [
        {"name": name, "value": getattr(report, key), "interval": report.intervals.get(key), "rows": report.rows}
        for name, report in zip(names, reports, strict=True)
        if report is not None
    ]
    limits = limits_of(value for row in rows for value in (row["value"], *(row["interval"] or ())))
    for row in rows:
        row["mark"] = mark(f"{row['name']}: {row['value']:.4f}", row["value"], row["interval"], limits)
    return {
        "title": "R²" if is_regression else "Accuracy",
        "form": "score" if is_regression else "percent",
        "rows": rows,
    }


def _scores(reports: list) -> list[tuple[str, list[float | None]]]:
    """All scores by title: a value for each run, `None` where its report lacks it."""
    by_run = [{} if report is None else {title: value for title, value, *_ in scores_of(report)} for report in reports]
    titles = dict.fromkeys(title for scores in by_run for title in scores)
    return [(title, [scores.get(title) for scores in by_run]) for title in titles]


def _facts(runs: Sequence[Stored]) -> list[tuple[str, str, list[float | None]]]:
    """Errors by part, epochs and costs by title: the form of the number, and a value for each run."""
    errors = [_subject(run, "errors") for run in runs]
    costs = [_subject(run, "latency") for run in runs]
    epochs = [len(next(iter((intact_part(run, "history") or {}).values()), ())) or None for run in runs]
    rows = [
        *(
            (f"error on {part} rows", "score", [found.get(part) for found in errors])
            for part in ("training", "validation")
        ),
        ("epochs", "count", epochs),
        ("epoch of the weights", "count", [intact_part(run, "kept_epoch") for run in runs]),
        *((title, form, [found.get(key) for found in costs]) for key, title, form in _COSTS),
    ]
    return [row for row in rows if any(value is not None for value in row[2])]


def _subject(run: Stored, name: str) -> dict:
    try:
        found = subject(run, name)
    except (ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _settings(runs: Sequence[Stored]) -> list[tuple[str, list[str]]]:
    """Settings in which the recipes differ, seeds among them: a text for each run."""
    recipes = [intact_part(run, "recipe") for run in runs]
    flat = [{} if recipe is None else _flat(dataclasses.asdict(recipe)) for recipe in recipes]
    seeds = [intact_part(run, "seed") for run in runs]
    rows = [("seed", ["" if seed is None else str(seed) for seed in seeds])]
    names = dict.fromkeys(name for settings in flat for name in settings)
    rows += [(name, [setting_text(found[name]) if name in found else "" for found in flat]) for name in names]
    return [(name, texts) for name, texts in rows if len(set(texts)) > 1]


def _flat(settings: dict) -> dict[str, Any]:
    flat = {}
    for part, values in settings.items():
        flat |= (
            {f"{part}.{name}": value for name, value in values.items()} if isinstance(values, dict) else {part: values}
        )
    return flat


def _course(run: Stored) -> dict[str, Any] | None:
    history = intact_part(run, "history")
    return None if not history else loss_chart(history, intact_part(run, "kept_epoch"))
