"""Reports come back from the plain values that a run folder stores."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import recipes
from recipes import plots
from recipes.metrics import report_from_dict

ROOT = Path(__file__).parent.parent


def reports():
    """One report of each kind, of rows that leave some scores without a value."""
    generator = np.random.default_rng(0)
    truth = generator.integers(3, size=60)
    scores = generator.dirichlet(np.ones(4), size=60)
    weights = generator.random(60)
    two, many = generator.random(60), generator.random((60, 3))
    labels = (many + generator.normal(0, 0.4, many.shape)) > 0.5
    numbers = generator.normal(size=60)
    return {
        "labels": recipes.classification_report(truth, scores.argmax(axis=1)),
        "all right": recipes.classification_report(truth, truth, ["a", "b", "c"]),
        "one class": recipes.classification_report([1, 1], [1, 1]),
        "scores": recipes.classification_report(truth, scores, ["a", "b", "c", "d"], confidence=0.9),
        "weighted": recipes.classification_report(truth, scores, None, weights),
        "two classes": recipes.classification_report(two > 0.4, two),
        "multi-label": recipes.classification_report(labels, labels[::-1]),
        "multi-label scores": recipes.classification_report(labels, many, ["x", "y", "z"]),
        "multi-label weighted": recipes.classification_report(labels, many, None, weights),
        "regression": recipes.regression_report(numbers, numbers + two),
        "one row": recipes.regression_report([1.0], [2.0]),
    }


REPORTS = reports()


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_comes_back_as_it_was(name):
    report = REPORTS[name]
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    back = report_from_dict(content)
    assert type(back) is type(report)
    assert back.to_dict() == content
    assert type(report).from_dict(content).to_dict() == content
    assert str(back) == str(report)
    assert report_from_dict(report.to_dict()).to_dict() == report.to_dict()
    if name == "regression":
        assert back == report
    else:
        assert isinstance(plots.report_figure(back), Figure)


def test_calibration_of_weighted_rows_comes_back_with_their_effective_number():
    for name in ("scores", "weighted", "multi-label weighted"):
        ours, back = (report.probabilities for report in (REPORTS[name], report_from_dict(REPORTS[name].to_dict())))
        assert back.effective_rows == pytest.approx(ours.effective_rows)
        np.testing.assert_array_equal(back.calibration.outcome, ours.calibration.outcome)
        assert back.greatest_losses == ours.greatest_losses


@pytest.mark.parametrize("name", ["digits", "mnist-small", "0.1.0"])
def test_stored_reports_are_read_whole(name):
    if name == "0.1.0":
        with zipfile.ZipFile(ROOT / "tests" / "run_folder_0_1_0.zip") as archive:
            files = [archive.read(f"saved_models/iris/report.{ending}") for ending in ("json", "txt")]
        content, text = (file.decode() for file in files)
    else:
        folder = ROOT / "saved_models" / name
        content, text = ((folder / f"report.{ending}").read_text() for ending in ("json", "txt"))
    report = report_from_dict(json.loads(content))
    assert report.to_dict() == json.loads(content)
    assert text.rstrip("\n").endswith(str(report))


def test_scores_that_an_older_file_lacks_are_computed():
    whole = REPORTS["labels"].to_dict()
    first = ("accuracy", "classes", "macro", "micro", "weighted", "confusion_matrix")
    names = ("precision", "recall", "f1", "accuracy", "support")
    older = {name: whole[name] for name in first}
    older["classes"] = {name: {key: scores[key] for key in names} for name, scores in whole["classes"].items()}
    report = report_from_dict(older)
    assert report.intervals == REPORTS["labels"].intervals
    assert (report.rows, report.undefined) == (60, REPORTS["labels"].undefined)
    assert str(report) == str(REPORTS["labels"])


def test_curves_and_thresholds_need_the_report_itself():
    back = report_from_dict(REPORTS["two classes"].to_dict())
    for plot in (plots.roc_curves, plots.precision_recall_curves):
        with pytest.raises(ValueError, match="must have the number of rows by score.* read from a file"):
            plot(back)
    with pytest.raises(ValueError, match="`bins` must be 'width' for a report that was read from a file"):
        plots.reliability(back, bins="mass")
    with pytest.raises(ValueError, match="a threshold needs the number of rows by score"):
        back.threshold(recall=0.9)
    with pytest.raises(ValueError, match="a threshold needs the number of rows by score"):
        report_from_dict(REPORTS["multi-label scores"].to_dict()).threshold("x")


def without(content, *path):
    content = json.loads(json.dumps(content))
    part = content
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "a report must be a dict with `confusion_matrix` or `mae`. Received: NoneType"),
        ({"loss": 1.0}, "Received: a dict with the keys loss"),
        ({"mae": 1.0}, "no report on a regression as `to_dict` gives it: it lacks 'mean_error'"),
        (without(REPORTS["regression"].to_dict(), "rows"), "it lacks 'rows'"),
        ({**REPORTS["regression"].to_dict(), "worst": [{"row": 1}]}, "it lacks 'error'"),
        ({**REPORTS["regression"].to_dict(), "mae": "low"}, "no report on a regression as `to_dict` gives it, or is"),
        (without(REPORTS["scores"].to_dict(), "classes"), "no report on classes as `to_dict` gives it: it lacks 'cl"),
        (without(REPORTS["scores"].to_dict(), "classes", "a", "f1"), "it lacks 'f1'"),
        (without(REPORTS["scores"].to_dict(), "calibration", "weight"), "it lacks 'weight'"),
        ({**REPORTS["labels"].to_dict(), "confusion_matrix": [[1, 2]]}, "no report on classes .*, or is damaged"),
        ({**REPORTS["labels"].to_dict(), "confusion_matrix": []}, "no report on classes .*, or is damaged"),
        ({**REPORTS["labels"].to_dict(), "classes": ["a"]}, "no report on classes .*, or is damaged"),
        ({**REPORTS["labels"].to_dict(), "intervals": {"accuracy": 1}}, "no report on classes .*, or is damaged"),
        (without(REPORTS["multi-label"].to_dict(), "intervals"), "no report on labels .*, or is damaged"),
        (without(REPORTS["multi-label"].to_dict(), "hamming_loss"), "no report on labels .* it lacks 'hamming_loss'"),
    ],
)  # fmt: skip
def test_damaged_content_is_refused_in_one_sentence(content, message):
    with pytest.raises(ValueError, match=message):
        report_from_dict(content)
