"""Rules on the rows: each with a fault that it names and a healthy neighbour of it."""

import dataclasses

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from recipes.doctor.facts.rows import data_facts
from recipes.doctor.rules import inputs, learnable, split, targets
from recipes.doctor.seen import Course, LayerFacts, ModelFacts, Reference, Seen

WINE, WINE_Y = load_wine(return_X_y=True)
STANDARD = (WINE - WINE.mean(axis=0)) / WINE.std(axis=0)
CANCER_Y = load_breast_cancer().target
DIGITS = load_digits()
RNG = np.random.default_rng(0)
RULES = (*inputs.RULES, *targets.RULES, *learnable.RULES, *split.RULES)


def dense(units=1, fan_in=16, activation="linear", **options):
    return LayerFacts(
        name="dense", kind="Dense", activation=activation, units=units, has_kernel=True, fan_in=fan_in,
        kernel_std=0.25, **options,
    )  # fmt: skip


def program(*layers, loss="meansquarederror", **options):
    options = {"optimizer": "Adam", **options}
    return ModelFacts(
        layers=layers or (dense(16, 13, "relu"), dense()), output_layer="dense", output_activation="linear",
        output_shape=(1,), loss=loss, **options,
    )  # fmt: skip


def seen(x, y, validation=None, model=None, *, tokens=False, normalized_inside=False, **options):
    data = data_facts(x, y, validation, tokens=tokens, normalized_inside=normalized_inside)
    return Seen(model=model or program(), data=data, **{"epochs": 10, **options})


def course(score, train_score=None, **options):
    score = np.array(score, float)
    train = score if train_score is None else np.array(train_score, float)
    return Course(watched=None, epochs=len(score) - 1, steps=10, score=score, train_score=train, **options)


HEALTHY = {
    "standardized table": (STANDARD, WINE_Y),
    "iris": (load_iris().data, load_iris().target),
    "digits in 0..1, some columns constant": (DIGITS.data / 16, DIGITS.target),
    "digits as images": (DIGITS.images[..., None] / 16, np.eye(10)[DIGITS.target]),
    "autoencoder": (DIGITS.images / 16, DIGITS.images / 16),
    "words that occur or not": ((RNG.random((300, 60)) < 0.05) * 1.0, RNG.integers(0, 4, 300)),
    "tokens": (RNG.integers(0, 20_000, (200, 30)), RNG.integers(0, 2, 200)),
    "targets of mean 5 and std 3": (RNG.normal(size=(200, 4)), RNG.normal(5, 3, 200)),
    "classes in 80 to 20": (RNG.normal(size=(500, 4)), (np.arange(500) % 5 == 0) * 1.0),
    "XOR": (np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0.0])),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_rows_have_no_fault(name):
    x, y = HEALTHY[name]
    cut = max(4, len(x) * 3 // 4) if len(x) > 4 else None
    order = np.random.default_rng(1).permutation(len(x))
    x, y = x[order], y[order]
    for validation in (None, (x[cut:], y[cut:])) if cut else (None, (x, y)):
        found = seen(x[:cut], y[:cut], validation, tokens=name == "tokens")
        findings = [rule(found) for rule in RULES]
        assert [finding.cause for finding in findings if finding and finding.severity == "fault"] == []


def test_values_that_are_not_finite_are_named_with_their_place():
    x = WINE.astype("float32")
    x[7, 2] = np.nan
    finding = inputs.not_finite(seen(x, WINE_Y))
    assert (finding.cause, finding.severity) == ("input_not_finite", "fault")
    assert "row 7, column 2" in str(finding.evidence[1])
    y = load_diabetes().target.copy()
    y[3] = np.inf
    assert "row 3" in str(inputs.not_finite(seen(load_diabetes().data, y)).evidence[0])
    assert "validation" in inputs.not_finite(seen(WINE, WINE_Y, (x, WINE_Y))).sentence
    assert inputs.not_finite(seen(WINE, WINE_Y)) is None


def test_a_table_of_mostly_constant_columns_is_a_fault_and_one_such_column_a_note():
    blank = STANDARD.copy()
    blank[:, :8] = -1
    finding = inputs.constant_columns(seen(blank, WINE_Y))
    assert (finding.cause, finding.severity) == ("constant_features", "fault")
    blank[:, 1:8] = STANDARD[:, 1:8]
    assert inputs.constant_columns(seen(blank, WINE_Y)).severity == "note"
    assert inputs.constant_columns(seen(DIGITS.data, DIGITS.target)) is None
    assert inputs.constant_columns(seen(np.zeros((20, 8, 8, 1)), WINE_Y[:20])).severity == "fault"


@pytest.mark.parametrize(
    ("x", "severity"),
    [
        (WINE, "note"),
        (load_breast_cancer().data, "note"),
        (DIGITS.images[..., None] * 16.0, "note"),
        (load_diabetes().data, "note"),
        (np.arange(178.0)[:, None] + 15_000, "fault"),
        (np.column_stack([STANDARD, np.arange(178) + 3.2e9]), "fault"),
        (STANDARD, None),
        (DIGITS.data, None),
        ((RNG.random((300, 40)) < 0.01) * 1.0, None),
    ],
)
def test_unscaled_inputs_are_a_note_and_extreme_ones_a_fault(x, severity):
    finding = inputs.unscaled(seen(x, np.arange(len(x)) % 2))
    assert (finding and finding.severity) == severity
    if finding:
        assert finding.cause == "input_unscaled"
        values = {"x": x, "x_val": x, "np": np}
        exec(finding.remedy, values)
        assert inputs.unscaled(seen(values["x"], np.arange(len(x)) % 2)) is None


def test_inputs_that_the_model_scales_itself_and_tokens_are_not_unscaled():
    assert inputs.unscaled(seen(WINE, WINE_Y, normalized_inside=True)) is None
    assert inputs.unscaled(seen(np.arange(900).reshape(90, 10), np.arange(90) % 2, tokens=True)) is None


def test_labels_of_one_value_are_degenerate():
    for y in (np.zeros(50, int), np.eye(3)[[1] * 50], np.full(50, 2.5), np.ones((50, 4))):
        finding = targets.one_value(seen(STANDARD[:50], y))
        assert (finding.cause, finding.severity) == ("degenerate_labels", "fault")
    assert targets.one_value(seen(STANDARD[:50], np.arange(50) == 0)) is None


def test_targets_out_of_reach_are_a_fault_and_others_beyond_ten_a_note():
    x, y = load_diabetes(return_X_y=True)
    linear = program(dense(fan_in=10))
    assert targets.unscaled(seen(x, y, model=linear)).severity == "fault"  # 10 epochs of 14 steps of 0.001
    assert targets.unscaled(seen(x, y, model=linear, epochs=20_000)).severity == "note"
    deep = program(dense(64, 10, "relu"), dense(64, 64, "relu"), dense(fan_in=64))
    assert targets.unscaled(seen(x, y, model=deep, epochs=500)).severity == "note"
    assert targets.unscaled(seen(x, y * 1e9, model=deep, epochs=50)).severity == "fault"
    assert targets.unscaled(seen(x, (y - y.mean()) / y.std(), model=linear)) is None
    # The rates of SGD multiply the targets.
    hidden = program(dense(64, 10, "relu"), dense(fan_in=64), optimizer="SGD", learning_rate=0.01)
    assert targets.unscaled(seen(x, y * 1e4, model=hidden)).severity == "fault"
    assert targets.unscaled(seen(x, y, model=hidden)).severity == "note"
    assert targets.unscaled(seen(x, y * 1e4, model=dataclasses.replace(hidden, clips=True))).severity == "note"


def test_counts_under_a_poisson_loss_are_as_they_should_be():
    assert targets.unscaled(seen(STANDARD, RNG.poisson(40, 178), model=program(loss="poisson"))) is None


def test_a_rare_class_is_a_fault_where_simple_models_find_it_and_the_network_does_not():
    y = np.arange(1000) % 25 == 0
    x = RNG.normal(size=(1000, 4))
    before = seen(x, y)
    assert targets.rare_class(before).severity == "note"
    known = Reference(chance=0.96, linear=0.96, balanced=0.8)
    ended = course([0.96, 0.96], balanced=0.5)
    after = dataclasses.replace(before, course=ended, reference=known)
    assert targets.rare_class(after).severity == "fault"
    assert "class_weight={0:" in targets.rare_class(after).remedy
    for change in (
        {"reference": dataclasses.replace(known, balanced=0.52)},
        {"course": dataclasses.replace(ended, balanced=0.75)},
        {"course": dataclasses.replace(ended, constant_output=True)},
    ):
        assert targets.rare_class(dataclasses.replace(after, **change)).severity == "note"
    weighted = dataclasses.replace(after, model=program(has_class_weight=True))
    assert targets.rare_class(weighted) is None
    assert targets.rare_class(seen(x, np.arange(1000) % 5 == 0)) is None


ROWS = seen(RNG.normal(size=(800, 3)), np.arange(800) % 2, (RNG.normal(size=(400, 3)), np.arange(400) % 2))
GOOD = Reference(chance=0.5, linear=0.9, trees=0.88, neighbors=0.89, permuted=0.5, validation=0.87, margin=0.05)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"linear": 0.52, "trees": 0.5, "neighbors": 0.51}, "training labels are damaged"),
        ({"neighbors": 0.65}, "Many training labels are wrong"),
        ({"linear": 0.5, "trees": 0.52, "validation": 0.51}, "validation labels are damaged"),
        ({}, None),
        ({"neighbors": 0.8}, None),
        ({"linear": 0.51, "trees": 0.52, "neighbors": 0.51, "validation": 0.53}, None),
    ],
)
def test_labels_that_contradict_the_other_part_are_damaged(change, part):
    finding = learnable.damaged_labels(dataclasses.replace(ROWS, reference=dataclasses.replace(GOOD, **change)))
    assert (finding and finding.cause) == (part and "label_corrupted")
    assert part is None or part in finding.sentence


def test_inputs_without_signal_are_a_fault_once_the_network_has_learnt_its_training_rows_only():
    none = dataclasses.replace(GOOD, linear=0.51, trees=0.53, neighbors=0.52, validation=0.5)
    found = dataclasses.replace(ROWS, reference=none, course=course([0.5, 0.52, 0.51], [0.5, 0.7, 0.9]))
    assert learnable.no_signal(found).severity == "fault"
    blocked = dataclasses.replace(found, course=course([0.5, 0.5, 0.5], constant_output=True))
    assert learnable.no_signal(blocked).severity == "note"  # whatever blocks the training may be all there is
    assert learnable.no_signal(dataclasses.replace(found, course=course([0.5, 0.7, 0.8]))) is None
    assert learnable.no_signal(dataclasses.replace(found, reference=GOOD)) is None


def test_validation_rows_among_the_training_rows_are_a_leak_unless_rows_repeat_by_nature():
    finding = split.leaked_rows(seen(STANDARD, WINE_Y, (STANDARD[:60], WINE_Y[:60])))
    assert (finding.cause, finding.severity) == ("validation_leak", "fault")
    assert split.leaked_rows(seen(STANDARD[:118], WINE_Y[:118], (STANDARD[118:], WINE_Y[118:]))) is None
    few = RNG.integers(0, 3, (600, 3))
    assert split.leaked_rows(seen(few[:400], few[:400, 0], (few[400:], few[400:, 0]))) is None


def test_the_sorted_tail_as_validation_rows_is_named():
    finding = split.shifted_targets(seen(STANDARD[:130], WINE_Y[:130], (STANDARD[130:], WINE_Y[130:])))
    assert (finding.cause, finding.severity) == ("validation_shift", "fault")
    assert "sorted" in finding.sentence
    y = np.sort(load_diabetes().target)
    x = load_diabetes().data
    assert split.shifted_targets(seen(x[:350], y[:350], (x[350:], y[350:]))).severity == "fault"
    order = RNG.permutation(178)
    train, held = order[:130], order[130:]
    assert split.shifted_targets(seen(STANDARD[train], WINE_Y[train], (STANDARD[held], WINE_Y[held]))) is None


def test_training_and_validation_inputs_on_different_scales_are_a_fault():
    order = RNG.permutation(178)
    x, y, raw = STANDARD[order], WINE_Y[order], WINE[order]
    finding = split.shifted_inputs(seen(x[:130], y[:130], (raw[130:], y[130:])))
    assert (finding.cause, finding.severity) == ("input_unscaled", "fault")
    assert split.shifted_inputs(seen(raw[:130], y[:130], (raw[130:], y[130:]))) is None
    images = DIGITS.images[..., None]
    pair = (images[1000:], DIGITS.target[1000:])
    assert split.shifted_inputs(seen(images[:1000] / 255, DIGITS.target[:1000], pair)).severity == "fault"
    flat = DIGITS.data
    assert split.shifted_inputs(seen(flat[:1000], DIGITS.target[:1000], (flat[1000:], DIGITS.target[1000:]))) is None
