"""Reports on classifiers as text: the overall score first, then the errors."""

import math

from recipes.arguments.names import shorten
from recipes.arguments.text_table import table_lines, text_of

# A printed matrix of more classes than this does not fit a terminal.
MOST_PRINTED_CLASSES = 15
# If there are more classes than the first number, as many as the second are printed: those with the lowest F1.
MOST_CLASS_LINES, WORST_CLASS_LINES = 30, 15
MOST_PAIRS = MOST_LOSSES = 5
# Above this, and above twice the error that chance alone would show, a printed report names the remedy.
NOTABLE_CALIBRATION_ERROR = 0.05
TITLES = {
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "matthews_correlation": "Matthews correlation",
    "cohen_kappa": "Cohen's kappa",
    "micro_f1": "micro F1",
    "hamming_loss": "Hamming loss",
    "log_loss": "log loss",
    "brier": "Brier score",
}


def of_classes(report) -> str:
    """The text of a `ClassificationReport`."""
    percent, several = f"{100 * report.confidence:g} %", len(report.class_names) > 1
    low, high = report.intervals["accuracy"]
    weighted = ", weighted" if report.is_weighted else ""
    lines = [
        f"accuracy {report.accuracy:.4f} ({percent}: {low:.4f} to {high:.4f}) on {report.rows:,} rows{weighted}"
        + (f"; the majority class, {report.majority}, would get {report.baseline['accuracy']:.4f}" if several else "")
    ]
    lines += ["", *table_lines(_overall(report, percent, "majority")), "", *_classes(report, percent)]
    if len(report.class_names) <= MOST_PRINTED_CLASSES:
        matrix = [("", *report.class_names)]
        for name, row in zip(report.class_names, report.confusion_matrix.tolist(), strict=True):
            matrix.append((name, *(f"{count:.6g}" if isinstance(count, float) else str(count) for count in row)))
        lines += ["", "confusion matrix (a row: the true class; a column: the predicted one)", *table_lines(matrix)]
    if report.most_confused and len(report.class_names) > 2:
        lines += ["", "most confused"]
        for pair in report.most_confused[:MOST_PAIRS]:
            rows = f"a weight of {pair.rows:.6g}" if weighted else f"{pair.rows:,} row{'s' * (pair.rows != 1)}"
            lines.append(f"  {pair.true} taken for {pair.predicted}: {rows}, {100 * pair.share:.1f} % of {pair.true}")
    lines += _probabilities(report)
    return text_of([*lines, *_undefined(report)])


def of_labels(report) -> str:
    """The text of a `MultiLabelReport`."""
    percent = f"{100 * report.confidence:g} %"
    low, high = report.intervals["accuracy"]
    baseline = report.baseline["accuracy"]
    lines = [
        f"all labels right in {report.accuracy:.4f} ({percent}: {low:.4f} to {high:.4f}) of {report.rows:,} rows"
        + (f"; no label for any row would get {baseline:.4f}" if not math.isnan(baseline) else "")
    ]
    lines += ["", *table_lines(_overall(report, percent, "baseline")), "", *_classes(report, percent)]
    return text_of([*lines, *_probabilities(report), *_undefined(report)])


def _overall(report, percent: str, baseline: str) -> list[tuple[str, ...]]:
    scores = {name: value for name, value in report.overall.items() if name != "accuracy"}
    probabilities = report.probabilities
    if probabilities is not None:
        scores |= {"log_loss": probabilities.log_loss, "brier": probabilities.brier}
    table = [("", "value", percent, baseline)]
    for name, value in scores.items():
        ends = report.intervals.get(name, (math.nan, math.nan))
        between = "-" if math.isnan(ends[0]) else f"{ends[0]:.4f} to {ends[1]:.4f}"
        table.append((TITLES[name], _number(value), between, _number(report.baseline.get(name, math.nan))))
    if probabilities is not None:
        content, chance = probabilities.to_dict(), report.baseline
        for k in probabilities.top_ks:
            table.append((f"top-{k} accuracy", _number(probabilities.top_k(k)), "", _number(chance[f"top_{k}"])))
        # Of two classes there is one area.
        mean = "" if report.confusion_matrix.shape == (2, 2) else "mean "
        for name, title in (("roc_auc", "ROC AUC"), ("average_precision", "average precision")):
            bound = content[f"{name}_bound"]
            off = f"off by at most {bound:.1g}" if bound else ""
            table.append((f"{mean}{title}", _number(content[name]), off, _number(chance[name])))
        error = content["calibration"]
        alone = f"by chance {error['chance_error']:.4f}"
        table.append(("calibration error (ECE)", _number(error["expected_error"]), alone, ""))
        table.append(("  in bins of equal mass", _number(error["expected_error_equal_mass"]), "", ""))
    return table


def _classes(report, percent: str) -> list[str]:
    digits = 2 if report.rows < 1000 else 3
    intervals = report.class_intervals
    last = ["accuracy", *(["ROC AUC"] if report.probabilities is not None else []), "support"]
    header = ("", *(f"{score} {percent}".ljust(8 + 2 * (digits + 2)) for score in ("precision", "recall", "f1")), *last)
    names, lines = list(report.class_names), []
    if len(names) > MOST_CLASS_LINES:
        lines = [f"the {WORST_CLASS_LINES} of {len(names)} classes with the lowest f1"]
        names = sorted(names, key=lambda name: report.classes[name]["f1"])[:WORST_CLASS_LINES]
    table = [header]
    for name in names:
        scores = report.classes[name]
        cells = [_between(scores[score], intervals[name][score], digits) for score in ("precision", "recall", "f1")]
        cells += [_number(scores[score.lower().replace(" ", "_")]) for score in last]
        table.append((name, *cells))
    table.append(("",) * len(header))
    for mean in ("macro", "micro", "weighted"):
        values = getattr(report, mean)
        none = (math.nan, math.nan)
        ends = {"f1": report.intervals.get(f"{mean}_f1", none)}
        cells = [_between(value, ends.get(score, none), digits) for score, value in values.items()]
        table.append((mean, *cells, *("" for _ in last)))
    return lines + table_lines(table)


def _probabilities(report) -> list[str]:
    scores = report.probabilities
    if scores is None:
        return []
    lines = ["", "greatest losses"] if scores.greatest_losses else []
    for row in scores.greatest_losses[:MOST_LOSSES]:
        if isinstance(row.predicted, bool):
            what = f"{row.true} is {'not there' if row.predicted else 'there'} and was given {row.probability:.2g}"
        elif row.true == row.predicted:
            what = f"{row.true}, which was given {row.probability:.2g}"
        else:
            what = f"{row.true} taken for {row.predicted}; {row.true} was given {row.probability:.2g}"
        lines.append(f"  row {row.row:,}: {what} (loss {row.loss:.3g})")
    if scores.clipped_rows:
        clipped = f"{scores.clipped_rows:,} rows gave the truth a probability of 0"
        lines += ["", f"{clipped}: their losses are the greatest that their precision allows"]
    curve = scores.calibration
    if curve.expected_error > max(NOTABLE_CALIBRATION_ERROR, 2 * curve.chance_error):
        lines += [
            "",
            f"The probabilities are off by {curve.expected_error:.2f} on average: recipes.metrics.temperature learns "
            "a correction on validation rows.",
        ]
    return lines


def _undefined(report) -> list[str]:
    lines = []
    for case, names in report.undefined_classes.items():
        scores, reason = case.split(": ")
        lines.append(f"  {scores} of {shorten(names, 10)}: {reason}")
    zeros = "undefined; precision, recall and F1 count as 0 there" if lines else "undefined"
    lines += [f"  {note}" for note in report.undefined if " of class " not in note.split(": ")[0]]
    return ["", zeros, *lines] if lines else []


def _between(value: float, ends: tuple[float, float], digits: int) -> str:
    interval = "" if math.isnan(ends[0]) else f"{ends[0]:.{digits}f}-{ends[1]:.{digits}f}"
    return f"{_number(value)} {interval:<{2 * (digits + 2) + 1}}"


def _number(value) -> str:
    if isinstance(value, int):
        return str(value)
    return "-" if math.isnan(value) else f"{value:.4f}"
