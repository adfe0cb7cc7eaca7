"""Scores of a report for the model card: as the Hub names them, and as a table for people."""

import math

from recipes.metrics import ClassificationReport, MultiLabelReport, RegressionReport

Report = ClassificationReport | MultiLabelReport | RegressionReport

_TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "weighted_f1": "weighted F1",
    "hamming_loss": "Hamming loss",
    "matthews_correlation": "Matthews correlation",
    "cohen_kappa": "Cohen's kappa",
    "log_loss": "log loss",
    "brier": "Brier score",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
    "median_absolute_error": "median absolute error",
    "mean_error": "mean error (target minus prediction)",
    "mse": "MSE",
}
# Our name -> id of the metric on https://huggingface.co/metrics, and its arguments there.
_ON_THE_HUB = {
    "accuracy": ("accuracy", {}),
    "macro_f1": ("f1", {"average": "macro"}),
    "micro_f1": ("f1", {"average": "micro"}),
    "weighted_f1": ("f1", {"average": "weighted"}),
    "matthews_correlation": ("matthews_correlation", {}),
    "roc_auc": ("roc_auc", {}),
    "mae": ("mae", {}),
    "mse": ("mse", {}),
    "r2": ("r_squared", {}),
}


def values_of(report: Report) -> dict[str, float]:
    """Overall scores of a report by name, in the order in which they are shown."""
    if isinstance(report, RegressionReport):
        values = {name: getattr(report, name) for name in _TITLES if hasattr(report, name)}
    else:
        values = dict(report.overall)
        if (scores := report.probabilities) is not None:
            values |= {"log_loss": scores.log_loss, "brier": scores.brier, **scores.mean_ranking}
    return {name: value for name, value in values.items() if name in _TITLES}


def scores_of(report: Report) -> list[tuple[str, float, tuple[float, float] | None, float | None]]:
    """Title, value, interval and value of the trivial prediction of each overall score."""
    return [
        (_title(report, name), value, report.intervals.get(name), report.baseline.get(name))
        for name, value in values_of(report).items()
    ]


def hub_metrics(report: Report) -> list[dict]:
    """Entries of `metrics` in the `model-index` of a model card: those scores that the Hub knows and are defined."""
    entries = []
    for name, value in values_of(report).items():
        if name in _ON_THE_HUB and math.isfinite(value):
            kind, arguments = _ON_THE_HUB[name]
            entry = {"type": kind, "value": value, "name": _title(report, name)}
            entries.append({**entry, "args": dict(arguments)} if arguments else entry)
    return entries


def _title(report: Report, name: str) -> str:
    """Name of a score in words; of the areas, whether it is a mean over classes."""
    is_mean = name in ("roc_auc", "average_precision") and report.confusion_matrix.shape != (2, 2)
    return f"mean {_TITLES[name]}" if is_mean else _TITLES[name]
