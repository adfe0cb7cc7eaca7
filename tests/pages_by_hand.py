"""Run folders written by hand for the page: an analysis with every subject, names that are hostile, many classes."""

import json

import numpy as np

HOSTILE = "<b>\"bold\" & 'x'</b>\x1b[2J\u202e"


def analysis(classes=("a", "b"), columns=("age", "city"), groups=3):
    """An analysis as `train` stores it, with a number of its own in each place."""
    generator = np.random.default_rng(0)

    def draw(*shape):
        return generator.uniform(0.1, 0.9, shape).tolist()

    def interval(value):
        return [value - draw(1)[0] / 10, value + draw(1)[0] / 10]

    rival = {"difference": 0.01234, "difference_interval": [0.00123, 0.02345], "p_value": 0.0432, "test": "McNemar"}
    scored = [{"column": columns[n % len(columns)], "value": f"v{n}", "rows": 10 + n} for n in range(groups)]
    for group in scored:
        (group["score"],) = draw(1)
        group["interval"] = interval(group["score"])
    bins = [[*pair, 17] for pair in draw(4, 2)]
    return {
        "baselines": [
            {"name": "linear model", "score": 0.8123, "interval": [0.7123, 0.8923], "seconds": 0.123, **rival},
            {"name": "gradient boosting", "score": 0.8523, "interval": [0.75, 0.95], "seconds": 1.234, **rival},
        ],
        "errors": {"measure": "error rate", "training": 0.01357, "validation": 0.0642, "test": 0.0531},
        "calibration": {
            "temperature": 1.357,
            "before": {"ece": 0.0234, "log_loss": 0.2345, "bins": bins},
            "after": {"ece": 0.0134, "log_loss": 0.2145, "bins": bins},
        },
        "examples": [
            {
                "row": 12, "label": classes[0], "predicted": classes[1], "probability": 0.0123, "loss": 4.3978,
                "is_suspect": True, "values": dict.fromkeys(columns[:20], "1"),
            }
        ],
        "label_errors": {"rule": "A label is suspect where another is more probable.", "suspects": 3, "rows": 113},
        "groups": scored,
        "importance": [{"column": name, "drop": 0.0123, "interval": [0.0012, 0.0234]} for name in columns[:50]],
        "data": {
            "parts": {"train": 399, "validation": 57, "test": 113},
            "columns": [
                {"name": name, "kind": "number", "missing": 7, "left_out": "constant" if n == 1 else None}
                for n, name in enumerate(columns)
            ],
            "duplicates": {"within train": 2, "train and test": 0},
        },
        "latency": {
            "one_row_ms": 4.567, "thousand_rows_ms": 34.56, "parameters": 1234, "memory_bytes": 4936,
            "model_bytes": 56789,
        },
        "basis": {
            "calibration": {"test": 113},
            "groups": {"score": "accuracy", "test": 113, "fewest_rows": 10},
            "importance": {"score": "accuracy", "test": 113, "left_out": 4},
        },
    }  # fmt: skip


def with_analysis(folder, found):
    """Put an analysis into the report of a run folder, which then has no manifest."""
    (folder / "manifest.json").unlink(missing_ok=True)
    file = folder / "report.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "analysis": found}))


def with_report(folder, report):
    """Put another report into a run folder, with the names of its classes."""
    (folder / "manifest.json").unlink(missing_ok=True)
    (folder / "predictions.npz").unlink(missing_ok=True)
    (folder / "report.json").write_text(json.dumps(report.to_dict()))
    file = folder / "versions.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "classes": list(report.class_names)}))
