"""Calibration before and after a temperature, and the rows that the model found hardest, with their inputs."""

from typing import Any

from recipes.metrics import RegressionReport
from recipes.report.charts import png
from recipes.report.charts.reliability import reliability
from recipes.report.subjects import basis_of, subject
from recipes.runs.stored import Stored

_MOST_VALUES = 8
_MOST_TABLE_ROWS = 6


def calibration(stored: Stored) -> dict[str, Any] | None:
    """How often each confidence came true: from the analysis with a temperature, otherwise from the report alone."""
    found = subject(stored, "calibration")
    if found:
        sides = [
            {
                "title": title,
                "ece": found[side]["ece"],
                "log_loss": found[side]["log_loss"],
                "picture": reliability(f"Share of right answers by confidence, {title}", found[side]["bins"]),
            }
            for side, title in (("before", "as trained"), ("after", "with the temperature"))
        ]
        helps = found["after"]["log_loss"] < found["before"]["log_loss"]
        rows = basis_of(stored, "calibration").get("test")
        return {"temperature": found["temperature"], "helps": helps, "rows": rows, "sides": sides, "chance": None}
    report = stored.report
    if report is None or isinstance(report, RegressionReport) or report.probabilities is None:
        return None
    measured = report.probabilities.calibration
    arrays = (measured.confidence.tolist(), measured.outcome.tolist(), measured.weight.tolist())
    side = {
        "title": "as trained",
        "ece": measured.expected_error,
        "log_loss": report.probabilities.log_loss,
        "picture": reliability("Share of right answers by confidence", list(zip(*arrays, strict=True))),
    }
    return {"temperature": None, "helps": None, "rows": None, "sides": [side], "chance": measured.chance_error}


def greatest_losses(stored: Stored) -> dict[str, Any] | None:
    """The rows with the greatest losses; those of older runs without their inputs."""
    report = stored.report
    cards = [_card(example, place, stored) for place, example in enumerate(subject(stored, "examples") or ())]
    if not cards and report is not None:
        cards = _cards_of_report(report)
    if not cards:
        return None
    most = len(cards) if cards[0]["image"] else _MOST_TABLE_ROWS
    return {
        "cards": cards[:most],
        "more": cards[most:],
        "label_errors": subject(stored, "label_errors"),
        "is_regression": cards[0]["is_regression"],
    }


def _card(example: dict, place: int, stored: Stored) -> dict[str, Any]:
    images = stored.examples["images"] if stored.examples else ()
    values = list((example.get("values") or {}).items())
    return {
        "row": example["row"],
        "true": example["label"],
        "predicted": example["predicted"],
        "probability": example.get("probability"),
        "loss": example.get("loss"),
        "is_suspect": bool(example.get("is_suspect")),
        "image": png.address_of(images[place]) if place < len(images) else None,
        "values": values[:_MOST_VALUES],
        "others": values[_MOST_VALUES:],
        "is_regression": not isinstance(example["label"], str),
    }


def _cards_of_report(report) -> list[dict[str, Any]]:
    empty = {"is_suspect": False, "image": None, "values": [], "others": []}
    if isinstance(report, RegressionReport):
        return [
            {
                **empty, "row": row["row"], "true": row["target"], "predicted": row["predicted"], "probability": None,
                "loss": row["error"], "is_regression": True,
            }
            for row in report.worst
        ]  # fmt: skip
    found = () if report.probabilities is None else report.probabilities.greatest_losses
    return [
        {
            **empty, "row": row.row, "true": row.true, "predicted": row.predicted, "probability": row.probability,
            "loss": row.loss, "is_regression": False,
        }
        for row in found
    ]  # fmt: skip
