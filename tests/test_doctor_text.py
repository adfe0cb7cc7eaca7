import dataclasses
import io
import json
import math

import matplotlib
import numpy as np
import pytest

from callbacks import Record
from recipes.doctor.causes import CAUSES
from recipes.doctor.diagnosis import Diagnosis
from recipes.doctor.finding import Evidence, Finding
from recipes.doctor.seen import Course, DataFacts, InputFacts, ModelFacts, Reference, Seen, TargetFacts
from recipes.doctor.text import LINES, WIDTH, line
from recipes.runs.watched import Watched


def seen(**changes):
    """Facts about a classifier of two classes on a table of four columns."""
    counts = np.array([200, 200])
    targets = TargetFacts(
        form="binary", shape=(), classes=2, distinct=2, counts=counts, low=0, high=1, mean=0.5, std=0.5, is_whole=True
    )
    inputs = InputFacts(
        shape=(4,), kind="table", mean=np.zeros(4), std=np.ones(4), low=np.full(4, -3.0), high=np.full(4, 3.0),
        constant=np.zeros(4, bool),
    )  # fmt: skip
    model = ModelFacts(layers=(), output_layer="output", output_activation="softmax", output_shape=(1,), loss="mse")
    data = DataFacts(rows=400, validation_rows=100, inputs=inputs, targets=targets)
    return Seen(**{"model": model, "data": data, **changes})


def course(**changes):
    watched = Watched({"loss": [1.0, 0.5]}, Record(), 2)
    scores = {"score": np.array([0.5, 0.7, 0.93]), "train_score": np.array([np.nan, 0.72, 0.95])}
    return Course(**{"watched": watched, "epochs": 2, "steps": 13, **scores, **changes})


SOFTMAX = Finding(
    "output_softmax_single_unit",
    "fault",
    "The softmax over the one unit of `output` gives 1 for every row, so that its gradient is 0 and nothing is learnt.",
    (
        Evidence("units of `output`", 1, "at least 2 for a softmax"),
        Evidence("gradient norm of the first step", 0.0, "above 0"),
    ),
    'outputs = keras.layers.Dense(1, activation="sigmoid")(hidden)\nmodel.compile(loss="binary_crossentropy")',
    layer="output",
    consequences=(Finding("vanishing_gradient", "fault", "The gradient of every layer is 0."),),
)
UNSCALED = Finding(
    "input_unscaled",
    "fault",
    "The columns differ in scale by a factor of 1,000.",
    (Evidence("largest standard deviation of a column", 1234.5, "0.1 to 10"),),
    "x = (x - x.mean(axis=0)) / x.std(axis=0)",
    confidence=0.9,
)
CONSTANT = Finding("constant_features", "note", "3 of 4 input columns never change.")


def test_the_root_cause_comes_with_its_evidence_and_its_remedy_and_the_others_in_a_line_each():
    expected = """\
root cause: output_softmax_single_unit, in layer output, certain

The softmax over the one unit of `output` gives 1 for every row, so that its gradient is 0 and
nothing is learnt.

what was seen:
  units of `output`: 1 (expected: at least 2 for a softmax)
  gradient norm of the first step: 0 (expected: above 0)

what to change:
  outputs = keras.layers.Dense(1, activation="sigmoid")(hidden)
  model.compile(loss="binary_crossentropy")

explained by this:
  vanishing_gradient: The gradient of every layer is 0.

also wrong:
  input_unscaled: The columns differ in scale by a factor of 1,000.

worth knowing:
  constant_features: 3 of 4 input columns never change."""
    diagnosis = Diagnosis((SOFTMAX, UNSCALED, CONSTANT), seen(), 0.1)
    assert str(diagnosis) == expected
    assert (diagnosis.root, diagnosis.faults, diagnosis.notes) == (SOFTMAX, (SOFTMAX, UNSCALED), (CONSTANT,))
    assert not diagnosis.is_healthy


def test_a_cause_that_is_not_certain_says_so():
    expected = """\
root cause: input_unscaled, with 90% confidence

The columns differ in scale by a factor of 1,000.

what was seen:
  largest standard deviation of a column: 1,234 (expected: 0.1 to 10)

what to change:
  x = (x - x.mean(axis=0)) / x.std(axis=0)"""
    assert str(Diagnosis((UNSCALED,), seen())) == expected


def test_of_a_healthy_training_it_says_what_was_reached_and_what_others_reach():
    expected = """\
No fault was found.

After 2 epochs, the accuracy on held-out rows is 0.93 (0.95 on training rows); simple models reach
0.92, the best constant prediction 0.5.

Error rate: 5% on training rows, 7% on held-out rows: the avoidable bias is at most 5 percentage
points, the variance 2 percentage points. Neither bias nor variance stands out: both are at most 5.1
percentage points.

worth knowing:
  constant_features: 3 of 4 input columns never change."""
    reference = Reference(chance=0.5, linear=0.9, trees=0.92)
    diagnosis = Diagnosis((CONSTANT,), seen(course=course(), reference=reference))
    assert str(diagnosis) == expected
    assert (diagnosis.is_healthy, diagnosis.root) == (True, None)


def test_bias_and_variance_are_told_apart_with_the_error_of_people_where_it_is_given():
    facts = seen(course=course(score=np.array([0.5, 0.7, 0.8])), human_error=0.02)
    healthy, faulty = Diagnosis((), facts), Diagnosis((UNSCALED,), facts)
    told = " ".join(str(healthy).split())
    assert "5% on training rows, 20% on held-out rows, 2% of people: the avoidable bias is 3 percentage points" in told
    assert "Variance (overfitting): the error on held-out rows is 15 percentage points above" in told
    assert "the variance 15 percentage points." in str(faulty)
    assert "overfitting" not in str(faulty)  # the fault comes first
    assert faulty.bias_variance == healthy.bias_variance
    content = healthy.to_dict()["bias_variance"]
    assert (content["larger"], content["human_error"], content["simple_error"]) == ("variance", 0.02, None)
    assert (content["avoidable_bias"], content["variance"]) == pytest.approx((0.03, 0.15))


def test_without_held_out_rows_nothing_is_said_of_bias_and_variance():
    data = dataclasses.replace(seen().data, validation_rows=0)
    for facts in (seen(), seen(course=course(), data=data), seen(course=course(is_finite=False))):
        assert Diagnosis((), facts).bias_variance is None
        assert Diagnosis((), facts).to_dict()["bias_variance"] is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"course": course(score=np.full(3, np.nan), epochs=1)}, "The model was trained for 1 epoch."),
        ({"course": course(), "reference": Reference(chance=0.5)}, "; the best constant prediction reaches 0.5."),
        ({"course": course(score=np.array([0, 0.8, np.nan]))}, "rows is 0.8 (0.95 on training rows)."),
    ],
)
def test_what_is_not_known_is_left_out(changes, expected):
    text = str(Diagnosis((), seen(**changes)))
    assert text.startswith("No fault was found.")
    assert expected in " ".join(text.split())
    assert "nan" not in text


def test_the_text_is_one_screen_whatever_names_and_numbers_it_has_to_hold():
    evil = "dense\x1b[2J\n" + "w" * 500
    evidence = tuple(Evidence(f"value of {evil}", math.nan, "at most 1") for _ in range(40))
    fault = Finding(
        "bad_init", "fault", f"The layer {evil} is bad.", evidence, "a = 1\nb = 2", evil, 0.5, (CONSTANT,) * 9
    )
    note = Finding("overfit", "note", f"The layer {evil} is odd.")
    lines = str(Diagnosis((fault, *[UNSCALED] * 20, *[note] * 20), seen())).splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH
    assert not any("\x1b" in part for part in lines)
    assert "  a = 1" in lines
    assert "  and 4 more" in lines


def test_the_line_of_a_training_names_the_command_that_tells_more():
    shown = line(SOFTMAX, "saved_models/my run")
    assert shown == f"{SOFTMAX.sentence} `keras-recipes diagnose 'saved_models/my run'` tells more"
    endless = Finding("overfit", "fault", "it is odd" + "\n" + "w " * 999)
    assert line(endless, "evil\nname").startswith("It is odd\\n")
    assert len(line(endless, "evil\nname")) < 300


def test_json_is_strict_and_is_written_whole(tmp_path):
    odd = Finding(
        "overfit", "note", "It is odd.", (Evidence("loss", np.float32(np.inf)), Evidence("rows", np.int64(3)))
    )
    diagnosis = Diagnosis((SOFTMAX, odd), seen(course=course(), reference=Reference(chance=0.5)), 1.5)
    file = diagnosis.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [file.name] == ["diagnosis.json"]

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(file.read_text(), parse_constant=refuse)
    assert content == diagnosis.to_dict()
    assert (content["healthy"], content["root"], content["seconds"]) == (False, "output_softmax_single_unit", 1.5)
    assert content["findings"][0]["consequences"][0]["cause"] == "vanishing_gradient"
    assert [part["value"] for part in content["findings"][1]["evidence"]] == [None, 3]
    assert content["course"]["train_score"] == [None, 0.72, 0.95]
    assert content["reference"]["linear"] is None
    with pytest.raises(OSError, match="could not be written"):
        diagnosis.save(tmp_path / "missing")


def measured_course(**changes):
    """A course whose record holds all that the pictures show, of two layers."""
    both = np.array([[np.nan, np.nan], [0.5, 0.25]])
    fields = ("gradient_norm_mean", "activation_mean", "activation_std", "activation_dead", "activation_saturated")
    record = Record(layers=("dense", "output"), epochs=np.arange(2), **dict.fromkeys(fields, both))
    return course(watched=Watched({"loss": [1.0, 0.5], "val_loss": [1.1, 0.6]}, record, 2), **changes)


FACTS = {
    "no training": seen(),
    "a training": seen(course=measured_course(), reference=Reference(chance=0.5, linear=0.9), trials={"x": course()}),
    "no scores": seen(course=measured_course(score=np.full(3, np.nan))),
    "overflow": seen(course=course(is_finite=False, losses=np.array([1.0, 1e9, np.inf]))),
    "a stored run": Seen(model=seen().model, data=None, course=course()),
}


# One cause of each picture.
PICTURED = (
    "input_unscaled", "output_range_mismatch", "class_imbalance", "lr_too_high", "bad_init", "vanishing_gradient",
    "saturation", "overfit",
)  # fmt: skip


@pytest.mark.parametrize("facts", FACTS)
def test_every_cause_has_a_picture_whatever_is_known(facts):
    causes = CAUSES if facts == "a training" else PICTURED
    for number, cause in enumerate(causes):
        ax = matplotlib.figure.Figure().subplots()
        layer = "$evil^{" if number % 2 else None
        assert Diagnosis((Finding(cause, "fault", "It is bad.", layer=layer),), FACTS[facts]).plot(ax) is ax
        assert cause in ax.get_title()
    ax = matplotlib.figure.Figure().subplots()
    assert Diagnosis((), FACTS[facts]).plot(ax).has_data() == (facts != "no training")
    ax.figure.savefig(io.BytesIO())
