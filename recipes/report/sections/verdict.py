"""The verdict: the score of the model with its interval, against trivial and simple models; one sentence first."""

from typing import Any

from markupsafe import Markup

from recipes.metrics import ClassificationReport, RegressionReport
from recipes.report import numbers
from recipes.report.card_scores import scores_of
from recipes.report.charts.marks import limits_of, mark
from recipes.report.subjects import subject
from recipes.report.templating import name
from recipes.runs.stored import Stored

_SIGNIFICANT = 0.05


def verdict(stored: Stored) -> dict[str, Any] | None:
    """Score, rivals and all scores of the report; `None` without a report."""
    report = stored.report
    if report is None:
        return None
    is_regression = isinstance(report, RegressionReport)
    key, title, form = ("r2", "R²", "score") if is_regression else ("accuracy", "Accuracy", "percent")
    score, bounds, trivial = getattr(report, key), report.intervals.get(key), report.baseline.get(key)
    rivals = [{**rival, "kind": "other", "outcome": _outcome(rival)} for rival in subject(stored, "baselines") or ()]
    models = [
        {"name": "this model", "score": score, "interval": bounds, "kind": "ours"},
        *rivals,
        {"name": _trivial_name(report), "score": trivial, "interval": None, "kind": "other"},
    ]
    models = [model for model in models if model["score"] is not None]
    limits = limits_of(value for model in models for value in (model["score"], *(model["interval"] or ())))
    for model in models:
        label = f"{model['name']}: {title} {numbers.FORMS[form](model['score'])}"
        model["mark"] = mark(label, model["score"], model["interval"], limits, kind=model["kind"])
    return {
        "sentence": _sentence(report, score, bounds, trivial, rivals),
        "title": title,
        "form": form,
        "difference_form": "signed" if is_regression else "points",
        "models": models,
        "has_rivals": bool(rivals),
        "lacks_rivals": not rivals and "columns" in (subject(stored, "data") or {}),
        "confidence": report.confidence,
        "scores": scores_of(report),
    }


def _outcome(rival: dict) -> str:
    """What the test says of a simple model beside this one."""
    if rival["p_value"] is None or rival["p_value"] >= _SIGNIFICANT:
        return "no clear difference"
    return "clearly worse" if rival["difference"] > 0 else "clearly better"


def _trivial_name(report) -> str:
    if isinstance(report, ClassificationReport):
        return f"always {report.majority}"
    return "mean of the targets" if isinstance(report, RegressionReport) else "the more frequent answer for each label"


def _sentence(report, score: float, bounds, trivial: float | None, rivals: list[dict]) -> Markup:
    """What the model reaches on test rows, with its interval, beside the trivial prediction and simple models."""
    is_regression = isinstance(report, RegressionReport)
    within = Markup("")
    if shown := numbers.interval(bounds, "percent"):
        within = Markup(" ({} interval: {})").format(numbers.number(report.confidence, "level"), shown)
    what = (
        "explains {} of the variance of the targets on {} test rows{}"
        if is_regression
        else "is right on {} of {} test rows{}"
    )
    reached = Markup(what).format(numbers.number(score, "percent"), numbers.number(report.rows, "count"), within)
    others = []
    if trivial is not None and not is_regression:
        answer = "always answering " if isinstance(report, ClassificationReport) else ""
        whom = name(report.majority) if answer else _trivial_name(report)
        others.append(Markup("{} for {}{}").format(numbers.number(trivial, "percent"), answer, whom))
    for rival in rivals:
        article = "a " if rival["name"].endswith("model") else ""
        value = numbers.number(rival["score"], "percent")
        others.append(Markup("{} for {}{} ({})").format(value, article, rival["name"], rival["outcome"]))
    if not others:
        return Markup("The model {}.").format(reached)
    *first, last = others
    listed = Markup(", ").join(first) + (Markup(" and ") if first else Markup("")) + last
    return Markup("The model {}, against {}.").format(reached, listed)
