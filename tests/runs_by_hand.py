"""Run folders made by hand, in a moment: what pages and model cards of runs of every kind are made from."""

import json
import shutil
from pathlib import Path

import numpy as np

import recipes
from recipes.runs.writing import write_json

DIGITS = Path(__file__).parent.parent / "saved_models" / "digits"
# What a stranger calls classes, columns and categories: HTML, quotes, Hebrew, marks of the direction of writing,
# control characters, nothing to see, and a word of 300 characters.
HOSTILE = (
    "<script>document.title = 'broken into'</script>",
    "\"quoted\" & 'quoted' </td></svg>",
    "שלום \u202eevil\u202c",
    "line\nbreak\x1b[2J\x00",
    " ",
    '=HYPERLINK("http://example.com")',
    "x" * 300,
    "<img src=http://example.com/a.png onerror=\"document.title = 'broken into'\">",
)


def images(folder: Path) -> Path:
    """A classification of images: the shipped run on digits, with an analysis."""
    shutil.copytree(DIGITS, folder, ignore=shutil.ignore_patterns("*.png", "manifest.json"))
    report = json.loads((folder / "report.json").read_text())
    losses = report["greatest_losses"][:5]
    rng = np.random.default_rng(0)
    np.savez(folder / "examples.npz", images=rng.integers(0, 256, (len(losses), 8, 8), np.uint8))
    parts = {"train": 1259, "validation": 179, "test": 359}
    named = [
        {"row": row["row"], "label": row["true"], "predicted": row["predicted"], "probability": row["probability"],
         "loss": row["loss"], "is_suspect": number == 0, "values": None}
        for number, row in enumerate(losses)
    ]  # fmt: skip
    analysis = _analysis("error rate", parts) | {"examples": named, "calibration": _calibration(rng)}
    write_json(folder / "report.json", {**report, "analysis": analysis})
    return folder


def table(folder: Path, names=HOSTILE, columns: int = 0) -> Path:
    """A classification of the rows of a table, by the settings of the shipped run.

    Args:
        folder: Folder to be made.
        names: Names of the classes, of the columns and of the categories.
        columns: Number of further columns of numbers.
    """
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(len(names)), 40)
    probability = rng.dirichlet(np.ones(len(names)), len(label))
    probability[np.arange(len(label)), label] += 0.3
    probability /= probability.sum(axis=1, keepdims=True)
    report = recipes.classification_report(label, probability, class_names=tuple(names))
    of_columns = [*names, *(f"column_{number}" for number in range(columns))]
    return _written(
        folder, report.to_dict(), names, analysis_of_table(of_columns, report) | {"calibration": _calibration(rng)}
    )


def regression(folder: Path) -> Path:
    """A regression of the rows of a table."""
    rng = np.random.default_rng(0)
    target = rng.normal(150, 70, 89)
    report = recipes.regression_report(target, target + rng.normal(0, 50, 89))
    analysis = analysis_of_table(["age", "sex", "body mass index", "blood pressure"], report)
    np.savez(folder.parent / "predictions.npz", label=target, predicted=target + rng.normal(0, 50, 89))
    _written(folder, report.to_dict(), None, analysis)
    shutil.move(folder.parent / "predictions.npz", folder / "predictions.npz")
    return folder


def many_classes(folder: Path, classes: int = 1000) -> Path:
    """A classification into many classes, without an analysis."""
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(classes), 3)
    predicted = np.where(rng.random(len(label)) < 0.8, label, rng.integers(0, classes, len(label)))
    names = tuple(f"class {number:04}" for number in range(classes))
    return _written(folder, recipes.classification_report(label, predicted, class_names=names).to_dict(), names, None)


def _written(folder: Path, report: dict, names, analysis: dict | None) -> Path:
    folder.mkdir(parents=True)
    for name in ("model.keras", "recipe.yaml", "history.csv", "record.npz"):
        shutil.copy(DIGITS / name, folder)
    facts = json.loads((DIGITS / "versions.json").read_text())
    write_json(folder / "versions.json", {**facts, "classes": None if names is None else list(names)})
    write_json(folder / "report.json", report if analysis is None else {**report, "analysis": analysis})
    return folder


def analysis_of_table(columns: list[str], report) -> dict:
    """The analysis of a table with these columns, at least two, and a report on it."""
    if isinstance(report, recipes.RegressionReport):
        measure, basis, score, test = "1 - R2", "R2", report.r2, "paired bootstrap"
        example = {"label": 170.0, "predicted": 90.5, "probability": None, "is_suspect": False}
    else:
        measure, basis, score, test = "error rate", "accuracy", report.accuracy, "McNemar"
        first, second = report.class_names[:2]
        example = {"label": first, "predicted": second, "probability": 0.01, "is_suspect": True}
    kinds = ("number", "category", "date")
    described = [
        {"name": name, "kind": kinds[place % 3], "missing": place, "left_out": None}
        for place, name in enumerate(columns)
    ]
    described[1] |= {"missing": None, "left_out": "constant"}
    parts = {"train": 700, "validation": 100, "test": report.rows}
    return _analysis(measure, parts) | {
        "baselines": [
            _baseline("linear model", score - 0.05, 0.05, test),
            _baseline("gradient boosting", score + 0.01, -0.01, test),
        ],
        "groups": [
            {"column": columns[0], "value": value, "rows": 20, "score": 0.5 + place / 20, "interval": [0.4, 0.9]}
            for place, value in enumerate(columns[:8])
        ],
        "importance": [
            {"column": name, "drop": 0.3 / (place + 1), "interval": [0.2 / (place + 1), 0.4 / (place + 1)]}
            for place, name in enumerate(columns[:50])
        ],
        "data": {"parts": parts, "columns": described, "duplicates": {"within train": 3, "train and test": 1}},
        "examples": [
            {"row": row, "loss": 80.0 - row, "values": {name: name for name in columns[:50]}, **example}
            for row in range(3)
        ],
        "basis": {
            "baselines": {"score": basis, "training": 700, "test": report.rows},
            "groups": {"score": basis, "test": report.rows, "fewest_rows": 10},
            "importance": {"score": basis, "test": report.rows, "permutations": 5, "columns": len(columns)},
        },
    }


def _baseline(name: str, score: float, difference: float, test: str) -> dict:
    return {
        "name": name,
        "score": score,
        "interval": [score - 0.05, score + 0.04],
        "difference": difference,
        "difference_interval": [difference - 0.03, difference + 0.03],
        "p_value": 0.04,
        "test": test,
        "seconds": 0.1,
    }


def _analysis(measure: str, parts: dict[str, int]) -> dict:
    test = parts["test"]
    rule = "A label is suspect where another class is more probable."
    return {
        "errors": {"measure": measure, "training": 0.001, "validation": 0.02, "test": 0.03},
        "label_errors": {"rule": rule, "suspects": 1, "rows": test},
        "data": {"parts": parts, "duplicates": {"within train": 0, "train and test": 0}},
        "latency": {
            "one_row_ms": 1.3,
            "thousand_rows_ms": 4.4,
            "parameters": 50826,
            "memory_bytes": 203304,
            "model_bytes": 250317,
        },
        "basis": {"errors": {"training": parts["train"], "validation": parts["validation"], "test": test}},
    }


def _calibration(rng) -> dict:
    confidence = np.linspace(0.2, 0.99, 8)
    bins = [[float(value), float(value - rng.random() / 10), int(rng.integers(5, 60))] for value in confidence]
    return {
        "temperature": 1.4,
        "before": {"ece": 0.061, "log_loss": 0.21, "bins": bins},
        "after": {"ece": 0.012, "log_loss": 0.18, "bins": [[value, value, rows] for value, _, rows in bins]},
    }
