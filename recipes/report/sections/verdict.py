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
    baselines = subject(stored, "baselines") or ()
    if isinstance(report, RegressionReport):
        score, title, form, better = report.r2, "R²", "score", "explains"
        trivial = ("the mean of the targets", report.baseline.get("r2"))
    else:
        score, title, form, better = report.accuracy, "accuracy", "percent", "is right on"
        trivial = (_trivial_name(report), report.baseline.get("accuracy"))
    bounds = report.intervals.get("r2" if isinstance(report, RegressionReport) else "accuracy")
    models = [
        {"name": "this model", "score": score, "interval": bounds, "kind": "ours"},
        *({**rival, "kind": "other"} for rival in baselines),
        {"name": trivial[0], "score": trivial[1], "interval": None, "kind": "other"},
    ]
    models = [model for model in models if model["score"] is not None]
    known = [value for model in models for value in (model["score"], *(model["interval"] or ()))]
    limits = limits_of(known)
    for model in models:
        label = f"{model['name']}: {title} {numbers.FORMS[form](model['score'])}"
        model["mark"] = mark(label, model["score"], model["interval"], limits, kind=model["kind"])
    return {
        "sentence": _sentence(report, score, bounds, trivial, better),
        "against": [_against(rival) for rival in baselines],
        "score": score,
        "bounds": bounds,
        "title": title,
        "form": form,
        "models": models,
        "has_rivals": bool(baselines),
        "confidence": report.confidence,
        "scores": scores_of(report),
    }


def _trivial_name(report) -> str:
    if isinstance(report, ClassificationReport):
        return f"always {report.majority}"
    return "the more frequent answer for each label"


def _sentence(report, score: float, bounds, trivial: tuple[str, float | None], better: str) -> Markup:
    """What the model reaches on test rows, with its interval, beside the trivial prediction."""
    rows = numbers.number(report.rows, "count")
    within = ""
    if shown := numbers.interval(bounds, "percent"):
        level = numbers.number(report.confidence, "level")
        within = Markup(" ({} interval: {})").format(level, shown)
    reached = numbers.number(score, "percent")
    what = Markup("of the variance of the targets on ") if better == "explains" else Markup("of ")
    sentence = Markup("The model {} {} {}{} test rows{}").format(better, reached, what, rows, within)
    if trivial[1] is None:
        return sentence + "."
    if better == "explains":
        return sentence + Markup("; always answering with the mean explains none of it.")
    value = numbers.number(trivial[1], "percent")
    if isinstance(report, ClassificationReport):
        return sentence + Markup("; always answering {} would be right on {}.").format(name(report.majority), value)
    return sentence + Markup("; the more frequent answer for each label would be right on {}.").format(value)


def _against(rival: dict) -> Markup:
    """Whether the model differs from a simple one, in a sentence."""
    p_value, ours = rival["p_value"], rival["difference"]
    is_real = p_value is not None and p_value < _SIGNIFICANT
    words = "is clearly better than" if ours > 0 else "is clearly worse than"
    words = words if is_real else "does not differ clearly from"
    test = Markup("{} p {}").format(rival["test"], numbers.number(p_value, "p"))
    return Markup("It {} a {} trained on the same rows ({}).").format(words, rival["name"], test)
